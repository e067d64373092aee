"""A real JupyterHub on this machine: four learners at once through notebook 03, one killed, none read by another."""

import concurrent.futures
import io
import os
import signal
import time
import zipfile
from pathlib import Path

import psutil
import pytest
import requests
from browser.conftest import missing as browser_is_missing
from hub import in_a_browser
from hub.helpers_of_hub import SNOOP, missing

from helpers.course import working_copy
from tools import hub_room
from workshop.hub import learner

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=str(missing()))]
NOTEBOOK = "03_attach_new_head"
FILE = f"{NOTEBOOK}.ipynb"
NAMES = ["Hubtest Ana", "Hubtest Bo", "Hubtest Cy", "Hubtest Di"]
ANA, BO, CY, DI = USERS = ["hubtest-ana", "hubtest-bo", "hubtest-cy", "hubtest-di"]
AGREE = {ANA, CY, DI}
SOLVED = """raw = keras.Input((4,))
two = keras.layers.Dense(2)(toy(scale(raw)))
checks.wire_toy(keras.Model(raw, two), scale, toy)"""


@pytest.fixture(scope="module")
def hub():
    with hub_room.room(NAMES, ["--features", NOTEBOOK]) as running:
        yield running


@pytest.fixture(scope="module")
def learners(hub):
    """Four learners who have run notebook 03 at the same time; Di's server was killed in the middle of it."""
    visitors = {user: hub.visitor(user) for user in USERS}
    with concurrent.futures.ThreadPoolExecutor(len(USERS)) as pool:
        list(pool.map(first_half, visitors.values()))
        kill_server(DI)
        list(pool.map(second_half, [visitor for user, visitor in visitors.items() if user != DI]))
    return visitors


def first_half(visitor):
    """Log in, start, save an edit, solve an exercise, and run half of the notebook."""
    visitor.log_in()
    visitor.start(share=visitor.user in AGREE)
    notebook = visitor.read(FILE)
    notebook.cells[0].source += f"\n\nNotes of {visitor.user}."
    visitor.save(FILE, notebook)
    visitor.kernel_of_03 = visitor.kernel(FILE)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    half = next(index for index, source in enumerate(cells) if source.startswith("extractor ="))
    for source in cells[:half]:
        visitor.kernel_of_03.run(source)
        assert "accepts(" not in source, "learners get no solutions"
        if source.startswith("checks.wire_toy("):
            visitor.kernel_of_03.run(SOLVED)
    visitor.rest = cells[half:]


def second_half(visitor):
    for source in visitor.rest:
        visitor.kernel_of_03.run(source)
    visitor.ended = True


def processes_of(user):
    return [process for process in psutil.process_iter(["username"]) if process.info["username"] == user]


def server_of(user):
    (server,) = [each for each in processes_of(user) if any(part.endswith("learner.py") for part in each.cmdline())]
    return server


def kill_server(user):
    os.kill(server_of(user).pid, signal.SIGKILL)


def home(hub, user):
    return hub.folder / "homes" / user


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.5)


def table(hub):
    teacher = hub.visitor("teacher")
    teacher.log_in()
    answer = teacher.page("/services/progress/?format=json")
    answer.raise_for_status()
    return answer.json()


def test_it_says_at_the_start_what_it_cannot_enforce(hub):
    said = " ".join(hub.said().split())
    assert "unencrypted" not in said
    assert Path("/run/systemd/system").is_dir() or "nobody enforces the limits of 2G and 2 processors" in said


def test_those_who_were_not_killed_ran_it_to_the_end(learners):
    assert [user for user, visitor in learners.items() if getattr(visitor, "ended", False)] == [ANA, BO, CY]


def test_features_were_computed_once_and_not_by_each(hub, learners):
    shared = {path.name for path in (hub.folder / "cache" / "features").iterdir()}
    assert len(shared) >= 6
    for user in USERS:
        entries = list((home(hub, user) / ".cache" / "swap-the-head" / "features").iterdir())
        assert {entry.name for entry in entries} == shared
        assert all(entry.is_symlink() for entry in entries)


def test_what_was_printed_and_logged_does_not_tell_what_learners_open(hub, learners):
    assert FILE not in hub.said() and "/api/contents" not in hub.said()


@pytest.fixture(scope="module")
def back(hub, learners):
    """Di, back in as a learner is: Stop My Server, Start My Server."""
    until(lambda: not processes_of(DI))  # a kernel ends with its server
    visitor = hub.visitor(DI)
    visitor.log_in()
    visitor.stop()
    visitor.start(share=True)
    return visitor


