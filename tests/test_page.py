"""The page on a saved model: what it answers, what it refuses, what it leaves behind, how it ends."""

import base64
import contextlib
import io
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import keras
import numpy as np
import pytest
import uvicorn
from colours import NAMES, colour_counter, draw, saved
from PIL import Image

from helpers import page, predict

ROOT = Path(__file__).parent.parent
GUARD = """
import sys

def watch(event, given):  # says which name was looked up, and with which machine a connection was begun
    host = given[0] if event == "socket.getaddrinfo" else given[1][0] if event == "socket.connect" else "127.0.0.1"
    if host not in ("127.0.0.1", "localhost", None):
        print("REACHED OUT:", event, given, file=sys.stderr, flush=True)

sys.addaudithook(watch)
from helpers import page
sys.exit(page.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that answers *unknown* below 0.9, pictures, and files that are none."""
    folder = tmp_path_factory.mktemp("page")
    saved(folder, unknown_below=0.9)
    draw(folder)
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "red.png").read_bytes()[:60])
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    return folder


def coloured(pictures):
    """Return the pictures of a piece of HTML as arrays."""
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in re.findall(r"base64,([^\"]+)", pictures)
    ]


class TestAnswers:
    def test_the_class_its_bars_and_where_it_looked(self, folder):
        words, shares, pictures = page.Answers(folder / "model.keras")(folder / "red.png")
        assert words.startswith("red.png: <strong>&lt;i&gt;red&lt;/i&gt; *$`</strong>, with a probability of 98.")
        assert max(shares, key=shares.get) == NAMES[2] and sum(shares.values()) == pytest.approx(1)
        seen, overlay = coloured(pictures)
        np.testing.assert_allclose(seen, predict.pixels(folder / "red.png", (32, 32))[0], atol=1)
        assert overlay[:, 20:].mean() > overlay[:, :12].mean() + 30  # the brighter red is on the right
        assert pictures.count("<img alt=") == 2 and "<i>" not in pictures + words

    def test_unknown_is_below_the_threshold_and_not_at_it(self, folder, tmp_path):
        words, shares, pictures = page.Answers(folder / "model.keras")(folder / "grey.png")
        assert words.startswith("grey.png: <strong>unknown</strong>. The most probable class is green, 40.")
        assert "less than the 90.0%" in words and len(coloured(pictures)) == 2
        share = max(shares.values())
        for threshold, unknown in ((share, False), (np.nextafter(share, 1), True), (None, False)):
            words, _, _ = page.Answers(saved(tmp_path, unknown_below=threshold))(folder / "grey.png")
            assert ("unknown" in words) == unknown

    def test_a_model_that_resizes_pictures_itself(self, folder, tmp_path):
        words, _, pictures = page.Answers(saved(tmp_path, colour_counter((None, None))))(folder / "red.png")
        assert "a probability of 98." in words
        seen, overlay = coloured(pictures)
        assert seen.shape == (32, 32, 3) and overlay[:, 20:].mean() > overlay[:, :12].mean() + 30

    @pytest.mark.parametrize(
        ("settings", "reason"),
        [({"kernel": 32}, "has no convolution"), ({"after": keras.ops.stop_gradient}, "do not depend on")],
        ids=["one place", "no gradient"],
    )
    def test_a_model_without_places_answers_and_says_so(self, folder, tmp_path, settings, reason):
        words, _, pictures = page.Answers(saved(tmp_path, colour_counter(**settings)))(folder / "red.png")
        assert "a probability of 98." in words and len(coloured(pictures)) == 1
        assert "Where it looked cannot be shown. " in pictures and reason in pictures


@contextlib.contextmanager
def serving(path):
    """Serve the page in a thread of this process; yields a client."""
    application = page.application(page.build(path))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        try:
            until(lambda: server.started)
            yield client
        finally:
            server.should_exit = True
            thread.join()
            listener.close()


