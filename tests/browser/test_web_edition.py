"""The web edition, built as `make book` builds it, in a real browser: every page whole, reachable and accessible."""

import functools
import http.server
import itertools
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import bs4
import pytest
from axe_playwright_python.sync_playwright import Axe

from helpers.course import quizzes, working_copy

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [path.stem for path in working_copy.course_notebooks()]
OTHERS = ["index", "course", "results", "findings", "GLOSSARY", "run_it", "licences", "search"]
TEACHERS = [path.relative_to(ROOT).with_suffix("").as_posix() for path in sorted((ROOT / "workshop").rglob("*.md"))]
FIRST_PAGE = 1_000_000  # bytes


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The folder of the built pages."""
    to = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "tools.book", "--repository", "someone/course", "--to", str(to)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return to / "html"


@pytest.fixture(scope="module")
def site(html):
    """The address of the built pages."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=html)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Reader:
    """A page of the browser that notes what goes wrong."""

    def __init__(self, browser, site):
        self.page, self.site, self.wrong = browser.new_page(), site, []
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._inside)
        self.page.on("response", self._answered)

    def _said(self, message):
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _inside(self, request):
        if not request.url.startswith((self.site, "data:")):
            self.wrong.append(f"asked elsewhere: {request.url}")

    def _answered(self, response):
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def open(self, name, width=1280, colours="light", media="screen"):
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=colours, media=media)
        self.page.goto(f"{self.site}{name}.html")
        return self.page


@pytest.fixture
def reader(chromium, site):
    opened = Reader(chromium, site)
    yield opened
    opened.page.close()


def violations(page):
    found = Axe().run(page).response["violations"]
    return {each["id"]: [node["html"][:200] for node in each["nodes"]] for each in found}


@pytest.mark.parametrize("name", OTHERS + NOTEBOOKS + TEACHERS)
def test_a_page_is_whole_and_accessible(reader, name):
    page = reader.open(name)
    assert page.locator("h1").count() == 1
    page.wait_for_load_state("networkidle")
    assert reader.wrong == []  # before axe, which looks for imported styles beside the page
    assert violations(page) == {}
    pictures = page.evaluate("[...document.images].map(image => [image.src, image.alt, image.naturalWidth])")
    assert [picture for picture in pictures if not picture[1] or not picture[2]] == []
    reader.open(name, width=390, colours="dark")
    assert violations(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_not_accessible_is_found(reader):
    page = reader.open("index")
    page.evaluate(
        "document.querySelector('article').innerHTML += '<img src=\"_static/file.png\"><table><th></th></table>'"
    )
    assert {"image-alt", "empty-table-header"} <= violations(page).keys()


def test_the_first_page_is_light(reader):
    page = reader.open("index")
    page.wait_for_load_state("networkidle")
    sizes = "performance.getEntriesByType(kind).reduce((sum, each) => sum + each.decodedBodySize, 0)"
    loaded = sum(page.evaluate(f"kind => {sizes}", kind) for kind in ("navigation", "resource"))
    assert 100_000 < loaded < FIRST_PAGE


def test_no_link_is_dead(html):
    pages = {
        path.relative_to(html).as_posix(): bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in html.rglob("*.html")
        if "_static" not in path.parts
    }
    places = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in pages.items()}
    dead = []
    for name, soup in pages.items():
        for tag in soup.find_all(href=True):
            target, place = urldefrag(urljoin(name, tag["href"]))
            if re.match(r"[a-z]+:", target):
                continue
            target = unquote(target.partition("?")[0])
            known = places.get(target, set())
            if not (html / target).is_file() or (place and target in places and unquote(place) not in known):
                dead.append((name, tag["href"]))
    assert len(pages) >= len(OTHERS + NOTEBOOKS + TEACHERS) and dead == []


