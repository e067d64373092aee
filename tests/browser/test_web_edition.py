"""The web edition, built as `make book` builds it, in a real browser: every page whole, reachable and accessible."""

import functools
import http.server
import itertools
import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
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


def search(page, words):
    """Return the links that the search finds, the best first."""
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.locator(".search-summary", has_text="Search finished").wait_for()
    return page.locator("#search-results li > a")


@pytest.mark.parametrize(
    "words, places",
    [
        ("logits", ["GLOSSARY.html#word-logits", "03_attach_new_head.html#choose-logits-or-softmax"]),
        ("learning rate", ["GLOSSARY.html#word-learning-rate"]),
        ("kernel", ["GLOSSARY.html#word-kernel-of-a-layer", "GLOSSARY.html#word-kernel-of-a-notebook"]),
        ("install", ["run_it.html"]),
        ("colab", ["run_it.html", "00_start_here.html"]),
        ("freeze some", ["02_freeze_layers.html#freeze-some-layers"]),
        ("learning rates", ["GLOSSARY.html#word-learning-rate"]),
        ("kernels", ["GLOSSARY.html#word-kernel-of-a-layer", "GLOSSARY.html#word-kernel-of-a-notebook"]),
        ("trunk", ["GLOSSARY.html#word-base"]),
        ("photos", ["10_your_own_images.html"]),
        ("my own photos", ["10_your_own_images.html"]),
        ("save model", ["11_hand_it_over.html#save-one-file-and-write-a-card"]),
        ("preprocess_input", ["01_load_vgg16.html#preprocess-as-the-weights-expect-once"]),
        ("GlobalAveragePooling2D", ["GLOSSARY.html#word-global-average-pooling"]),
        ("neural network", ["00_start_here.html"]),
    ],
)
def test_search_finds_first_what_is_meant(reader, words, places):
    found = search(reader.open("index"), words)
    first = [link.get_attribute("href") for link in found.all()[:3]]
    assert set(places) <= set(first), first
    assert words != "save model" or "Save one file" in found.first.inner_text()
    links = [link.get_attribute("href") for link in found.all()]
    assert len(links) == len(set(links))


