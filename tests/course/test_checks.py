"""Every check refuses what is wrong with the hint for that mistake, accepts what is right, and leaves all as it was."""

import functools
import json
import random
import re
from string import Formatter

import keras
import nbformat
import numpy as np
import pytest
from check_cases import CASES, heads, refusals, swap_the_final_dense
from check_cases.absurd import ABSURD, Hostile
from check_cases.common import vgg
from keras import layers

from helpers.course import checks, working_copy
from helpers.course.checks import exercise, fine_tune, fixtures, own_images, record, texts
from helpers.course.checks.exercise import Refusal
from helpers.measuring import evaluation
from helpers.network import certificate, surgery

COUNT = '[count]\ngoal = "a"\nexpects = "b"\npraise = "c"\nhint = "d"\n'
NOT_REACHED = {  # by answers to what the notebook gives
    ("swap_final_dense", "full-is-another"),  # another second argument
    ("mend_wiring", "part-is-no-model"),  # another second argument
}
BY_NAME = {check.name: check for check in checks.EXERCISES}


def listed(kind):
    """The name of each exercise with each of its answers of a kind."""
    answers = [(name, label) for name, cases in CASES.items() for label in getattr(cases, kind)]
    return [pytest.param(name, label, id=f"{name}-{label}") for name, label in answers]


def fields(text):
    """The names of the values that a text asks for."""
    return {field.partition("[")[0] for _, field, _, _ in Formatter().parse(text) if field}


def walk(layer):
    yield layer
    for inner in getattr(layer, "layers", []):
        yield from walk(inner)


def snapshot(thing):
    """All of an object that a check could change, as values that can be compared."""
    if isinstance(thing, keras.Model):
        optimizer = thing.optimizer if thing.compiled else None
        return {
            "built": thing.built,
            "compiled": (thing.compiled, id(optimizer), optimizer and thing.run_eagerly),
            "weights": [weight.numpy().tobytes() for weight in thing.weights],
            "flags": [layer.trainable for layer in walk(thing)],
            "optimizer": [variable.numpy().tobytes() for variable in optimizer.variables] if optimizer else None,
            "metrics": [v.numpy().tobytes() for metric in thing.metrics for v in metric.variables],
        }
    if isinstance(thing, np.ndarray):
        return thing.dtype, thing.shape, thing.tobytes()
    if isinstance(thing, dict):
        return {key: snapshot(value) for key, value in thing.items()}
    return [snapshot(value) for value in thing] if isinstance(thing, list | tuple) else repr(thing)


@functools.cache
def verdict_on_wrong(name, label):
    """The verdict on a wrong answer, and whether all was left as it was."""
    given = CASES[name].given()
    make, _ = CASES[name].wrong[label]
    answer = make(*given)
    before = snapshot([answer, given])
    verdict = BY_NAME[name].verdict(answer, *given, tries=2)
    return verdict, snapshot([answer, given]) == before


