"""Every quiz can be read and clicked without a kernel and a network, and answers each option with its reason."""

import html
import random
import re
import shutil
from html.parser import HTMLParser

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils import capture
from traitlets.config import Config

from helpers.course import quizzes, working_copy
from helpers.course.quizzes import reading
from tools import quizzes as tool

STEMS = quizzes.NAMES
VALID = """
[[question]]
text = "Which?"
[[question.option]]
text = "This"
why = "It is."
correct = true
[[question.option]]
text = "That"
why = "It is not."
"""


@pytest.fixture
def shell(tmp_path):
    """What a notebook displays with."""
    settings = Config()
    settings.HistoryManager.enabled = False
    yield InteractiveShell.instance(config=settings, ipython_dir=str(tmp_path))
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("stem", STEMS)
class TestQuestions:
    def test_has_the_form_of_a_quiz_with_one_right_option_in_each_question(self, stem):
        assert list(tool.problems(stem)) == []
        for asked in quizzes.questions(stem):
            assert sum(option.correct for option in asked.options) == 1

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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.partition("[[question]]")[2].partition("[[question]]")[0], "1 questions: 4 to 8"),
        (lambda text: text.replace('why = "', 'why = "TODO: ', 1), "question 1: a TODO is left"),
        (lambda text: re.sub(r'why = ".*"', 'why = "No."', text, count=1), "option A: the reason must be its own"),
    ],
    ids=["too few questions", "a TODO", "a short reason"],
)
def test_what_departs_from_the_form_of_a_quiz_is_named(tmp_path, monkeypatch, change, words):
    text = (quizzes.FOLDER / f"{STEMS[0]}.toml").read_text(encoding="utf-8")
    changed = change(text)
    (tmp_path / f"{STEMS[0]}.toml").write_text(changed if "[[question]]" in changed else f"[[question]]{changed}")
    monkeypatch.setattr(tool.quizzes, "questions", lambda name: reading.read(tmp_path / f"{name}.toml"))
    assert any(words in line for line in tool.problems(STEMS[0]))


STRONG = re.compile(r"\b(nothing|none|no|errors?|never|always|all|every|each|only|any|cannot|must)\b", re.IGNORECASE)


def words(text):
    return set(re.findall(r"\w+", text.lower()))


def chosen(score, without=None):
    """Return a rule of guessing: the option of the highest score, if possible among those without certain words."""

    def rule(asked):
        left = [option for option in asked.options if not (without and without.search(option.text))]
        return max(left or asked.options, key=lambda option: score(option.text, asked.text))

    return rule


RULES = {
    "longest": chosen(lambda option, _: len(option)),
    "shortest": chosen(lambda option, _: -len(option)),
    "longest without strong words": chosen(lambda option, _: len(option), STRONG),
    "shortest without strong words": chosen(lambda option, _: -len(option), STRONG),
    "most numbers": chosen(lambda option, _: len(re.findall(r"\d+", option))),
    "most words of the question": chosen(lambda option, question: len(words(option) & words(question))),
    "fewest words of the question": chosen(lambda option, question: -len(words(option) & words(question))),
    "most code": chosen(lambda option, _: option.count("`")),
    "most commas": chosen(lambda option, _: len(re.findall("[,:;]", option))),
    "nearest to the middle length": lambda asked: sorted(asked.options, key=lambda o: len(o.text))[1],
} | {
    f"letter {letter}": lambda asked, at=at: asked.options[min(at, len(asked.options) - 1)]
    for at, letter in enumerate("ABCD")
}


@pytest.mark.parametrize("stem", STEMS)
def test_who_has_not_read_the_notebook_guesses_no_better_than_chance_and_two(stem):
    everything = quizzes.questions(stem)
    chance = sum(1 / len(asked.options) for asked in everything)
    right = {name: sum(rule(asked).correct for asked in everything) for name, rule in RULES.items()}
    assert {name: count for name, count in right.items() if count > chance + 2} == {}


def test_the_rules_choose_as_they_say():
    texts = ("Nothing of all that is to be seen there.", "It holds 12 words, and `code`.", "Which?", "A question.")
    asked = reading.Question("Which question is it?", tuple(reading.Option(text, "") for text in texts))
    said = {name: texts.index(rule(asked).text) for name, rule in RULES.items()}
    assert [said[name] for name in ("longest", "longest without strong words", "shortest")] == [0, 1, 2]
    assert [said[name] for name in ("most numbers", "most code", "most commas")] == [1, 1, 1]
    assert [said[f"letter {letter}"] for letter in "ABCD"] == [0, 1, 2, 3]


def test_every_notebook_but_the_first_has_a_quiz():
    assert list(STEMS) == [path.stem for path in working_copy.course_notebooks()][1:]


