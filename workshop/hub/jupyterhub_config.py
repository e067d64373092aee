"""JupyterHub's configuration; what differs from room to room are the settings of ``python -m workshop.hub``."""

import json
import os
import sys
from pathlib import Path

from workshop.hub import accounts, hub_classes, learner

c = get_config()  # noqa: F821
settings = json.loads(Path(os.environ["SWAP_THE_HEAD_HUB"]).read_text(encoding="utf-8"))
HERE, folder, port = Path(learner.HERE), Path(settings["folder"]), settings["port"]
hub, own_users = folder / "hub", not settings["same_user"]
python = settings["python"]
proxy_port, hub_port, table_port = port + 1, port + 2, port + 3  # on this machine only

# The addresses, and what is kept of the hub itself (no other account can read it).
c.JupyterHub.bind_url = f"http{'s' if settings['certificate'] else ''}://{settings['ip']}:{port}"
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = settings["certificate"], settings["key"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = settings["proxy"]
c.ConfigurableHTTPProxy.pid_file = str(hub / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{hub}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(hub / "cookie_secret")
# The log of requests would tell what each learner opens, and so would the warnings of their servers.
c.JupyterHub.log_level = "INFO" if settings["verbose"] else "WARN"
c.ConfigurableHTTPProxy.log_level = "info" if settings["verbose"] else "error"

# Who logs in.
c.JupyterHub.authenticator_class = hub_classes.OfTheList if own_users else hub_classes.FromTheList
c.Authenticator.allow_all = True  # of those whose password is right
c.FromTheList.folder = str(hub)
if own_users:
    c.OfTheList.homes = str(folder / "homes")
    c.LocalAuthenticator.create_system_users = True

# The teacher sees who is in and the table, and can stop a server. To start one would be to tick the learner's box, to
# enter one to read the answers: so it is no administrator's role.
c.JupyterHub.load_roles = [
    {
        "name": "teacher",
        "users": [accounts.TEACHER],
        "scopes": [
            "admin-ui",
            "list:users",
            "read:servers",
            "delete:servers",
            "read:hub",
            "access:services!service=progress",
        ]
        + ["list:services", "read:services"],
    },
    {
        "name": "culler",
        "services": ["culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    },
]
c.JupyterHub.services = [
    {
        "name": "progress",
        "url": f"http://127.0.0.1:{table_port}",
        "command": [python, str(HERE / "progress_service.py")],
        "environment": {"SWAP_THE_HEAD_PROGRESS_FILE": str(folder / "progress" / "rows.json")},
        "oauth_no_confirm": True,
        **({"user": settings["table_user"]} if own_users else {}),
    },
    {
        "name": "culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={settings['idle']}"],
    },
]

# What the learner reads before the server starts, and agrees to or not.
SEES = "My teacher may see which exercises I have done (never my answers)"
FORM = """<p>You get your own copy of the course. The other learners cannot open it{but}.</p>
<div class="form-check"><input class="form-check-input" type="checkbox" id="share" name="share" value="yes"{ticked}>
<label class="form-check-label" for="share">{sees}.</label></div>
<p>Without the tick your teacher sees nothing of it, and everything works the same. To change it later, stop the server
and start it again. Whoever runs this computer could open any file on it.</p>"""
NO_WALL = ", but all run in one account of this computer, and who looks for them can find them"


def form(spawner):
    """Return the form, with the tick as it was the last time."""
    ticked = " checked" if spawner.user_options.get("share") else ""
    return FORM.format(ticked=ticked, sees=SEES, but="" if own_users else NO_WALL)


c.Spawner.options_form = form
c.Spawner.options_from_form = lambda data: {"share": data.get("share") == ["yes"]}
c.JupyterHub.template_vars = {
    "announcement_login": "Your teacher can see which exercises you have done only if you agree on the next page, and "
    "never your answers.",
}

# What starts.
c.Spawner.cmd = [python, str(HERE / "learner.py")]
c.Spawner.args = [] if settings["verbose"] else ["--Application.log_level=ERROR"]
c.Spawner.notebook_dir = "~/" + learner.COPY
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.environment = {
    learner.SHARED_CACHE: str(folder / "cache"),
    learner.COURSE: settings["course"],
    learner.SHARES: lambda spawner: "yes" if spawner.user_options.get("share") else "no",
    "SWAP_THE_HEAD_PROGRESS_URL": f"http://127.0.0.1:{table_port}/services/progress/mine",
    "TF_NUM_INTRAOP_THREADS": str(settings["cpus"]),
    "OMP_NUM_THREADS": str(settings["cpus"]),
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # thirty at once on a small machine
c.JupyterHub.concurrent_spawn_limit = 10
c.Spawner.poll_interval = 10  # seconds until a server that was killed is noticed
c.Spawner.mem_limit, c.Spawner.cpu_limit = settings["memory"], float(settings["cpus"])
if settings["systemd"]:
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.isolate_tmp = c.SystemdSpawner.isolate_devices = True
    c.SystemdSpawner.default_shell = "/bin/bash"
    # Every learner has the same weight where the processor is short; over the limit of memory a kernel ends, which
    # JupyterLab tells and starts anew, and the server stays.
    c.SystemdSpawner.unit_extra_properties = {"CPUWeight": "100", "OOMPolicy": "continue", "MemorySwapMax": "0"}
elif own_users:
    c.JupyterHub.spawner_class = "localprocess"
else:
    c.JupyterHub.spawner_class = hub_classes.OneForAll
    c.SimpleLocalProcessSpawner.home_dir_template = f"{folder}/homes/{{username}}"