class TestTable:
    def test_every_exercise_has_its_cases(self):
        assert CASES.keys() == BY_NAME.keys() and len(BY_NAME) == len(checks.EXERCISES)
        for cases in CASES.values():
            assert cases.blank and len(cases.wrong) >= 3 and len(cases.right) >= 2

    def test_every_exercise_that_a_notebook_calls_is_found_once_notebook_after_notebook(self):
        asked = []
        for path in working_copy.course_notebooks():
            calls = [cell.source for cell in nbformat.read(path, as_version=4).cells]
            names = [call.partition("(")[0].removeprefix("checks.") for call in calls if call.startswith("checks.")]
            asked += [(path.stem, name) for name in names if name != "progress"]
        found = [(check.notebook, check.name) for check in checks.EXERCISES]
        assert sorted(found) == sorted(asked)
        assert [notebook for notebook, _ in found] == [notebook for notebook, _ in asked]
        assert all(getattr(checks, name) is BY_NAME[name] and name in checks.__all__ for _, name in found)

    def test_only_what_the_files_of_the_checks_define_is_found(self, asked):
        assert isinstance(asked, exercise.Exercise) and asked not in checks.EXERCISES
        assert not hasattr(checks, "count")
        assert {"four_runs", "friends_report", "progress"} <= set(checks.__all__)

    def test_every_notebook_has_at_least_two_exercises(self):
        counts = [check.notebook for check in checks.EXERCISES]
        assert all(counts.count(path.stem) >= 2 for path in working_copy.course_notebooks())

    @pytest.mark.parametrize("name", CASES)
    def test_a_blank_gets_a_friendly_not_yet(self, name):
        given = CASES[name].given()
        for make in CASES[name].blank:
            verdict = BY_NAME[name].verdict(make(*given), *given)
            assert verdict.state == "blank" and verdict.text.startswith("… Not yet") and not verdict

    @pytest.mark.parametrize(("name", "label"), listed("wrong"))
    def test_a_wrong_answer_gets_the_hint_for_that_mistake(self, name, label):
        verdict, unchanged = verdict_on_wrong(name, label)
        _, reason = CASES[name].wrong[label]
        assert verdict.state == "wrong" and verdict.reason == reason, verdict.text
        assert [label for label, _ in verdict.lines] == ["You gave", "Expected", "Look at", "One more hint"]
        assert all(len(sentence) > 2 for _, sentence in verdict.lines)
        assert unchanged

    @pytest.mark.parametrize("name", CASES)
    def test_an_id_belongs_to_one_hint(self, name):
        hints = {}
        for label in CASES[name].wrong:
            verdict, _ = verdict_on_wrong(name, label)
            look = dict(verdict.lines)["Look at"]
            assert hints.setdefault(verdict.reason, look) == look
            assert re.fullmatch(r"[A-Za-z0-9_-]+(:[^:]+)?", verdict.reason)

    @pytest.mark.parametrize(("name", "label"), listed("right"))
    def test_a_right_answer_is_accepted(self, name, label):
        given = CASES[name].given()
        answer = CASES[name].right[label](*given)
        was_built = getattr(answer, "built", True)  # a model with weights to lose is not copied: the check builds it
        before = snapshot([answer, given])
        verdict = BY_NAME[name].verdict(answer, *given)
        assert verdict and verdict.text.startswith("✓ Right.") and verdict.reason is None, verdict.text
        assert snapshot([answer, given]) == before or (not was_built and answer.built)


@pytest.mark.parametrize("name", CASES)
def test_stands_in_its_notebook_between_a_stub_and_a_folded_solution(name):
    task, stub, _, solution = cells_of(name)
    assert task.cell_type == "markdown" and task.source.startswith("### Exercise")
    assert stub.metadata.tags == ["exercise"] and "..." in stub.source
    assert solution.metadata.tags == ["solution"] and solution.metadata.jupyter.source_hidden
    assert f"assert checks.{name}.accepts(" in solution.source


def cells_of(name):
    """The cells of an exercise: task, stub, call of the check, solution."""
    cells = nbformat.read(working_copy.COURSE / f"{BY_NAME[name].notebook}.ipynb", as_version=4).cells
    (index,) = [index for index, cell in enumerate(cells) if cell.source.startswith(f"checks.{name}(")]
    return cells[index - 2 : index + 2]


def as_the_notebook_leaves_it():
    """What a stub of notebooks 02 and 03 finds: a base whose marks were set before, a trained head, modules."""
    base = keras.models.clone_model(vgg(96))
    base.trainable = False
    surgery.freeze_up_to(base, "block4_pool")
    flat_head = keras.Sequential([keras.Input((3 * 3 * 512,)), layers.Dense(5)])
    modules = {"keras": keras, "np": np, "checks": checks}
    return {**modules, "base": base, "imagenet": base.get_weights(), "flat_head": flat_head}


class TestStubs:
    """A stub that is handed in as it stands is refused, in the state of its notebook; so are its lines half done."""

    @pytest.mark.parametrize(
        ("name", "line", "handed_in", "reason"),
        [
            ("mend_wiring", "", "stranger", "softmax-after"),
            ("mend_wiring", "", "flat_head", "wrong-input"),
        ],
    )
    def test_is_refused_with_the_hint_that_helps(self, name, line, handed_in, reason):
        found = as_the_notebook_leaves_it()
        _, stub, _, _ = cells_of(name)
        exec(f"{stub.source}\n{line}", found)
        given = (found["flat_base"], found["flat_head"]) if name == "mend_wiring" else ()
        assert BY_NAME[name].verdict(found["answer"], *given).state == "blank"
        assert BY_NAME[name].verdict(found[handed_in], *given).reason == reason

    @pytest.mark.parametrize("name", ["moved_by_hand", "free_last_stage", "choose_losses"])
    def test_the_solution_is_accepted(self, name):
        *_, solution = cells_of(name)
        exec(solution.source, as_the_notebook_leaves_it())


