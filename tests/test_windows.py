"""What other systems than this one refuse: names of files, signs of Unix, texts without an encoding.

The rest, processes and the command itself, runs on Windows and macOS in the public workflow.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.course import jupyter
from helpers.pictures import tables

ROOT = Path(__file__).parent.parent
UNIX = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "select"}
CALLS = {"fork", "getuid", "setsid", "killpg", "mkfifo", "chown", "sysconf", "sched_getaffinity", "getloadavg"}
RESERVED = {"con", "prn", "aux", "nul"} | {f"{name}{number}" for name in ("com", "lpt") for number in "123456789¹²³"}
FORBIDDEN = set('<>:"/\\|?*') | {chr(number) for number in range(32)}


def fits_windows(name):
    """As Microsoft's page on naming files says it."""
    stem = name.split(".")[0].rstrip(" ").lower()
    return not (FORBIDDEN & set(name) or name.endswith((" ", ".")) or stem in RESERVED)


def test_every_file_of_the_repository_can_be_checked_out_on_windows_and_on_a_mac():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("no checkout of git")
    names = [name for name in listed.stdout.decode("utf-8").split("\0") if name]
    assert [name for name in names if not all(map(fits_windows, name.split("/")))] == []
    assert len({name.casefold() for name in names}) == len(names)
    assert max(map(len, names)) < 120  # of the 260 letters of a whole path


@pytest.mark.parametrize("label", ["con", "NUL", "aux.", "Com1", "lpt9.tar", "COM¹", "nul .x", "a:b", "what?", "end. "])
def test_a_label_of_a_table_becomes_a_folder_that_windows_can_make(label):
    names = tables.class_names([label, "cat"])
    assert fits_windows(names[label]) and names["cat"] == "cat"


@pytest.mark.parametrize("label", ["conifer", "null", "console", "com10", "auxiliary", "lpt"])
def test_a_label_that_only_begins_so_stays(label):
    assert tables.class_names([label]) == {label: label}


def test_labels_that_differ_in_capitals_do_not_share_a_folder_where_capitals_do_not_count():
    names = tables.class_names(["cat", "Cat", "CAT", "dog"])
    assert len({name.casefold() for name in names.values()}) == 4 and names["dog"] == "dog"


def sources():
    return [path for path in (ROOT / "helpers").rglob("*.py")]


def test_what_a_learner_runs_imports_no_module_of_unix_alone():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not UNIX & {module.split(".")[0] for module in modules}, (path.name, node.lineno)
            called = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
            assert not (called and node.attr in CALLS), (path.name, node.lineno, node.attr)


def test_the_command_opens_no_text_in_the_encoding_of_the_system(tmp_path):
    environment = {**os.environ, "PYTHONWARNDEFAULTENCODING": "1", "PYTHONPATH": str(ROOT)}
    for line in (["lay-out"], ["lay-out"], ["where"]):  # the second finds a copy
        command = [sys.executable, "-W", "error::EncodingWarning:helpers", "-m", "helpers", *line]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0 and "EncodingWarning" not in done.stderr, done.stderr


def test_every_text_that_helpers_open_has_an_encoding():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            text = name in ("read_text", "write_text")
            if name == "open" and isinstance(node.func, ast.Name) and len(node.args) > 1:
                text = "b" not in ast.unparse(node.args[1]) and "os.devnull" not in ast.unparse(node.args[0])
            given = [word.arg for word in node.keywords]
            assert not text or "encoding" in given or None in given, (path.name, node.lineno)


def test_ctrl_c_is_kept_from_jupyterlab_on_windows_as_elsewhere(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr(jupyter.subprocess, "Popen", lambda command, **options: given.update(options))
    jupyter._launched(tmp_path, 0, "127.0.0.1")
    assert given["creationflags"] == 512 and given["start_new_session"]