def until(ready, seconds=60):
    """Return the first result of `ready` that is true."""
    for _ in range(20 * seconds):
        if result := ready():
            return result
        time.sleep(0.05)
    raise TimeoutError(f"not within {seconds} s")


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    """The folder in which Gradio keeps what it is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield Path(os.environ["GRADIO_TEMP_DIR"])


@pytest.fixture(scope="module")
def client(folder, uploads):
    with serving(folder / "model.keras") as client:
        yield client


SESSIONS = map(str, itertools.count())


def asked(client, **file):
    """Ask the page as a browser does for an answer to a file that was uploaded; return the last of its events."""
    session = next(SESSIONS)
    given = {"meta": {"_type": "gradio.FileData"}, **file}
    joined = client.post("/gradio_api/queue/join", json={"data": [given], "fn_index": 0, "session_hash": session})
    joined.raise_for_status()
    events = client.get("/gradio_api/queue/data", params={"session_hash": session}).text
    events = [json.loads(line.removeprefix("data: ")) for line in events.splitlines() if line.startswith("data: ")]
    return next(event for event in events if event["msg"] == "process_completed")


def uploaded(client, path, name=None):
    answer = client.post("/gradio_api/upload", files={"files": (name or path.name, path.read_bytes())})
    answer.raise_for_status()
    return answer.json()[0]


def said(client, path, name=None):
    """Upload a file; return what the page says in words and whether it shows bars."""
    event = asked(client, path=uploaded(client, path, name), orig_name=name or path.name)
    assert event["success"], event
    drop, words, bars, _, row = event["output"]["data"]
    assert drop is None and bool(bars) == row["visible"]
    return words, row["visible"]


class TestPage:
    def test_a_picture_is_answered_and_the_next_one_too(self, client, folder):
        assert said(client, folder / "red.png") == (
            '<div role="status">red.png: <strong>&lt;i&gt;red&lt;/i&gt; *$`</strong>, '
            "with a probability of 98.6%.</div>",
            True,
        )
        assert "<strong>unknown</strong>" in said(client, folder / "grey.png")[0]

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("text.jpg", r"holds a web page \(HTML\) though its name ends in .jpg"),
            ("empty.png", "an empty file"),
            ("cut.png", "damaged"),
            ("phone.heic", "damaged|HEIC picture, as iPhones take them"),
            ("bomb.png", "more than the 64,000,000 that are decoded"),
        ],
    )
    def test_what_is_no_picture_is_one_sentence(self, client, folder, name, words):
        answer, bars = said(client, folder / name)
        assert not bars and "Traceback" not in answer
        assert re.search(rf'<div role="alert"><strong>No answer.</strong> {name} cannot be used.*({words})', answer)

    def test_other_endings_are_refused_before_a_file_is_opened(self, client, folder):
        for path, name in (("notes.txt", "notes.txt"), ("red.png", "red.png.exe")):
            event = asked(client, path=uploaded(client, folder / path, name))
            assert not event["success"] and "Traceback" not in json.dumps(event)

    def test_shows_the_card_and_what_is_wrong_with_it(self, client, folder, tmp_path):
        assert "Model card: Toy" in client.get("/").text and "Note." not in client.get("/").text
        (tmp_path / "model.keras").write_bytes((folder / "model.keras").read_bytes())
        texts = [
            str(block.value)
            for block in page.build(tmp_path / "model.keras").blocks.values()
            if hasattr(block, "value")
        ]
        assert any("model.keras has no model card beside it" in text for text in texts)

    def test_a_file_that_is_too_large_is_refused_and_not_kept(self, client, folder, uploads):
        before = sum(path.stat().st_size for path in uploads.rglob("*"))
        answer = client.post("/gradio_api/upload", files={"files": ("large.png", bytes(page.MOST_BYTES + 1))})
        assert answer.status_code == 413
        assert sum(path.stat().st_size for path in uploads.rglob("*")) < before + page.MOST_BYTES

    def test_one_picture_at_a_time_is_computed(self, client, folder, monkeypatch):
        running, most, answer = [], [], page.Answers.__call__

        def counted(self, path):
            running.append(path)
            most.append(len(running))
            time.sleep(0.2)  # long enough for another to begin, if it may
            try:
                return answer(self, path)
            finally:
                running.remove(path)

        monkeypatch.setattr(page.Answers, "__call__", counted)
        visitors = [threading.Thread(target=said, args=(client, folder / "red.png", f"{n}.png")) for n in range(3)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        assert most == [1, 1, 1]

    def test_what_was_uploaded_is_deleted_in_time(self, folder, uploads, monkeypatch):
        monkeypatch.setattr(page, "KEPT", (1, 0.1))
        with serving(folder / "model.keras") as client:
            said(client, folder / "red.png", "forgotten.png")
            until(lambda: not list(uploads.rglob("forgotten.png")))


class TestDefences:
    @pytest.fixture
    def listener(self):
        """Another server of this machine, which must hear nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.2)
            yield listener
            with pytest.raises(TimeoutError):
                listener.accept()

    def test_files_of_this_machine_are_not_served(self, client, folder):
        given = uploaded(client, folder / "red.png")
        for path in ("/etc/passwd", folder / "model.keras", ROOT / "pyproject.toml", given):
            for address in (f"/gradio_api/file={path}", f"/gradio_api/file/{path}", f"/static/../../../..{path}"):
                answer = client.get(httpx.URL(str(client.base_url)).copy_with(raw_path=address.encode()))
                assert answer.status_code in (403, 404), address
        for path in ("%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"):
            assert client.get(f"/assets/{path}").status_code in (403, 404)

    def test_files_that_were_not_uploaded_are_not_opened(self, client, folder):
        for path in (folder / "red.png", "/etc/passwd", folder / "model.keras"):
            assert not asked(client, path=str(path))["success"]

    def test_addresses_are_not_fetched(self, client, listener):
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/red.png"
        for file in ({"path": address}, {"path": "red.png", "url": address}):
            assert not asked(client, **file)["success"]
        for way in ("file", "proxy"):
            assert client.get(f"/gradio_api/{way}={address}").status_code == 403

    @pytest.mark.parametrize(
        "path",
        ["/docs", "/openapi.json", "/gradio_api/info", "/gradio_api/openapi.json", "/monitoring", "/config"]
        + ["/gradio_api/vibe-code/", "/gradio_api/runs", "/gradio_api/call/answer"],
    )
    def test_what_the_page_does_not_need_is_not_there(self, client, path):
        assert client.get(path).status_code == 403 and client.post(path, json={}).status_code == 403

    def test_other_sites_cannot_use_it(self, client, folder):
        files = {"files": ("red.png", (folder / "red.png").read_bytes())}
        for site in ("cross-site", "same-site"):
            answer = client.post("/gradio_api/upload", files=files, headers={"Sec-Fetch-Site": site})
            assert answer.status_code == 403
        assert client.post("/gradio_api/upload", files=files, headers={"Sec-Fetch-Site": "same-origin"}).is_success
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 403  # a name that leads to 127.0.0.1
        assert client.get("/", headers={"Host": "localhost:80"}).is_success

    def test_the_browser_is_told_to_load_nothing_from_elsewhere(self, client):
        policy = client.get("/").headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe-eval" not in policy and "http" not in policy


