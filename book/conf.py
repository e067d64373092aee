"""Sphinx's settings of the web edition; ``python -m tools.book`` lays out the pages and calls Sphinx."""

import collections
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from tools import glossary
from tools.book import pages

HERE = Path(__file__).parent
TERMS = glossary.read()
WORDS = {term.name.lower() for term in TERMS}
FORMS = collections.Counter(form.lower() for term in TERMS for form in term.forms)

project = "Swap the Head"
author = "the authors of Swap the Head"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton"]
copybutton_selector = "div.highlight pre:not(.cell_output pre)"
exclude_patterns = ["notebooks"]  # to download, as they are

nb_execution_mode = "off"  # the stored outputs are those that CI has checked
nb_merge_streams = True
smartquotes = False  # a line to copy keeps its quotes
myst_enable_extensions = ["attrs_block"]
myst_heading_anchors = 4
myst_heading_slug_func = "tools.book.notebooks.anchor"
nitpicky = True

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = [str(HERE / "static")]
html_favicon = str(HERE / "static/favicon.svg")
html_css_files = ["course.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("enlarge.js", "explorer.js", "found.js", "print.js")]
html_search_scorer = str(HERE / "scorer.js")
html_use_index = False
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
ALONE = ("index", "results", "findings", "GLOSSARY", "run_it", "licences", "search")  # no pages below them
html_sidebars = {page: [] for page in ALONE}
html_theme_options = {
    "logo": {"text": project},
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["licence"],
    "footer_end": [],
    "navbar_persistent": ["search-button"],
    "search_bar_text": "Search the course",
    "show_toc_level": 2,
    "header_links_before_dropdown": 5,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": True,
}
templates_path = [str(HERE / "templates")]


def setup(app):
    """Let the search find each word of the glossary, and number the notebooks in the links to the next and previous."""
    app.add_object_type("word", "word", objname="word of the course", parse_node=_word)
    app.connect("html-page-context", _numbered)


def _word(env, signature, node):
    """Return the word alone, which is its name; its other forms are shown, and lead the search to it."""
    name, mark, forms = signature.partition(" (")
    node += addnodes.desc_name(name, name)
    node += addnodes.desc_addname("", mark + forms)
    known = env.domains.standard_domain
    for form in filter(None, re.split(r", |; | or ", forms.rstrip(")"))):
        if form.lower() not in WORDS:
            alone = FORMS[form.lower()] < 2  # two words have the form "kernels"
            known.note_object("word", form if alone else f"{form} ({name})", nodes.make_id(f"word-{name}"))
    return name


def _numbered(app, page, template, context, doctree):
    for way in ("prev", "next"):
        if near := context.get(way):
            near["title"] = pages.numbered(near["link"].rpartition("/")[2], near["title"])