class TestOneThatWasKilled:
    def test_finds_what_was_saved(self, back):
        assert f"Notes of {DI}." in back.read(FILE).cells[0].source

    def test_finds_the_exercises_done(self, hub, back):
        kernel = back.kernel(FILE)
        shown = kernel.run("from helpers import checks\nchecks.progress()")
        assert "1 of " in shown
        until(lambda: table(hub)[DI][NOTEBOOK]["done"] == ["wire_toy"])

    def test_finishes_the_notebook(self, back):
        kernel = back.kernel(FILE)
        kernel.run("%reset -f")
        kernel.run_all(back.read(FILE))


class TestAnotherLearner:
    """What Bo gets when he tries what is Ana's."""

    def test_does_not_get_into_the_server(self, learners):
        bo = learners[BO]
        for path in (f"/user/{ANA}/lab", f"/user/{ANA}/api/contents/{FILE}", f"/user/{ANA}/files/{FILE}"):
            assert bo.page(path).status_code in (403, 404)
        assert bo.call("GET", f"contents/{FILE}", owner=ANA).status_code in (403, 404)
        assert bo.call("POST", "kernels", {"name": "python3"}, owner=ANA).status_code in (403, 404)
        assert learners[ANA].page(f"/user/{ANA}/api/contents/{FILE}").status_code == 200

    def test_does_not_take_her_files_home(self, learners):
        assert learners[BO].page(f"/user/{ANA}/take-home").status_code in (403, 404)
        own = learners[ANA].page(f"/user/{ANA}/take-home")
        with zipfile.ZipFile(io.BytesIO(own.content)) as taken:
            assert f"Notes of {ANA}." in taken.read(f"swap_the_head/{FILE}").decode()

    def test_does_not_get_into_the_kernel(self, learners):
        with pytest.raises(Exception, match="403|404"):
            learners[BO].socket(f"kernels/{learners[ANA].kernel_of_03.id}/channels", owner=ANA)

    def test_cannot_use_the_hub_against_her(self, learners):
        bo = learners[BO]
        address = f"{bo.hub}/hub/api/users/{ANA}"
        for method, path in (("GET", ""), ("DELETE", "/server"), ("POST", "/tokens"), ("GET", "/tokens")):
            assert bo.session.request(method, address + path, headers=bo.hub_headers()).status_code in (403, 404)
        assert learners[ANA].running()

    def test_reads_no_file_no_token_and_nothing_of_the_hub_from_a_kernel(self, hub, learners):
        server, kernel = (
            server_of(ANA),
            next(each for each in processes_of(ANA) if "ipykernel_launcher" in each.cmdline()),
        )
        runtime = home(hub, ANA) / learner.RUNTIME
        secrets = [
            home(hub, ANA) / "swap_the_head" / FILE,
            home(hub, ANA) / "swap_the_head" / working_copy.DONE,
            *(
                Path(f"/proc/{each.pid}/{name}")
                for each in (server, kernel)
                for name in ("environ", "mem", "fd", "cwd/x")
            ),
            *runtime.iterdir(),
            *(hub.folder / "hub").iterdir(),
            hub.folder / "progress" / "rows.json",
        ]
        assert len(secrets) > 15
        opened = learners[BO].kernel_of_03.run(SNOOP.format(paths=[str(path) for path in secrets]))
        assert opened.split() == ["own:yes"]

    def test_cannot_change_the_shared_features_or_the_course(self, hub, learners):
        one = next((hub.folder / "cache" / "features").iterdir())
        places = [one / "features.npy", one / "new", hub.folder / "cache" / "new", Path(working_copy.__file__)]
        code = f"""
import os
for path in {[str(path) for path in places]}:
    try:
        open(path, "ab").close()
        print("wrote", path)
    except OSError:
        pass
"""
        assert learners[BO].kernel_of_03.run(code) == ""

    def test_finds_no_port_of_a_kernel_to_listen_to(self, learners):
        (kernel,) = [each for each in processes_of(ANA) if "ipykernel_launcher" in each.cmdline()]
        sockets = [each.laddr for each in kernel.net_connections("unix")]
        assert len([path for path in sockets if "-ipc-" in str(path)]) >= 5


