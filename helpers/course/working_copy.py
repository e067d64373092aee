"""The learner's own folder: a copy of the course's notebooks that nothing overwrites."""

import hashlib
import os
from pathlib import Path

import nbformat

from helpers import storage

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
# In a checkout the notebooks are beside the package; an installed course carries them inside.
COURSE = (CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else HERE) / "notebooks"
RECORD = ".laid_out.json"
DONE = ".exercises_done.json"
VERSION = "swap_the_head"  # where a laid-out notebook says from which version it was made
GLOSSARY = "GLOSSARY.md"
# What the notebooks of the first version are called now.
RENAMED = {
    "03_attach_new_head": "03_attach_new_head and 04_swap_the_final_dense",
    "04_train_the_head": "05_train_the_head",
    "05_fine_tune": "06_fine_tune",
    "06_compare": "07_compare",
    "07_other_backbones": "08_other_backbones",
    "08_break_it": "09_break_it",
    "09_your_own_images": "10_your_own_images and 11_hand_it_over",
}
DAMAGE = (OSError, ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError)


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
        except DAMAGE as error:
            raise storage.StorageError(f"{path} is damaged. Install the course again.") from error
    return notebooks


def working_copy(start=None):
    """Return the learner's folder, the nearest that was laid out from `start` (the kernel's) upwards, or None."""
    try:
        start = Path(start or Path.cwd()).resolve()
        folders = (start, *start.parents)
        return next((folder for folder in folders if any((folder / name).exists() for name in (RECORD, DONE))), None)
    except OSError:  # the folder was deleted while the kernel ran
        return None


def place(folder):
    """Return the absolute path of a folder that a person has named, with ~ for their home."""
    try:
        named = Path(folder).expanduser().absolute()
        dead = [path for path in (named, *named.parents) if path.is_symlink() and not path.exists()]
        if not dead:
            return named.resolve()
        trouble = f"{dead[0]} is a link to {os.readlink(dead[0])}, which is not there"
    except (OSError, RuntimeError, ValueError) as error:
        trouble = error
    raise storage.StorageError(
        f"The folder {folder} cannot be found from here ({trouble}): go where a folder is, or give a whole path."
    )


def lay_out(target, course=COURSE):
    """Lay out a working copy of the course, and never overwrite anything in it.

    A notebook that is not there yet is copied with its outputs cleared, and the glossary with them. Where the course's
    file has changed since, the new version is laid beside the learner's own; a line for each of these is returned, and
    one for notebooks that have another name now. Raises `StorageError` when the course has no notebooks here, or the
    learner's folder cannot be made or written to.
    """
    target, notebooks = place(target), read_course(course)
    try:
        of_a_checkout = target.name == "notebooks" and (target.parent / "helpers/course").is_dir()
        if of_a_checkout or (target.exists() and target.samefile(course)):
            raise storage.StorageError(f"{target} holds the course itself: name another folder for your own copy.")
        target.mkdir(parents=True, exist_ok=True)
        for path in notebooks:
            if (target / path.name).is_dir():
                raise storage.StorageError(f"{target / path.name} is a folder in a notebook's place: rename it.")
        with storage.noted(target / RECORD) as laid:
            news = list(_renamed(target, notebooks, laid))
        for path, notebook in notebooks.items():
            with storage.noted(target / RECORD) as laid:  # after each, so that nothing is forgotten when it is stopped
                news += _lay(target / path.name, cleared(notebook), laid)
        if (Path(course) / GLOSSARY).is_file():
            with storage.noted(target / RECORD) as laid:
                news += lay_text(target / GLOSSARY, (Path(course) / GLOSSARY).read_bytes(), laid)
        return news
    except OSError as error:
        raise storage.StorageError(
            f"The folder {target} cannot be made or used ({error.strerror or error}): name another one."
        ) from error


def _lay(copy, notebook, laid):
    """Lay one notebook, enter its version in `laid`, and yield what the learner has to know."""
    name, version = copy.name, version_of(notebook)
    if copy.is_symlink() and not copy.exists():
        yield f"{name} is a link to {os.readlink(copy)}, which is not there: it was left as it is."
        return
    if copy.exists() and laid.get(name) != version and (changed := _change(copy, notebook, version, name in laid)):
        copy = copy.with_name(f"{copy.stem}.new-{version[:6]}.ipynb")
        yield f"{name} {changed}; the course's version is beside yours as {copy.name}."
    if not copy.exists():
        notebook.metadata[VERSION] = version
        with storage.written_whole(copy) as temporary:
            temporary.write_text(nbformat.writes(notebook), encoding="utf-8")
    laid[name] = version


def lay_text(copy, text, laid):
    """Lay a file of these bytes: in place of one that is as it was laid, beside one that a person has changed.

    What was laid is known from `laid`, name → SHA-256, where it is entered. Yields one line where something is laid
    beside.
    """
    name, version = copy.name, hashlib.sha256(text).hexdigest()
    mine = hashlib.sha256(copy.read_bytes()).hexdigest() if copy.is_file() else None
    if mine not in (None, version, laid.get(name)):
        if laid.get(name) == version:
            return
        copy = copy.with_name(f"{copy.stem}.new-{version[:6]}{copy.suffix}")
        yield f"{name} has changed in the course; the course's version is beside yours as {copy.name}."
    if mine != version:
        with storage.written_whole(copy) as temporary:
            temporary.write_bytes(text)
    laid[name] = version


def _renamed(target, notebooks, laid):
    """Yield one line where a working copy holds notebooks that have another name now, and not yet the new ones.

    A name that is both an old and a new one is old where what was laid under it is not today's version.
    """
    today = {path.stem: version_of(cleared(notebook)) for path, notebook in notebooks.items()}
    new = {path.stem for path in notebooks if not (target / path.name).exists()}
    old = [name for name in RENAMED if name not in today or laid.get(f"{name}.ipynb") != today[name]]
    there = {name: RENAMED[name] for name in old if (target / f"{name}.ipynb").exists()}
    told = [f"{name} is {names}" for name, names in there.items() if new.intersection(names.split())]
    if told:
        yield f"Some notebooks have new names, and your files keep the old ones: {'; '.join(told)}."


def _change(copy, notebook, version, known):
    """Return what is different from a learner's notebook, made from a `known` version or not, or None."""
    try:
        mine = nbformat.read(copy, as_version=4)
        made_from = mine.metadata.get(VERSION)
        cells = [[(cell.cell_type, cell.source) for cell in each.cells] for each in (mine, notebook)]
    except DAMAGE:
        return "cannot be read as a notebook"
    if made_from == version or cells[0] == cells[1]:
        return None
    return "has changed in the course" if made_from or known else "differs from the course's, by you or by an update"


def version_of(notebook):
    """Return what tells this state of a notebook from another, as `VERSION` says it in a copy."""
    return hashlib.sha256(nbformat.writes(notebook).encode()).hexdigest()


def cleared(notebook):
    """Return the notebook without outputs and execution counts, so that no prediction is spoiled."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
