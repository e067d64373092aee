"""``python -m workshop.hub``: accounts, slips, and one JupyterHub for a room."""

import argparse
import contextlib
import json
import os
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
        return 130


def _parser():
    parser = argparse.ArgumentParser(prog="python -m workshop.hub", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    start = commands.add_parser("start", help="make what is missing and run the hub until Ctrl-C")
    start.add_argument("--names", type=Path, help="a text file with a name a line; new ones get an account and a slip")
    start.add_argument("--port", type=session.port, default=8000, help="8000 by default; the next three are used, too")
    start.add_argument("--ip", help="0.0.0.0 lets other machines in: the default with a certificate, 127.0.0.1 without")
    start.add_argument("--certificate", type=Path, help="for HTTPS, a file in PEM form with the whole chain")
    start.add_argument("--key", type=Path, help="the certificate's private key")
    start.add_argument("--same-user", action="store_true", help="all in one account, without walls between learners")
    start.add_argument("--memory", default="2G", help="limit for each learner, 2G by default")
    start.add_argument("--cpus", type=int, default=2, help="processors that one learner may use at most, 2 by default")
    start.add_argument("--idle", type=int, default=7200, help="seconds after which an unused server stops")
    start.add_argument("--python", default=sys.executable, help="the Python that learners' servers and kernels run in")
    start.add_argument("--verbose", action="store_true", help="log every request, and with it what each learner opens")
    start.set_defaults(run=_start)

    features = commands.add_parser("features", help="compute what is shared, and no more, as the day before")
    features.set_defaults(run=_features)
    for command in (start, features):
        command.add_argument("--course", type=Path, default=working_copy.COURSE, help="notebooks; the course's own")
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
    for command in (start, features, more, slip, end):
        command.add_argument("--folder", type=Path, default=FOLDER, help=f"where all is kept; {FOLDER} by default")
    return parser


def _start(given):
    if not AS_ROOT and not given.same_user:
        raise setting_up.SetUpError(ONE_ACCOUNT)
    if AS_ROOT and given.same_user:
        raise setting_up.SetUpError("You are root: with --same-user every learner would be root, too. Leave it out.")
    if (given.certificate is None) != (given.key is None):
        raise setting_up.SetUpError("--certificate and --key belong together: give both.")
    ip = given.ip or ("0.0.0.0" if given.certificate else "127.0.0.1")
    working_copy.read_course(given.course)
    setting_up.make_folders(given.folder)
    if not given.same_user:
        if closed := setting_up.closed_to_others(given.python, ROOT / "helpers", given.course, given.folder):
            raise setting_up.SetUpError(
                f"Other accounts may not read {closed}, which learners need. Install the course where all can read it, "
                "such as /opt/swap-the-head, with a Python that all can run (not one in a home folder)."
            )
        setting_up.make_system_accounts(given.folder)
    address = f"http{'s' if given.certificate else ''}://{'THIS_COMPUTER' if ip == '0.0.0.0' else ip}:{given.port}"
    if given.names:
        _print_slips(given, address)
    if not (given.folder / "hub" / accounts.FILE).is_file():
        raise setting_up.SetUpError("There are no accounts yet: give --names a text file with a name a line.")
    if len(os.fsencode(given.folder)) > LONGEST:
        raise setting_up.SetUpError(
            f"{given.folder} is too long a path for the sockets of kernels: name a folder of at most {LONGEST} letters."
        )
    proxy = setting_up.install_proxy(given.folder)
    setting_up.compute_features(given.folder, given.features, given.course)
    systemd = not given.same_user and setting_up.systemd_runs()
    if not systemd:
        print(NO_LIMITS.format(memory=given.memory, cpus=given.cpus))
    if not given.certificate:
        print(NO_HTTPS)
    settings = {
        "folder": str(given.folder),
        "ip": ip,
        "port": given.port,
        "certificate": str(given.certificate.absolute()) if given.certificate else "",
        "key": str(given.key.absolute()) if given.key else "",
        "same_user": given.same_user,
        "systemd": systemd,
        "memory": given.memory,
        "cpus": given.cpus,
        "idle": given.idle,
        "course": str(given.course.absolute()),
        "python": given.python,
        "proxy": proxy,
        "table_user": setting_up.TABLE_USER,
        "verbose": given.verbose,
    }
    print("Starting the hub ...", flush=True)
    return _run_hub(given.folder / "hub", settings, address)


def _run_hub(folder, settings, address):
    file = folder / "settings.json"
    file.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    for number in (signal.SIGTERM, signal.SIGINT):  # also where this was started in the background, without the second
        signal.signal(number, signal.default_int_handler)
    hub = subprocess.Popen(
        [sys.executable, "-m", "jupyterhub", "-f", str(setting_up.HERE / "jupyterhub_config.py")],
        cwd=folder,
        env={**os.environ, "SWAP_THE_HEAD_HUB": str(file), "PYTHONPATH": path},
        start_new_session=True,
    )
    try:
        if _is_up(hub, settings["port"] + 2):
            print(
                f"Ready: {address}",
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
    setting_up.compute_features(given.folder, given.features, given.course)


def _print_slips(given, address):
    names = accounts.read_names(given.names.read_text(encoding="utf-8-sig"))
    if slips := accounts.add(given.folder / "hub", names, setting_up.taken_names()):
        print(accounts.slips_text(slips, address), flush=True)


def _add(given):
    setting_up.make_folders(given.folder)
    _print_slips(given, "the hub's, as before")


def _new_password(given):
    print(accounts.slips_text([accounts.renew(given.folder / "hub", given.user)], "the hub's"))


def _end(given):
    if not given.yes and input(f"Delete all learners' accounts and everything in {given.folder}? yes/no: ") != "yes":
        return 1
    names = setting_up.remove_all(given.folder)
    print(f"Deleted: {', '.join(names) or 'no account of this computer'}, and {given.folder}.")


if __name__ == "__main__":
    sys.exit(main())
