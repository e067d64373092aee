"""Every term of the course is explained in one place, and used nowhere before."""

import nbformat
import pytest

from helpers.course import working_copy
from tools import glossary

LINE = "* **batch** (batches): the pictures of one step. [00](00_a.ipynb#The-recipe)"


def notebook(*texts):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in texts])


def found(tmp_path, lines, **notebooks):
    path = tmp_path / "GLOSSARY.md"
    path.write_text(f"# Glossary\n\n{lines}\n")
    return list(glossary.problems(glossary.read(path), {f"{name[1:]}": value for name, value in notebooks.items()}))


EXPLAINED = notebook("# Title\n\n> 1. use a batch", "## The recipe\n\nA **batch** is some pictures.")


def test_the_course_keeps_its_ladder():
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in working_copy.course_notebooks()}
    terms = glossary.read()
    assert list(glossary.problems(terms, notebooks)) == []
    assert len(terms) >= 100 and {term.notebook for term in terms} == set(notebooks)
    names = [term.name.lower() for term in terms]
    assert names == sorted(set(names))


def test_a_term_that_is_explained_first_and_used_later_is_well(tmp_path):
    assert found(tmp_path, LINE, n00_a=EXPLAINED, n01_b=notebook("Take batches of 32.")) == []


@pytest.mark.parametrize("use", ["Take batches.", "a BATCH", "| batch |", "every batch, too"])
@pytest.mark.parametrize("where", ["in an earlier notebook", "in an earlier cell"])
def test_a_use_before_is_named_with_its_place(tmp_path, use, where):
    if where == "in an earlier cell":
        early = notebook("# Title", use, "## The recipe\n\nA **batch** is some pictures.")
        (line,) = found(tmp_path, LINE, n00_a=early)
        assert "used before in 00_a" in line
    else:
        (line,) = found(tmp_path, LINE.replace("00_a", "01_b"), n00_a=notebook(use), n01_b=EXPLAINED)
        assert "explained in 01_b, used before in 00_a" in line
    assert "atch" in line.lower()


@pytest.mark.parametrize("use", ["`batch_size`", "`batch`", "[text](batch.html)", "the batched", "mini-batch-like"])
def test_code_links_and_other_words_are_no_use(tmp_path, use):
    assert found(tmp_path, LINE.replace("00_a", "01_b"), n00_a=notebook(use), n01_b=EXPLAINED) == []


def test_an_everyday_word_is_looked_for_in_the_words_that_the_line_names(tmp_path):
    line = "* **step**: one change of the weights. [01](01_b.ipynb#Steps) <!-- find: training step, optimizer step -->"
    explained = notebook("# Title", "## Steps\n\nA **step** changes the weights.")
    assert found(tmp_path, line, n00_a=notebook("The next step is easy."), n01_b=explained) == []
    assert len(found(tmp_path, line, n00_a=notebook("Each training step."), n01_b=explained)) == 1


def test_a_term_that_is_not_explained_where_the_line_says_is_named(tmp_path):
    assert "no notebook 00_a" in found(tmp_path, LINE, n01_b=EXPLAINED)[0]
    for wrong in (LINE.replace("The-recipe", "Elsewhere"), LINE.replace("batch", "epoch")):
        assert "not in bold under the heading" in found(tmp_path, wrong, n00_a=EXPLAINED)[0]


def test_a_line_that_is_no_term_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected .* found: \\* batch"):
        found(tmp_path, "* batch: some pictures")
