"""``python -m helpers.notebooks lay-out FOLDER`` lays out a learner's copy of the notebooks."""

import argparse

from helpers.course import working_copy


def main():
    """Lay out a learner's copy and say what was laid beside an older one."""
    parser = argparse.ArgumentParser(prog="python -m helpers.notebooks", description=main.__doc__)
    parser.add_argument("command", choices=["lay-out"])
    parser.add_argument("folder")
    for line in working_copy.lay_out(parser.parse_args().folder):
        print(line)


if __name__ == "__main__":
    main()
