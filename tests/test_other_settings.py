"""The notebooks for one's own pictures run with another backbone, size and folder than their text describes."""

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
pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("name", LINES)
def test_run_to_the_end_with_another_backbone_on_a_table_of_labels(name, table, tmp_path, monkeypatch):
    (path,) = [path for path in working_copy.course_notebooks() if path.stem == name]
    notebook = nbformat.read(path, as_version=4)
    lines = LINES[name] | {"my_folder = p": f"my_folder = pathlib.Path({str(table)!r})  # p", "side = 96": "side = 64"}
    for cell in notebook.cells:
        for old, new in lines.items():
            if cell.cell_type == "code" and f"\n{old}" in cell.source:
                cell.source = cell.source.replace(old, new)
                lines = {line: other for line, other in lines.items() if line != old}
        cell.source = cell.source.replace("(96, 160, 224)", "(64, 96)").replace("judged[96]", "judged[64]")
        cell.source = cell.source.replace("judged[160]", "judged[96]").replace("import time", "import time, pathlib")
    assert not lines
    monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
