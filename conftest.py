"""How the tests of the whole repository run: two at a time, the notebooks first, and each notebook's cells judged.

nbval runs every cell and compares some outputs. Here a later cell of a notebook with a failure is skipped, a cell
that shows a learner noise (a log line, a warning, an error stream) fails, and so does the check of an exercise that
judges one of the answers in tests/course/tries otherwise than it should.
"""

import functools
import os
import sys
from pathlib import Path

import nbval.kernel
import pytest

from tools.notebooks import NOISE, WIDGET

TRIES = Path(__file__).parent / "tests/course/tries"  # not beside a copy of this file
NOTEBOOKS_WITH_A_FAILURE = pytest.StashKey[set]()

# Two at a time, each with its share of the cores.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // workers)))

# A kernel shows what TensorFlow writes past Python only where it does not believe itself under pytest.
nbval.kernel.start_new_kernel = functools.partial(
    nbval.kernel.start_new_kernel,
    env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
)


def pytest_addoption(parser):
    parser.addoption(
        "--fast", action="store_true", help="only the tests that need neither TensorFlow nor a notebook run"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: starts JupyterLab or another TensorFlow; left out under --fast")
    config.stash[NOTEBOOKS_WITH_A_FAILURE] = set()


def pytest_ignore_collect(collection_path, config):
    if not config.getoption("--fast"):
        return None
    from imports import loads_tensorflow

    path = collection_path
    fast = path.is_dir() or (path.suffix == ".py" and "browser" not in path.parts and not loads_tensorflow(path))
    return None if fast else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Notebooks first, the largest before the others, then the browser, whose features they have left in the cache."""
    size = functools.cache(lambda path: path.stat().st_size)

    def rank(item):
        if item.path.suffix == ".ipynb":
            return 0, -size(item.path)
        return (1, 0) if "browser" in item.path.parts else (2, 0)

    items.sort(key=rank)
    if config.getoption("--fast"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("slow")])
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_runtest_setup(item):
    if item.path.suffix == ".ipynb" and item.path in item.config.stash[NOTEBOOKS_WITH_A_FAILURE]:
        pytest.skip("an earlier cell of this notebook failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    for output in getattr(item, "test_outputs", None) or []:
        data = output.get("data", {})
        plain = "" if WIDGET in data else data.get("text/plain", "")  # of a progress bar, JupyterLab shows the widget
        text = output.get("text", "") + plain
        assert output.get("name") != "stderr", f"the learner sees on stderr: {text[:500]}"
        assert not NOISE.search(text), f"the learner sees noise: {text[:500]}"
    if TRIES.is_dir() and getattr(item, "cell", None) is not None:
        import notebook_tries

        misjudged = notebook_tries.judge(item)
        assert not misjudged, "\n\n".join(["this check judges answers otherwise than it should", *misjudged])
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and item.path.suffix == ".ipynb":
        item.config.stash[NOTEBOOKS_WITH_A_FAILURE].add(item.path)
    return report


def pytest_sessionfinish(session):
    if session.config.getoption("--fast") and "tensorflow" in sys.modules:
        raise pytest.UsageError("a test under --fast imported TensorFlow")
