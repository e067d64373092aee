"""What the pages of the web edition are made of; tests/browser/test_web_edition.py reads the built ones."""

import re

import bs4
import nbformat
import pytest

from tools import glossary
from tools.book import explorers, layout, notebooks, pages, reading

code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


def cell_of(tag, source="pass", **more):
    return code(source, metadata={"tags": [tag]}, **more)


def page(*cells):
    notebook = nbformat.v4.new_notebook(cells=[text("# Title\n\n> goals"), *cells])
    before = nbformat.writes(notebook)
    made = notebooks.page(notebook, "RUN IT", None)
    assert nbformat.writes(notebook) == before  # the course's own stays as it is
    nbformat.validate(made)
    return made.cells


class TestNotebook:
    def test_how_to_run_it_is_below_the_title(self):
        first, *_ = page()
        assert first.source.split("\n\n") == ["# Title", "RUN IT", "> goals"]

    def test_the_words_of_a_figure_reach_its_picture(self):
        alt = {"image/png": {"alt": "A line that rises."}}
        output = nbformat.v4.new_output("display_data", {"image/png": "AAAA"}, metadata=alt)
        _, cell = page(code("draw()", outputs=[output]))
        assert cell.metadata.mystnb.image.alt == "A line that rises."

    @pytest.mark.parametrize("tag", ["solution", "claims"])
    def test_what_spoils_an_answer_is_folded(self, tag):
        _, cell = page(cell_of(tag))
        assert cell.metadata.tags == ["hide-input"] and "Show" in cell.metadata.mystnb.code_prompt_show

    def test_a_check_shows_no_verdict_of_a_blank(self):
        blank = nbformat.v4.new_output("display_data", {"text/html": "Not yet", "text/plain": "Not yet"})
        _, cell, advice = page(code("checks.wire_toy(answer)", outputs=[blank]))
        assert cell.source and cell.outputs == [] and "run_it.md" in advice.source

    def test_progress_is_left_out_with_its_heading(self):
        cells = page(text("## Before"), text("## Where you are\n\nSo far:"), cell_of("progress"), text("## Recap"))
        assert [cell.source for cell in cells[1:]] == ["## Before", "## Recap"]

    def test_a_quiz_is_there_once(self):
        _, heading, quiz = page(text("## Quiz\n\n**1.** Why?\n\nA, B"), cell_of("quiz", 'quizzes.show("x")'))
        assert "Why?" not in heading.source and quiz.metadata.tags == ["remove-input"]

    def test_an_explorer_without_a_place_is_refused(self):
        with pytest.raises(ValueError, match="widgets.new_one has no place in the web edition"):
            page(cell_of("widget", "x = 1\nwidgets.new_one(x)"))


class TestReading:
    def test_a_table_of_pandas_scrolls_and_has_no_empty_heading(self):
        markup = "<style>table {color: red}</style><table border='1'><tr><th scope='col'></th><th>a</th></tr></table>"
        soup = bs4.BeautifulSoup(reading.readable(markup), "html.parser")
        assert soup.style is None and [heading.get_text() for heading in soup.find_all("th")] == ["a"]
        assert soup.table.parent["tabindex"] == "0" and soup.table.parent["aria-label"]
        assert "scope" not in soup.td.attrs and "border" not in soup.table.attrs

    @pytest.mark.parametrize(
        "style, left",
        [
            ("color: #0087ff; text-decoration-color: #0087ff", ""),
            ("padding: 1px;color:red;margin:0", "padding: 1px;margin:0"),
            ("background-color: red", "background-color: red"),
            ("border-left: 5px solid #8C8C8C", "border-left: 5px solid #8C8C8C"),
        ],
    )
    def test_text_has_the_colour_of_the_page(self, style, left):
        soup = bs4.BeautifulSoup(reading.readable(f"<p style='{style}'>x</p>"), "html.parser")
        assert soup.p["style"] == left

    def test_code_and_signs_stay(self):
        assert "a &lt; b &amp; c" in reading.readable("<pre>a &lt; b &amp; c</pre>")


