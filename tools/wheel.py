"""The build hook of the wheel: the notebooks travel in the package, beside what lays them out."""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Notebooks(BuildHookInterface):
    """Adds ``notebooks/`` to a wheel; an editable installation reads them where they are."""

    def initialize(self, version, build_data):
        """Called by hatchling before it builds."""
        if version != "editable":
            for path in Path(self.root, "notebooks").glob("*.*"):
                if path.is_file():
                    build_data["force_include"][str(path)] = f"helpers/course/notebooks/{path.name}"
