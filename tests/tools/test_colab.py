"""Copies for Colab install the course first, link to each other, and are the course's notebooks otherwise."""

import re

import nbformat
import pytest

from helpers.course import working_copy
from tools import colab

REPOSITORY = "someone/some-course"


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    paths = colab.write(tmp_path_factory.mktemp("colab"), REPOSITORY)
    return {path.name: nbformat.read(path, as_version=4) for path in paths}


def test_each_notebook_has_a_valid_copy(copies):
    assert list(copies) == [path.name for path in working_copy.course_notebooks()]
    for notebook in copies.values():
        nbformat.validate(notebook)


def test_the_first_code_cell_installs_from_the_one_address_and_the_rest_is_the_courses(copies):
    for path in working_copy.course_notebooks():
        code = [cell for cell in copies[path.name].cells if cell.cell_type == "code"]
        assert (
            f'%pip install --quiet "swap-the-head @ git+https://github.com/{REPOSITORY}"' in code[0].source.splitlines()
        )
        of_course = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert [cell.source for cell in code[1:]] == [cell.source for cell in of_course]
        assert not any(cell.outputs or cell.execution_count for cell in code)


def test_links_lead_to_copies_on_colab_and_pages_in_the_repository(copies):
    for notebook in copies.values():
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        targets = re.findall(r"\]\(([^)]+)\)", text)
        assert targets and all(target.startswith(("https://", "#")) for target in targets)
        of_course = [target for target in targets if target.startswith("https://colab.")]
        assert of_course
        for target in of_course:
            assert "/github/someone/some-course/blob/colab/" in target and target.rsplit("/", 1)[1] in copies


def test_folded_cells_are_folded_on_colab_too(copies):
    for notebook in copies.values():
        for cell in notebook.cells:
            folded = bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
            assert (cell.metadata.get("cellView") == "form") == folded


@pytest.mark.parametrize("given", ["course", "https://github.com/me/course", "me/course/", "me /course"])
def test_a_repository_that_is_none_is_refused_and_nothing_written(given, tmp_path, capsys):
    with pytest.raises(SystemExit):
        colab.main([given, "--to", str(tmp_path / "out")])
    assert "owner/name" in capsys.readouterr().err and not (tmp_path / "out").exists()
