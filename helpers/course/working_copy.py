"""The learner's own folder: a copy of the course's notebooks that nothing overwrites."""

import hashlib
import json
from pathlib import Path

import nbformat

from helpers import storage

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
# In a checkout the notebooks are beside the package; an installed course carries them inside.
COURSE = (CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else HERE) / "notebooks"
RECORD = ".laid_out.json"


def course_notebooks(folder=COURSE):
    """Return the notebooks of the course, in order."""
    return sorted(Path(folder).glob("[0-9][0-9]_*.ipynb"))


def read_course(folder=COURSE):
    """Return path → notebook of the course, or raise `StorageError` where one is missing or damaged."""
    paths = course_notebooks(folder)
    numbers = [int(path.name[:2]) for path in paths]
    if not paths or numbers != list(range(len(paths))):
        there = ", ".join(path.name[:2] for path in paths) or "none"
        raise storage.StorageError(
            f"Notebooks of the course are missing from {folder} (there: {there}). Install the course again."
        )
    notebooks = {}
    for path in paths:
        try:
            notebooks[path] = nbformat.read(path, as_version=4)
            nbformat.validate(notebooks[path])
        except (OSError, ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
            raise storage.StorageError(f"{path} is damaged. Install the course again.") from error
    return notebooks


def working_copy(start=None):
    """Return the learner's folder, the nearest that was laid out from `start` (the kernel's) upwards, or None."""
    try:
        start = Path(start or Path.cwd()).resolve()
        return next((folder for folder in (start, *start.parents) if (folder / RECORD).is_file()), None)
    except OSError:  # the folder was deleted while the kernel ran
        return None


def place(folder):
    """Return the absolute path of a folder that a person has named, with ~ for their home."""
    try:
        return Path(folder).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise storage.StorageError(
            f"The folder {folder} cannot be found from here ({error}): go where a folder is, or give a whole path."
        ) from error


def lay_out(target, course=COURSE):
    """Lay out a working copy of the course, and never overwrite anything in it.

    A notebook that is not there yet is copied with its outputs cleared. Where the course's notebook has changed
    since, the new version is laid beside the learner's own; a line for each of these is returned. Raises `StorageError`
    when the course has no notebooks here, or the learner's folder cannot be made or written to.
    """
    target, notebooks = place(target), read_course(course)
    if target == Path(course).resolve():
        raise storage.StorageError(f"{target} holds the course itself: name another folder for your own copy.")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage.StorageError(
            f"The folder {target} cannot be made ({error.strerror or error}): name another one."
        ) from error
    record = target / RECORD
    try:
        laid = dict(json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        laid = {}
    news = []
    for path, notebook in notebooks.items():
        text = nbformat.writes(cleared(notebook))
        digest = hashlib.sha256(text.encode()).hexdigest()
        copy = target / path.name
        if copy.exists() and laid.get(path.name) != digest and not _holds(copy, text):
            copy = target / f"{path.stem}.new-{digest[:6]}.ipynb"
            news.append(f"{path.name} has changed in the course; the new version lies beside yours as {copy.name}.")
        if not copy.exists():
            with storage.written_whole(copy) as temporary:
                temporary.write_text(text, encoding="utf-8")
        laid[path.name] = digest
    with storage.written_whole(record) as temporary:
        temporary.write_text(json.dumps(laid, indent=1), encoding="utf-8")
    return news


def _holds(path, text):
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def cleared(notebook):
    """Return the notebook without outputs and execution counts, so that no prediction is spoiled."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
