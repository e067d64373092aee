"""The two parts of JupyterHub that this hub has its own version of: who logs in, and whose account a server runs in."""

import grp
import pwd
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyterhub.auth import Authenticator, LocalAuthenticator
from jupyterhub.spawner import SimpleLocalProcessSpawner
from tornado.ioloop import IOLoop
from traitlets import Unicode

from workshop.hub import accounts

GROUP = "swap-the-head"  # of the learners' system accounts: no other account of the machine is ever used
ONE_AT_A_TIME = ThreadPoolExecutor(1)  # hashing needs memory, and the hub's other work goes on


class FromTheList(Authenticator):
    """Lets in who has an account in `accounts.FILE` of a folder."""

    folder = Unicode(config=True)

    async def authenticate(self, handler, data):
        """Return the user where name and password belong together."""
        user, password = data.get("username", ""), data.get("password", "")
        right = await IOLoop.current().run_in_executor(
            ONE_AT_A_TIME, accounts.accepts, Path(self.folder), user, password
        )
        return user if right else None


class OfTheList(FromTheList, LocalAuthenticator):
    """The same, with an account of the system for each, made at the first login, that no other account can read."""

    homes = Unicode(config=True)

    def system_user_exists(self, user):
        """Return whether there is such an account of ours; refuse one that the machine has for something else."""
        try:
            entry = pwd.getpwnam(user.name)
        except KeyError:
            return False
        if user.name not in grp.getgrnam(GROUP).gr_mem:
            raise PermissionError(f"This computer has a user {user.name} that is no learner's: {entry.pw_gecos!r}.")
        return True

    def add_system_user(self, user):
        """Make the account, and close its home to all others."""
        home = Path(self.homes) / user.name
        self.add_user_cmd = ["useradd", "--create-home", "--home-dir", str(home), "--user-group", "--groups", GROUP]
        self.add_user_cmd += ["--shell", "/bin/bash"]
        super().add_system_user(user)
        home.chmod(0o700)


class OneForAll(SimpleLocalProcessSpawner):
    """Every server in one system account, each with a folder of its own: no separation between learners."""
