"""A saved model for the tests of saving."""

from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model that was trained and saved, with its outputs."""
    from saving_cases import NAMES, card, noise, tiny  # not before: under --fast nothing loads TensorFlow

    from helpers.saving import export

    model = tiny(compiled=True)
    path = export.save(model, tmp_path_factory.mktemp("saved") / "toy.keras", NAMES, card())
    return SimpleNamespace(model=model, path=path, outputs=model.predict_on_batch(noise(4)))


@pytest.fixture
def copy(saved, tmp_path):
    """The saved file and its card once more, to be spoilt."""
    from helpers.saving import model_card

    for path in (saved.path, model_card.path_beside(saved.path)):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / saved.path.name
