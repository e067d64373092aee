"""The stored curves behind the fine-tuning rate explorer: measured once, kept with what they were measured on.

``python -m tools.measure_rates`` measures them again (about ten minutes on two cores) and writes the file.
"""

import json
from pathlib import Path

from helpers import storage

STORED = Path(__file__).with_name("rate_curves.json")


def stored(path=STORED):
    """Return the stored curves.

    Raises `helpers.storage.StorageError` when the file is missing or is not what the measurement writes.

    Returns
    -------
    dict
        ``settings``, ``machine``, ``before`` (validation accuracy of the trained head on the frozen trunk),
        ``validation_pictures`` (int) and ``histories`` (dict of learning rate, float, to `History.history`).
    """
    try:
        results = json.loads(Path(path).read_text(encoding="utf-8"))
        results["histories"] = {float(rate): history for rate, history in results["histories"].items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise storage.StorageError(
            f"The stored curves {Path(path).name} cannot be read ({error}). Fetch the file from the course again."
        ) from error
    return results
