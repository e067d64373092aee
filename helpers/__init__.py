"""What the notebooks import: plumbing, drawing and checking. The lessons themselves are in the notebooks' cells.

The rooms answer a reader's question: ``pictures`` (how do pictures come in?), ``network`` (what is it, what do I
change, what moved?), ``measuring`` (how good, how sure, at what cost?), ``saving`` (how do I hand it over?), ``course``
(what a learner meets), ``doctor`` (which silent mistakes?). `MAP` says which room may import which.

Notebooks write ``from helpers import images``: `NAMES` says where each name is. Importing ``helpers`` alone imports no
TensorFlow.
"""

import importlib

__version__ = "0.2.0"

# Each line may import from the lines above it, and from nowhere else in the course. Within a line nothing imports a
# neighbour, except inside one room. The tests read this map.
MAP = (
    ("storage", "preflight", "session", "plots"),
    ("assets", "measuring.evaluation", "course.working_copy", "course.toml_texts", "network.inspection"),
    ("network.surgery", "network.efficientnet_lite", "network.certificate"),
    ("network.vgg16", "network.cost"),
    ("network.backbones", "measuring.study", "measuring.rate_curves"),
    ("pictures", "measuring.results"),
    ("measuring.costs", "saving"),
    ("machine", "predict"),
    ("doctor",),
    ("course.lab", "course.quizzes", "course.widgets"),
    ("course.checks", "course.jupyter"),
    ("page",),
    ("__main__",),
    ("notebooks",),
)

_PLACES = {
    "": "assets doctor machine page pictures plots predict session storage",
    "course.": "checks lab quizzes widgets",
    "measuring.": "costs evaluation results study",
    "network.": "backbones certificate cost efficientnet_lite surgery vgg16",
    "pictures.": "features images shards",
    "saving.": "explain export formats model_card",
}
NAMES = {name: room + name for room, names in _PLACES.items() for name in names.split()}
# What notebooks of the first version call them: a working copy that was laid out then still runs.
NAMES |= {"benchmark": "network.cost", "decision": "measuring.costs", "evidence": "measuring.results"}
NAMES |= {"evidence_plots": "plots", "experiments": "measuring.study", "intake": "pictures"}


def __getattr__(name):
    if name not in NAMES:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}; it has: {', '.join(sorted(NAMES))}")
    return importlib.import_module(f"helpers.{NAMES[name]}")


def __dir__():
    return sorted([*globals(), *NAMES])
