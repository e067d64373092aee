"""The decision helper advises what the results show, says what they do not, and extrapolates nothing."""

import math
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_results import SKILL, made

from helpers.course import widgets
from helpers.course.widgets import decision as helper
from helpers.measuring import costs, results, study

CONTROLS = {"kind": "drawings (far)", "count": 10, "budget": "any"}


@pytest.fixture(scope="module")
def explorer():
    """With few drawings the frozen trunk is as good as any; with many, LP-FT is far better."""

    def skill(run, name):
        if run.method == study.LP_FT and run.data == "emoji":
            return {10: 0.7, 40: 0.72, 0: 0.9}[run.per_class]
        return SKILL.get(run.method, 0.6)

    return widgets.decision_helper(made(skill))


def answer_text(explorer, **changes):
    """The words for a setting, without markup."""
    _, words = explorer.answer(**{**CONTROLS, **changes})
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", words))


def test_answers_at_once_in_words_and_a_described_picture(explorer):
    assert explorer.problem.value == "" and "Try this." in explorer.children[0].value
    assert len(re.search(r'alt="([^"]*)"', explorer.picture.value)[1]) > 80
    assert plt.get_fignums() == []
    for control in explorer.inputs.values():
        assert control.description


def test_advises_the_cheapest_that_is_not_shown_to_be_worse(explorer):
    text = answer_text(explorer)
    assert "Take: frozen VGG16 + head. Expect 70% right" in text
    assert re.search(r"LP-FT \d+ 70% \(\d+% to \d+%\) [+-]\d\.\d points \(-.* to \+.*\) not shown to differ", text)
    assert "random VGG16 + head 17 25%" in text and "shown to be worse" in text


def test_advises_what_is_shown_to_be_better(explorer):
    text = answer_text(explorer, count=160)
    assert "Take: LP-FT. Expect 90% right" in text
    assert re.search(r"frozen VGG16 \+ head \(\d+ CPU seconds\), is shown to be worse: -20\.0 points", text)


def test_says_that_a_better_measured_one_is_not_shown_to_be(explorer):
    assert "LP-FT was measured +2.0 points" in answer_text(explorer, count=40)
    assert "which is not shown, and it costs more" in answer_text(explorer, count=40)


def test_keeps_to_the_budget(explorer):
    text = answer_text(explorer, count=160, budget="40 s")
    assert "Take: frozen VGG16 + head" in text
    assert re.search(r"LP-FT \d+ 90% \S+ to \S+ \+20\.0 points \(.*?\) over the budget", text)


def test_says_when_no_budget_is_enough():
    evidence = made()
    evidence.table["cpu_seconds"] *= 1000
    text = answer_text(widgets.decision_helper(evidence), budget="10 min")
    assert "No method fits this budget. The cheapest, frozen VGG16 + head, takes" in text
    assert text.count("over the budget") == 5 and "the advice" not in text.lower().replace("against the advice", "")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (5, "So few pictures were not measured. This is the answer for the nearest count, 10 (5 trainings"),
        (10, "Measured at 10 a class: 5 trainings a method, judged on 150 test pictures."),
        (20, "Nothing was measured at 20 a class. This is interpolated between 10 and 40"),
        (500, "So many pictures were not measured. This is the answer for the nearest count, 160 (5 trainings"),
    ],
)
def test_says_what_was_measured(explorer, count, words):
    text = answer_text(explorer, count=count)
    assert words in text and "What this cannot know." in text


def test_numbers_are_those_of_the_evidence(explorer):
    evidence = made()
    plane = costs.plane(evidence, "animals", 40)
    text = answer_text(widgets.decision_helper(evidence), kind="photographs (near)", count=40)
    for name, row in plane.iterrows():
        assert f"{name} {row['cost']:.0f} {row['accuracy']:.0%} ({row['low']:.0%} to {row['high']:.0%})" in text


def test_every_setting_is_answered(explorer):
    for kind in helper.KINDS:
        for count in helper.COUNTS[::3]:
            for budget in ("10 s", "2 min"):
                picture, words = explorer.answer(kind, count, budget)
                assert picture.startswith("<img") and ("Take: " in words) != ("No method fits" in words)


def test_controls_change_the_answer(explorer):
    explorer.count.value = 160
    assert explorer.wait() and "LP-FT. Expect 90%" in explorer.words.value
    explorer.count.value = 10
    assert explorer.wait() and "frozen VGG16 + head. Expect 70%" in explorer.words.value


def test_budgets_rise_and_the_last_allows_all():
    assert list(helper.BUDGETS.values()) == sorted(helper.BUDGETS.values())
    assert helper.BUDGETS["any"] == math.inf and (np.diff(helper.COUNTS) > 0).all()


def test_results_without_the_quadrants_are_refused():
    evidence = made()
    few = results.Evidence(evidence.table[evidence.table["experiment"] != "quadrants"], evidence.pictures)
    with pytest.raises(ValueError, match="quadrants"):
        widgets.decision_helper(few)
