"""The written map of `helpers` is true: who imports whom, what loads TensorFlow, and where each name is."""

from pathlib import Path

import pytest
from imports import ROOT, imported, modules

import helpers

PACKAGE = Path(helpers.__file__).parent


def line_of(module):
    """The line of the map on which a module is, and the entry that names it."""
    inside = module.removeprefix("helpers.")
    for number, entries in enumerate(helpers.MAP):
        for entry in entries:
            if inside == entry or inside.startswith(f"{entry}."):
                return number, entry
    raise AssertionError(f"give {module} a line in helpers.MAP")


MODULES = modules("helpers")
ROOMS = {name for name, path in MODULES.items() if path.name == "__init__.py"}


@pytest.mark.parametrize("module", [name for name in MODULES if name not in {"helpers", *ROOMS}])
def test_imports_go_down_the_map(module):
    line, entry = line_of(module)
    for name in imported(MODULES[module], MODULES):
        if name in ROOMS and name not in {f"helpers.{entry}" for entries in helpers.MAP for entry in entries}:
            continue  # a room whose parts are on lines of their own: its parts are looked at
        other, place = line_of(name)
        assert other < line or place == entry, f"{module} imports {name}, which is not above it in helpers.MAP"


def test_a_short_name_as_notebooks_write_it_is_no_way_around_the_map(tmp_path):
    path = tmp_path / "pruning.py"
    path.write_text("from helpers import export, surgery\nfrom helpers import storage\n")
    assert imported(path, MODULES) == ["helpers.saving.export", "helpers.network.surgery", "helpers.storage"]


def test_no_circle():
    arrows = {name: set(imported(path, MODULES)) - {name} for name, path in MODULES.items()}
    done = set()
    while free := {name for name in arrows if name not in done and arrows[name] <= done | ROOMS}:
        done |= free
    assert set(arrows) == done, f"these import one another in a circle: {sorted(set(arrows) - done)}"


def test_every_entry_of_the_map_exists():
    assert {f"helpers.{entry}" for entries in helpers.MAP for entry in entries} <= set(MODULES)


def test_nothing_that_learners_run_imports_the_tools():
    every = MODULES | modules("tools")
    assert [name for name in MODULES for other in imported(MODULES[name], every) if other.startswith("tools")] == []
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert "import tools" not in path.read_text(encoding="utf-8")
        assert "from tools" not in path.read_text(encoding="utf-8")


def test_the_top_of_the_house_has_at_most_seventeen_entries():
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= 17


@pytest.mark.parametrize("name", sorted(helpers.NAMES))
def test_every_name_leads_to_a_module(name):
    assert f"helpers.{helpers.NAMES[name]}" in MODULES
    assert name in dir(helpers)


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(AttributeError, match="no attribute 'anatomy'.*it has: .*surgery"):
        helpers.anatomy  # noqa: B018


@pytest.mark.parametrize(
    ("line", "unwanted"),
    [
        ("import helpers", {"tensorflow", "keras", "pandas"}),
        ("from helpers import assets, session, storage", {"tensorflow", "keras"}),
        ("from helpers import results; results.read", {"tensorflow", "keras"}),
        ("from helpers import study; study.results()", {"tensorflow", "keras"}),
        ("from helpers import costs", {"tensorflow", "keras"}),
        ("from helpers import pictures", {"tensorflow", "keras"}),
        pytest.param("from helpers import checks", {"nbclient"}, marks=pytest.mark.slow),
    ],
)
def test_what_loads_what(line, unwanted, python):
    process = python(f"import sys\n{line}\nprint(sorted({unwanted} & set(sys.modules)))")
    output, errors = process.communicate(timeout=120)
    assert output == "[]\n", errors


@pytest.mark.slow
def test_everything_can_be_imported(python):
    names = [name for name in MODULES | modules("tools") if not name.endswith("__main__")]
    process = python(f"import importlib\nfor name in {names}: importlib.import_module(name)")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