class TestLinks:
    @pytest.mark.parametrize(
        "written, folder, page",
        [
            ("[a](notebooks/00_x.ipynb#B-c)", ".", "[a](00_x.ipynb#B-c)"),
            ("[a](../notebooks/00_x.ipynb)", "workshop", "[a](../00_x.ipynb)"),
            ("[a](../../notebooks/GLOSSARY.md)", "workshop/hub", "[a](../../GLOSSARY.md)"),
            ("[a](notebooks/00_x.md)", "workshop", "[a](notebooks/00_x.md)"),
            ("![a](notebooks/result.png)", ".", "![a](result.png)"),
            ("[a](#b) and [c](https://d.org)", "workshop", "[a](#b) and [c](https://d.org)"),
            ("[a](LICENSE)", ".", "[a](https://there/LICENSE)"),
            ("[a](../LICENSE)", "workshop", "[a](https://there/LICENSE)"),
        ],
    )
    def test_a_link_to_a_file_leads_to_its_page(self, written, folder, page):
        from pathlib import Path

        assert pages.linked(written, "https://there/", Path(folder)) == page

    def test_without_a_repository_a_file_is_named_and_not_linked(self):
        assert pages.linked("see [the licence](LICENSE)", "") == "see the licence"

    def test_without_a_repository_nothing_leads_out(self):
        assert "https" not in layout.run_it("00_start_here", "")
        assert layout.run_it("00_start_here", "me/course").count("me/course") == 3


def test_the_first_page_says_what_and_for_whom_before_where_to_go():
    page = pages.front()
    places = [page.index(words) for words in ("A hands-on course", "**For whom.**", "**[Begin]", "You predict", "![")]
    assert places == sorted(places) and page.count("**For whom.**") == 1
    assert f"<details><summary>{pages.RESULT}</summary>\n\n![" in page  # it answers what notebook 00 asks
    assert "](00_start_here.ipynb)" in page and "](workshop/README.md)" in page


def test_a_notebook_is_listed_with_its_number():
    page = pages.course("")
    assert "\n05 Train the head <05_train_the_head>\n" in page
    assert pages.numbered("05_train_the_head.html", "Train") == "05 Train"
    assert pages.numbered("run_it.html", "Run it") == "Run it"


def test_every_word_of_the_glossary_is_an_object_with_its_link():
    page = pages.words()
    assert page.count("```{word} ") == len(glossary.read()) and "<!--" not in page
    assert "```{word} logits (logit)\nthe outputs of" in page and "[03](03_attach_new_head.ipynb#Choose-logits" in page


def test_the_words_of_a_link_are_no_path():
    texts = (pages.front(), pages.run_it("", ""), *pages.workshop("").values())
    assert not [words for text in texts for words in re.findall(r"\[(`?workshop[^]]*)\]\(", text)]


def test_every_finding_is_on_its_page_with_why_and_fix():
    from helpers.doctor import findings

    page = pages.mistakes()
    for name, texts in findings.TEXTS.items():
        _, _, own = page.partition(f"\n### {name}\n")
        own, _, _ = own.partition("\n### ")
        assert own and "**Why it matters" in own and "**The fix" in own, name
        assert not pages._in_general()[name].keys() & texts.keys(), name  # the doctor's own words come first


def test_a_page_whose_section_is_gone_is_named():
    with pytest.raises(ValueError, match="no section 'Elsewhere'"):
        pages.section("Elsewhere", "x", "")


def test_the_page_offers_only_choices_that_the_notebook_has():
    import ipywidgets

    slider = ipywidgets.SelectionSlider(options=(1, 2, 3), description="Size")
    assert explorers._choices(slider, (1, 3)) == [("1", 1), ("3", 3)]
    with pytest.raises(ValueError, match="Size"):
        explorers._choices(slider, (1, 4))
