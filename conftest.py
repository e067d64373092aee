"""What nbval needs: once a cell of a notebook has failed, its later cells are skipped."""

import pytest

NOTEBOOKS_WITH_A_FAILURE = pytest.StashKey[set]()


def pytest_configure(config):
    config.stash[NOTEBOOKS_WITH_A_FAILURE] = set()


def pytest_runtest_setup(item):
    if item.path.suffix == ".ipynb" and item.path in item.config.stash[NOTEBOOKS_WITH_A_FAILURE]:
        pytest.skip("an earlier cell of this notebook failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and item.path.suffix == ".ipynb":
        item.config.stash[NOTEBOOKS_WITH_A_FAILURE].add(item.path)
    return report
