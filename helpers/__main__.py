"""``swap-the-head``, or ``python -m helpers``: open the course, check the machine, classify a picture."""

import argparse
import sys

from helpers import __version__, storage
from helpers.course import jupyter, working_copy


def main(arguments=None):
    """Run one of the commands and return its exit code; trouble is told in one line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["predict"]:  # has a parser of its own
        from helpers import predict

        return predict.main(arguments[1:])
    given = _parser().parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)
    try:
        return given.run(given)
    except (storage.StorageError, jupyter.JupyterError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(prog="swap-the-head", description="The course: replace a network's head.")
    parser.add_argument("--version", action="version", version=f"swap-the-head {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    lab = commands.add_parser("lab", help="lay out your copy of the notebooks and open JupyterLab on it")
    lab.add_argument("folder", nargs="?", default="my_course", help="your copy; ./my_course by default")
    lab.add_argument("--port", type=_port, default=jupyter.PORT, help="the next free one where it is taken")
    lab.add_argument("--ip", default="127.0.0.1", help="0.0.0.0 lets other machines in, with the token")
    lab.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    lab.set_defaults(run=_lab)

    lay_out = commands.add_parser("lay-out", help="lay out your copy of the notebooks, and no more")
    lay_out.add_argument("folder", nargs="?", default="my_course", help="your copy; ./my_course by default")
    lay_out.set_defaults(run=_lay_out)

    doctor = commands.add_parser("doctor", help="check this machine and the installation")
    doctor.set_defaults(run=_doctor)
    commands.add_parser("predict", help="classify pictures with a model that you have saved", add_help=False)
    where = commands.add_parser("where", help="print the folder of the cache, which may be deleted at any time")
    where.set_defaults(run=_where)
    return parser


def _port(text):
    if not (text.isdecimal() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535, or 0 for any free one")
    return int(text)


def _lab(given):
    return jupyter.start(given.folder, given.port, given.ip, given.browser)


def _lay_out(given):
    for line in working_copy.lay_out(given.folder):
        print(line)


def _doctor(given):
    from helpers import machine

    return machine.report(machine.examine())


def _where(given):
    print(storage.cache_folder())


if __name__ == "__main__":
    sys.exit(main())
