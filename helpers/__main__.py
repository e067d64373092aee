"""``swap-the-head``, or ``python -m helpers``: open the course, check the machine, classify a picture."""

import argparse
import os
import sys

from helpers import __version__, session  # all else is imported where it is used, so that Ctrl-C is heard at once

HERE = "./my_course by default"
PORT = 8888


def main(arguments=None):
    """Run one of the commands and return its exit code; trouble is told in one line."""
    session.make_streams_safe()
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _failed("Stopped.", 130)
    except BrokenPipeError:  # who read the output has gone
        return _failed("", 1)
    except OSError as error:
        return _failed(f"swap-the-head: {error}", 1)


def _failed(line, code):
    for name, text in (("stdout", ""), ("stderr", f"{line}\n" if line else "")):
        try:
            print(text, file=getattr(sys, name), end="", flush=True)
        except OSError:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, or Python would write there again at its end
    return code


def _run(arguments):
    if arguments[:1] == ["predict"]:  # has a parser of its own
        from helpers import predict

        return predict.main(arguments[1:], "swap-the-head predict")
    if arguments[:1] == ["serve"]:
        from helpers import page

        return page.main(arguments[1:], "swap-the-head serve")
    parser = _parser()
    given, left = parser.parse_known_args(arguments)
    if left:
        parser.error(f"not understood: {' '.join(left)}. Put a name with blanks in quotes")
    from helpers import storage

    try:
        return given.run(given)
    except storage.StorageError as error:
        return _failed(str(error), 1)


def _parser():
    parser = argparse.ArgumentParser(prog="swap-the-head", description="The course: replace a network's head.")
    parser.add_argument("--version", action="version", version=f"swap-the-head {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    lab = commands.add_parser("lab", help="lay out your copy of the notebooks and open JupyterLab on it")
    lab.add_argument("folder", nargs="?", type=session.folder, default="my_course", help=f"your copy; {HERE}")
    after = f"{PORT} by default; the next free one where it is taken"
    lab.add_argument("--port", type=session.port, default=PORT, help=after)
    lab.add_argument("--ip", default="127.0.0.1", help="0.0.0.0 lets other machines in, with the token")
    lab.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    lab.set_defaults(run=_lab)

    lay_out = commands.add_parser("lay-out", help="lay out your copy of the notebooks, and no more")
    lay_out.add_argument("folder", nargs="?", type=session.folder, default="my_course", help=f"your copy; {HERE}")
    lay_out.set_defaults(run=_lay_out)

    doctor = commands.add_parser("doctor", help="check this machine and the installation")
    doctor.set_defaults(run=_doctor)
    commands.add_parser("predict", help="classify pictures with a model that you have saved", add_help=False)
    commands.add_parser("serve", help="show a page in the browser that classifies pictures", add_help=False)
    where = commands.add_parser("where", help="print the folder of the cache, which may be deleted at any time")
    where.set_defaults(run=_where)
    return parser


def _lab(given):
    from helpers.course import jupyter

    try:
        return jupyter.start(given.folder, given.port, given.ip, given.browser)
    except jupyter.JupyterError as error:
        return _failed(str(error), 1)


def _lay_out(given):
    from helpers.course import working_copy

    folder = working_copy.place(given.folder)
    for line in working_copy.lay_out(folder):
        print(line)
    print(f"Your notebooks lie in {folder}.")


def _doctor(given):
    from helpers import machine

    return machine.report(machine.examine())


def _where(given):
    from helpers import storage

    print(storage.cache_folder())


if __name__ == "__main__":
    sys.exit(main())
