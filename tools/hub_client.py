"""A learner before a browser, as far as the hub can tell: logs in, ticks or not, starts a server, runs a notebook."""

import html
import json
import re
import time
import uuid
from urllib.parse import quote, urlencode

import nbformat
import requests
import websocket

PATIENCE = 300  # seconds
QUIET = 15  # seconds, after which a server may have closed a socket that said nothing


class Visitor:
    """Somebody with a user name and a password, and a browser's cookies.

    Parameters
    ----------
    hub : str
        Address of the hub, such as ``https://localhost:8000``.
    user, password : str
    authority : path
        Of the authority that signed the hub's certificate.
    """

    def __init__(self, hub, user, password, authority):
        self.hub, self.user, self._password, self._authority = hub, user, password, str(authority)
        self.session = requests.Session()
        self.session.verify, self.session.trust_env = self._authority, False  # else the environment names authorities

    def log_in(self):
        """Log in on the hub's page; return the answer, which is the login page again where that is refused."""
        return self._send_form("/hub/login", {"username": self.user, "password": self._password})

    def start(self, share=False):
        """Start the server with the page's form, the box ticked or not, and wait until its JupyterLab answers."""
        self._send_form(f"/hub/spawn/{self.user}", {"share": "yes"} if share else {})
        end = time.monotonic() + PATIENCE
        while not self.running():
            assert time.monotonic() < end, f"the server of {self.user} did not start"
            time.sleep(0.3)
        self.page(f"/user/{self.user}/lab").raise_for_status()

    def running(self):
        """Return whether the hub says that the server is ready."""
        answer = self.page(f"/hub/api/users/{self.user}", headers=self.hub_headers())
        answer.raise_for_status()
        return answer.json()["servers"].get("", {}).get("ready", False)

    def stop(self):
        """Stop the server, and wait until it has ended."""
        self.session.delete(f"{self.hub}/hub/api/users/{self.user}/server", headers=self.hub_headers())
        end = time.monotonic() + 60
        while self.page(f"/hub/api/users/{self.user}", headers=self.hub_headers()).json()["servers"]:
            assert time.monotonic() < end, f"the server of {self.user} did not stop"
            time.sleep(0.3)

    def page(self, path, **more):
        """Return the answer to a request for a page, redirections followed."""
        return self.session.get(self.hub + path, timeout=60, **more)

    def call(self, method, path, data=None, owner=None):
        """Return the answer of a server's interface, this visitor's own server unless `owner` is another."""
        server = f"/user/{owner or self.user}/"
        headers = {"X-XSRFToken": self._cookie(server) or "", "Referer": self.hub + server}
        return self.session.request(method, f"{self.hub}{server}api/{path}", json=data, headers=headers, timeout=60)

    def read(self, name):
        """Return a notebook of the working copy."""
        answer = self.call("GET", f"contents/{quote(name)}?content=1")
        answer.raise_for_status()
        return nbformat.from_dict(answer.json()["content"])

    def save(self, name, notebook):
        """Save a notebook in the working copy, as JupyterLab does."""
        model = {"type": "notebook", "format": "json", "content": notebook}
        self.call("PUT", f"contents/{quote(name)}", model).raise_for_status()

    def kernel(self, name):
        """Start a kernel for a notebook of the working copy."""
        data = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        answer = self.call("POST", "sessions", data)
        answer.raise_for_status()
        return Kernel(self, answer.json()["kernel"]["id"])

    def socket(self, path, owner=None):
        """Open a web socket of a server with this visitor's cookies."""
        server = f"/user/{owner or self.user}/"
        cookies = "; ".join(
            f"{each.name}={each.value}" for each in self.session.cookies if server.startswith(each.path)
        )
        query = urlencode({"session_id": uuid.uuid4().hex, "_xsrf": self._cookie(server) or ""})
        address = f"{self.hub.replace('http', 'ws', 1)}{server}api/{path}?{query}"
        trusted = {"ca_certs": self._authority}
        return websocket.create_connection(address, PATIENCE, cookie=cookies, origin=self.hub, sslopt=trusted)

    def _send_form(self, path, data):
        page = self.page(path)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        if action := re.search(r'<form[^>]*action="([^"]+)"', page.text):
            return self.session.post(self.hub + html.unescape(action[1]), data={**hidden, **data}, timeout=60)
        return page  # the server runs already

    def _cookie(self, path):
        found = [each.value for each in self.session.cookies if each.name == "_xsrf" and each.path == path]
        return found[0] if found else None

    def hub_headers(self):
        """Return what the hub wants to see with a request to its own interface."""
        return {"X-XSRFToken": self._cookie("/hub/") or "", "Referer": f"{self.hub}/hub/home"}


class CellError(RuntimeError):
    """A cell raised."""


class Kernel:
    """A kernel that is reached through the hub's proxy.

    Parameters
    ----------
    visitor : Visitor
        Whose cookies are shown.
    number : str
        As the server names it.
    """

    def __init__(self, visitor, number):
        self.id, self._visitor, self._session = number, visitor, uuid.uuid4().hex
        self._socket, self._used = self._open(), time.monotonic()

    def _open(self):
        return self._visitor.socket(f"kernels/{self.id}/channels")

    def run(self, source):
        """Run code; return what it printed and showed as text. Raises `CellError` where it raises."""
        message = {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "msg_type": "execute_request",
                "session": self._session,
                "username": "",
                "version": "5.3",
            },
            "parent_header": {},
            "metadata": {},
            "channel": "shell",
            "content": {"code": source, "silent": False, "store_history": True, "allow_stdin": False},
        }
        if time.monotonic() - self._used > QUIET:
            self._socket.close()
            self._socket = self._open()
        self._socket.send(json.dumps(message))
        said, replied, idle = [], False, False
        while not (replied and idle):
            answer = json.loads(self._socket.recv())
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            content, kind = answer["content"], answer["msg_type"]
            replied |= kind == "execute_reply"
            idle |= kind == "status" and content["execution_state"] == "idle"
            if kind == "stream":
                said.append(content["text"])
            elif kind in ("display_data", "execute_result"):
                said.append(content["data"].get("text/plain", ""))
            elif kind == "error":
                raise CellError(f"{content['ename']}: {content['evalue']}")
        self._used = time.monotonic()
        return "".join(said)

    def run_all(self, notebook):
        """Run all code cells of a notebook."""
        for cell in notebook.cells:
            if cell.cell_type == "code":
                self.run(cell.source)

    def close(self):
        """Leave the kernel running, as a closed page does."""
        self._socket.close()
