"""What is checked and made before the hub starts, and that the files for it belong together."""

import datetime
import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers.course import working_copy
from tools import hub_room
from workshop.hub import __main__ as command
from workshop.hub import learner, setting_up

HUB = learner.HERE
MAIN = [sys.executable, "-m", "workshop.hub"]


class TestRefusals:
    def start(self, tmp_path, *options, root=True, monkeypatch=None, capsys=None):
        monkeypatch.setattr(command, "AS_ROOT", root)
        code = command.main(["start", "--folder", str(tmp_path / "room"), *options])
        return code, capsys.readouterr().err

    def test_without_root_it_says_what_one_account_means(self, tmp_path, monkeypatch, capsys):
        code, said = self.start(tmp_path, root=False, monkeypatch=monkeypatch, capsys=capsys)
        assert code == 1 and "open the files of all the others" in said and "--same-user" in said
        assert not (tmp_path / "room").exists()

    def test_a_certificate_without_its_key(self, tmp_path, monkeypatch, capsys):
        code, said = self.start(tmp_path, "--certificate", "a.pem", monkeypatch=monkeypatch, capsys=capsys)
        assert code == 1 and "belong together" in said

    def test_one_account_for_all_that_would_be_roots(self, tmp_path, monkeypatch, capsys):
        code, said = self.start(tmp_path, "--same-user", monkeypatch=monkeypatch, capsys=capsys)
        assert code == 1 and "every learner would be root" in said

    def test_a_folder_whose_path_is_too_long_for_sockets(self, tmp_path, monkeypatch, capsys):
        (tmp_path / "names.txt").write_text("Ana")
        names = ["--same-user", "--names", str(tmp_path / "names.txt")]
        code, said = self.start(tmp_path / ("x" * 30), *names, root=False, monkeypatch=monkeypatch, capsys=capsys)
        assert code == 1 and "too long a path" in said

    def test_a_room_without_names(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(command, "LONGEST", 1000)
        code, said = self.start(tmp_path, "--same-user", root=False, monkeypatch=monkeypatch, capsys=capsys)
        assert code == 1 and "--names" in said

    def test_a_notebook_that_is_not_there(self, tmp_path):
        with pytest.raises(setting_up.SetUpError, match="no notebooks 99_none; there are: 00_start_here"):
            setting_up.compute_features(tmp_path, ["99_none"], working_copy.COURSE)

    def test_a_python_in_a_closed_folder(self, tmp_path):
        tmp_path.chmod(0o755)
        (tmp_path / "closed").mkdir(mode=0o700)
        (tmp_path / "closed" / "python").touch(0o755)
        (tmp_path / "open").symlink_to(tmp_path / "closed" / "python")
        for way in (tmp_path / "closed" / "python", tmp_path / "open"):
            assert setting_up.closed_to_others(way) is not None
        assert setting_up.closed_to_others("/bin/sh", "/usr") is None

    def test_deleting_what_is_no_hub(self, tmp_path, capsys):
        (tmp_path / "mine.txt").touch()
        assert command.main(["end", "--yes", "--folder", str(tmp_path)]) == 1
        assert "There is no hub in" in capsys.readouterr().err and (tmp_path / "mine.txt").exists()


class TestTheDayBefore:
    """`prepare`, where the proxy and the features are there already."""

    @pytest.fixture
    def prepare(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(command, "AS_ROOT", False)
        monkeypatch.setattr(command, "LONGEST", 1000)
        monkeypatch.setattr(setting_up, "install_proxy", lambda folder: ["node", "proxy"])
        monkeypatch.setattr(setting_up, "compute_features", lambda *given: None)
        (tmp_path / "names.txt").write_text("Ana")
        folder = ["--folder", str(tmp_path / "room")]

        def call(name, *options):
            code = command.main([name, *folder, *map(str, options)])
            return code, *capsys.readouterr()

        return call

    def test_slips_carry_the_address_and_so_do_later_ones(self, prepare, tmp_path):
        names = ["--same-user", "--names", tmp_path / "names.txt"]
        signed = hub_room.certificate(tmp_path / "tls", "*.example.org")
        secure = ["--certificate", signed["cert"], "--key", signed["key"]]
        code, said, _ = prepare("prepare", *names, *secure, "--address", "hub.example.org", "--port", 443)
        assert code == 0 and re.findall(r"address +(\S+)", said) == ["https://hub.example.org"] * 2
        assert "unencrypted" not in said and "Warning: the certificate" not in said
        _, said, _ = prepare("new-password", "ana")
        assert "https://hub.example.org\n" in said
        (tmp_path / "late.txt").write_text("Bo")
        _, said, _ = prepare("add", tmp_path / "late.txt")
        assert "https://hub.example.org\n" in said
        (tmp_path / "names.txt").write_text("Cy")  # on another port, and the name is known
        _, said, _ = prepare("prepare", *names, *secure)
        assert "https://hub.example.org:8000\n" in said
        (tmp_path / "names.txt").write_text("Di")  # this computer alone, whatever its name is
        _, said, _ = prepare("prepare", *names)
        assert "http://127.0.0.1:8000\n" in said and "unencrypted" in said

    def test_where_others_come_in_nobody_gets_a_slip_without_an_address(self, prepare, tmp_path):
        names = ["--same-user", "--names", tmp_path / "names.txt"]
        code, said, error = prepare("prepare", *names, "--ip", "0.0.0.0")
        assert code == 1 and "--address hub.example.org" in error and "password" not in said

    @pytest.mark.parametrize("address", ["https://hub.example.org", "hub.example.org:8000", "my hub", "", "-x"])
    def test_what_is_no_computers_name_is_refused(self, prepare, address, capsys):
        with pytest.raises(SystemExit):
            prepare("prepare", "--same-user", f"--address={address}")
        assert "without http and port" in capsys.readouterr().err

    def test_a_certificate_that_cannot_serve_is_refused_before_a_slip(self, prepare, tmp_path):
        one, other = (hub_room.certificate(tmp_path / name, "localhost") for name in ("one", "other"))
        (tmp_path / "locked.pem").write_bytes(locked(Path(one["key"])))
        (tmp_path / "text.pem").write_text("hello")
        names = ["--same-user", "--names", tmp_path / "names.txt", "--address", "localhost"]
        for certificate, key, words in (
            ("none.pem", one["key"], "There is no file none.pem"),
            (one["cert"], tmp_path / "none.pem", "There is no file"),
            (one["cert"], other["key"], "the private key that belongs to it"),
            (one["key"], one["cert"], "expected a certificate in PEM form"),
            (one["cert"], tmp_path / "locked.pem", "without a password"),
            (tmp_path / "text.pem", one["key"], "expected a certificate in PEM form"),
            (expired(tmp_path), tmp_path / "old.key", "was valid until 02 January 2020"),
        ):
            code, said, error = prepare("prepare", *names, "--certificate", certificate, "--key", key)
            assert code == 1 and words in error and "password " not in said, (certificate, key)
        _, said, _ = prepare(
            "prepare", *names[:3], "--address", "hub.org", "--certificate", one["cert"], "--key", one["key"]
        )
        assert "Warning: the certificate is for" in said and "browsers will warn of hub.org" in said

    def test_while_a_hub_runs_no_other_command_changes_its_folder(self, prepare, tmp_path):
        names = ["--same-user", "--names", tmp_path / "names.txt"]
        assert prepare("prepare", *names)[0] == 0
        holder = [sys.executable, "-c", HOLD, str(tmp_path / "room")]
        with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HUB.parents[1]) as hub:
            hub.stdout.readline()
            for line in (["start", *names], ["prepare", *names], ["end", "--yes"]):
                code, _, error = prepare(*line)
                assert code == 1 and "is running" in error, line
            assert not prepare("new-password", "ana")[0]
            hub.stdin.close()
        assert not prepare("end", "--yes")[0] and not (tmp_path / "room").exists()

    def test_a_port_that_another_program_has_is_said_before_anything_is_made(self, prepare, tmp_path):
        port = hub_room.free_port()
        with socket.socket() as other:
            other.bind(("127.0.0.1", port + 2))
            other.listen()
            code, said, error = prepare("start", "--same-user", "--names", tmp_path / "names.txt", "--port", port)
        assert code == 1 and f"Port {port + 2} is taken" in error and "next three" in error and "password" not in said

    def test_where_there_is_no_hub_nobody_gets_a_slip_and_nothing_is_made(self, prepare, tmp_path):
        for line in (["add", tmp_path / "names.txt"], ["new-password", "ana"], ["end"]):
            code, said, error = prepare(*line)
            assert code == 1 and "There is no hub in" in error and "--folder" in error and not said
        assert not (tmp_path / "room").exists()

    def test_a_kernel_that_ctrl_c_ended_is_told_in_one_line(self, tmp_path, monkeypatch):
        def ended(*given, **more):
            raise nbclient.exceptions.DeadKernelError("Kernel died")

        monkeypatch.setattr(nbclient.NotebookClient, "execute", ended)
        (tmp_path / "cache").mkdir()
        with pytest.raises(setting_up.SetUpError, match="00_start_here was stopped.*The same line again goes on"):
            setting_up.compute_features(tmp_path, ["00_start_here"], working_copy.COURSE)

    def test_a_course_that_is_not_there(self, prepare, tmp_path):
        code, _, error = prepare("prepare", "--same-user", "--course", tmp_path / "notebokks")
        assert code == 1 and "There is no folder" in error and not (tmp_path / "room").exists()

    def test_the_end_of_one_hub_takes_nothing_that_another_needs(self, prepare, tmp_path, monkeypatch):
        prepare("prepare", "--same-user", "--names", tmp_path / "names.txt")
        run = []
        monkeypatch.setattr(setting_up.subprocess, "run", lambda *given, **more: run.append(given))
        assert not prepare("end", "--yes")[0] and run == []  # no learner has an account: no account and no group goes

    def test_where_nobody_can_answer_nothing_is_deleted(self, prepare, tmp_path, monkeypatch):
        prepare("prepare", "--same-user", "--names", tmp_path / "names.txt")
        monkeypatch.setattr("builtins.input", lambda question: (_ for _ in ()).throw(EOFError))
        code, _, error = prepare("end")
        assert code == 1 and "--yes" in error and (tmp_path / "room").is_dir()

    def test_learners_get_no_solutions_unless_the_course_is_named(self, prepare, tmp_path):
        names = ["--same-user", "--names", tmp_path / "names.txt"]
        prepare("prepare", *names)
        settings = tmp_path / "room" / "hub" / setting_up.SETTINGS
        handed_out = Path(json.loads(settings.read_text())["course"])
        tags = {tag for path in handed_out.glob("*.ipynb") for tag in tags_of(path)}
        assert "exercise" in tags and "solution" not in tags
        prepare("prepare", *names, "--course", working_copy.COURSE)
        assert json.loads(settings.read_text())["course"] == str(working_copy.COURSE)


HOLD = """import sys
from pathlib import Path
from workshop.hub import setting_up
with setting_up.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def locked(key):
    """The key in a file that needs a password."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return loaded.private_bytes(*form, serialization.BestAvailableEncryption(b"secret"))


def expired(folder):
    """The path of a certificate that was valid for a day, in 2020; its key is ``old.key``."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    day = datetime.datetime(2020, 1, 1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(1))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "old.key").write_bytes(key.private_bytes(*form))
    (folder / "old.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return folder / "old.pem"


def tags_of(path):
    return [tag for cell in nbformat.read(path, as_version=4).cells for tag in cell.metadata.get("tags", [])]


def test_the_hubs_own_folder_is_closed_and_the_features_are_not(tmp_path):
    setting_up.make_folders(tmp_path / "room")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "room").iterdir()}
    assert modes == {"hub": 0o700, "progress": 0o700, "homes": 0o711, "cache": 0o755}


class TestConfiguration:
    """The configuration as JupyterHub reads it, for each kind of machine."""

    SETTINGS = {
        "folder": "/srv/room",
        "ip": "127.0.0.1",
        "port": 8000,
        "certificate": "",
        "key": "",
        "same_user": False,
        "systemd": False,
        "memory": "2G",
        "cpus": 2,
        "idle": 7200,
        "course": "/srv/notebooks",
        "python": "/usr/bin/python3",
        "proxy": ["node", "proxy"],
        "table_user": "table",
        "verbose": False,
    }

    def read(self, tmp_path, monkeypatch, **changed):
        from traitlets.config import PyFileConfigLoader

        file = tmp_path / "settings.json"
        file.write_text(json.dumps(self.SETTINGS | changed))
        monkeypatch.setenv("SWAP_THE_HEAD_HUB", str(file))
        return PyFileConfigLoader(str(HUB / "jupyterhub_config.py")).load_config()

    def test_systemd_limits_memory_and_processor_and_keeps_the_server_where_a_kernel_is_ended(
        self, tmp_path, monkeypatch
    ):
        config = self.read(tmp_path, monkeypatch, systemd=True)
        assert config.JupyterHub.spawner_class == "systemd"
        assert (config.Spawner.mem_limit, config.Spawner.cpu_limit) == ("2G", 2.0)
        assert config.SystemdSpawner.unit_extra_properties["OOMPolicy"] == "continue"

    def test_each_learner_has_an_account_unless_one_for_all_was_asked_for(self, tmp_path, monkeypatch):
        own = self.read(tmp_path, monkeypatch)
        assert own.JupyterHub.spawner_class == "localprocess" and own.LocalAuthenticator.create_system_users
        one = self.read(tmp_path, monkeypatch, same_user=True)
        assert one.JupyterHub.spawner_class.__name__ == "OneForAll"
        spawner = type("Spawner", (), {"user_options": {}})()
        assert "find them" in one.Spawner.options_form(spawner) and "find them" not in own.Spawner.options_form(spawner)

    def test_only_a_tick_is_consent(self, tmp_path, monkeypatch):
        config = self.read(tmp_path, monkeypatch)
        options = config.Spawner.options_from_form
        assert options({"share": ["yes"]}) == {"share": True}
        assert options({}) == options({"share": [""]}) == options({"share": ["no"]}) == {"share": False}
        told = config.Spawner.environment[learner.SHARES]
        for chosen, said in (({}, "no"), ({"share": False}, "no"), ({"share": True}, "yes")):
            assert told(type("Spawner", (), {"user_options": chosen})()) == said

    def test_the_teacher_enters_and_starts_no_server_and_nobody_is_an_administrator(self, tmp_path, monkeypatch):
        config = self.read(tmp_path, monkeypatch)
        scopes = {scope for role in config.JupyterHub.load_roles for scope in role["scopes"]}
        forbidden = ("access:servers", "servers", "admin:", "tokens", "shares")
        assert not [scope for scope in scopes if scope.startswith(forbidden)]
        assert "admin_users" not in config.Authenticator

    def test_what_learners_open_is_not_logged(self, tmp_path, monkeypatch):
        config = self.read(tmp_path, monkeypatch)
        assert config.JupyterHub.log_level == "WARN" and config.Spawner.args == ["--Application.log_level=ERROR"]

    def test_only_the_proxy_is_open_to_the_network(self, tmp_path, monkeypatch):
        config = self.read(tmp_path, monkeypatch, ip="0.0.0.0", certificate="/c.pem", key="/k.pem")
        assert config.JupyterHub.bind_url == "https://0.0.0.0:8000" and config.JupyterHub.ssl_cert == "/c.pem"
        inside = [config.JupyterHub.hub_bind_url, config.ConfigurableHTTPProxy.api_url]
        assert all(url.startswith("http://127.0.0.1:") for url in [*inside, config.JupyterHub.services[0]["url"]])


class TestTheFilesForIt:
    def test_the_proxy_is_pinned_with_checksums_and_names_no_registry(self):
        lock = json.loads((HUB / "package-lock.json").read_text())
        wanted = json.loads((HUB / "package.json").read_text())["dependencies"]
        packages = {name: package for name, package in lock["packages"].items() if name}
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
        assert all(package["integrity"].startswith("sha512-") for package in packages.values())
        assert not [name for name, package in packages.items() if "resolved" in package]

    def test_the_cluster_gives_the_limits_and_starts_what_the_image_holds(self):
        values = yaml.safe_load((HUB / "kubernetes" / "values.yaml").read_text())
        image = (HUB / "Dockerfile").read_text()
        own = values["singleuser"]
        assert own["memory"]["limit"] == "2G" and own["cpu"]["limit"] == 2
        assert json.dumps(own["cmd"]) in image and own["cmd"][1].endswith("/workshop/hub/learner.py")
        for variable in (learner.SHARED_CACHE, learner.COURSE):
            assert f"ENV {variable}={own['extraEnv'][variable]}" in image
        assert f"USER {own['uid']}" in image and not own["allowPrivilegeEscalation"]

    def test_every_file_that_the_image_copies_is_there(self):
        sources = re.findall(r"^COPY (.+) \S+$", (HUB / "Dockerfile").read_text(), re.MULTILINE)
        files = [source for line in sources for source in line.split() if not source.startswith(("dist/", "build/"))]
        assert files and all((HUB.parents[1] / source).exists() for source in files)


@pytest.mark.skipif(os.name == "nt", reason="the hub runs on Linux")
def test_the_command_tells_what_it_can_do():
    shown = subprocess.run([*MAIN, "--help"], capture_output=True, text=True, cwd=HUB.parents[1], check=True).stdout
    assert all(word in shown for word in ("start", "prepare", "features", "new-password", "end"))


def test_the_core_path_is_what_is_computed_for():
    names = [path.stem for path in working_copy.course_notebooks()]
    assert names[:8] == command.CORE and Path(working_copy.COURSE).is_dir()
