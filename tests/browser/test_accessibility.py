"""What a learner meets in a real JupyterLab, judged by axe-core and worked by keyboard alone.

All rules that axe runs by default are counted, inside the outputs of the cells only: JupyterLab's own frame has
violations that are not the course's.
"""

import time

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from helpers.course import quizzes
from tools.lab import Notebook

SET_UP = """
import pathlib, types
import keras, numpy as np, pandas as pd
import matplotlib.pyplot as plt
from helpers import certificate, checks, doctor, export, machine, model_card, pictures, plots, quizzes, results
from helpers import session, widgets

session.start()
NAMES = ["cat", "deer", "dog"]
labels = np.arange(9) % 3
shares = np.full((9, 3), 0.1)
shares[np.arange(9), (labels + (labels == np.arange(9) // 3)) % 3] = 0.8
photographs = np.random.default_rng(1).uniform(0, 255, (9, 32, 32, 3)).astype("float32")
features = np.eye(3, 6, dtype="float32")[labels] + np.linspace(0, 1, 54, dtype="float32").reshape(9, 6)
base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
taps = keras.Model(base.input, base.get_layer("block1_pool").output)
inputs = keras.Input((32, 32, 3))
maps = keras.layers.Conv2D(3, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(inputs))
toy = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(maps)))
toy.compile("adam", keras.losses.SparseCategoricalCrossentropy())
counts = pd.DataFrame(1, pd.Index(NAMES, name="class"), ["train", "validation", "test"])
data = types.SimpleNamespace(name="noise", class_names=NAMES, counts=lambda: counts)
said = {"name": "Toy", "training": "None.", "intended_use": "A test.", "limits": "All else."}
card = model_card.describe(data, [0, 1, 2], [0, 1, 2], **said)
path = export.save(toy, pathlib.Path("noise.keras"), NAMES, card)
folder = pathlib.Path("noise")
for place, pixels in enumerate(photographs):
    (folder / NAMES[place % 3]).mkdir(parents=True, exist_ok=True)
    keras.utils.save_img(folder / NAMES[place % 3] / f"{place}.png", pixels)
(folder / "cat" / "none.jpg").write_text("no picture")
runs = widgets.stored_rates()
"""
# Each explorer: what shows it, one of its controls, the keys that change it, and what it then says.
EXPLORERS = {
    "freeze": ("widgets.freeze_explorer(base)", "Frozen up to", ["ArrowLeft"], "Trains: block5, head"),
    "maps": ("widgets.feature_map_explorer(taps, photographs[:2])", "Picture", ["ArrowDown"], "turns picture 2 into"),
    "head": ("widgets.head_designer(base, pictures=25)", "Hidden units", ["ArrowUp", "ArrowUp"], "larger than your"),
    "playground": ("widgets.training_playground([features, labels], [features, labels])", "Train", ["Enter"], "Adam, "),
    "mistakes": (
        "widgets.mistake_explorer(photographs, labels, shares, NAMES)",
        "true deer, predicted deer: 2",
        ["Space"],
        "rightly called deer: 2 pictures",
    ),
    "rates": (
        "widgets.rate_explorer(runs['histories'], runs['before'], runs['validation_pictures'])",
        "Learning rate",
        ["End"],
        "It diverged",
    ),
    "decision": ("widgets.decision_helper(results.read())", "CPU budget", ["Home"], "No method fits this budget"),
    "upload": ("widgets.upload_pictures('mine')", "Add to the folder", ["Enter"], "This setting did not work"),
    "try": ("widgets.try_model(path, folder)", "Places for", ["ArrowDown", "ArrowDown"], "What speaks for deer"),
}
OTHERS = {
    "quiz": "quizzes.show('02_freeze_layers')",
    "blank": "checks.read_a_stack(...)",
    "wrong": "checks.read_a_stack((1, 2, 3, 4))\nchecks.read_a_stack((1, 2, 3, 4))",
    "right": "checks.read_a_stack((20, 35, 40, 24040))",
    "progress": "checks.progress()",
    "machine": "machine.table()",
    "certificate": "certificate.compare(certificate.take(toy), certificate.take(toy))",
    "table without names": "pd.DataFrame({'share': [0.5, 0.25]})",
    "doctor": "doctor.diagnose(toy, (photographs / 255, labels))",
    "folder": "pictures.examine(folder)",
    "figure": "plt.plot([1, 2])\nplots.show('A line that rises from 1 to 2.')",
    "summary": "toy.summary()",
}
CELLS = {"set up": SET_UP} | {name: source for name, (source, *_) in EXPLORERS.items()} | OTHERS
PLACES = {name: place for place, name in enumerate(CELLS)}
# JupyterLab leaves the description of a picture out; `plots.show` writes it in words below.
LEFT_TO_JUPYTERLAB = {"figure": {"image-alt"}}
FOCUS = """() => {
    const element = document.activeElement, label = element.labels?.[0];
    return {name: element.ariaLabel ?? label?.textContent ?? element.textContent, pressed: element.ariaPressed,
            value: element.ariaValueText, explorer: !!element.closest(".course-explorer"), tag: element.tagName,
            role: element.role, open: element.parentElement?.open, content: element.textContent};
}"""


