"""The teacher's table: which learner has done which exercise, of those who have agreed to show it.

A service of JupyterHub. A learner's server puts its own row with its own token (share_progress.py); only the teacher
may look. Nothing but names of exercises is taken.
"""

import html
import json
import os
import re
from pathlib import Path

from jupyterhub.services.auth import HubAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import httpserver, ioloop, web
from tornado.escape import json_decode

NAME = re.compile(r"[0-9a-zA-Z_]{1,80}")
MOST, MOST_BYTES = 100, 64_000
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff }}
.wide {{ overflow-x: auto }} table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .3rem .8rem; border-bottom: 1px solid #767676 }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""


def checked(row):
    """Return a learner's row where it is one, notebook → done and all exercises; raise `ValueError` otherwise."""

    def names(values):
        return isinstance(values, list) and len(values) <= MOST and all(_is_name(value) for value in values)

    if not isinstance(row, dict) or len(row) > MOST or not all(map(_is_name, row)):
        raise ValueError("expected notebooks")
    for part in row.values():
        if not isinstance(part, dict) or part.keys() != {"done", "of"} or not all(map(names, part.values())):
            raise ValueError("expected the exercises of a notebook")
    return {notebook: {key: list(part[key]) for key in ("done", "of")} for notebook, part in row.items()}


def _is_name(value):
    return isinstance(value, str) and NAME.fullmatch(value) is not None


class Rows:
    """The rows by learner, kept in a file that is replaced as a whole."""

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.of = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.of = {}

    def set(self, user, row):
        """Note a learner's row; None forgets it."""
        if self.of.get(user) == row:
            return
        self.of = {name: kept for name, kept in {**self.of, user: row}.items() if kept is not None}
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(self.of), encoding="utf-8")
        beside.replace(self.path)


def table(rows, notebook=None):
    """Return the table as HTML: how many of each notebook, or which of one."""
    if not rows:
        return "<p>Nobody has agreed to show what they have done, or nobody has logged in yet.</p>"
    columns = {}
    for row in rows.values():
        for name in row:
            columns.setdefault(name, []).extend(each for each in row[name]["of"] if each not in columns.get(name, ()))
    heads, cells = sorted(columns), _counts
    links = [f'<a href="?notebook={name}">{name.replace("_", " ")}</a>' for name in heads]
    if notebook in columns:
        heads, cells = columns[notebook], lambda row, name: "done" if name in _part(row, notebook)["done"] else "-"
        links = [name.replace("_", " ") for name in heads]
    head = "".join(f'<th scope="col">{link}</th>' for link in ["learner", *links])
    lines = [
        f'<tr><th scope="row">{html.escape(user)}</th>'
        + "".join(f"<td>{cells(row, name)}</td>" for name in heads)
        + "</tr>"
        for user, row in sorted(rows.items())
    ]
    back = '<p><a href="?">all notebooks</a></p>' if notebook in columns else ""
    return (
        f'{back}<div class="wide" tabindex="0" role="region" aria-label="table of exercises"><table><thead><tr>{head}'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _part(row, notebook):
    return row.get(notebook, {"done": [], "of": []})


def _counts(row, notebook):
    part = _part(row, notebook)
    return f"{len(part['done'])} of {len(part['of'])}"


class OwnRow(web.RequestHandler):
    """A learner's own row, put or taken back by their server with its token."""

    def initialize(self, rows, auth):
        """Take the rows, and who tells whose a token is."""
        self.rows, self.auth = rows, auth

    def check_xsrf_cookie(self):
        """Do without: no cookie is read here."""

    async def prepare(self):
        """Find whose token this is."""
        token = self.request.headers.get("Authorization", "").removeprefix("token ").strip()
        user = await self.auth.user_for_token(token, sync=False) if token else None
        if not user or user.get("kind") != "user":
            raise web.HTTPError(403)
        self.user = user["name"]

    async def put(self):
        """Replace the row."""
        try:
            self.rows.set(self.user, checked(json_decode(self.request.body)))
        except ValueError as error:
            raise web.HTTPError(400) from error

    async def delete(self):
        """Take the row back."""
        self.rows.set(self.user, None)


class Table(HubOAuthenticated, web.RequestHandler):
    """The page, for those whom the hub gives access to this service: the teacher."""

    def initialize(self, rows):
        """Take the rows."""
        self.rows = rows

    @web.authenticated
    def get(self):
        """Show it; as JSON where that is asked for."""
        if self.get_argument("format", "") == "json":
            self.finish(self.rows.of)
            return
        notebook = self.get_argument("notebook", None)
        agreed = "<p>Only learners who have agreed are here, and only names of exercises. Reload for what is new.</p>"
        self.finish(PAGE.format(title="Exercises done", body=agreed + table(self.rows.of, notebook)))


def main():
    """Serve at the address that JupyterHub gives."""
    prefix, rows = os.environ["JUPYTERHUB_SERVICE_PREFIX"], Rows(os.environ["SWAP_THE_HEAD_PROGRESS_FILE"])
    application = web.Application(
        [
            (prefix, Table, {"rows": rows}),
            (prefix + "mine", OwnRow, {"rows": rows, "auth": HubAuth(cache_max_age=60)}),
            (prefix + "oauth_callback", HubOAuthCallbackHandler),
        ],
        cookie_secret=os.urandom(32),
    )
    address = os.environ["JUPYTERHUB_SERVICE_URL"].split("//")[1].split("/")[0]
    host, port = address.rsplit(":", 1)
    httpserver.HTTPServer(application, max_body_size=MOST_BYTES).listen(int(port), host)
    ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
