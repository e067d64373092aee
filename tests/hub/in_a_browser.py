"""What a learner and a teacher see of the hub in a real browser."""

import contextlib
import shutil

from browser.conftest import BROWSERS, QUIET, SCREENSHOTS


@contextlib.contextmanager
def chromium():
    """Give a browser."""
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, "--no-sandbox"])
        yield browser
        browser.close()


def log_in(browser, hub, user):
    """Log in on the hub's page; return the page, and what was said there before."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, ignore_https_errors=True).new_page()
    page.set_default_timeout(60_000)
    page.goto(hub.address)
    said = page.locator(".announcement").inner_text()
    page.fill("#username_input", user)
    page.fill("#password_input", hub.passwords[user])
    page.click("#login_submit")
    return page, said


def picture(page, name):
    """Keep a picture of a page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"hub-{name}.png")
