"""``python -m workshop.hub``: accounts, slips, and one JupyterHub for a room."""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from helpers import session, storage
from helpers.course import working_copy
from workshop.hub import accounts, setting_up

ROOT = Path(__file__).resolve().parents[2]
CORE = [path.stem for path in working_copy.course_notebooks()][:8]
AS_ROOT = os.geteuid() == 0
FOLDER = Path("/srv/swap-the-head" if AS_ROOT else "~/swap-the-head-hub").expanduser()
ANYWHERE = ("0.0.0.0", "::")  # lets other machines in, by whatever name
LONGEST = 28  # letters of the folder: a socket's path, in a home in it, may have 107
ONE_ACCOUNT = """You are not root, so all learners would run in your own account of this computer. Then each of them
can open the files of all the others, and yours. Start it as root (sudo), or say --same-user if you trust them."""
NO_LIMITS = """Warning: systemd does not run this machine, so nobody enforces the limits of {memory} and {cpus}
processors: one learner can use up the memory of all. Keep an eye on it (README.md, "If memory runs out")."""
NO_HTTPS = """Warning: without --certificate and --key passwords and notebooks cross the network unencrypted."""


def main(arguments=None):
    """Run one of the commands and return its exit code; trouble is told in one line."""
    given = _parser().parse_args(arguments)
    given.folder = given.folder.expanduser().absolute()
    try:
        return given.run(given)
    except (setting_up.SetUpError, accounts.AccountError, storage.StorageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same line again goes on from here.", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser(prog="python -m workshop.hub", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    start = commands.add_parser("start", help="make what is missing and run the hub until Ctrl-C")
    start.set_defaults(run=_start)
    prepare = commands.add_parser("prepare", help="make what is missing, slips too, and no more, as the day before")
    prepare.set_defaults(run=_prepare)
    for command in (start, prepare):
        _add_options(command)
    features = commands.add_parser("features", help="compute the shared features, and no more, as for an image")
    features.set_defaults(run=_features)
    for command in (start, prepare, features):
        command.add_argument("--course", type=Path, help="a folder of notebooks; the learners' handouts by default")
        command.add_argument("--features", nargs="*", default=CORE, metavar="NOTEBOOK", help="for which; 00 to 07")

    more = commands.add_parser("add", help="make accounts and slips for new names, also while the hub runs")
    more.add_argument("names", type=Path, help="a text file with a name a line")
    more.set_defaults(run=_add)

    slip = commands.add_parser("new-password", help="make a new password, as where a slip was lost")
    slip.add_argument("user")
    slip.set_defaults(run=_new_password)

    end = commands.add_parser("end", help="delete all accounts and the learners' files, after the workshop")
    end.add_argument("--yes", action="store_true", help="do not ask")
    end.set_defaults(run=_end)
    for command in (start, prepare, features, more, slip, end):
        command.add_argument("--folder", type=Path, default=FOLDER, help=f"where all is kept; {FOLDER} by default")
    return parser


def _add_options(command):
    command.add_argument("--names", type=Path, help="a text file with a name a line; new ones get a slip")
    command.add_argument("--address", type=_host, help="this computer's name or number, as learners' machines reach it")
    command.add_argument("--port", type=session.port, default=8000, help="8000 by default; uses the next three, too")
    command.add_argument("--ip", help="0.0.0.0 lets other machines in: the default with a certificate, else 127.0.0.1")
    command.add_argument("--certificate", type=Path, help="for HTTPS, a file in PEM form with the whole chain")
    command.add_argument("--key", type=Path, help="the certificate's private key")
    command.add_argument("--same-user", action="store_true", help="all in one account, without walls between learners")
    command.add_argument("--memory", default="2G", help="limit for each learner, 2G by default")
    command.add_argument("--cpus", type=int, default=2, help="processors that a learner may use, 2 by default")
    command.add_argument("--idle", type=int, default=7200, help="seconds after which an unused server stops")
    command.add_argument("--python", default=sys.executable, help="the Python of learners' servers and kernels")
    command.add_argument("--verbose", action="store_true", help="log each request, so what each learner opens")


def _host(text):
    """Return the name or number of a computer as it was given, for argparse, which tells why another is refused."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\]", text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a name such as hub.example.org or a number, 192.168.0.10, without http and port."
        )
    return text


def _start(given):
    with _alone(given) as running:
        setting_up.refuse_taken_ports(_ip(given), given.port)
        settings = _made_ready(given)
        print("Starting the hub ...", flush=True)
        return _run_hub(given.folder / "hub", settings, running)


def _prepare(given):
    with _alone(given):
        _made_ready(given)
    print("All is ready. The same line with start in place of prepare runs the hub.")
    return 0


def _ip(given):
    return given.ip or ("0.0.0.0" if given.certificate else "127.0.0.1")


@contextlib.contextmanager
def _alone(given):
    """Refuse what cannot be, make the folders, and keep other commands out of them."""
    if not AS_ROOT and not given.same_user:
        raise setting_up.SetUpError(ONE_ACCOUNT)
    if AS_ROOT and given.same_user:
        raise setting_up.SetUpError("You are root: with --same-user every learner would be root, too. Leave it out.")
    if (given.certificate is None) != (given.key is None):
        raise setting_up.SetUpError("--certificate and --key belong together: give both.")
    if len(os.fsencode(given.folder)) > LONGEST:
        raise setting_up.SetUpError(
            f"{given.folder} is too long a path for the sockets of kernels: name a folder of at most {LONGEST} letters."
        )
    if given.course and not given.course.is_dir():
        raise setting_up.SetUpError(f"There is no folder {given.course}: --course names one with notebooks.")
    setting_up.make_folders(given.folder)
    with setting_up.held(given.folder) as running:
        yield running


def _made_ready(given):
    """Make all that the hub needs, and return its settings."""
    ip = _ip(given)
    hub, course = given.folder / "hub", _course(given)
    named = given.address or _earlier(given.folder).get("named", "")
    host = named if given.address or ip in ANYWHERE else ip
    address = _address(host, given)
    if given.certificate:
        print(setting_up.checked_certificate(given.certificate, given.key, host), end="")
    if not given.same_user:
        if closed := setting_up.closed_to_others(given.python, ROOT / "helpers", course, given.folder):
            raise setting_up.SetUpError(
                f"Other accounts may not read {closed}, which learners need. Install the course where all can read it, "
                "such as /opt/swap-the-head, with a Python that all can run (not one in a home folder)."
            )
        setting_up.make_system_accounts(given.folder)
    if given.names:
        _print_slips(given, address)
    if not (hub / accounts.FILE).is_file():
        raise setting_up.SetUpError("There are no accounts yet: give --names a text file with a name a line.")
    systemd = not given.same_user and setting_up.systemd_runs()
    settings = {
        "folder": str(given.folder),
        "named": named,
        "address": address,
        "ip": ip,
        "port": given.port,
        "certificate": str(given.certificate.absolute()) if given.certificate else "",
        "key": str(given.key.absolute()) if given.key else "",
        "same_user": given.same_user,
        "systemd": systemd,
        "memory": given.memory,
        "cpus": given.cpus,
        "idle": given.idle,
        "course": str(course.absolute()),
        "python": given.python,
        "proxy": setting_up.install_proxy(given.folder),
        "table_user": setting_up.TABLE_USER,
        "verbose": given.verbose,
    }
    with storage.written_whole(hub / setting_up.SETTINGS) as temporary:
        temporary.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    setting_up.compute_features(given.folder, given.features, course)
    if not systemd:
        print(NO_LIMITS.format(memory=given.memory, cpus=given.cpus))
    if not given.certificate:
        print(NO_HTTPS)
    return settings


def _course(given):
    """Return the folder with the notebooks that learners get: as it was given, or the handouts without solutions."""
    if given.course:
        working_copy.read_course(given.course)
        return given.course
    from tools import handouts  # an image of a learner's server has no tools, and names its notebooks

    with setting_up.readable_by_all():
        for line in handouts.write(given.folder / "handouts", kinds=(handouts.LEARNERS,)):
            print(line)
    return given.folder / "handouts" / handouts.LEARNERS


def _address(host, given):
    """Return what learners type into a browser."""
    if not host:
        raise setting_up.SetUpError(
            "Other machines are let in: say what learners type, the name or the number of this computer, such as "
            "--address hub.example.org (hostname -I lists its numbers)."
        )
    scheme, usual = ("https", 443) if given.certificate else ("http", 80)
    return f"{scheme}://{host}" + ("" if given.port == usual else f":{given.port}")


def _run_hub(folder, settings, running):
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    for number in (signal.SIGTERM, signal.SIGINT):  # also where this was started in the background, without the second
        signal.signal(number, signal.default_int_handler)
    hub = subprocess.Popen(
        [sys.executable, "-m", "jupyterhub", "-f", str(setting_up.HERE / "jupyterhub_config.py")],
        cwd=folder,
        env={**os.environ, "SWAP_THE_HEAD_HUB": str(folder / setting_up.SETTINGS), "PYTHONPATH": path},
        start_new_session=True,
        pass_fds=[running.fileno()],  # the folder is held as long as the hub runs, however this command ends
    )
    try:
        if _is_up(hub, settings["port"] + 2):
            print(
                f"Ready: {settings['address']}",
                "Ctrl-C stops it and all servers; what learners have saved is kept.",
                sep="\n",
                flush=True,
            )
        return hub.wait()
    except KeyboardInterrupt:
        print("\nStopping the hub and all servers.", flush=True)
        return 0
    finally:
        _end_with_all_it_started(hub)


def _end_with_all_it_started(hub):
    """Stop the hub, and what it may leave: one that is stopped while it starts forgets its proxy and its services."""
    started = []
    with contextlib.suppress(psutil.Error):
        started = psutil.Process(hub.pid).children(recursive=True)
    if hub.poll() is None:
        hub.terminate()
        hub.wait()
    for process in started:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(started, timeout=10)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _is_up(hub, port):
    """Wait until the hub answers; return whether it does."""
    while hub.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/login", timeout=5):
            return True
        time.sleep(0.5)
    return False


def _features(given):
    setting_up.make_folders(given.folder)
    setting_up.compute_features(given.folder, given.features, _course(given))
    return 0


def _print_slips(given, address):
    names = accounts.read_list(given.names)
    if slips := accounts.add(given.folder / "hub", names, setting_up.taken_names()):
        print(accounts.slips_text(slips, address), flush=True)


def _add(given):
    setting_up.refuse_no_hub(given.folder)
    _print_slips(given, _known_address(given.folder))


def _new_password(given):
    setting_up.refuse_no_hub(given.folder)
    slip = accounts.renew(given.folder / "hub", given.user)
    print(accounts.slips_text([slip], _known_address(given.folder)))


def _known_address(folder):
    """Return the address that the hub had at its last start, for more slips."""
    return _earlier(folder).get("address", "the hub's")


def _earlier(folder):
    """Return the settings of the last start, or nothing."""
    return storage.notes(folder / "hub" / setting_up.SETTINGS) or {}


def _end(given):
    setting_up.refuse_no_hub(given.folder)
    with setting_up.held(given.folder):
        if not given.yes and not _agreed(f"Delete all learners' accounts and everything in {given.folder}? yes/no: "):
            return 1
        names = setting_up.remove_all(given.folder)
    print(f"Deleted: {', '.join(names) or 'no account of this computer'}, and {given.folder}.")


def _agreed(question):
    try:
        return input(question) == "yes"
    except EOFError:
        raise setting_up.SetUpError("Nobody can answer here: --yes deletes without a question.") from None


if __name__ == "__main__":
    sys.exit(main())
