"""Each slide shows a figure or output that its notebook stores, and says numbers that the notebook has."""

import html
import re

import nbformat
import pytest
from said_numbers import numbers, of_notebook

from helpers.course import working_copy
from tools import minutes, slides

ALL = slides.read()
NOTEBOOKS = {path.stem: path for path in working_copy.course_notebooks()}
WHOLE = 'notebook = "00_start_here"\ntitle = "t"\nsentence = "s"\nquestion = "q"\n'


@pytest.fixture
def course(tmp_path):
    """A notebook with a figure and two outputs, one of them coloured, and a text that looks like HTML."""
    cell = nbformat.v4.new_code_cell("x")
    picture = nbformat.v4.new_output("display_data", {"image/png": "aGk=\n"})
    picture.metadata = {"image/png": {"alt": 'A "sketch" of <things>'}}
    cell.outputs = [picture, nbformat.v4.new_output("stream", text="  \x1b[1mtotal\x1b[0m 5 & <more>\n")]
    other = nbformat.v4.new_code_cell("y")
    other.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "twice 1\ntwice 2"}, execution_count=1)]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell, other]), tmp_path / "00_start_here.ipynb")
    return tmp_path


def made(course, lines):
    path = course / "slides.toml"
    path.write_text("[[slide]]\n" + WHOLE + lines + "\n")
    slides.write(course / "deck.html", path, course)
    return (course / "deck.html").read_text()


def test_a_figure_is_the_stored_one_with_its_alternative_text(course):
    text = made(course, 'figure = "A \\"sketch\\""')
    assert '<img alt="A &quot;sketch&quot; of &lt;things&gt;" src="data:image/png;base64,aGk=">' in text


def test_a_question_before_a_slide_is_shown_alone_and_has_its_number(course):
    text = made(course, 'output = "total"\nbefore = "How *many*?"')
    _, _, asked, answer = text.split("<section")
    assert "<h2>How <em>many</em>?</h2>" in asked and "total" not in asked and ">1 of 1<" in asked
    assert "total" in answer and "How <em>" not in answer and ">1 of 1<" in answer


def test_a_slide_and_the_question_before_it_have_addresses(course):
    text = made(course, 'output = "total"\nbefore = "How *many*?"')
    assert re.findall(r'id="([^"]*)"', text) == ["slide-1-question", "slide-1"]
    assert "a number and Enter go to that slide" in text


def test_an_output_is_shown_as_it_was_printed(course):
    assert re.search(r"<pre [^>]*>  total 5 &amp; &lt;more&gt;</pre>", made(course, 'output = "total"'))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('figure = "A photograph"', "the figure 'A photograph', and 00_start_here has 0"),
        ('output = "nowhere"', "the output 'nowhere'"),
        ("", "expected notebook, question, sentence, title, and one of figure and output"),
        ('output = "total"\nfigure = "A"', "one of figure and output"),
        ('output = "total"\ncolour = "red"', "colour"),
    ],
)
def test_what_is_missing_is_said(course, lines, words):
    with pytest.raises(slides.SlidesError, match=words):
        made(course, lines)


def test_words_that_two_outputs_have_are_no_name(course):
    notebook = nbformat.read(course / "00_start_here.ipynb", as_version=4)
    notebook.cells.append(notebook.cells[1])
    nbformat.write(notebook, course / "00_start_here.ipynb")
    with pytest.raises(slides.SlidesError, match="has 2 of these"):
        made(course, 'output = "twice"')


def test_a_notebook_that_is_not_there_is_named(course):
    (course / "slides.toml").write_text("[[slide]]\n" + WHOLE.replace("00_", "77_") + 'output = "total"\n')
    with pytest.raises(slides.SlidesError, match="77_start_here: there is no such notebook"):
        slides.write(course / "deck.html", course / "slides.toml", course)
    assert not (course / "deck.html").exists()


def test_the_deck_of_the_course_needs_no_network_and_shows_every_slide():
    text = slides.deck(ALL)
    assert text.count("<section") == len(ALL) + sum(slides.BEFORE in slide for slide in ALL) + 1
    assert not re.search(r'(src|href)=(?!"data:)', text) and "import" not in text.partition("<script>")[2]
    for slide in ALL:
        assert html.escape(slide["notebook"]) in text


def test_the_core_path_is_in_it_in_its_order():
    order = [slide["notebook"] for slide in ALL]
    assert order == sorted(order)
    assert list(dict.fromkeys(order)) == list(NOTEBOOKS)[: minutes.CORE]


@pytest.mark.parametrize("slide", ALL, ids=lambda slide: slide["title"])
def test_numbers_that_a_slide_says_are_in_its_notebook(slide):
    said = numbers(f"{slide['title']} {slide['sentence']} {slide.get(slides.BEFORE, '')}")
    assert said <= of_notebook(NOTEBOOKS[slide["notebook"]]), slide["title"]


def test_a_number_that_no_cell_has_would_be_found():
    """One of the pictures that are shown has the number 69, and no share is 69 %."""
    there = of_notebook(NOTEBOOKS["00_start_here"])
    assert numbers("2,565 weights, 63 %") == {"2565", "63%"} <= there
    assert "69" in there and not numbers("69 %") <= there and not numbers("2,566 weights") <= there


def test_each_slide_asks_something():
    assert [slide["title"] for slide in ALL if len(slide["question"].split()) < 6] == []


@pytest.mark.parametrize("slide", ALL, ids=lambda slide: slide["title"])
def test_what_has_to_be_asked_first_is_asked_before_the_slide_and_not_on_it(slide):
    assert not re.search(r"before you (see|show|go)|Take a vote|first, then", slide["question"]), slide["question"]


class TestTheFile:
    def trouble(self, path, capsys):
        said = slides.main([str(path)])
        assert isinstance(said, str) and "\n" not in said and "Errno" not in said
        assert capsys.readouterr().out == ""
        return said

    def test_a_folder_in_its_place_is_said_with_a_file_that_would_do(self, tmp_path, capsys):
        assert f"{tmp_path} is a folder: name a file for the slides, such as {tmp_path / 'slides.html'}." in (
            self.trouble(tmp_path, capsys)
        )
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["mine/deck.html", "mine/deeper/deck.html"])
    def test_a_file_in_its_folders_place_is_named(self, tmp_path, capsys, name):
        (tmp_path / "mine").write_text("text")
        said = self.trouble(tmp_path / name, capsys)
        assert f"{tmp_path / 'mine'} is a file and no folder. Name another file." in said
        assert (tmp_path / "mine").read_text() == "text"

    def test_a_folder_that_nobody_may_make_is_said(self, tmp_path, capsys, monkeypatch):
        def refused(*given, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.mkdir", refused)
        said = self.trouble(tmp_path / "new/deck.html", capsys)
        assert f"The folder {tmp_path / 'new'} cannot be made (Permission denied): name a file in another" in said