def test_an_unknown_notebook_is_named_with_those_that_have_a_quiz():
    with pytest.raises(ValueError, match="'00_start_here'.*06_fine_tune"):
        quizzes.as_markdown("00_start_here")


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("[[question]]", "[[question", r"q\.toml: cannot be read as TOML"),
        (VALID, "", r"q\.toml: expected at least one table \[\[question\]\]"),
        ("[[question]]", "title = 1\n[[question]]", r"q\.toml: expected \[\[question\]\] only, found .*`title`"),
        ('text = "Which?"', "", r"q\.toml, question 1: expected `option`, `text`, found `option`"),
        ('text = "Which?"', "text = 3", r"question 1: expected `text` to be a text, found 3"),
        ('why = "It is."', "", r"question 1, option A: expected `text`, `why` and perhaps `correct`"),
        ('why = "It is not."', 'why = " "', r"question 1, option B: expected `why` to be a text"),
        ("correct = true", "correct = 1", r"option A: expected `correct` to be true or false, found 1"),
        ("correct = true", "", r"question 1: expected one option with `correct = true`, found 0"),
        ('"It is not."', '"It is not."\ncorrect = true', r"question 1: expected one option .* found 2"),
        ('[[question.option]]\ntext = "That"\nwhy = "It is not."', "", r"question 1: expected 2 to 6 options, found 1"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place_and_what_is_expected(tmp_path, good, bad, message):
    path = tmp_path / "q.toml"
    path.write_text(VALID)
    assert len(reading.read(path)) == 1
    path.write_text(VALID.replace(good, bad, 1))
    with pytest.raises(ValueError, match=message):
        reading.read(path)


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
            for letter, option in zip(reading.LETTERS, asked.options, strict=False):
                verdict = "✓ Right." if option.correct else "✗"
                assert f"* **{letter}**: {verdict} {option.why}" in text

    def test_stands_in_the_notebook_above_the_quiz_to_click(self, stem):
        cells = nbformat.read(working_copy.COURSE / f"{stem}.ipynb", as_version=4).cells
        (place,) = [place for place, cell in enumerate(cells) if "quizzes.show(" in cell.source]
        assert cells[place].source == f'quizzes.show("{stem}")'
        assert cells[place].outputs[0].data["text/html"] == quizzes.as_html(stem)
        assert cells[place - 1].source == quizzes.as_markdown(stem)


class Balanced(HTMLParser):
    """Fails at a tag that does not close the one opened last."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("stem", STEMS)
class TestToClick:
    def test_is_well_formed_and_keeps_its_shape_where_scripts_and_styles_are_removed(self, stem):
        parser = Balanced()
        parser.feed(quizzes.as_html(stem))
        parser.close()
        assert parser.open == []
        assert set(parser.seen) <= {"div", "fieldset", "legend", "details", "summary", "p", "strong", "code"}

    def test_needs_nothing_from_elsewhere(self, stem):
        assert not re.search(r"https?:|['\"]//|<script|<style|<link|<img|\bon\w+=", quizzes.as_html(stem))

    def test_folds_the_reason_of_every_option_below_it(self, stem):
        sets = re.findall(r"<legend>(.*?)</legend>(.*?)</fieldset>", quizzes.as_html(stem), flags=re.DOTALL)
        for number, ((text, body), asked) in enumerate(zip(sets, quizzes.questions(stem), strict=True), 1):
            assert plain(text) == f"{number}. {asked.text}".replace("`", "")
            folds = re.findall(r"<details[^>]*><summary[^>]*>(.*?)</summary>(.*?)</details>", body)
            assert len(folds) == len(asked.options)
            for (shown, folded), letter, option in zip(folds, reading.LETTERS, asked.options, strict=False):
                assert plain(shown) == f"{letter}: {option.text}".replace("`", "")
                verdict = "✓ Right." if option.correct else "✗"
                assert plain(folded) == f"{verdict} {option.why}".replace("`", "")

    def test_gives_the_same_output_each_time_and_keeps_random_numbers(self, stem):
        state = random.getstate()
        assert quizzes.as_html(stem) == quizzes.as_html(stem)
        assert random.getstate() == state


def plain(text):
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def test_show_displays_html_and_a_sentence_for_terminals(shell):
    with capture.capture_output() as captured:
        quizzes.show(STEMS[0])
    (output,) = captured.outputs
    assert output.data["text/html"] == quizzes.as_html(STEMS[0])
    assert "as_markdown" in output.data["text/plain"]


def test_outside_of_a_notebook_it_says_what_to_do(capsys):
    quizzes.show(STEMS[0])
    assert "as_markdown" in capsys.readouterr().out


def test_the_tool_writes_the_quiz_to_read_and_nothing_else(tmp_path, capsys):
    for stem in STEMS:
        shutil.copy(working_copy.COURSE / f"{stem}.ipynb", tmp_path)
    assert tool.main(["--check"], tmp_path) == 0
    path = tmp_path / "06_fine_tune.ipynb"
    right = path.read_bytes()
    path.write_bytes(right.replace(b'"## Quiz', b'"## Old quiz'))
    assert tool.main(["--check"], tmp_path) == 1
    assert "06_fine_tune.ipynb" in capsys.readouterr().out
    assert tool.main([], tmp_path) == 0
    assert path.read_bytes() == right