class TestWhatTheTeacherSees:
    def test_are_the_exercises_of_those_who_agreed(self, hub, learners):
        until(lambda: table(hub).keys() >= AGREE)
        rows = table(hub)
        assert rows.keys() == AGREE
        until(lambda: table(hub)[ANA][NOTEBOOK]["done"] == ["wire_toy"])
        assert len(rows[ANA][NOTEBOOK]["of"]) > 1 and len(rows[ANA]) == len(working_copy.course_notebooks())

    def test_is_not_seen_by_learners(self, learners):
        assert learners[BO].page("/services/progress/?format=json").status_code == 403
        assert learners[ANA].page("/services/progress/").status_code == 403

    def test_is_said_to_each_learner_where_they_work(self, hub, learners):
        told = {
            user: (home(hub, user) / "swap_the_head" / "what_my_teacher_sees.txt").read_text() for user in (ANA, BO)
        }
        assert "their names, and nothing else" in told[ANA] and "sees nothing" in told[BO]

    def test_is_never_a_learners_server(self, hub, learners):
        teacher = hub.visitor("teacher")
        teacher.log_in()
        assert teacher.page(f"/user/{ANA}/api/contents/{FILE}").status_code in (403, 404)
        assert teacher.page("/hub/admin").status_code == 200
        answer = teacher.session.post(f"{hub.address}/hub/api/users/{ANA}/tokens", headers=teacher.hub_headers())
        assert answer.status_code in (403, 404)

    def test_vanishes_when_a_learner_takes_it_back(self, hub, learners):
        cy = learners[CY]
        cy.stop()
        teacher = hub.visitor("teacher")
        teacher.log_in()
        start = f"{hub.address}/hub/api/users/{CY}/server"
        answer = teacher.session.post(start, json={"share": True}, headers=teacher.hub_headers())
        assert answer.status_code in (403, 404)  # nobody else ticks the box
        page = cy.page(f"/hub/spawn/{CY}").text
        assert 'value="yes" checked' in page
        cy.start(share=False)
        until(lambda: CY not in table(hub))


@pytest.mark.parametrize(("user", "password"), [(ANA, "wrong"), ("root", ""), ("nobody", "nobody"), ("", "")])
def test_nobody_else_gets_in(hub, user, password):
    visitor = hub_room.Visitor(hub.address, user, password, hub.authority)
    assert visitor.log_in().status_code == 403


def test_all_of_it_is_encrypted(hub):
    with pytest.raises(requests.RequestException):
        requests.get(hub.address.replace("https", "http"), timeout=10).raise_for_status()
    slips = hub.said().partition("Starting the hub")[0]
    assert slips.count(f"address    {hub.address}") == len(hub.passwords)


def test_the_passwords_are_nowhere_on_the_disk(hub):
    assert set(hub.passwords) == {*USERS, "teacher"}
    files = [path for path in (hub.folder / "hub").iterdir() if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    assert not [password for password in hub.passwords.values() if password.encode() in kept]


def test_who_comes_late_gets_in_while_the_hub_runs(hub):
    hub.add("Hubtest Late")
    late = hub.visitor("hubtest-late")
    assert late.log_in().url.endswith("/hub/spawn")


@pytest.mark.skipif(bool(browser_is_missing()), reason=str(browser_is_missing()))
def test_a_learner_is_asked_and_starts_and_the_teacher_sees_the_row_in_a_browser(hub):
    eve = "hubtest-eve"
    hub.add("Hubtest Eve")
    with in_a_browser.chromium() as browser:
        page, said = in_a_browser.log_in(browser, hub, eve)
        assert "only if you agree" in said and "never your answers" in said
        box = page.get_by_label("My teacher may see which exercises I have done (never my answers)")
        assert not box.is_checked()
        box.check()
        in_a_browser.picture(page, "consent")
        page.get_by_role("button", name="Start").click()
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=180_000)
        assert f"/user/{eve}/lab/tree/00_start_here.ipynb" in page.url
        in_a_browser.picture(page, "lab")
        until(lambda: eve in table(hub))

        teacher, _ = in_a_browser.log_in(browser, hub, "teacher")
        teacher.goto(f"{hub.address}/services/progress/")
        assert "0 of 2" in teacher.get_by_role("row", name=eve).inner_text()
        in_a_browser.picture(teacher, "table")
        teacher.get_by_role("link", name="00 start here").click()
        teacher.wait_for_url("**/?notebook=00_start_here")
        assert teacher.get_by_role("columnheader").count() == 3
        teacher.goto(f"{hub.address}/hub/admin")
        teacher.get_by_text(eve).first.wait_for()
        in_a_browser.picture(teacher, "admin")
