"""What a learner and a teacher see of the hub in a real browser."""

import shutil

import pytest
from browser.conftest import BROWSERS, QUIET, SCREENSHOTS
from hub.helpers_of_hub import missing

from tools import hub_room

NO_BROWSER = None if any(map(shutil.which, BROWSERS)) else "no browser was found"
LEFT_OUT = missing() or NO_BROWSER
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(LEFT_OUT), reason=str(LEFT_OUT))]
LEARNER = "hubtest-eve"


@pytest.fixture(scope="module")
def hub():
    with hub_room.room(["Hubtest Eve"], ["--features"]) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, "--no-sandbox"])
        yield browser
        browser.close()


def log_in(chromium, hub, user):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.goto(hub.address)
    said = page.locator(".announcement").inner_text()
    page.fill("#username_input", user)
    page.fill("#password_input", hub.passwords[user])
    page.click("#login_submit")
    return page, said


def picture(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"hub-{name}.png")


def test_a_learner_is_asked_starts_and_the_teacher_sees_the_row(chromium, hub):
    page, said = log_in(chromium, hub, LEARNER)
    assert "only if you agree" in said and "never your answers" in said
    box = page.get_by_label("My teacher may see which exercises I have done (never my answers)")
    assert not box.is_checked()
    box.check()
    picture(page, "consent")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=180_000)
    assert f"/user/{LEARNER}/lab/tree/00_start_here.ipynb" in page.url
    picture(page, "lab")

    teacher, _ = log_in(chromium, hub, "teacher")
    teacher.goto(f"{hub.address}/services/progress/")
    row = teacher.get_by_role("row", name=LEARNER)
    row.wait_for()
    assert "0 of 2" in row.inner_text()
    picture(teacher, "table")
    teacher.get_by_role("link", name="00 start here").click()
    assert teacher.get_by_role("columnheader").count() == 3
    teacher.goto(f"{hub.address}/hub/admin")
    teacher.get_by_text(LEARNER).first.wait_for()
    picture(teacher, "admin")
