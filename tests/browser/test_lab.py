"""Every notebook, exercise, quiz and explorer in a real JupyterLab."""

import json

import nbformat
import pytest
from PIL import Image
from playwright import sync_api

from helpers.course import quizzes, working_copy
from helpers.course.checks import record
from tools.notebooks import NOISE

NAMES = [path.stem for path in working_copy.course_notebooks()]
SLOW = 15_000  # ms: an explorer on a busy machine


def of(names):
    return pytest.mark.parametrize("notebook", names, indirect=True)


@of(NAMES)
class TestEveryNotebookAsItIsStored:
    def test_every_figure_is_told_in_words_and_nothing_is_wider_than_its_cell(self, notebook):
        """In a fold below it, because JupyterLab gives pictures no alternative text."""
        stored = nbformat.read(working_copy.COURSE / f"{notebook.name}.ipynb", as_version=4)
        outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
        figures = sum("image/png" in output.get("data", {}) for output in outputs)
        assert figures >= 2
        for shown in (
            notebook.page.locator(".jp-Notebook .jp-RenderedImage img"),
            notebook.page.locator("summary", has_text="This figure in words"),
        ):
            sync_api.expect(shown).to_have_count(figures, timeout=SLOW)  # JupyterLab draws them one after the other
        assert notebook.wide_outputs() == []


@of(["00_start_here"])
def test_run_all_reaches_the_end_and_shows_no_noise(notebook):
    """The other notebooks are run to their ends by nbval, which judges their outputs in the same way."""
    notebook.run_all()
    prompts = [text.strip(" :") for text in notebook.cells.locator(".jp-InputPrompt").all_text_contents()]
    shown = {f"[{n}]" if prompt else "": prompt for n, prompt in enumerate(prompts, 1)}  # a folded cell has none
    assert all(expected == prompt for expected, prompt in shown.items())
    assert prompts[-1] == f"[{len(prompts)}]"
    assert notebook.texts("application/vnd.jupyter.error") == notebook.texts("application/vnd.jupyter.stderr") == []
    for kind in ("application/vnd.jupyter.stdout", "text/plain"):
        assert not [text for text in notebook.texts(kind) if NOISE.search(text)]
    assert notebook.wide_outputs() == []


@of([name for name in NAMES if name in quizzes.NAMES])
def test_a_quiz_answers_every_option_with_its_reason(notebook):
    """By a click and by the keyboard."""
    area = notebook.output(notebook.place("quizzes.show("))
    questions = quizzes.questions(notebook.name)
    assert area.locator("fieldset").count() == len(questions)
    folds = area.locator("fieldset").first.locator("details")
    for place, option in enumerate(questions[0].options):
        fold = folds.nth(place)
        assert not fold.locator("p").is_visible()
        if place % 2:
            fold.locator("summary").press("Enter")
        else:
            fold.locator("summary").click()
        fold.get_by_text("✓ Right." if option.correct else "✗").wait_for()
        assert option.why.replace("`", "")[:40] in fold.text_content()


@of(["01_load_vgg16"])
def test_an_exercise_tells_blank_wrong_and_right_apart_and_is_noted(notebook):
    check = notebook.place("checks.read_a_stack(answer)")
    notebook.run_with_what_it_needs(check)
    said = []
    for answer in ("answer = ...", "answer = (20, 35, 40, 24000)", "answer = (20, 35, 40, 24040)"):
        notebook.run(check - 1, answer)
        said.append(notebook.run(check).text_content())
    assert "Not yet" in said[0]
    assert "Not right yet" in said[1] and "the biases are missing" in said[1]
    assert "✓ Right." in said[2]

    table = notebook.run(notebook.place("checks.progress()")).text_content()
    assert "1 of" in table and "✓ done" in table
    assert list(json.loads((notebook.lab.folder / record.FILE).read_text())) == ["read_a_stack"]


@of(["02_freeze_layers"])
def test_a_model_is_judged_by_what_it_does(notebook):
    check = notebook.place("checks.free_last_stage(answer)")
    notebook.run_with_what_it_needs(check, "keras")
    lines = "def answer(model):\n    model{}.trainable = True\n    model.compile(keras.optimizers.Adam(1e-5), {})\n"
    loss = "'categorical_crossentropy'"
    notebook.run(check - 1, f"{lines.format('', loss)}    return model")
    assert "flag of stage3_conv is False" in notebook.run(check).text_content()
    one_layer = ".get_layer('base').get_layer('stage3_conv')"
    notebook.run(check - 1, f"{lines.format(one_layer, loss)}    return model")
    assert "✓ Right." in notebook.run(check).text_content()


