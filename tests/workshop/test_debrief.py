"""The debrief asks the same on paper and as a form; the form for a question asks what an answer needs."""

import re

import plans
import pytest
import yaml

from helpers.course import working_copy

FORMS = working_copy.CHECKOUT / ".github/ISSUE_TEMPLATE"
KINDS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}


def form(name):
    return yaml.safe_load((FORMS / name).read_text(encoding="utf-8"))


def labels(name):
    return [part["attributes"]["label"] for part in form(name)["body"] if part["type"] != "markdown"]


@pytest.mark.parametrize("name", sorted(path.name for path in FORMS.glob("*.yml")))
def test_each_form_is_one_that_the_service_takes(name):
    found = form(name)
    assert found["name"] and found["description"] and found["body"]
    for part in found["body"]:
        assert part["type"] in KINDS and part["attributes"].get("value" if part["type"] == "markdown" else "label")
        if "validations" in part:
            assert isinstance(part["validations"]["required"], bool)
    asked = labels(name)
    assert len(set(asked)) == len(asked) > 0


def test_sheet_and_form_ask_the_same():
    sheet = (plans.FOLDER / "debrief.md").read_text(encoding="utf-8")
    assert re.findall(r"^\d+\. \*\*(.+?)\*\*", sheet, flags=re.MULTILINE) == labels("debrief.yml")


def test_both_have_a_place_for_the_minutes_of_each_notebook():
    numbers = [stem[:2] for stem in plans.NOTEBOOKS]
    (minutes,) = [part for part in form("debrief.yml")["body"] if "minutes" in part["attributes"].get("label", "")]
    assert re.findall(r"(\d\d):", minutes["attributes"]["value"]) == numbers
    sheet = (plans.FOLDER / "debrief.md").read_text(encoding="utf-8")
    assert re.findall(r"\d\d", re.search(r"^ *\| notebook \| 00 .*$", sheet, flags=re.MULTILINE)[0]) == numbers


def test_a_question_says_where_what_was_expected_what_happened_and_on_which_machine():
    asked = " ".join(labels("question.yml"))
    for words in ("notebook", "cell", "expect", "happened", "swap-the-head doctor"):
        assert words in asked


def test_the_readme_of_the_workshop_leads_to_every_page_and_has_a_row_for_each_notebook():
    text = (plans.FOLDER / "README.md").read_text(encoding="utf-8")
    for path in plans.FOLDER.rglob("*.md"):
        if path.name != "README.md":
            assert f"({path.relative_to(plans.FOLDER).as_posix()})" in text, path.name
    rows = re.findall(r"^\| \[(\w+)\]\(notebooks/\1\.md\) \| (\d+) \| ([\d,]+) \|$", text, flags=re.MULTILINE)
    assert [stem for stem, *_ in rows] == list(plans.NOTEBOOKS)
