"""Within a learner's server: tell the hub's table which exercises are done, where the learner has agreed to it.

What is sent: the names of the exercises of each notebook, and which of them are done. Where the learner has not agreed,
one message takes back what may have been sent earlier.
"""

import json
import os
import re
from pathlib import Path

import nbformat
from tornado import httpclient, ioloop

from helpers import storage
from helpers.course import working_copy

URL, SHARES, COURSE = "SWAP_THE_HEAD_PROGRESS_URL", "SWAP_THE_HEAD_SHARES_PROGRESS", "SWAP_THE_HEAD_COURSE"
CALL = re.compile(r"^checks\.(\w+)\(", re.MULTILINE)
EVERY, ANEW = 5, 60  # seconds between two looks at the record; looks after which it is sent again


def exercises(course=working_copy.COURSE):
    """Return notebook → names of its exercises, as the cells after those tagged ``exercise`` call them."""
    found = {}
    for path in working_copy.course_notebooks(course):
        codes = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        stubs = [index for index, cell in enumerate(codes) if "exercise" in cell.metadata.get("tags", ())]
        calls = [CALL.findall(cell.source) for index in stubs for cell in codes[index + 1 : index + 2]]
        found[path.stem] = [name for names in calls for name in names]
    return found


class Teller:
    """Sends what the record of a working copy says, whenever that has changed.

    Parameters
    ----------
    copy : path
        The working copy.
    notebooks : dict of str to list of str
        As of `exercises`.
    url, token : str
        Of the hub's table, and of this learner's server.
    shares : bool
        Whether the learner has agreed.
    """

    def __init__(self, copy, notebooks, url, token, shares):
        self.copy, self.notebooks, self.url, self.token, self.shares = Path(copy), notebooks, url, token, shares
        self._sent, self._looks = None, 0

    def message(self):
        """Return what is to be sent now: nothing at all where the learner has not agreed."""
        if not self.shares:
            return None
        done = {name for name, day in (storage.notes(self.copy / working_copy.DONE) or {}).items() if day}
        return {
            notebook: {"done": [name for name in names if name in done], "of": names}
            for notebook, names in self.notebooks.items()
        }

    async def look(self):
        """Send what is new; a table that cannot be reached gets it at a later look."""
        message, self._looks = self.message(), self._looks + 1
        if self._looks % ANEW == 0:  # the table may have been lost
            self._sent = None
        if self._sent == (message,):
            return
        body = None if message is None else json.dumps(message)
        request = httpclient.HTTPRequest(
            self.url,
            method="DELETE" if message is None else "PUT",
            headers={"Authorization": f"token {self.token}"},
            body=body,
        )
        try:
            await httpclient.AsyncHTTPClient().fetch(request)
        except (OSError, httpclient.HTTPError):
            return
        self._sent = (message,)


def _load_jupyter_server_extension(server):
    if url := os.environ.get(URL):
        course = os.environ.get(COURSE) or working_copy.COURSE
        agreed = os.environ.get(SHARES) == "yes"
        token = os.environ["JUPYTERHUB_API_TOKEN"]
        teller = Teller(server.root_dir, exercises(course), url, token, agreed)
        ioloop.PeriodicCallback(teller.look, EVERY * 1000).start()
        server.io_loop.add_callback(teller.look)


def _jupyter_server_extension_points():
    return [{"module": "share_progress"}]