@pytest.fixture(scope="module")
def notebook(lab, chromium):
    """A notebook with everything that the course shows, its set-up cell run."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lab.folder / "everything.ipynb")
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(30_000)
    opened = Notebook(page, lab, "everything")
    assert "Ready" in opened.run(0, patience=120).text_content()
    yield opened
    page.close()
    lab.stop_kernels()


@pytest.fixture(scope="module")
def shown(notebook):
    """Run the cell of a name at the first call, and return its output."""
    run = set()

    def show(name):
        place = PLACES[name]
        if name in run:
            return notebook.output(place)
        run.add(name)
        area = notebook.run(place)
        assert area.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0, area.text_content()
        area.locator("table, img, [role], .course-explorer, fieldset, pre").first.wait_for(state="attached")
        return area

    return show


def violations(area):
    """Return what axe finds in an output: for each rule, the elements with what is wrong."""
    area.evaluate("area => area.setAttribute('data-judged', '')")
    found = Axe().run(area.page, context={"include": [["[data-judged]"]]}).response["violations"]
    area.evaluate("area => area.removeAttribute('data-judged')")
    return {rule["id"]: [(node["html"][:200], node["failureSummary"]) for node in rule["nodes"]] for rule in found}


def tab_to(page, name, most=40):
    """Press Tab until the control of that name has the focus; return the names of the controls on the way."""
    passed = []
    while len(passed) < most:
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        passed.append(focus["name"])
        if focus["name"].startswith(name):
            return passed
    raise AssertionError(f"{name!r} is not reached by Tab; these are: {passed}")


def wait_for(area, words, seconds=15):
    """Wait until what an explorer says aloud holds these words."""
    end = time.monotonic() + seconds
    while words not in (said := " ".join(area.locator("[aria-live]").all_text_contents())):
        assert time.monotonic() < end, f"{words!r} did not appear; it says: {said}"
        area.page.wait_for_timeout(50)


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_is_worked_by_keyboard_alone_and_axe_finds_nothing(notebook, shown, name):
    """Before a change and after it; the focus stays where it was, and no key reaches the notebook."""
    page, (_, control, keys, words) = notebook.page, EXPLORERS[name]
    area = shown(name)
    area.locator("[data-lm-suppress-shortcuts]").first.wait_for()
    assert violations(area) == {}
    tab_to(page, control)
    for key in keys:
        page.keyboard.press(key)
    wait_for(area, words)
    assert violations(area) == {}
    assert page.evaluate(FOCUS)["name"].startswith(control)
    for key in ("b", "x", "ArrowDown"):  # in a notebook: a new cell, cut this one, go to the next
        page.keyboard.press(key)
    assert page.evaluate(FOCUS)["name"].startswith(control)
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == len(CELLS)


@pytest.mark.parametrize("name", OTHERS)
def test_axe_finds_nothing_in_an_output(shown, name):
    found = violations(shown(name))
    assert {rule: nodes for rule, nodes in found.items() if rule not in LEFT_TO_JUPYTERLAB.get(name, ())} == {}


def test_what_is_left_to_jupyterlab_is_still_needed(shown):
    """And a fold in words is next to the picture."""
    assert set(violations(shown("figure"))) == LEFT_TO_JUPYTERLAB["figure"]
    assert "A line that rises from 1 to 2." in shown("figure").locator("details").text_content()


def test_a_slider_says_its_option_and_a_toggle_button_its_state(notebook, shown):
    page = notebook.page
    shown("head").get_by_role("button", name="global average").focus()
    assert page.evaluate(FOCUS)["pressed"] == "true"
    tab_to(page, "flatten")
    assert page.evaluate(FOCUS)["pressed"] == "false"
    page.keyboard.press("Space")
    page.wait_for_function("document.activeElement.ariaPressed === 'true'")
    tab_to(page, "Hidden units")
    page.keyboard.press("End")
    page.wait_for_function("document.activeElement.ariaValueText === '4096'")


def test_tab_leads_through_every_control_and_out_again(notebook, shown):
    page = notebook.page
    shown("playground").locator("select").focus()
    passed = ["Optimizer"]
    while (focus := page.evaluate(FOCUS))["explorer"] and focus["name"] != "true cat, predicted cat: 2":
        passed.append(focus["name"])
        page.keyboard.press("Tab")
    assert list(dict.fromkeys(passed)) == [
        "Optimizer",
        "Learning rate",
        "Epochs",
        "linear",
        "hidden layer of 64",
        "Train",
    ]


def test_a_picture_is_chosen_by_keyboard(notebook, shown):
    select = shown("try").locator("select").first
    with notebook.page.expect_file_chooser():  # begins early: the browser is told meanwhile, and nobody waits for it
        select.focus()
        notebook.page.keyboard.press("Shift+Tab")
        assert notebook.page.evaluate(FOCUS)["name"].startswith("Upload a picture")
        notebook.page.keyboard.press("Enter")


def test_a_quiz_is_answered_by_keyboard_alone(notebook, shown):
    page, area = notebook.page, shown("quiz")
    first, second = quizzes.questions("02_freeze_layers")[0].options[:2]
    area.locator("summary").first.focus()
    page.keyboard.press("Enter")
    area.get_by_text(first.why.split("`")[0][:40]).wait_for()
    tab_to(page, "B")
    page.keyboard.press("Space")
    area.get_by_text(second.why.split("`")[0][:40]).wait_for()
    assert violations(area) == {}
    page.keyboard.press("Space")
    assert page.evaluate(FOCUS)["open"] is False


def test_axe_finds_nothing_on_a_dark_page(notebook, shown):
    page = notebook.page
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    for label in ("Theme", "JupyterLab Dark"):
        page.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True).click()
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    found = {name: violations(shown(name)) for name in PLACES if name != "set up"}
    for name, rules in LEFT_TO_JUPYTERLAB.items():
        found[name] = {rule: nodes for rule, nodes in found[name].items() if rule not in rules}
    assert found == dict.fromkeys(found, {})
