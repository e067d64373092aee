"""HTML of outputs, as screen readers and narrow screens need it."""

import re

import bs4

COLOUR = re.compile(r"(?:^|(?<=;))\s*(?:text-decoration-)?color:[^;]*;?")


def plain(markup):
    """Return `readable` HTML that leaves its looks to the style sheet of the page."""
    soup = bs4.BeautifulSoup(readable(markup), "html.parser")
    for styled in soup.find_all(style=True):
        del styled["style"]
    return str(soup)


def readable(markup):
    """Return the HTML of an output with named tables that scroll by themselves, and text in the colour of its page.

    pandas leaves the corner of a table an empty heading, and its style is for every table of a page; the colours of
    Keras's summary are too faint on light and on dark.
    """
    soup = bs4.BeautifulSoup(markup, "html.parser")
    for style in soup.find_all("style"):
        style.decompose()
    for coloured in soup.find_all(style=COLOUR):
        coloured["style"] = COLOUR.sub("", coloured["style"])
    for heading in soup.find_all("th"):
        if not heading.get_text(strip=True):
            heading.name = "td"
            heading.attrs.pop("scope", None)
    for table in soup.find_all("table"):
        table.attrs.pop("border", None)
        named = table.caption.get_text(" ", strip=True) if table.caption else "Table"
        table.wrap(soup.new_tag("div", attrs={"class": "wide", "tabindex": "0", "role": "group", "aria-label": named}))
    return str(soup)
