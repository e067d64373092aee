"""The command `swap-the-head`: each part answers, and trouble is one line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import helpers
from helpers import __main__ as command
from helpers import storage

ROOT = Path(__file__).parent.parent


def test_the_version_is_that_of_the_changelog_and_needs_no_installation(capsys):
    with pytest.raises(SystemExit) as end:
        command.main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"swap-the-head {helpers.__version__}\n"
    newest = re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert newest[1] == helpers.__version__


def test_where_prints_the_cache_and_nothing_else(capsys, fresh_cache):
    assert command.main(["where"]) is None
    assert capsys.readouterr().out == f"{fresh_cache}\n"


def test_where_there_can_be_no_cache_is_one_line(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(storage.CACHE_VARIABLE, str(tmp_path / "file"))
    assert command.main(["where"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and storage.CACHE_VARIABLE in err


def test_doctor_looks_at_this_machine(capsys, monkeypatch, fresh_cache):
    from helpers import machine

    monkeypatch.setattr(machine, "examine", lambda: iter([machine.cache()]))
    assert command.main(["doctor"]) == 0
    assert str(fresh_cache) in capsys.readouterr().out


def test_predict_gets_the_rest_of_the_line(monkeypatch):
    from helpers import predict

    monkeypatch.setattr(predict, "main", lambda arguments, program: arguments)
    assert command.main(["predict", "model.keras", "--help"]) == ["model.keras", "--help"]


def test_serve_gets_the_rest_of_the_line(monkeypatch):
    from helpers import page

    monkeypatch.setattr(page, "main", lambda arguments, program: [program, *arguments])
    assert command.main(["serve", "model.keras", "--port", "0"]) == [
        "swap-the-head serve",
        "model.keras",
        "--port",
        "0",
    ]


@pytest.mark.parametrize(
    "arguments", [[], ["labb"], ["lab", "--port", "many"], ["lab", "--port", "70000"], ["lab", "--port", "-1"]]
)
def test_a_wrong_line_is_answered_with_what_is_possible(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        command.main(arguments)
    assert end.value.code == 2 and "usage: swap-the-head" in capsys.readouterr().err


def test_lay_out_answers_to_its_old_name_too(tmp_path):
    line = [sys.executable, "-m", "helpers.notebooks", "lay-out", "mine"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Your notebooks lie in {tmp_path / 'mine'}.\n", "")
    assert (tmp_path / "mine/00_start_here.ipynb").is_file()


def shell(line, folder, **extra):
    """Run a line of bash in which $S is the command, and return it with both outputs."""
    environment = (
        os.environ | {"S": f"{sys.executable} -m helpers", "PYTHONPATH": str(ROOT), "HOME": str(folder)} | extra
    )
    return subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("set -o pipefail; $S where | true", None, ""),
        ("$S where >&-", 0, ""),
        ("$S where > /dev/full", 1, "No space left on device"),
        ("PYTHONIOENCODING=ascii LC_ALL=C $S lay-out 'Übung für Ärzte'", 0, ""),
        ("mkdir gone; cd gone; rmdir ../gone; $S lay-out", 1, "cannot be found from here"),
        ("$S lay-out ''", 2, "the name is empty"),
        ("$S lay-out my course", 2, "not understood: course. Put a name with blanks in quotes"),
        ("$S lab --port 0 my own course", 2, "not understood: own course. Put a name with blanks in quotes"),
        ("touch my_course; $S lay-out", 1, "my_course cannot be made"),
        ("ln -s away/course my_course; $S lay-out", 1, "my_course is a link to away/course, which is not there"),
        ("$S predict --help", 0, ""),
        ("$S predict nowhere.keras photo.jpg", 1, "nowhere.keras"),
    ],
)
def test_no_stream_folder_or_alphabet_ends_in_a_traceback(line, code, words, tmp_path):
    done = shell(line, tmp_path)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert words in done.stderr and (code is None or done.returncode == code), done


def test_home_and_relative_caches_are_the_same_from_every_folder(tmp_path):
    assert shell("$S lay-out '~/mine'", tmp_path).returncode == 0
    assert (tmp_path / "mine/00_start_here.ipynb").is_file() and not (tmp_path / "~").exists()
    for given in ("~/kept", "kept"):
        assert shell("$S where", tmp_path, SWAP_THE_HEAD_CACHE=given).stdout == f"{tmp_path / 'kept'}\n"


def test_ctrl_c_is_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("helpers.course.working_copy.lay_out", interrupted)
    assert command.main(["lay-out", "mine"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_it_listens_before_it_imports_what_takes_time(python):
    process = python(
        "import sys\nfrom helpers import __main__\nprint({'nbformat', 'jupyter_server'} & set(sys.modules))"
    )
    assert process.communicate(timeout=60)[0] == "set()\n"


def test_nothing_of_lab_and_where_waits_for_tensorflow(python):
    process = python("import sys\nfrom helpers import __main__\nprint({'tensorflow', 'keras'} & set(sys.modules))")
    assert process.communicate(timeout=60)[0] == "set()\n"
