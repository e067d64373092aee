"""Copies for Colab install the course first, link to each other, and are the course's notebooks otherwise."""

import json
import re

import nbformat
import pytest

from helpers.course import working_copy
from tools import colab

URL = "https://github.com/someone/some-course"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    path = tmp_path_factory.mktemp("project") / "pyproject.toml"
    path.write_text(f'[project]\nname = "swap-the-head"\n[project.urls]\nRepository = "{URL}.git"\n')
    return path


@pytest.fixture(scope="module")
def copies(project, tmp_path_factory):
    paths = colab.write(tmp_path_factory.mktemp("colab"), project)
    return {path.name: nbformat.read(path, as_version=4) for path in paths}


def test_each_notebook_has_a_valid_copy(copies):
    assert list(copies) == [path.name for path in working_copy.course_notebooks()]
    for notebook in copies.values():
        nbformat.validate(notebook)


def test_the_first_code_cell_installs_from_the_one_address_and_the_rest_is_the_courses(copies):
    for path in working_copy.course_notebooks():
        code = [cell for cell in copies[path.name].cells if cell.cell_type == "code"]
        assert f'%pip install --quiet "swap-the-head @ git+{URL}"' in code[0].source.splitlines()
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


@pytest.mark.parametrize("urls", ["", '[project.urls]\nRepository = "https://example.org/x"\n'])
def test_says_what_is_missing_where_the_address_is_not_on_github(urls, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{urls}')
    with pytest.raises(ValueError, match=r"Repository = .* in \[project.urls\]. Write it as"):
        colab.write(tmp_path / "out", tmp_path / "pyproject.toml")
    assert not (tmp_path / "out").exists()


def test_the_courses_own_address_is_one_that_colab_opens():
    name, url = colab.address()
    assert name == "swap-the-head" and json.dumps(url) in (colab.ROOT / "pyproject.toml").read_text(encoding="utf-8")
