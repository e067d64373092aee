"""`swap-the-head lab` and `make lab` start a real JupyterLab, say one plain line of each thing, and stop it tidily."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from helpers.course import jupyter

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "helpers", "lab"]
ADDRESS = re.compile(
    r"Open this address in a browser: (http://127\.0\.0\.1:(\d+)/lab/tree/00_start_here\.ipynb\?token=\w+)"
)
OWN = {"CODESPACE_NAME", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}


class Started:
    """A command that runs in the background, with what it prints; never outlives its test."""

    def __init__(self, command, folder, **extra):
        environment = {name: value for name, value in os.environ.items() if name not in OWN}
        environment |= {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "PYTHONPATH": str(ROOT), **extra}
        self.printed = folder / f"printed-{time.monotonic_ns()}"
        with open(self.printed, "w") as stream:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT if command[0] == "make" else folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def lines(self):
        return self.printed.read_text().splitlines()

    def address(self):
        """Wait until the last line is the address, and return it with its port."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.lines and (found := ADDRESS.fullmatch(self.lines[-1])):
                return found[1], int(found[2])
            assert self.process.poll() is None, self.lines
            time.sleep(0.1)
        raise TimeoutError(self.lines)

    def stopped_by(self, number):
        """Send a signal as the terminal does, to everyone in it, and return the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(60)


@pytest.fixture
def start(tmp_path):
    started = []

    def run(command=(*COMMAND, "--port", "0"), **extra):
        started.append(Started(list(command), tmp_path, **extra))
        return started[-1]

    yield run
    for each in started:
        with contextlib.suppress(ProcessLookupError):
            each.process.send_signal(signal.SIGTERM)
            each.process.wait(60)
    assert not list((tmp_path / "runtime").glob("jpserver-*.json")), "a JupyterLab was left running"


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=10) as page:
            return page.status == 200 and "jupyter-config-data" in page.read().decode()
    except urllib.error.URLError:
        return False


def test_one_line_each_and_ctrl_c_ends_it_with_its_kernels(start, tmp_path):
    lab = start()
    address, _ = lab.address()
    as_root = os.geteuid() == 0
    assert len(lab.lines) == 2 + as_root and ("root" in lab.lines[0]) == as_root
    assert answers(address)

    base, token = address.split("lab/tree/")[0], address.partition("token=")[2]
    request = urllib.request.Request(f"{base}api/kernels", b"{}", {"Authorization": f"token {token}"})
    urllib.request.urlopen(request).close()  # starts a kernel

    second = start()
    assert second.address()[0] == address and second.process.wait(30) == 0
    assert "already" in second.lines[-2]
    assert lab.stopped_by(signal.SIGINT) == 0
    assert not answers(address)
    assert "Stopping JupyterLab" in lab.lines[-1] and "Traceback" not in lab.printed.read_text()
    assert "Kernel shutdown" in (tmp_path / "my_course" / jupyter.LOG).read_text()


def test_a_busy_port_is_told_and_another_taken(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        lab = start([*COMMAND, "--port", str(port)])
        address, other = lab.address()
        assert other != port and answers(address)
        assert f"Port {port} is taken: JupyterLab uses {other}." in lab.lines


def test_a_closed_terminal_leaves_nothing_running(start):
    lab = start()
    address, _ = lab.address()
    assert lab.stopped_by(signal.SIGHUP) == 0
    assert not answers(address)


def test_a_jupyterlab_that_cannot_start_is_one_line_with_its_log(start, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/jupyter_server_config.py").write_text("c.ServerApp.certfile = 'nowhere.pem'\n")
    lab = start(JUPYTER_CONFIG_DIR=str(tmp_path / "config"))
    assert lab.process.wait(60) == 1
    assert lab.lines[-1].startswith("JupyterLab did not start (port 0, address 127.0.0.1): ")
    assert "nowhere.pem" in lab.lines[-1] and jupyter.LOG in lab.lines[-1]


def test_a_jupyterlab_that_dies_is_told(start, tmp_path):
    lab = start()
    lab.address()
    (info,) = (tmp_path / "runtime").glob("jpserver-*.json")
    os.kill(json.loads(info.read_text())["pid"], signal.SIGKILL)
    assert lab.process.wait(60) == 1
    assert lab.lines[-1].startswith("JupyterLab was killed from outside (signal 9)")
    info.unlink()


def test_a_shut_down_from_the_page_is_a_normal_end(start):
    lab = start()
    address, _ = lab.address()
    base, token = address.split("lab/tree/")[0], address.partition("token=")[2]
    request = urllib.request.Request(f"{base}api/shutdown", b"{}", {"Authorization": f"token {token}"})
    urllib.request.urlopen(request).close()
    assert lab.process.wait(60) == 0
    assert lab.lines[-1] == "JupyterLab was shut down."


def test_nohup_keeps_it_running(start):
    lab = start(["nohup", *COMMAND, "--port", "0"])
    address, _ = lab.address()
    os.killpg(lab.process.pid, signal.SIGHUP)
    time.sleep(1)
    assert lab.process.poll() is None and answers(address)


def test_a_runtime_folder_of_ones_own_may_be_relative(start, tmp_path):
    (tmp_path / "runtime").mkdir()
    assert answers(start(JUPYTER_RUNTIME_DIR="runtime").address()[0])


def test_a_folder_that_cannot_be_made_is_one_line(start, tmp_path):
    (tmp_path / "file").write_text("in the way")
    lab = start([*COMMAND, "file/mine"])
    assert lab.process.wait(60) == 1
    assert len(lab.lines) == 1 and "cannot be made" in lab.lines[0]


def test_make_lab_starts_as_it_is(start, tmp_path):
    """As root where this runs as root, which is what containers are."""
    if not (ROOT / ".venv/.ready").exists():
        pytest.skip("the course is not installed by make here")
    lab = start(["make", "--no-print-directory", "lab", f"FOLDER={tmp_path / 'mine'}"])
    assert answers(lab.address()[0])
    assert (tmp_path / "mine/00_start_here.ipynb").is_file()
    assert lab.stopped_by(signal.SIGINT) != 1  # make itself ends by the signal
    assert "Stopping JupyterLab" in lab.lines[-1]


def test_in_a_codespace_the_address_is_the_one_that_github_shows(monkeypatch, capsys):
    monkeypatch.setenv("CODESPACE_NAME", "fluffy-waffle")
    jupyter._open({"url": "http://127.0.0.1:8888/", "port": 8888, "token": "abc"}, browser=False)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(" https://fluffy-waffle-8888.app.github.dev/lab/tree/00_start_here.ipynb?token=abc")


def test_over_ssh_the_way_there_is_told_before_the_address(monkeypatch, capsys):
    monkeypatch.setenv("SSH_CONNECTION", "somewhere")
    monkeypatch.setattr(jupyter, "browser_here", pytest.fail)
    jupyter._open({"url": "http://127.0.0.1:8890/", "port": 8890, "token": "abc"}, browser=True)
    first, last = capsys.readouterr().out.splitlines()
    assert "ssh -L 8890:localhost:8890" in first and "8890/lab/tree" in last