@pytest.fixture
def started(folder, tmp_path):
    """The command in another process, its port taken, with a folder for temporary files; it does not outlive its test.

    Yields the process, the port, and the folder.
    """
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_CPP", "GRADIO"))}
    own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "HTTP_PROXY": "http://proxy.example:1"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-u", "-c", GUARD, folder / "model.keras", "--port", str(port), "--no-browser"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=kept | own, cwd=tmp_path, text=True, **pipes)
        yield process, port, temporary
        process.kill()
        process.communicate()


class TestCommand:
    def test_ends_on_ctrl_c_and_leaves_nothing(self, started, folder):
        process, port, temporary = started
        found = re.fullmatch(r"Port \d+ is taken: the page uses (\d+)\.\n", process.stdout.readline())
        assert int(found[1]) > port
        address = f"http://127.0.0.1:{found[1]}/"
        assert process.stdout.readline() == f"The page is at {address}, for this machine alone. Ctrl-C ends it.\n"
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
            assert said(client, folder / "red.png")[1]
            assert list(temporary.rglob("red.png"))
            with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "of an open page"}):
                process.send_signal(signal.SIGINT)
                assert process.communicate(timeout=60) == ("", "Stopped. Nothing that was given to the page is kept.\n")
        assert process.returncode == 130 and not list(temporary.iterdir())
        with socket.create_server(("127.0.0.1", int(found[1]))):
            pass  # the port is free again

    @pytest.fixture
    def run(self, capsys, monkeypatch):
        """Run the command in this process; return its code and its lines."""
        monkeypatch.setattr(page.session, "start", lambda: None)
        monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # set by the command; undone after the test

        def run(*arguments):
            code = page.main([*map(str, arguments), "--no-browser"])
            return code, *capsys.readouterr()

        return run

    def test_a_bad_model_is_one_line(self, run, folder, tmp_path):
        (tmp_path / "other.keras").write_bytes(b"\x80\x04K\x01.")
        for name, words in (("other.keras", "pickle"), ("none.keras", "No file is called")):
            code, output, errors = run(tmp_path / name)
            assert (code, output) == (1, "") and words in errors and len(errors.splitlines()) == 1

    def test_without_gradio_it_says_what_to_install(self, run, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "gradio", None)
        code, output, errors = run(folder / "model.keras")
        assert (code, output) == (1, "") and len(errors.splitlines()) == 1
        assert 'pip install "swap-the-head[page]"' in errors and 'pip install ".[page]"' in errors

    def test_without_a_free_port_it_says_so(self, run, folder, monkeypatch):
        monkeypatch.setattr(page, "TRIED", 1)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, output, errors = run(folder / "model.keras", f"--port={port}")
            assert (code, output) == (1, "") and errors.startswith(f"No port from {port} on is free")

    @pytest.mark.parametrize("port", ["70000", "-5", "any"])
    def test_a_port_that_cannot_be_is_refused_at_once(self, run, folder, capsys, port):
        with pytest.raises(SystemExit) as ended:
            run(folder / "model.keras", f"--port={port}")
        assert (
            ended.value.code == 2
            and "is no port: give a number from 1 to 65535, or 0 for any free one" in capsys.readouterr().err
        )
