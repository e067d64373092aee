"""Build the web edition: ``python -m tools.book`` (``make book``) writes ``build/book/html``, without a network.

``--repository OWNER/NAME`` is where the course is published on GitHub: then the pages have links that run a notebook
in Colab, Binder and Codespaces. Without it they have the download and how to run it at home.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd import build

from helpers import session
from tools import colab, handouts, slides

ROOT = Path(__file__).parents[2]


def main(arguments=None):
    """Build; return 1 where Sphinx warns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repository", default="", type=colab.repository, metavar="OWNER/NAME", help="where it is on GitHub"
    )
    parser.add_argument("--to", type=Path, default=ROOT / "build/book", metavar="FOLDER", help="%(default)s")
    given = parser.parse_args(arguments)
    session.start()  # quiet, and with the course's style of figures, before TensorFlow is loaded
    from tools.book import layout

    pages, html = given.to / "pages", given.to / "html"
    layout.lay_out(pages, given.repository)
    shutil.rmtree(html, ignore_errors=True)
    done = build.main(["-b", "html", "-q", "-W", "--keep-going", "-c", str(ROOT / "book"), str(pages), str(html)])
    if done == 0:
        for folder in ("notebooks", "explorers"):
            shutil.copytree(pages / folder, html / folder)
        for path in html.rglob("*.html"):  # MyST-NB gives all folds one name in place of their own words
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace('<summary aria-label="Toggle hidden content">', "<summary>"), encoding="utf-8")
        slides.write(html / "slides.html")
        with tempfile.TemporaryDirectory() as folder:
            handouts.write(folder, kinds=(handouts.LEARNERS,))
            for lock in list(Path(folder).rglob("*.lock")):
                lock.unlink()
            shutil.make_archive(str(html / "handouts"), "zip", folder, handouts.LEARNERS)
        print(f"The web edition: {html / 'index.html'}")
    return done


if __name__ == "__main__":
    sys.exit(main())
