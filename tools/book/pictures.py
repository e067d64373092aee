"""Make the pictures of the explorers that need a kernel: ``python -m tools.book.pictures`` writes book/explorers/*.png.

Each is shown by a real JupyterLab in Chromium, after the cells that it needs have run.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright import sync_api

from helpers.course import working_copy
from tools.book.explorers import PICTURES
from tools.lab import Lab, Notebook

# Explorer, its notebook, how its cell begins, and for one that has to be set going: its button, and what it says then.
SHOWN = (
    ("feature_map_explorer", "01_load_vgg16", "animals = images.load(", None),
    ("training_playground", "05_train_the_head", "widgets.training_playground(", ("Train", "Learned")),
    ("mistake_explorer", "05_train_the_head", "widgets.mistake_explorer(", None),
    ("upload_pictures", "10_your_own_images", "widgets.upload_pictures(", None),
    ("try_model", "11_hand_it_over", "widgets.try_model(", None),
)


def take(browser, lab, explorer, name, cell, button):
    """Open a notebook, run what the explorer needs, and store its picture without its heading, which the page has."""
    page = browser.new_page(viewport={"width": 1150, "height": 1600})
    page.set_default_timeout(60_000)
    notebook = Notebook(page, lab, name)
    area = notebook.run_with_what_it_needs(notebook.place(cell))
    if button:
        area.get_by_role("button", name=button[0]).click()
        area.get_by_text(button[1]).first.wait_for()
    page.wait_for_timeout(1500)  # until the pictures are drawn
    whole = area.locator(".widget-vbox").first
    whole.evaluate("widget => { widget.children[0].style.display = 'none' }")
    whole.screenshot(path=PICTURES / f"{explorer}.png")
    page.close()
    lab.stop_kernels()


def main():
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        working_copy.lay_out(Path(folder) / "my_course")
        command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1"]
        with Lab(command, Path(folder)) as lab, sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for shown in SHOWN:
                take(browser, lab, *shown)
                print(shown[0], flush=True)


if __name__ == "__main__":
    main()
