"""Notebooks run with other pictures, backbones and sizes than their text describes."""

import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

from helpers import storage
from helpers.course import working_copy

LINES = {
    "10_your_own_images": {'backbone = "VGG16"': 'backbone = "EfficientNet-Lite0"'},
    "11_hand_it_over": {'backbone = "EfficientNet-Lite0"': 'backbone = "VGG16"'},
}
COLLECTION = 'collection = "animals"  #'  # the one line that a learner changes in each of these
FOLLOW = ["00_start_here", "04_swap_the_final_dense", "05_train_the_head", "06_fine_tune"]
FIVE = {"Grüne Äpfel": 18, "rote Bälle (1)": 16, "sky blue": 22, "violet $x$ & y": 19, "été à la mer": 17}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def five_classes(tmp_path_factory):
    """A folder of five classes of coloured noise: unequal, of other sizes, with blanks and umlauts in their names."""
    folder, generator = tmp_path_factory.mktemp("five classes"), np.random.default_rng(0)
    for number, (name, pictures) in enumerate(FIVE.items()):
        (folder / name).mkdir()
        colour = generator.integers(40, 215, 3)
        for index in range(pictures):
            pixels = np.clip(colour + generator.normal(0, 60, (30 + 5 * number, 50, 3)), 0, 255).astype("uint8")
            Image.fromarray(pixels).resize((90 + 10 * number, 70)).save(folder / name / f"bild {index}.jpg")
    return folder


@pytest.fixture(scope="module")
def cache_of_five(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table of labels beside coloured noise: unequal classes, pictures in groups, a name with signs in it."""
    folder, generator = tmp_path_factory.mktemp("mine"), np.random.default_rng(0)
    lines = ["file,label,group"]
    for label, (colour, number) in {"$red$ (1)": ((200, 60, 50), 9), "grün": ((40, 180, 60), 21)}.items():
        for index in range(number):
            pixels = np.clip(np.array(colour) + generator.normal(0, 60, (40, 60, 3)), 0, 255)
            name = f"{len(lines):03d}.jpg"
            Image.fromarray(pixels.astype("uint8")).resize((120, 80)).save(folder / name)
            lines.append(f"{name},{label},day {label} {index // 2}")
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "labels.csv"


def read(name):
    (path,) = [path for path in working_copy.course_notebooks() if path.stem == name]
    return path, nbformat.read(path, as_version=4)


def run(path, notebook, cache, monkeypatch):
    monkeypatch.setenv(storage.CACHE_VARIABLE, str(cache))
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()


@pytest.mark.parametrize("name", FOLLOW)
def test_run_to_the_end_on_a_folder_of_five_classes_by_one_argument(name, five_classes, cache_of_five, monkeypatch):
    path, notebook = read(name)
    (cell,) = [cell for cell in notebook.cells if COLLECTION in cell.source]
    cell.source = cell.source.replace(COLLECTION, f"collection = {str(five_classes)!r}  #")
    notebook.cells.append(nbformat.v4.new_code_cell(f"assert data.class_names == {tuple(sorted(FIVE))!r}"))
    run(path, notebook, cache_of_five, monkeypatch)
    assert "animals" not in {entry.name.split("-")[0] for entry in (cache_of_five / "draws").iterdir()}


def test_every_notebook_of_the_core_path_that_loads_pictures_and_says_so_can_load_others():
    for path in working_copy.course_notebooks():
        _, notebook = read(path.stem)
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        assert any(COLLECTION in source for source in sources) == (path.stem in FOLLOW), path.stem
        if path.stem in FOLLOW:
            assert not [source for source in sources if 'load("animals"' in source or 'load_five("' in source], (
                path.stem
            )


@pytest.mark.parametrize("name", LINES)
def test_run_to_the_end_with_another_backbone_on_a_table_of_labels(name, table, tmp_path, monkeypatch):
    path, notebook = read(name)
    lines = LINES[name] | {"my_folder = p": f"my_folder = pathlib.Path({str(table)!r})  # p", "side = 96": "side = 64"}
    for cell in notebook.cells:
        for old, new in lines.items():
            if cell.cell_type == "code" and f"\n{old}" in cell.source:
                cell.source = cell.source.replace(old, new)
                lines = {line: other for line, other in lines.items() if line != old}
        cell.source = cell.source.replace("(96, 160, 224)", "(64, 96)").replace("judged[96]", "judged[64]")
        cell.source = cell.source.replace("judged[160]", "judged[96]").replace("import time", "import time, pathlib")
    assert not lines
    run(path, notebook, tmp_path / "cache", monkeypatch)
