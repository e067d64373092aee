"""Within a learner's server: the whole working copy as one file to take home, under ``/user/NAME/take-home``."""

import os
import tempfile
import zipfile
from pathlib import Path

from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from helpers.course import working_copy

NAME = "swap_the_head.zip"
HIDDEN_THAT_BELONG = (working_copy.DONE, working_copy.RECORD)
AT_ONCE = 1_000_000  # bytes


def pack(folder, stream):
    """Write the files of a folder to a zip file; hidden ones only where they belong to the course, and no links."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(place) / name
                wanted = not name.startswith(".") or name in HIDDEN_THAT_BELONG
                if wanted and path.is_file() and not path.is_symlink():
                    archive.write(path, Path("swap_the_head") / path.relative_to(folder))


class TakeHome(JupyterHandler):
    """The file, for the learner whose server this is."""

    @web.authenticated
    async def get(self):
        """Pack and send it."""
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f"attachment; filename={NAME}")
        with tempfile.TemporaryFile() as stream:
            pack(self.serverapp.root_dir, stream)
            stream.seek(0)
            while part := stream.read(AT_ONCE):
                self.write(part)
                await self.flush()


def _load_jupyter_server_extension(server):
    server.web_app.add_handlers(".*$", [(server.base_url + "take-home", TakeHome)])


def _jupyter_server_extension_points():
    return [{"module": "take_home"}]
