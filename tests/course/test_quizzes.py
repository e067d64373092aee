"""Every quiz can be read without a kernel and clicked without a network, and answers each option with its reason."""

import html
import json
import random
import re

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from helpers.course import quizzes
from helpers.course.quizzes import question
from tools import notebooks

STEMS = list(quizzes.QUIZZES)


@pytest.fixture
def shell(tmp_path):
    """What jupyterquiz displays to, as in a notebook."""
    settings = Config()
    settings.HistoryManager.enabled = False
    yield InteractiveShell.instance(config=settings, ipython_dir=str(tmp_path))
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("stem", STEMS)
class TestQuestions:
    def test_has_four_to_six_with_one_right_option_each(self, stem):
        assert 4 <= len(quizzes.questions(stem)) <= 6
        for asked in quizzes.questions(stem):
            assert 3 <= len(asked.options) <= len(question.LETTERS)
            assert sum(option.correct for option in asked.options) == 1

    def test_answers_every_option_with_a_reason_of_its_own(self, stem):
        reasons = [option.why for asked in quizzes.questions(stem) for option in asked.options]
        assert all(len(reason) >= 30 and reason.endswith((".", "?")) for reason in reasons)
        assert len(set(reasons)) == len(reasons)

    def test_asks_nothing_twice(self, stem):
        asked = [each.text for each in quizzes.questions(stem)]
        assert len(set(asked)) == len(asked)
        for each in quizzes.questions(stem):
            assert len({option.text for option in each.options}) == len(each.options)

    def test_holds_only_text_that_both_forms_show_alike(self, stem):
        for asked in quizzes.questions(stem):
            for text in (asked.text, *(part for option in asked.options for part in (option.text, option.why))):
                assert text.count("`") % 2 == 0 and text == text.strip()
                assert not re.search(r"\$|\]\(|<|>|\*\*|__|https?:", text), text


def test_the_right_option_is_not_given_away():
    everything = [asked.options for stem in STEMS for asked in quizzes.questions(stem)]
    places = [next(place for place, option in enumerate(options) if option.correct) for options in everything]
    assert {0, 1, 2, 3} == set(places) and max(map(places.count, range(4))) <= len(places) / 2
    longest = [max(options, key=lambda option: len(option.text)).correct for options in everything]
    assert sum(longest) <= len(longest) / 2


def test_an_unknown_notebook_is_named_with_those_that_have_a_quiz():
    with pytest.raises(ValueError, match="'00_start_here'.*05_fine_tune"):
        quizzes.as_markdown("00_start_here")


@pytest.mark.parametrize("stem", STEMS)
class TestMarkdown:
    def test_holds_every_question_and_option_in_the_open(self, stem):
        in_the_open = re.sub(r"<details>.*?</details>", "", quizzes.as_markdown(stem), flags=re.DOTALL)
        for asked in quizzes.questions(stem):
            assert asked.text in in_the_open
            for option in asked.options:
                assert option.text in in_the_open
                assert option.why not in in_the_open
        assert not re.search(r"[✓✗]", in_the_open)

    def test_folds_the_answers_with_their_letters(self, stem):
        folded = re.findall(r"<details>(.*?)</details>", quizzes.as_markdown(stem), flags=re.DOTALL)
        assert len(folded) == len(quizzes.questions(stem))
        for number, (text, asked) in enumerate(zip(folded, quizzes.questions(stem), strict=True), 1):
            assert f"Answers to question {number}" in text
            for letter, option in zip(question.LETTERS, asked.options, strict=False):
                verdict = "✓ Right." if option.correct else "✗ Not so."
                assert f"* **{letter}**: {verdict} {option.why}" in text

    def test_stands_in_the_notebook_above_the_quiz_to_click(self, stem):
        cells = nbformat.read(notebooks.COURSE / f"{stem}.ipynb", as_version=4).cells
        (place,) = [place for place, cell in enumerate(cells) if "quizzes.show(" in cell.source]
        assert cells[place].source == f'quizzes.show("{stem}")'
        assert cells[place - 1].source == quizzes.as_markdown(stem)


@pytest.mark.parametrize("stem", STEMS)
class TestToClick:
    def test_needs_nothing_from_elsewhere(self, stem, shell):
        for bundle in question.as_bundles(quizzes.questions(stem), stem):
            for text in bundle.values():
                assert not re.search(r"https?:|['\"]//|\bimport\s*\(|fetch\(|<link|<img|<script", text)

    def test_embeds_every_question_option_and_reason(self, stem, shell):
        _, script = question.as_bundles(quizzes.questions(stem), stem)
        embedded = re.search(r"var questions\w+=(\[.*?\]);\n", script["application/javascript"])[1]
        for shown, asked in zip(json.loads(embedded), quizzes.questions(stem), strict=True):
            assert shown["type"] == "multiple_choice"
            assert plain(shown["question"]) == asked.text.replace("`", "")
            for answer, letter, option in zip(shown["answers"], question.LETTERS, asked.options, strict=False):
                assert plain(answer["answer"]) == f"{letter}: {option.text}".replace("`", "")
                assert answer["correct"] is option.correct
                assert plain(answer["feedback"]).endswith(option.why.replace("`", ""))

    def test_gives_the_same_outputs_each_time_and_keeps_random_numbers(self, stem, shell):
        state = random.getstate()
        first, second = (question.as_bundles(quizzes.questions(stem), stem) for _ in range(2))
        assert first == second
        assert random.getstate() == state


def plain(text):
    return html.unescape(re.sub(r"</?code>", "", text))


def test_quizzes_on_one_page_do_not_meet(shell):
    places = [question.as_bundles(quizzes.questions(stem), stem)[0]["text/html"] for stem in STEMS]
    assert len({re.search(r'id="(\w+)"', place)[1] for place in places}) == len(STEMS)


def test_show_displays_the_place_and_the_script(shell, monkeypatch):
    shown = []
    monkeypatch.setattr(question.display, "display", lambda bundle, raw: shown.append(bundle))
    quizzes.show(STEMS[0])
    assert [next(iter(bundle)) for bundle in shown] == ["text/html", "application/javascript"]
    assert "Run this cell" in shown[0]["text/plain"]


def test_outside_of_a_notebook_it_says_what_to_do():
    with pytest.raises(RuntimeError, match="as_markdown"):
        quizzes.show(STEMS[0])
