"""For each exercise: answers that are blank, wrong (with the id of the hint that each must get) and right.

A `Cases` in a file of this folder belongs to the exercise whose name it has, in capitals.
"""

import importlib
import pkgutil

from check_cases.common import Cases

_modules = [importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
CASES = {name.lower(): value for module in _modules for name, value in vars(module).items() if isinstance(value, Cases)}