def test_what_the_exercise_gives_is_looked_at_too():
    swapped = CASES["swap_final_dense"].right["new model"](swap_the_final_dense.full())
    assert checks.swap_final_dense.verdict(swapped, swapped).reason == "full-is-another"


@pytest.mark.parametrize(
    ("name", "answer", "value"),
    [
        ("read_a_stack", "20x35x40x24040", "(20, 35, 40, 24040)"),
        ("read_a_stack", "[20, 35, 40, 24040]", "[20, 35, 40, 24040]"),
        ("read_a_stack", "22 by 37 by 40, 24040", None),
        ("read_a_stack", (20, 35, 40), None),
    ],
)
def test_a_right_value_in_the_wrong_form_is_called_right(name, answer, value):
    saw = dict(BY_NAME[name].verdict(answer).lines)["You gave"]
    assert saw.endswith(f"right, once it is written as {value}") if value else "right" not in saw


def test_both_shapes_of_an_error_of_keras_are_shown():
    for shape in ((224, 224, 3), (512,)):
        takes = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(3)])
        saw = dict(checks.heads_for_maps.verdict(heads.heads(heads.just(takes))()).lines)["You gave"]
        assert "(6, 5, 5, 1280)" in saw and str((None, *shape)) in saw and "\x1b" not in saw and "[[" not in saw


@pytest.mark.parametrize("text", ["loss ", " loss"])
def test_blanks_of_a_text_are_shown(text):
    assert repr(text) in exercise.describe(text) and exercise.one_line(text) == text


class TestTexts:
    @pytest.mark.parametrize("name", CASES)
    def test_every_refusal_has_its_texts_and_these_their_values(self, name):
        own = texts.of_exercise(BY_NAME[name].notebook, name)["refusals"]
        found = {**texts.shared(), **own}
        for raised in refusals.of_exercise(BY_NAME[name]):
            assert raised.reason in found, f"{raised.where}: no text for {raised.reason!r} in {name}"
            missing = {field for text in found[raised.reason].values() for field in fields(text)} - raised.values
            assert not missing, f"{raised.where}: the texts of {raised.reason!r} in {name} ask for {missing}"

    def test_no_text_is_without_a_use(self):
        in_common = set()
        for check in checks.EXERCISES:
            own = set(texts.of_exercise(check.notebook, check.name)["refusals"])
            raised = {raised.reason for raised in refusals.of_exercise(check)}
            assert own <= raised, check.name
            in_common |= raised - own
        assert texts.shared().keys() == in_common

    def test_every_text_is_reached_by_a_case(self):
        reached, own = set(), set()
        for check in checks.EXERCISES:
            named = {reason.partition(":")[0] for _, reason in CASES[check.name].wrong.values()}
            reached |= {(check.name, reason) for reason in named}
            own |= {(check.name, reason) for reason in texts.of_exercise(check.notebook, check.name)["refusals"]}
        assert own - reached == NOT_REACHED
        assert texts.shared().keys() <= {reason for _, reason in reached - own}

    def test_no_exercise_has_texts_but_no_check(self):
        for notebook in {check.notebook for check in checks.EXERCISES}:
            named = texts.read(texts.FOLDER / f"{notebook}.toml", needed=texts.OF_EXERCISE)
            assert named.keys() == {check.name for check in checks.EXERCISES if check.notebook == notebook}
        files = {path.stem for path in texts.FOLDER.glob("*.toml")}
        assert files == {"shared", "words"} | {check.notebook for check in checks.EXERCISES}

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            ('[count]\ngoal = "half', "count.toml: cannot be read"),
            ('goal = "count"', "count.toml, [goal]: expected a table"),
            (COUNT.replace("hint", "# hint"), "[count]: expected `goal`, `expects`, `praise`, `hint`"),
            (COUNT.replace('"a"', "3"), "[count]: expected `goal` to be a text, found 3"),
            (f"{COUNT}refusals = 5", "[count.refusals.<id>]"),
            (f"{COUNT}[count.refusals.two]\nsaw = '2'", "count.toml, [count.refusals.two]: expected `saw`, `look` and"),
            (f"{COUNT}[count.refusals]\ntwo = 2", "count.toml, [count.refusals.two]: expected a table"),
            (
                f"{COUNT}[count.refusals.two]\nsaw = '2'\nlook = ' '",
                "two]: expected `look` to be a text, found ' '",
            ),
        ],
    )
    def test_a_damaged_file_is_named_with_the_table(self, tmp_path, content, complaint):
        (tmp_path / "count.toml").write_text(content)
        with pytest.raises(ValueError, match=re.escape(complaint)):
            texts.read(tmp_path / "count.toml", needed=texts.OF_EXERCISE)

    def test_a_missing_file_or_table_is_named(self, tmp_path):
        with pytest.raises(ValueError, match="12_prune.toml: cannot be read"):
            texts.of_exercise("12_prune", "count")
        with pytest.raises(ValueError, match=re.escape("01_load_vgg16.toml: expected a table [count]")):
            texts.of_exercise("01_load_vgg16", "count")