class Explorer:
    """An explorer on the page: what it shows, and its controls."""

    def __init__(self, notebook, source):
        self.area = notebook.run_with_what_it_needs(notebook.place(source))
        self.page = notebook.page

    def shows(self):
        """Return the pictures and the words that it shows now."""
        pictures = self.area.locator("img").evaluate_all("all => all.map(one => one.src)")
        return pictures, self.area.get_by_role("status").all_text_contents()

    def changes(self, act, words):
        """Do something and wait until other pictures stand there, and these words."""
        pictures, _ = self.shows()
        act()
        for _ in range(SLOW // 100):
            now, said = self.shows()
            if now != pictures and words in " ".join(said):
                break
            self.page.wait_for_timeout(100)
        else:
            raise AssertionError(f"{words!r} did not appear with another picture; the explorer says: {said}")
        assert self.area.get_by_role("alert").count() == 0

    def slide(self, number, *keys):
        """Move the slider of that number by the keyboard."""
        handle = self.area.locator(".noUi-handle").nth(number)
        handle.focus()
        for key in keys:
            self.page.keyboard.press(key)


@of(["02_freeze_layers"])
def test_freeze_explorer(notebook):
    explorer = Explorer(notebook, "widgets.freeze_explorer(")
    explorer.changes(lambda: explorer.slide(0, "ArrowLeft"), "Trains: block5, head")
    explorer.changes(lambda: explorer.slide(0, *["ArrowLeft"] * 6), "Frozen: nothing")


@of(["01_load_vgg16"])
def test_feature_map_explorer(notebook):
    explorer = Explorer(notebook, "animals = images.load(")
    explorer.changes(lambda: explorer.slide(0, "ArrowRight"), "block1_conv2 turns cat into 64 maps")
    explorer.changes(lambda: explorer.area.locator("select").select_option("horse"), "turns horse")


@of(["03_attach_new_head"])
def test_head_designer(notebook):
    explorer = Explorer(notebook, "widgets.head_designer(")
    flatten = explorer.area.get_by_role("button", name="Flatten")
    explorer.changes(flatten.click, "23,045 parameters")
    explorer.changes(lambda: explorer.slide(0, "ArrowRight"), "Warning")


@of(["05_train_the_head"])
def test_training_playground(notebook):
    explorer = Explorer(notebook, "widgets.training_playground(")
    train = explorer.area.get_by_role("button", name="Train")
    explorer.changes(train.click, "Learned")
    explorer.slide(0, *["ArrowRight"] * 10)  # to the highest rate
    explorer.changes(lambda: train.press("Enter"), "Diverged")
    assert explorer.area.locator("img").count() == 2  # both runs stand side by side


@of(["05_train_the_head"])
def test_mistake_explorer(notebook):
    explorer = Explorer(notebook, "widgets.mistake_explorer(")
    diagonal = explorer.area.get_by_role("button").nth(0)
    explorer.changes(diagonal.click, "rightly called cat")


@of(["06_fine_tune"])
def test_rate_explorer(notebook):
    explorer = Explorer(notebook, "runs = widgets.stored_rates()")
    explorer.changes(lambda: explorer.slide(0, *["ArrowRight"] * 6), "Rate 0.01:")
    explorer.changes(lambda: explorer.slide(0, *["ArrowLeft"] * 6), "Rate 1e-06:")


@of(["07_compare"])
def test_decision_helper(notebook):
    explorer = Explorer(notebook, "widgets.decision_helper(")
    explorer.changes(explorer.area.get_by_role("button", name="photographs (near)").click, "Begin with:")
    explorer.changes(lambda: explorer.slide(1, *["ArrowLeft"] * 7), "No method fits this budget")


@of(["11_hand_it_over"])
def test_a_picture_is_uploaded_and_answered(notebook, tmp_path):
    picture = tmp_path / "stripes.png"
    Image.effect_mandelbrot((120, 90), (-2, -1, 1, 1), 30).convert("RGB").save(picture)
    explorer = Explorer(notebook, "widgets.try_model(")

    def upload(path):
        with notebook.page.expect_file_chooser() as chooser:
            explorer.area.get_by_role("button", name="Upload a picture").click()
        chooser.value.set_files(path)

    explorer.changes(lambda: upload(picture), "The model says")
    assert "stripes.png" in explorer.area.locator("select").first.text_content()

    (tmp_path / "no.png").write_text("no picture")
    upload(tmp_path / "no.png")
    explorer.area.get_by_role("alert").get_by_text("lies about its type").wait_for()
