"""A hub that runs on this machine for a while, for its tests and measurements, and leaves nothing behind."""

import contextlib
import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import certipy

from tools.hub_client import Visitor
from workshop.hub import setting_up

ROOT = Path(__file__).resolve().parent.parent


class Room:
    """A running hub, over HTTPS: its address, its folder, the passwords on its slips, what it has said.

    Parameters
    ----------
    folder : path
    names : list of str
        Of the learners.
    options : list of str
        More for ``python -m workshop.hub start``.
    """

    def __init__(self, folder, names, options=()):
        self.folder, port = folder / "room", free_port()
        self.address = f"https://localhost:{port}"
        signed = certificate(folder / "certificates", "localhost")
        self.authority = signed["ca"]
        self.python, self._more = readable_python(folder) if os.geteuid() == 0 else (sys.executable, {})
        (folder / "names.txt").write_text("\n".join(names))
        self._log = folder / "log.txt"
        given = ["start", "--names", folder / "names.txt", "--port", port, "--python", self.python, *options]
        given += ["--certificate", signed["cert"], "--key", signed["key"]]
        given += ["--ip", "127.0.0.1", "--address", "localhost"]
        with open(self._log, "w") as log:
            self.process = self._run(subprocess.Popen, *given, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        self.passwords = _on_slips(self.said())

    def said(self):
        """Return what the hub has printed and logged."""
        return self._log.read_text(errors="replace")

    def add(self, name):
        """Make an account for one more name, as a teacher does while the hub runs."""
        list_of_one = self.folder.parent / "late.txt"
        list_of_one.write_text(name)
        done = self._run(subprocess.run, "add", list_of_one, capture_output=True, text=True, check=True)
        self.passwords |= _on_slips(done.stdout)

    def visitor(self, user):
        """Return somebody with the password of a slip."""
        return Visitor(self.address, user, self.passwords[user], self.authority)

    def close(self):
        """Stop the hub, and delete its accounts and files as a teacher does; return what that printed."""
        self.process.terminate()
        self.process.wait(120)
        if not (self.folder / "hub").is_dir():
            return ""
        done = self._run(subprocess.run, "end", "--yes", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, start, command, *arguments, **more):
        line = [sys.executable, "-m", "workshop.hub", command, "--folder", self.folder, *arguments]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "JUPYTER"))}
        path = {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))}
        return start(list(map(str, line)), cwd=ROOT, env={**kept, **path, **self._more}, **more)

    def _wait(self, seconds=600):
        end, trusted = time.monotonic() + seconds, ssl.create_default_context(cafile=self.authority)
        while time.monotonic() < end and self.process.poll() is None:
            login = f"{self.address}/hub/login"
            with contextlib.suppress(OSError), urllib.request.urlopen(login, timeout=5, context=trusted):
                return
            time.sleep(0.5)
        raise RuntimeError(f"the hub did not start: {self.said()[-3000:]}")


@contextlib.contextmanager
def room(names, options=()):
    """Give a `Room` in a temporary folder that other accounts can pass, and clear all away afterwards."""
    with tempfile.TemporaryDirectory(prefix="hub-") as place:
        os.chmod(place, 0o755)
        running = Room(Path(place), names, options)
        try:
            yield running
        finally:
            running.close()


def certificate(folder, name):
    """Make an authority and its certificate for a name of a computer; return the paths of ca, cert and key."""
    certificates = certipy.Certipy(store_dir=str(folder))
    certificates.create_ca("ca")
    return certificates.create_signed_pair("hub", "ca", alt_names=[f"DNS:{name}"])["files"]


def _on_slips(text):
    return dict(re.findall(r"user +(\S+)\n +password +(\S+)", text))


def free_port():
    """Return the first of four ports in a row that are free, where others who ask at the same time hardly look."""
    for port in random.sample(range(18000, 28000, 10), 100):
        with contextlib.suppress(setting_up.SetUpError):
            setting_up.refuse_taken_ports("127.0.0.1", port)
            return port
    raise RuntimeError("no four free ports in a row between 18000 and 28000")


def readable_python(folder):
    """Return the path of a Python with the packages of this one that all may run, and what its environment needs.

    Where this Python is closed to others, its base is linked or copied into `folder`, and an environment beside it
    borrows the packages.
    """
    if setting_up.closed_to_others(sys.executable) is None:
        return sys.executable, {}
    base, environment = folder / "python", folder / "environment"
    left_out = shutil.ignore_patterns("site-packages", "test", "__pycache__", "share", "include")
    shutil.copytree(sys.base_prefix, base, symlinks=True, ignore=left_out, copy_function=_linked)
    (environment / "bin").mkdir(parents=True)
    for path in Path(sys.prefix).iterdir():
        if path.name not in ("bin", "pyvenv.cfg"):
            (environment / path.name).symlink_to(path)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for link in ("python", "python3", name):
        (environment / "bin" / link).symlink_to(base / "bin" / name)
    (environment / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\ninclude-system-site-packages = false\n")
    return str(environment / "bin" / "python"), {"LD_LIBRARY_PATH": str(base / "lib")}


def _linked(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