class TestTruth:
    """What the checks hold to be right is what Keras does."""

    def test_read_a_stack(self):
        second = layers.Conv2D(40, 5)
        steps = [layers.Conv2D(24, 3, padding="same"), layers.MaxPooling2D(), second, layers.MaxPooling2D()]
        stack = keras.Sequential([keras.Input((90, 150, 3)), *steps])
        assert checks.read_a_stack.accepts((*stack.output_shape[1:], second.count_params()))

    def test_moved_layers(self):
        base = fixtures.base_on_features()
        base.trainable = False
        model = fixtures.with_head(base)
        fit = fixtures.features_and_labels()

        def moved(compiled=True):
            before = certificate.take(model)
            if compiled:
                fixtures.train(model)
            else:
                model.fit(*fit, verbose=0)
            return certificate.moved(before, certificate.take(model))

        moved()
        surgery.freeze_up_to(base, "block5_conv2")
        answer = {"second fit": moved(compiled=False)}
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        surgery.freeze_up_to(base, "block5_conv1")
        answer["third fit"] = moved(compiled=False)
        base.trainable = False
        answer["fourth fit"] = moved(compiled=False)
        assert checks.moved_layers.accepts(answer), answer

    def test_runs_of_the_colleagues(self):
        table = checks.four_runs()
        numbers = table.drop(["moved", "dead units"]).astype(float)
        assert table.loc["moved"].tolist() == ["predictions"] + ["block5, predictions"] * 3
        assert table.loc["dead units"].tolist()[:3] == ["0%"] * 3
        assert float(table.loc["dead units", "D"].rstrip("%")) > 75 and numbers.loc["loss, epoch 1", "D"] > 3
        before = numbers.loc["loss before"]
        assert before["B"] > 2 * np.log(5) > 3 > 2 * before.drop("B").max()
        assert numbers.loc["largest change"].nsmallest(2).index[0] == "C" and numbers.loc["largest change", "C"] < 1e-4
        assert abs(numbers.loc["loss at the end", "C"] - numbers.loc["loss before", "C"]) < 0.015
        assert checks.diagnose_runs.accepts(
            {run: (cause, fine_tune.REMEDIES[cause]) for run, cause in fine_tune.RUNS.items()}
        )

    def test_gains_over_the_head_and_over_the_longer_head_disagree(self):
        for counts in fine_tune.GAINS.values():
            labels, head, longer, tuned = fine_tune.three_models(counts)
            first, _, _ = evaluation.paired_difference(labels, head, tuned)
            second, _, _ = evaluation.paired_difference(labels, longer, tuned)
            assert abs(first - second) > 0.02

    def test_files_of_the_friend_are_what_the_report_finds(self):
        report = checks.friends_report()
        found = report.table.set_index("file")["found"]
        for pair in (own_images.COPIES, own_images.TWO_CLASSES, own_images.ONE_SCENE):
            first, second = sorted(pair, key=lambda file: file in found.index)
            assert found[second].partition(f" {first}")[0] in ("the same picture as", "looks much like")
        unusable = {path.relative_to(report.folder).as_posix() for path in report.bad} - own_images.TWO_CLASSES
        assert unusable == own_images.UNUSABLE
        pairs = own_images.COPIES | own_images.TWO_CLASSES | own_images.ONE_SCENE
        assert set(found.index) - own_images.UNUSABLE - pairs == {"bee/phone.jpg", "wasp/scan.png"}  # fixed on loading


