"""The example of each finding, as the documentation gives it, shows that finding."""

import warnings

import pytest

from helpers import doctor


@pytest.mark.slow  # its programs import TensorFlow, the file does not
@pytest.mark.parametrize("name", doctor.EXAMPLES)
def test_the_example_of_a_finding_shows_it(name, capsys):
    space = {"__name__": "example"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras, about the mistakes that examples make
        exec(compile(doctor.EXAMPLES[name], name, "exec"), space)
    found = space["found"]
    assert name in (found.not_judged if name == "check-failed" else found.names), found
    assert name in capsys.readouterr().out


def test_every_finding_has_an_example_and_a_line_in_the_documentation():
    assert set(doctor.EXAMPLES) == set(doctor.NAMES)
    assert all(f"{name}\n    {what}" in doctor.__doc__ for name, what in doctor.NAMES.items())
