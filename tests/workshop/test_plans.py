"""The plans add up: the clock, the breaks, the minutes that the notebooks take, and what is left for home."""

import re

import nbformat
import plans
import pytest

from helpers.course import working_copy
from tools import minutes, slides

HALF, TWO = plans.FOLDER / "half_day.md", plans.FOLDER / "two_days.md"
DAYS = {"half_day": plans.days(HALF), "two_days": plans.days(TWO)}
EVERY = [(f"{name}, day {number}", day) for name, found in DAYS.items() for number, day in enumerate(found, 1)]
each_day = pytest.mark.parametrize("day", [day for _, day in EVERY], ids=[name for name, _ in EVERY])
each_plan = pytest.mark.parametrize("name", DAYS)
LONGEST = 90  # minutes without a break
PAUSES = {"break", "lunch"}


def all_rows(name):
    return [row for day in DAYS[name] for row in day]


def test_there_is_half_a_day_and_there_are_two_days():
    assert len(DAYS["half_day"]) == 1 and len(DAYS["two_days"]) == 2
    ((day,),) = [DAYS["half_day"]]
    assert day[-1].end - day[0].begin <= 4 * 60


@each_day
def test_each_row_begins_where_the_one_before_ends_and_its_minutes_are_right(day):
    assert all(row.end - row.begin == row.minutes > 0 for row in day)
    assert [row.begin for row in day[1:]] == [row.end for row in day[:-1]]


@each_day
def test_nobody_sits_longer_than_ninety_minutes(day):
    begun = day[0].begin
    for row in day:
        assert row.end - begun <= LONGEST or row.how in PAUSES, f"{row.what}: {row.end - begun} minutes without a break"
        if row.how in PAUSES:
            assert row.minutes >= 10
            begun = row.end


@each_day
def test_rows_name_what_there_is(day):
    for row in day:
        assert row.how in {"talk", "done", "shown", *PAUSES}, row.how
        if row.how == "done":
            reading, exercises = plans.sections(row.notebook)
            assert row.sections == ("all",) or set(row.sections) <= reading.keys(), (row.notebook, row.sections)
            assert set(row.exercises) <= set(range(1, exercises + 1))


@each_day
def test_the_time_for_what_is_done_is_at_least_what_the_notebook_takes(day):
    for row in day:
        if row.how == "done":
            taken = plans.needed(row) + plans.CHANGING * (row.notebook != "00_start_here")
            taken += plans.RUNNING * plans.leaves_out(row)
            assert row.minutes >= taken, f"{row.notebook}: {row.minutes} planned, {taken:.1f} taken"


@each_plan
def test_there_is_time_to_install_and_what_to_note_is_said_first(name):
    first, text = DAYS[name][0][0], " ".join((plans.FOLDER / f"{name}.md").read_text(encoding="utf-8").split())
    assert first.how == "talk" and first.minutes >= 20 and "installs" in first.what and "doctor" in first.what
    assert f"**The {first.minutes} minutes at the start**" in text and "**At 09:00 say what to note**" in text
    assert "*Shut Down All Kernels*" in text and "**The solutions**" in text


@pytest.mark.parametrize("name", [*DAYS, "day_before"])
def test_each_page_says_what_a_room_with_the_hub_does_instead(name):
    text = (plans.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert "(hub/README.md)" in text and "slip" in text


@each_day
def test_slides_that_are_shown_are_of_that_notebook_and_have_a_minute_each(day):
    deck = slides.read()
    for row in day:
        if row.how == "shown":
            first, last = map(int, re.fullmatch(r"slides (\d+) to (\d+)", " / ".join(row.sections)).groups())
            assert {slide["notebook"] for slide in deck[first - 1 : last]} == {row.notebook}
            assert row.minutes >= last - first + 1


def section_of(slide):
    """The heading above the cell whose figure or output a slide shows."""
    name = None
    for cell in nbformat.read(plans.NOTEBOOKS[slide["notebook"]], as_version=4).cells:
        if cell.cell_type == "markdown":
            name = ([name] + re.findall(r"^## (.+)", cell.source, re.MULTILINE))[-1]
            continue
        try:
            slides.shown(slide, nbformat.v4.new_notebook(cells=[cell]))
            return name
        except slides.SlidesError:
            pass
    raise AssertionError(slide["title"])


def test_half_a_day_shows_slides_of_what_is_not_done():
    """What has been done needs no slide, and its questions come too late."""
    deck, done = slides.read(), {row.notebook: row.sections for row in all_rows("half_day") if row.how == "done"}
    for row in all_rows("half_day"):
        if row.how == "shown":
            first, last = map(int, re.findall(r"\d+", row.sections[0]))
            for slide in deck[first - 1 : last]:
                assert section_of(slide) not in done.get(row.notebook, ()), slide["title"]


@each_plan
def test_the_notebooks_come_in_their_order(name):
    named = [row.notebook for row in all_rows(name) if row.notebook]
    assert named == sorted(named)
    wanted = list(plans.NOTEBOOKS)[: minutes.CORE if name == "half_day" else None]
    assert list(dict.fromkeys(named)) == wanted


def test_two_days_leave_nothing_out():
    for row in all_rows("two_days"):
        if row.notebook:
            _, exercises = plans.sections(row.notebook)
            assert row.sections == ("all",) and row.exercises == tuple(range(1, exercises + 1))
            assert row.quiz or row.notebook == "00_start_here"


def test_what_half_a_day_leaves_for_home_is_the_rest_of_each_notebook():
    (rows,) = [
        rows
        for headings, rows in plans.tables(HALF)
        if headings == ["notebook", "in the room", "left for home", "together"]
    ]
    done = {}
    for row in all_rows("half_day"):
        if row.how == "done":
            done[row.notebook] = done.get(row.notebook, 0) + plans.needed(row)
    *each, (_, *sums) = rows
    assert [row[0] for row in each] == list(plans.NOTEBOOKS)[: minutes.CORE]
    for stem, *said in each:
        whole = minutes.minutes(nbformat.read(plans.NOTEBOOKS[stem], as_version=4))
        here, home, together = map(int, said)
        assert abs(here - done.get(stem, 0)) <= 1 and abs(together - whole) <= 1 and here + home == together, stem
    assert [int(said) for said in sums] == [sum(int(row[column]) for row in each) for column in (1, 2, 3)]


@pytest.mark.parametrize("path", sorted(plans.FOLDER.rglob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_commands_that_the_pages_name_are_there():
    text = "\n".join(path.read_text(encoding="utf-8") for path in plans.FOLDER.rglob("*.md"))
    for module in set(re.findall(r"python -m (tools\.\w+)", text)):
        assert (working_copy.CHECKOUT / f"{module.replace('.', '/')}.py").is_file(), module


def test_a_plan_with_a_gap_or_a_long_stretch_would_be_found(tmp_path):
    """The reader of plans is not blind."""
    heading = f"| {' | '.join(plans.HEADINGS)} |\n|{'---|' * 8}\n"
    line = "| 09:00 | 10:40 | 100 | done | [00_start_here](../notebooks/00_start_here.ipynb) | all | 1, 2 | no |\n"
    (tmp_path / "plan.md").write_text(heading + line + line.replace("09:00", "10:45"))
    ((first, second),) = plans.days(tmp_path / "plan.md")
    assert first.notebook == "00_start_here" and first.exercises == (1, 2) and not first.quiz
    assert second.begin - first.end == 5 and second.end - second.begin != second.minutes
    assert (
        abs(plans.needed(first) - minutes.minutes(nbformat.read(plans.NOTEBOOKS["00_start_here"], as_version=4))) < 0.2
    )
