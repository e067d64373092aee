"""The page on a saved model, in a real browser: a picture is chosen or dropped, the answer is seen."""

import base64
import os
import signal
import subprocess
import sys

import pytest
from browser.conftest import ROOT
from colours import NAMES, colour_counter, draw, saved

from helpers import page
from helpers.saving import model_card

LURES = """
![](http://elsewhere.example/a.png) <img src="http://elsewhere.example/b.png">
<script>document.title = "taken over"</script> <img src="x" onerror="document.title = 'taken over'">
<link rel="stylesheet" href="http://elsewhere.example/c.css"> <iframe src="http://elsewhere.example/"></iframe>
"""
DRAGGED = """([encoded, name]) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(encoded), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type: "image/png"}));
    return transfer;
}"""
CUT = """[...document.querySelectorAll("h1, p, img, table, #drop, #words, #bars")]
    .filter(one => one.getBoundingClientRect().right > innerWidth).length"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that answers *unknown* below 0.9 and whose card wants things from elsewhere; files to try."""
    folder = tmp_path_factory.mktemp("page")
    card = model_card.path_beside(saved(folder, colour_counter((None, None)), unknown_below=0.9))
    card.write_text(card.read_text() + LURES)
    draw(folder)
    (folder / "large.png").write_bytes(bytes(page.MOST_BYTES + 1))
    return folder


@pytest.fixture(scope="module")
def address(folder):
    """The page, served as the command does it, and ended by SIGTERM."""
    temporary = folder / "temporary"
    temporary.mkdir()
    own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "helpers.page", folder / "model.keras", "--port=0", "--no-browser"]
    process = subprocess.Popen(command, env=os.environ | own, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        yield next(word.strip(",") for word in process.stdout.readline().split() if word.startswith("http:"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130 and not list(temporary.iterdir())
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def opened(address, chromium):
    """The page in the browser; it has asked only its own server for anything, and nothing in it failed."""
    opened = chromium.new_page(viewport={"width": 1280, "height": 720})
    opened.set_default_timeout(30_000)
    asked, refused, broken = [], [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("requestfailed", lambda request: refused.append(request.url) if request.failure == "csp" else None)
    opened.on("pageerror", lambda error: broken.append(str(error)))
    opened.goto(address)
    yield opened
    opened.close()
    assert broken == [] and len(asked) > 20
    assert {url for url in asked if not url.startswith((address, "data:"))} <= set(refused)


def choose(opened, path):
    opened.locator("#drop input[type=file]").set_input_files(path)


def says(opened, text):
    """Wait until the words hold a text; return all of them."""
    return opened.locator("#words", has_text=text).inner_text()


def test_an_answer_with_bars_and_where_it_looked(opened, folder):
    choose(opened, folder / "red.png")
    assert says(opened, "red.png") == f"red.png: {NAMES[2]}, with a probability of 98.6%."
    bars = opened.locator("#bars").inner_text().split("\n")
    assert bars[bars.index(NAMES[2]) + 1] == "99%" and "blue" in bars and "green" in bars
    pictures = opened.locator("#seen img")
    assert [pictures.nth(number).evaluate("one => one.naturalWidth") for number in range(2)] == [32, 32]
    assert pictures.nth(1).get_attribute("alt").startswith("The same picture in grey, coloured up to bright yellow")
    assert opened.locator("#seen figcaption").all_inner_texts() == [
        "as the model sees it",
        f"what speaks for {NAMES[2]}",
    ]
    box = pictures.nth(1).bounding_box()
    assert box["y"] + box["height"] <= 720 and box["x"] + box["width"] <= 1280  # seen without scrolling


def test_dropped_unknown_then_no_picture(opened, folder):
    encoded = base64.b64encode((folder / "grey.png").read_bytes()).decode()
    dragged = opened.evaluate_handle(DRAGGED, [encoded, "dropped.png"])
    opened.locator("#drop button").dispatch_event("drop", {"dataTransfer": dragged})
    words = says(opened, "dropped.png")
    assert words.startswith("dropped.png: unknown. The most probable class is green, 40.") and "90.0%" in words
    assert opened.locator("#seen img").count() == 2
    choose(opened, folder / "text.jpg")
    assert says(opened, "text.jpg").startswith(
        "No answer. text.jpg cannot be used as a picture: holds a web page (HTML)"
    )
    assert opened.locator("#bars").count() == 0


@pytest.mark.parametrize(("name", "words"), [("notes.txt", "Invalid file type"), ("large.png", "maximum allowed size")])
def test_what_is_refused_before_it_is_sent(opened, folder, name, words):
    choose(opened, folder / "red.png")
    opened.locator("#answer").wait_for()
    choose(opened, folder / name)
    opened.get_by_text(words).wait_for()
    assert not opened.locator("#answer").is_visible()  # that of the picture before
    assert opened.locator("#drop input[type=file]").count() == 1  # ready for the next one


def test_the_next_answer_is_seen_again_also_the_same(opened, folder):
    for _ in range(2):
        choose(opened, folder / "notes.txt")
        opened.locator(".asked").wait_for()
        choose(opened, folder / "red.png")
        opened.locator("#answer").wait_for()
        assert opened.locator(".asked").count() == 0


def test_what_it_is_and_the_card_below_in_a_safe_form(opened):
    assert opened.title() == "What model.keras sees" and opened.locator("html").get_attribute("lang") == "en"
    assert opened.locator("h1").all_inner_texts() == ["What does your picture show?", "Model card: Toy"]
    assert "knows 3: blue, green, " + NAMES[2] in opened.locator("h1 + p").first.inner_text()
    assert "Test accuracy 100.0%" in opened.locator("#card").inner_text()
    assert opened.locator("#card script, #card iframe, footer").count() == 0


def test_on_a_phone_nothing_is_cut(opened, folder):
    opened.set_viewport_size({"width": 390, "height": 844})
    choose(opened, folder / "red.png")
    says(opened, "red.png")
    opened.locator("#seen img").first.wait_for()
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390 and opened.evaluate(CUT) == 0