def test_search_finds_a_term(reader):
    page = reader.open("index")
    page.keyboard.press("Control+k")
    page.keyboard.type("logits")
    page.keyboard.press("Enter")
    for place in ("03_attach_new_head", "GLOSSARY"):
        page.locator(f"#search-results a[href*='{place}']").first.wait_for()


@pytest.mark.parametrize("name", quizzes.NAMES)
def test_a_quiz_answers_without_a_kernel(reader, name):
    page = reader.open(name)
    for number, question in enumerate(quizzes.questions(name)):
        asked = page.locator("article fieldset:has(summary)").nth(number)
        for place, option in enumerate(question.options):
            reason = asked.locator("details p").nth(place)
            assert not reason.is_visible()
            asked.locator("summary").nth(place).press("Enter")
            assert reason.is_visible() and reason.inner_text().startswith("✓" if option.correct else "✗")


def test_solutions_are_folded_and_answers_of_checks_left_out(reader):
    page = reader.open("03_attach_new_head")
    solution = page.locator("pre", has_text="two = keras.layers.Dense(2)(toy(scale(raw)))")
    assert not solution.is_visible()
    page.locator("summary", has_text="Show a solution").first.press("Enter")
    assert solution.is_visible()
    assert "Not yet" not in page.locator("article").inner_text()


def test_a_figure_is_enlarged_and_closed_by_keyboard(reader):
    page = reader.open("03_attach_new_head")
    figure = page.get_by_role("button", name="Enlarge the figure").first
    figure.press("Enter")
    large = page.locator("dialog img")
    assert large.is_visible() and large.get_attribute("alt") == figure.locator("img").get_attribute("alt")
    page.keyboard.press("Escape")
    assert not large.is_visible()
    assert figure.evaluate("button => button === document.activeElement")


@pytest.mark.parametrize("name", ["02_freeze_layers", "03_attach_new_head", "06_fine_tune", "07_compare", "results"])
def test_an_explorer_answers_every_setting(reader, html, name):
    page = reader.open(name)
    explorer = page.locator(".explorer[data-start]")
    known = json.loads(explorer.locator("script").text_content())
    counts = explorer.locator("fieldset, select").evaluate_all(
        "controls => controls.map(control => [control.name || control.querySelector('input').name,"
        " control.querySelectorAll('input, option').length])"
    )
    every = itertools.product(*(range(dict(counts).get(name, 1)) for name in known["names"]))
    start = explorer.get_attribute("data-start").split(",")
    fixed = [None if name in dict(counts) else start[place] for place, name in enumerate(known["names"])]
    keys = {",".join(each or str(place) for each, place in zip(fixed, places, strict=True)) for places in every}
    assert keys == known["answers"].keys() and len(keys) > 4
    assert all((html / answer["picture"]).is_file() and answer["alt"] for answer in known["answers"].values())

    before = explorer.locator(".words").inner_text()
    asked = explorer.locator("fieldset").last.locator("input:not(:checked)").first
    asked.check()
    after = explorer.locator(".words").inner_text()
    image = explorer.locator("img")
    assert after != before and image.evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert reader.wrong == [] and violations(page) == {}


def test_on_paper_only_the_text_is_left(reader):
    page = reader.open("07_compare", width=700, media="print")
    assert page.locator("h1").is_visible()
    for gone in (".bd-header", ".bd-sidebar-primary", ".prev-next-area", ".explorer form"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_every_notebook_can_be_run_elsewhere(html):
    for name in NOTEBOOKS:
        soup = bs4.BeautifulSoup((html / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        links = {tag.get_text(): tag["href"] for tag in soup.article.find_all("a")}
        assert f"/someone/course/blob/colab/notebooks/{name}.ipynb" in links["Colab"]
        assert f"/someone/course/main?urlpath=lab/tree/my_course/{name}.ipynb" in links["Binder"]
        assert (html / links["download the notebook"]).read_bytes() == (
            working_copy.COURSE / f"{name}.ipynb"
        ).read_bytes()
