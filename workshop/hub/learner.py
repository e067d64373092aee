"""What runs in a learner's account when their server starts: lay out what is theirs, then become JupyterLab.

It runs as the learner, never as root: no link that a learner has put somewhere can lead the hub astray.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from helpers import storage
from helpers.course import jupyter, working_copy

HERE = Path(__file__).resolve().parent
COPY = "swap_the_head"  # in the learner's home
RUNTIME = ".r"  # in the home, and short: kernels are reached by sockets in it, whose paths may have 107 letters
TOLD = "what_my_teacher_sees.txt"
SHARES, SHARED_CACHE, COURSE = "SWAP_THE_HEAD_SHARES_PROGRESS", "SWAP_THE_HEAD_SHARED_CACHE", "SWAP_THE_HEAD_COURSE"
NOTHING = """Your teacher sees nothing of what you do here.

You did not agree that your teacher sees which exercises you have done. To agree: File > Hub Control Panel,
Stop My Server, Start My Server, and tick the box.
"""
DONE = """Your teacher sees which exercises you have done: their names, and nothing else.

Not your answers, not how often you tried, not your notebooks. You agreed to it when you started your server. To
take it back: File > Hub Control Panel, Stop My Server, Start My Server, and leave the box empty. Your row then
vanishes from the teacher's table.
"""
BOTH = """
Whoever runs this computer could open any file on it, as on every shared computer.

To take your files home as one zip file, put {prefix}take-home after the hub's address in your browser.
(This file is written anew at each start.)
"""


def prepare(home, environment):
    """Lay out a learner's working copy and cache, and tell them what the teacher sees; return the working copy."""
    copy, cache = home / COPY, home / ".cache" / "swap-the-head"
    try:
        for line in working_copy.lay_out(copy, environment.get(COURSE) or working_copy.COURSE):
            print(line)
        if shared := environment.get(SHARED_CACHE):
            borrow(Path(shared), cache)
        told = DONE if environment.get(SHARES) == "yes" else NOTHING
        told += BOTH.format(prefix=environment.get("JUPYTERHUB_SERVICE_PREFIX", "/"))
        with storage.written_whole(copy / TOLD) as temporary:
            temporary.write_text(told, encoding="utf-8")
    except (storage.StorageError, OSError) as error:  # a full disk: the learner has to get in to free some
        print(error, file=sys.stderr)
        copy.mkdir(parents=True, exist_ok=True)
    return copy, cache


def borrow(shared, cache):
    """Link every entry of the shared cache that this one does not have; nothing that is here is replaced.

    `helpers.storage.kept` looks through the link, finds size, times and place on the disk as listed, and reads no
    file again. An entry that is damaged there is made anew here: the link goes, and the shared one stays as it is.
    """
    for entry in sorted(shared.glob(f"*/*/{storage.CHECKSUMS}")):
        own = cache / entry.parent.relative_to(shared)
        own.parent.mkdir(parents=True, exist_ok=True)
        if own.is_symlink() and not own.exists():  # to a shared cache that is gone
            own.unlink()
        if not own.exists():
            own.symlink_to(entry.parent, target_is_directory=True)
    for name in ("precision.json", "digests.json"):
        known = storage.notes(shared / name)
        if known and not (cache / name).exists():
            cache.mkdir(parents=True, exist_ok=True)
            moved = {key.replace(str(shared), str(cache), 1): value for key, value in known.items()}
            with storage.written_whole(cache / name) as temporary:
                temporary.write_text(json.dumps(moved), encoding="utf-8")


def main(arguments):
    """Prepare the account of whoever runs this, and become their JupyterLab."""
    os.umask(0o077)
    copy, cache = prepare(Path.home(), os.environ)
    runtime = Path.home() / RUNTIME
    shutil.rmtree(runtime, ignore_errors=True)  # of a server that was killed
    os.environ[storage.CACHE_VARIABLE] = str(cache)
    os.environ["JUPYTER_RUNTIME_DIR"] = str(runtime)
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(HERE / "learner_settings"), str(jupyter.SETTINGS)])
    os.chdir(copy)
    sys.argv = ["jupyterhub-singleuser", *arguments]
    from jupyterhub import singleuser

    singleuser.main()


if __name__ == "__main__":
    main(sys.argv[1:])