def test_the_places_that_the_search_knows_by_other_names_exist(html):
    table = (ROOT / "book/scorer.js").read_text(encoding="utf-8").partition("ABOUT = [")[2].partition("];")[0]
    places = re.findall(r'"([^"]+)"\],', table)
    assert len(places) >= 5
    for place in places:
        page, _, name = place.partition("#")
        soup = bs4.BeautifulSoup((html / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
        assert not name or soup.find(id=name), place


def test_a_word_that_is_there_in_another_form_is_marked(reader):
    page = reader.open("index")
    search(page, "photos")
    page.locator('#search-results a[href="run_it.html"]').click()
    page.wait_for_url("**run_it.html")
    page.locator("article .highlighted").first.wait_for()
    page.wait_for_function("scrollY > 0")
    marks = page.locator("article .highlighted")
    assert any(0 < mark.bounding_box()["y"] < 900 and mark.inner_text() == "photo" for mark in marks.all())


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("words, address", [("logits", "#word-logits"), ("windows", "run_it.html")])
def test_a_result_of_the_search_leads_to_the_words(reader, words, address, colours):
    page = reader.open("index", colours=colours)
    search(page, words).first.click()
    page.wait_for_url(f"**{address}")
    sought = page.locator(address if address.startswith("#") else "article .highlighted").first
    sought.wait_for()
    page.wait_for_function("scrollY > 0")
    bar = page.locator(".bd-header").bounding_box()
    box = sought.bounding_box()
    assert bar["height"] <= box["y"] < 900 - box["height"] and words in sought.inner_text().lower()
    assert reader.wrong == [] and violations(page) == {}


def test_code_is_copied_and_outputs_have_no_button(reader):
    page = reader.open("03_attach_new_head")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = page.locator("article .cell_input pre").first
    button = page.get_by_role("button", name="Copy to clipboard").first
    assert button.evaluate("button => getComputedStyle(button).opacity") == "0"
    button.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.wait_for_function("getComputedStyle(document.activeElement).opacity === '1'")
    assert button.evaluate("button => button === document.activeElement")
    assert violations(page) == {}
    page.keyboard.press("Enter")
    page.locator(".copybtn.success").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").strip() == code.inner_text().strip()
    assert page.locator(".copybtn").count() >= page.locator("article .cell_input pre").count() > 10
    assert page.locator(".cell_output .copybtn").count() == 0 < page.locator(".cell_output pre").count()
    page.emulate_media(media="print")
    assert page.locator(".copybtn:visible").count() == 0


def test_folds_are_open_on_paper(reader):
    page = reader.open("03_attach_new_head")
    folds = page.locator("article details")
    folds.nth(1).evaluate("fold => { fold.open = true }")
    before = folds.evaluate_all("folds => folds.map(fold => fold.open)")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folds.evaluate_all("folds => folds.map(fold => fold.open)") == before and set(before) == {True, False}


@pytest.mark.parametrize("name", ["05_train_the_head", "workshop/half_day"])
def test_paper_is_light_where_the_screen_is_dark(reader, name):
    page = reader.open(name, colours="dark")
    colours = (
        "[...document.querySelectorAll('body, article p, td, pre span')].map(part => getComputedStyle(part).color)"
    )
    dark = page.evaluate(colours)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    printed = page.evaluate(colours)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.evaluate(colours) == dark != printed
    assert reader.open(name, colours="light").evaluate(colours) == printed


@pytest.mark.parametrize("name", ["workshop/half_day", "workshop/two_days", "run_it", "results"])
def test_tables_are_whole_on_a_sheet_of_paper(reader, name):
    page = reader.open(name, width=718, media="print")  # A4 with margins of 1 cm
    measured = (
        "tables => tables.map(table => [table.getBoundingClientRect().right, table.scrollWidth, table.clientWidth])"
    )
    tables = page.locator("article table").evaluate_all(measured)
    assert tables and all(right <= 718 and whole <= shown for right, whole, shown in tables), tables
    boxes = page.locator("article :is(.pst-scrollable-table-container, .wide)")
    assert boxes.evaluate_all("boxes => boxes.every(box => box.scrollWidth <= box.clientWidth)")


def test_a_line_of_code_fits_between_the_sidebars(reader):
    pre = reader.open("05_train_the_head").locator("article .cell_input pre").first
    fitting = """pre => {
      pre.textContent = "x".repeat(88);
      return [pre.scrollWidth, pre.clientWidth, document.querySelector(".bd-sidebar-primary").clientWidth];
    }"""
    whole, shown, sidebar = pre.evaluate(fitting)
    assert whole <= shown and sidebar > 200


def test_the_questions_of_a_quiz_are_as_large_as_their_options(reader):
    page = reader.open("05_train_the_head")
    size = "part => getComputedStyle(part).fontSize"
    assert page.locator("fieldset legend").first.evaluate(size) == page.locator("fieldset summary").first.evaluate(size)


def test_the_focus_of_a_fold_is_inside_it(reader):
    page = reader.open("05_train_the_head")
    fold = page.locator("details.hide summary").first
    fold.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert fold.evaluate("fold => [document.activeElement === fold, getComputedStyle(fold).outlineOffset]") == [
        True,
        "-3px",
    ]


def test_where_nothing_hovers_the_copy_button_is_above_the_code(chromium, site):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{site}05_train_the_head.html")
    cell = page.locator("article .highlight:has(.copybtn)").first
    button = cell.locator(".copybtn").bounding_box()
    pre = cell.locator("pre")
    above = pre.bounding_box()["y"] + float(pre.evaluate("pre => parseFloat(getComputedStyle(pre).paddingTop)"))
    assert button["y"] + button["height"] <= above
    context.close()


def test_notebooks_have_their_numbers_where_one_chooses_a_page(reader):
    page = reader.open("05_train_the_head")
    listed = page.locator(".bd-sidebar-primary .toctree-l1 > a").all_inner_texts()
    assert [each[:2] for each in listed] == [name[:2] for name in NOTEBOOKS]
    assert [each[:2] for each in page.locator(".prev-next-title").all_inner_texts()] == ["04", "06"]
    assert page.locator(".bd-footer").inner_text().strip() == "Text and figures: CC BY 4.0; code: MIT."


def test_a_finger_finds_the_links_that_run_a_notebook(reader):
    page = reader.open("03_attach_new_head", width=390)
    boxes = [link.bounding_box() for link in page.locator(".ways a").all()]
    assert len(boxes) == 5 and all(box["height"] >= 24 and box["width"] >= 24 for box in boxes)


@pytest.mark.parametrize("name", ["index", "03_attach_new_head", "results", "findings", "GLOSSARY"])
@pytest.mark.parametrize("width", [1280, 640])
def test_letters_of_twice_the_size_fit(reader, name, width):
    page = reader.open(name, width=width)
    page.add_style_tag(content="html { font-size: 200% !important; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.locator("article :is(p, li, h1, h2, h3, code):not(pre *, table *, .wide *)").evaluate_all(
        "parts => parts.filter(part => part.getBoundingClientRect().right > innerWidth).map(part => part.outerHTML)"
    )
    assert beyond == []
    bar, title = (page.locator(part).first.bounding_box() for part in (".bd-header", "h1"))
    assert bar["y"] + bar["height"] <= title["y"]


def test_a_browser_with_large_letters_gives_the_text_its_width(chromium, site):
    path, flags = shutil.which("chromium"), ["--no-sandbox", "--blink-settings=defaultFontSize=32"]
    large = chromium.browser_type.launch(executable_path=path, args=flags)
    page = large.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site}03_attach_new_head.html")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
    assert page.locator("article").bounding_box()["width"] > 700
    assert page.locator(".bd-sidebar-secondary").is_visible()
    large.close()


def test_teachers_get_slides_and_copies_without_solutions(html, reader):
    page = reader.open("workshop/README")
    assert page.get_by_role("link", name="The slides").get_attribute("href") == "../slides.html"
    assert page.get_by_role("link", name="The learners' copies").get_attribute("href") == "../handouts.zip"
    assert "Print" in page.locator("article").inner_text()
    with zipfile.ZipFile(html / "handouts.zip") as archive:
        copies = [name for name in archive.namelist() if name.endswith(".ipynb")]
        assert not [name for name in archive.namelist() if name.endswith(".lock")]
        assert sorted(copies) == [f"learners/{name}.ipynb" for name in NOTEBOOKS]
        tags = {tag for name in copies for cell in json.loads(archive.read(name))["cells"] for tag in tags_of(cell)}
    assert "exercise" in tags and not {"solution", "claims"} & tags
    page.get_by_role("link", name="The slides").click()
    assert page.locator("section").count() > 10


def in_sight(page):
    """Return the names of the slides whose middle is on the screen."""
    return page.locator("section").evaluate_all(
        "slides => slides.filter(slide => Math.abs(slide.getBoundingClientRect().top) < innerHeight / 2)"
        ".map(slide => slide.id)"
    )


def test_a_slide_is_reached_by_its_number(reader):
    page = reader.open("slides")
    numbers = page.locator("section").evaluate_all("slides => slides.map(slide => slide.id)")
    asked = next(name for name in numbers if name.endswith("-question"))
    plain = next(name for name in reversed(numbers) if f"{name}-question" not in numbers)
    for name in (plain, asked):
        page.keyboard.type(name.split("-")[1])
        page.keyboard.press("Enter")
        assert in_sight(page) == [name] and page.url.endswith(f"#{name}")
    page.keyboard.press("ArrowRight")
    assert in_sight(page) == [asked.removesuffix("-question")]
    page.keyboard.type("999")
    page.keyboard.press("Enter")
    assert in_sight(page) == [asked.removesuffix("-question")]
    page.evaluate(f"location.hash = '{plain}'")
    page.wait_for_function("Math.abs(document.querySelector(location.hash).getBoundingClientRect().top) < 5")
    page.goto("about:blank")
    page.goto(f"{reader.site}slides.html#{asked}")
    assert in_sight(page) == [asked]


def test_outputs_on_slides_are_whole_beside_the_notes(reader):
    page = reader.open("slides")
    page.set_viewport_size({"width": 1024, "height": 768})
    page.keyboard.press("n")
    cut = page.locator("pre").evaluate_all(
        "all => all.filter(pre => pre.scrollHeight > pre.clientHeight || pre.scrollWidth > pre.clientWidth)"
        ".map(pre => pre.closest('section').id)"
    )
    assert page.locator(".note").first.is_visible() and cut == []


def tags_of(cell):
    return cell["metadata"].get("tags", [])


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


@pytest.mark.parametrize("name", ["00_start_here", "02_freeze_layers", "05_train_the_head"])
def test_a_figure_is_larger_when_enlarged_on_a_phone(reader, name):
    page = reader.open(name, width=390, colours="dark")
    for figure in page.locator("button.enlarge").all():
        before = figure.locator("img").bounding_box()["width"]
        figure.press("Enter")
        large = page.locator("dialog img")
        assert large.bounding_box()["width"] > 1.5 * before
        assert large.evaluate("image => getComputedStyle(image).filter") == "none"
        assert page.locator("dialog.enlarged").bounding_box()["width"] <= 390
        page.keyboard.press("Escape")


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

    above = explorer.locator("xpath=ancestor::section[1]/div[.//form]/preceding-sibling::p").all_inner_texts()
    assert "kernel" not in "\n".join(above) and (above or name == "results")

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
