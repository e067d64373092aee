"""Start JupyterLab on a working copy, and say what a person has to know in one plain line each."""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path

from helpers.course import working_copy

FIRST = "00_start_here.ipynb"
LOG = ".jupyterlab.log"  # in the working copy
SETTINGS = working_copy.HERE / "jupyter_config"  # JupyterLab does not ask whether it may fetch news
SLOW, GRACE = 60, 15  # seconds to start, after which one is told; seconds to stop, after which it is killed
EVERY = 0.2  # seconds between two looks
IN_THE_TERMINAL = {"www-browser", "links", "elinks", "lynx", "w3m"}


class JupyterError(RuntimeError):
    """JupyterLab did not start, or ended by itself."""


def start(folder, port, ip, browser):
    """Lay out a working copy and run JupyterLab on it until Ctrl-C. What JupyterLab logs goes to a file.

    It listens at the address `ip` on a `port`, the next free one where that is taken; `browser` says whether to open
    one where a person sits before it. Raises `helpers.storage.StorageError` when the working copy cannot be laid out,
    and `JupyterError` when JupyterLab does not start, or ends by itself: the message has the last line of its log.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise JupyterError(
            'JupyterLab is not installed here. Install it with the course, pip install ".[lab]" in its folder, or '
            "pip install jupyterlab. Another program, such as VS Code, needs swap-the-head lay-out and no JupyterLab."
        )
    folder = working_copy.place(folder)
    for line in working_copy.lay_out(folder):
        print(line)
    if info := _running(folder):
        print("JupyterLab runs on this folder already. Ctrl-C where it was started stops it, or File > Shut Down.")
        _open(info, browser)
        return
    server = _launched(folder, port, ip)
    try:
        with signals_as_ctrl_c():
            info = _until_ready(server, folder, port, ip)
            if port not in (0, info["port"]):
                print(f"Port {port} is taken: JupyterLab uses {info['port']}.")
            print(f"Your notebooks lie in {folder}. Ctrl-C stops JupyterLab; what it logs is in {LOG} there.")
            _open(info, browser)
            while (code := server.poll()) is None:  # on Windows wait() would not hear Ctrl-C
                time.sleep(EVERY)
    except KeyboardInterrupt:
        print("\nStopping JupyterLab and its kernels. What you have saved is kept.")
        return
    finally:
        _stop(server)
    if code < 0:
        raise JupyterError(f"JupyterLab was killed from outside (signal {-code}). What you had saved is kept.")
    if code > 0:
        raise JupyterError(f"JupyterLab has ended by itself: {_last_line(folder)}")
    print("JupyterLab was shut down.")


def _launched(folder, port, ip):
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", f"--ip={ip}"]
    command.append(f"--ServerApp.root_dir={folder}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print("You are root (as in a container): JupyterLab is told to allow it.")
        command.append("--allow-root")
    if "CODESPACE_NAME" in os.environ:  # GitHub shows the page under an address of its own
        command.append("--ServerApp.allow_origin_pat=" + _codespace("[0-9]+"))
    settings = os.pathsep.join(filter(None, (str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH"))))
    try:
        with open(folder / LOG, "w", encoding="utf-8") as log:
            return subprocess.Popen(
                command,
                env={**os.environ, "JUPYTER_CONFIG_PATH": settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours: Jupyter would ask whether it is meant
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
    except OSError as error:
        raise JupyterError(f"JupyterLab cannot be started: {error}.") from error


def _running(folder):
    """Return what a JupyterLab that runs on this folder says of itself, or None."""
    from jupyter_server import serverapp

    for info in serverapp.list_running_servers():
        with contextlib.suppress(OSError, KeyError, ValueError):
            if Path(info["root_dir"]).samefile(folder):
                urllib.request.urlopen(f"{info['url']}api", timeout=5).close()
                return info
    return None


def _until_ready(server, folder, port, ip):
    began, told = time.monotonic(), False
    while not (info := _running(folder)):
        if server.poll() is not None:
            raise JupyterError(
                f"JupyterLab did not start (port {port}, address {ip}): {_last_line(folder)} Choose others with --port "
                "(below 1024 only root may) and --ip; `jupyter --paths` says where settings of your own are read from."
            )
        if not told and time.monotonic() - began > SLOW:
            told = True
            print(f"JupyterLab is still starting; its log is {folder / LOG}")
        time.sleep(EVERY)
    return info


@contextlib.contextmanager
def signals_as_ctrl_c():
    """Stop as tidily when the terminal is closed or the process is asked to end."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]  # nohup ignores SIGHUP
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(server):
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(GRACE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            server.kill()
            server.wait()


def _open(info, browser):
    """Open a browser where a person sits before one; the address is printed as the last line, always."""
    token = f"?token={info['token']}" if info.get("token") else ""
    host = f"{_codespace(info['port'])}/" if "CODESPACE_NAME" in os.environ else info["url"]
    address = f"{host}lab/tree/{FIRST}{token}"
    if "SSH_CONNECTION" in os.environ:
        print(f"From your own machine, first: ssh -L {info['port']}:localhost:{info['port']} THIS_MACHINE")
    elif browser and (found := browser_here()):
        found.open(address)
    print(f"Open this address in a browser: {address}", flush=True)


def browser_here():
    """Return the browser of a person at this machine, or None; one within the terminal is none."""
    at_a_screen = sys.platform in ("win32", "darwin") or {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & set(os.environ)
    with contextlib.suppress(webbrowser.Error):
        if at_a_screen and (browser := webbrowser.get()).name not in IN_THE_TERMINAL:
            return browser
    return None


def _codespace(port):
    domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev")
    return f"https://{os.environ['CODESPACE_NAME']}-{port}.{domain}"


def _last_line(folder):
    """Return the last line of the log that is more than information, and where the rest is."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "its log is gone."
    telling = [line.strip() for line in lines if line.strip() and not re.match(r"\[[DIW] ", line)]
    last = re.sub(r"^\[[^]]*\] *", "", telling[-1]).rstrip(".") if telling else "it said nothing"
    return f"{last}. Its log: {folder / LOG}."