class TestAbsurdAnswers:
    @pytest.mark.parametrize("name", CASES)
    def test_no_check_raises_or_accepts(self, name):
        given = CASES[name].given()
        for label, make in ABSURD.items():
            verdict = BY_NAME[name].verdict(make(), *given, tries=2)
            assert verdict.state == "wrong", (label, verdict.text)
            assert verdict.html

    @pytest.mark.parametrize("name", [name for name, cases in CASES.items() if cases.given()])
    def test_an_absurd_second_argument_raises_nothing(self, name):
        given = CASES[name].given()
        answer = next(iter(CASES[name].right.values()))(*given)
        assert BY_NAME[name].verdict(answer).state == "wrong"  # forgotten
        for absurd in (None, "model", Hostile(), ..., np.nan, layers.Dense(5)):
            assert BY_NAME[name].verdict(answer, *[absurd] * len(given)).state == "wrong"

    def test_a_missing_answer_is_blank(self):
        assert checks.read_a_stack.verdict().state == "blank"

    def test_the_learner_can_still_interrupt(self):
        def endless_loop(pixels):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            checks.prepare_opencv.verdict(endless_loop)


class TestLeavesAllAsItWas:
    def test_training_goes_on_as_if_unchecked(self):
        generator = np.random.default_rng(3)
        features, labels = generator.gamma(0.5, 1.0, (8, *heads.MAPS)), generator.integers(0, 3, 8)
        ends = []
        for checked in (False, True):
            keras.utils.set_random_seed(1)
            model = heads.on_maps(layers.Flatten, lambda: layers.Dropout(0.5), lambda: layers.Dense(3))()
            model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
            for _ in range(2):
                model.fit(features, labels, verbose=0)
                if checked:
                    assert checks.heads_for_maps.accepts(heads.heads(second=lambda given=model: given)())
            ends.append(snapshot(model)["weights"])
        assert ends[0] == ends[1]

    def test_random_numbers_go_on_as_if_unchecked(self):
        drawn = []
        for checked in (False, True):
            keras.utils.set_random_seed(5)
            if checked:
                make, _ = CASES["free_last_stage"].wrong["frozen again"]
                checks.free_last_stage.verdict(make())
            drawn.append((random.random(), np.random.rand(), layers.Dense(2)(np.ones((1, 2))).numpy().tolist()))
        assert drawn[0] == drawn[1]

    def test_a_model_that_is_not_built_stays_so(self):
        model = keras.Sequential([layers.Flatten(), layers.Dense(3)])
        assert checks.heads_for_maps.accepts(heads.heads(second=lambda: model)())
        assert not model.built and not model.weights


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(exercise.display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture
def asked():
    """A fresh exercise, so that no test meets the tries of another."""

    def count(answer):
        if answer != 3:
            raise Refusal("not-three:fingers")

    said = {"goal": "count", "expects": "a number", "praise": "it is {right}", "hint": "start with the thumb"}
    said["refusals"] = {"not-three": {"saw": "{answer}", "look": "your <b>{about}</b>"}}
    return exercise.Exercise(count, "01_load_vgg16", said, {"right": 3})


@pytest.fixture
def copy_of_the_course(tmp_path, monkeypatch):
    (tmp_path / working_copy.RECORD).write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestVerdict:
    def test_is_shown_in_text_and_html(self, asked, shown):
        for answer in (3, 4, ...):
            assert asked(answer) is None  # or the cell would show it below the verdict
        right, wrong, blank = shown
        assert right["text/plain"] == "✓ Right.\n  Why: it is 3"
        assert "✗ <" not in wrong["text/html"] and "✗ Not right yet." in wrong["text/html"]
        assert "your &lt;b&gt;fingers" in wrong["text/html"] and "your <b>fingers" in wrong["text/plain"]
        assert blank["text/plain"].startswith("… Not yet: this is still blank.")

    def test_second_wrong_try_says_more(self, asked, shown):
        for answer in (1, ..., 2, 3, 1):
            asked(answer)
        hints = ["thumb" in bundle["text/plain"] for bundle in shown]
        assert hints == [False, False, True, False, False]  # a blank is no try, and a right answer ends them

    def test_solutions_are_accepted_in_silence(self, asked, shown, copy_of_the_course, capsys):
        assert asked.accepts(3) is True and asked.accepts(2) is False
        assert shown == [] and capsys.readouterr().out == ""
        assert not (copy_of_the_course / record.FILE).exists() and not asked.done_here


class TestProgress:
    def test_is_kept_in_the_working_copy(self, asked, shown, copy_of_the_course):
        asked(2)
        assert not (copy_of_the_course / record.FILE).exists()
        asked(3)
        kept = json.loads((copy_of_the_course / record.FILE).read_text())
        assert list(kept) == ["count"]
        assert record.done() == (kept, True)

    def test_is_found_from_a_folder_inside(self, asked, shown, copy_of_the_course, monkeypatch):
        (copy_of_the_course / "tries").mkdir()
        monkeypatch.chdir(copy_of_the_course / "tries")
        asked(3)
        assert (copy_of_the_course / record.FILE).exists() and not any((copy_of_the_course / "tries").iterdir())

    def test_nothing_is_written_elsewhere(self, asked, shown, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        asked(3)
        assert asked.done_here and not any(tmp_path.iterdir())

    def test_earlier_exercises_are_kept(self, asked, shown, copy_of_the_course):
        (copy_of_the_course / record.FILE).write_text('{"read_a_stack": "2025-01-31"}')
        asked(3)
        assert set(record.done()[0]) == {"read_a_stack", "count"}
        assert record.done()[0]["read_a_stack"] == "2025-01-31"
        assert [path.name for path in copy_of_the_course.iterdir() if path.name.startswith(".writing")] == []

    @pytest.mark.parametrize("damaged", ["", "{ half", "[1, 2]", '"text"', "\x00\xff"])
    def test_survives_a_damaged_record(self, asked, shown, copy_of_the_course, damaged):
        (copy_of_the_course / record.FILE).write_text(damaged, encoding="latin-1")
        checks.progress()
        assert "damaged" in shown[-1]["text/plain"]
        asked(3)
        assert asked.done_here
        assert record.done()[1] and list(record.done()[0]) == ["count"]

    def test_a_record_that_cannot_be_written_is_said_in_one_line(self, asked, shown, copy_of_the_course, capsys):
        (copy_of_the_course / record.FILE).mkdir()
        (copy_of_the_course / record.FILE / "full").touch()
        asked(3)
        assert asked.done_here
        (line,) = capsys.readouterr().out.splitlines()
        assert record.FILE in line

    def test_a_deleted_folder_does_no_harm(self, asked, shown, tmp_path, monkeypatch):
        folder = tmp_path / "gone"
        folder.mkdir()
        monkeypatch.chdir(folder)
        folder.rmdir()
        asked(3)
        assert asked.done_here

    def test_shows_the_whole_course(self, shown, copy_of_the_course):
        (copy_of_the_course / record.FILE).write_text('{"prepare_opencv": "2025-01-31", "no_more": "2025-01-31"}')
        checks.progress()
        (bundle,) = shown
        lines = bundle["text/plain"].splitlines()
        assert len([line for line in lines if "  to do" in line]) == len(checks.EXERCISES) - 1
        (done,) = [line for line in lines if line.endswith("✓ done")]
        assert done.split()[:2] == ["01_load_vgg16", "prepare_opencv"]
        assert f"1 of {len(checks.EXERCISES)} exercises done." in lines
        assert bundle["text/html"].count("<tr>") == len(checks.EXERCISES) + 1

    def test_says_where_nothing_is_kept(self, shown, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        checks.progress()
        assert "make lab" in shown[-1]["text/plain"]
