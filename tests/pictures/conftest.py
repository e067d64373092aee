"""A folder of pictures for the tests of `helpers.pictures`."""

import pytest
from made_pictures import noise


@pytest.fixture
def own(tmp_path):
    """Two classes of 20 pictures each, with nothing to say about them; free to be spoiled."""
    for name in ("bird", "fish"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(20):
            noise().save(tmp_path / "own" / name / f"{name}{number:02d}.png")
    return tmp_path / "own"
