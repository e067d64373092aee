"""A real JupyterLab, started as ``make lab`` starts it, driven by a real browser."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.course import working_copy
from tools.lab import Lab, Notebook

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ROOT = Path(__file__).parent.parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
QUIET = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def missing():
    """Return why the browser tests cannot run here, or None. In CI they are never left out."""
    if os.environ.get("CI") == "true":
        return None
    if not any(map(shutil.which, BROWSERS)):
        return f"no browser was found ({', '.join(BROWSERS)}); on Debian: apt-get install chromium"
    return None


def pytest_ignore_collect(collection_path):
    return True if collection_path.name.startswith("test_") and missing() else None


def pytest_terminal_summary(terminalreporter):
    if reason := missing():
        terminalreporter.write_line(f"The browser tests were left out: {reason}.")


@pytest.fixture(scope="module", autouse=True)
def cache():
    """The cache that learners use, not the one of the other tests."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One server with a working copy of the course; the notebooks keep their stored outputs."""
    folder = tmp_path_factory.mktemp("lab")
    working_copy.lay_out(folder / "my_course")
    for path in working_copy.course_notebooks():
        shutil.copy(path, folder / "my_course")
    trusted = sorted((folder / "my_course").glob("*.ipynb"))
    subprocess.run([sys.executable, "-m", "jupyter", "trust", *trusted], check=True, stdout=subprocess.DEVNULL)
    with Lab([sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1"], folder) as server:
        yield server


@pytest.fixture(scope="module")
def chromium():
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        assert path, f"CI needs a browser: {', '.join(BROWSERS)}; on Debian: apt-get install chromium"
        flags = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(QUIET)
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def notebook(lab, chromium, request):
    """A notebook of the course, open as it is stored; a test runs the cells that it needs."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(30_000)
    opened = Notebook(page, lab, request.param)
    yield opened
    page.close()
    lab.stop_kernels()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    opened = getattr(item, "funcargs", {}).get("notebook")
    if report.failed and isinstance(opened, Notebook):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{re.sub(r'[^a-z0-9_]+', '-', item.name.lower())}.png"
        opened.page.screenshot(path=path)
        report.sections.append(("screenshot", str(path.relative_to(ROOT))))
    return report


def pytest_sessionstart():
    """Begin without the screenshots of an earlier run."""
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
