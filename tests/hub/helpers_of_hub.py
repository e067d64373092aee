"""What the tests of the hub share: whether they can run here, and what a curious learner tries."""

import os
import sys
from pathlib import Path

from workshop.hub import setting_up

ROOT = Path(__file__).parents[2]

SNOOP = """
import os
for path in {paths}:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        print("opened", path)
    except OSError:
        pass
print("own:yes" if open(os.path.expanduser("~/.profile")).read(1) else "own:no")
"""


def missing():
    """Return why no room of learners can be tried here, or None."""
    if not sys.platform.startswith("linux"):
        return "the hub makes accounts of Linux"
    if os.geteuid() != 0:
        return "only root can make an account for each learner: sudo -E .venv/bin/python -m pytest tests/hub"
    if closed := setting_up.closed_to_others(ROOT / "helpers"):
        return f"other accounts may not read {closed}, and each learner has one: check the course out elsewhere"
    return None
