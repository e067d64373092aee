"""A kernel starts quiet and repeatable."""

import re
from pathlib import Path

import nbclient
import nbformat
import pandas as pd
import pytest

import helpers
from helpers import session

PACKAGE = Path(helpers.__file__).parent
READY = r"Ready: Python 3\.\d+, TensorFlow 2\.\d+\.\d+\S*, Keras 3\.\d+\.\d+\S*, seed 7\.\n"
CELLS = (
    "from helpers import session\nsession.start(seed=7)",
    """
    import keras
    from helpers import features, images, plots, surgery, vgg16

    base = keras.applications.VGG16(weights=vgg16.weights(), include_top=False, input_shape=(32, 32, 3))
    base.trainable = False
    data = images.load("animals", 32, per_class={"train": 4, "validation": 2, "test": 2})
    model = surgery.attach_head(base, 5, preprocess=keras.applications.vgg16.preprocess_input)
    model.predict(data.test, verbose=0).shape
    """,
    """
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
    history = model.fit(data.train, validation_data=data.validation, epochs=2, verbose=0)
    len(features.extract(base, data).train[0])
    """,
    """
    model.save("model.keras")
    keras.models.load_model("model.keras").count_params() == model.count_params()
    """,
    """
    plots.curves({"run": history.history}, "loss")
    plots.show("Two short lines.")
    """,
    # A thread of the kernel reads descriptor 2 and hands its lines to sys.stderr; the cell ends when one has arrived.
    """
    import os, sys, time

    arrived, write = [], sys.stderr.write
    sys.stderr.write = lambda text: (write(text), arrived.append(text))
    os.write(2, b"a line past Python\\n")
    end = time.monotonic() + 60
    while "past Python" not in "".join(arrived) and time.monotonic() < end:
        time.sleep(0.01)
    sys.stderr.flush()
    """,
)


@pytest.fixture(scope="module")
def outputs(cache, tmp_path_factory):
    """The outputs of each cell, run in a kernel as JupyterLab starts it.

    ipykernel shows what is written past Python only where it does not believe itself under pytest.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_dedented(cell)) for cell in CELLS])
    folder = tmp_path_factory.mktemp("kernel")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST", raising=False)
        patch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
        patch.setenv("PYTHONPATH", str(PACKAGE.parent))
        nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def _dedented(cell):
    return "\n".join(line.removeprefix("    ") for line in cell.strip().splitlines())


def streams(cell, name):
    return "".join(output.text for output in cell if output.output_type == "stream" and output.name == name)


class TestInAKernel:
    def test_a_line_written_past_python_would_be_seen(self, outputs):
        assert streams(outputs[-1], "stderr") == "a line past Python\n"

    def test_start_says_one_line_of_versions(self, outputs):
        (output,) = outputs[0]
        assert re.fullmatch(READY, output.text)

    @pytest.mark.parametrize("cell", range(1, len(CELLS) - 1), ids=["load", "fit", "save", "plot"])
    def test_no_line_of_a_log_reaches_the_learner(self, outputs, cell):
        assert streams(outputs[cell], "stderr") == streams(outputs[cell], "stdout") == ""

    def test_the_work_was_done_all_the_same(self, outputs):
        results = [outputs[cell][-1].data["text/plain"] for cell in (1, 2, 3)]
        assert results == ["(10, 5)", "20", "True"]

    def test_a_figure_arrives_with_its_alternative_text(self, outputs):
        figure, words = outputs[4]
        assert figure.data["image/png"].startswith("iVBOR")  # base64 of a PNG
        assert figure.metadata["image/png"]["alt"] == "Two short lines."
        assert "Two short lines." in words.data["text/html"]


def test_in_a_plain_process_it_is_as_quiet_repeatable_and_gives_stderr_back(python):
    process = python("""
        import os, random, sys
        from helpers import session

        def draw():
            session.start(seed=7)
            import keras, numpy
            return random.random(), numpy.random.rand(), float(keras.random.normal(()))

        assert draw() == draw()
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn("`shuffle=True` was passed, but ...")
            warnings.warn("something else")
        assert [str(warning.message) for warning in caught] == ["something else"]
        os.write(2, b"still heard")
        os.close(2)
        session.start(seed=7)  # where nothing listens there is nothing to silence
        """)
    output, errors = process.communicate(timeout=120)
    assert re.fullmatch(READY * 3, output)
    assert errors == "still heard"


class TestTables:
    def test_heads_say_what_they_head_and_the_index_is_named_on_their_line(self):
        table = pd.DataFrame({"train": [1, 2]}, pd.Index(["cat", "<th>"], name="class"))
        table.attrs["caption"] = r"Pictures & \g<0>"
        shown = session.table_html(table.tail(2))
        assert re.findall(r'<th scope="col">(.*?)</th>', shown) == ["class", "train"]
        assert re.findall(r'<th scope="row">(.*?)</th>', shown) == ["cat", "&lt;th&gt;"]
        assert r"<caption>Pictures &amp; \g&lt;0&gt;</caption>" in shown and "<th>" not in shown
        assert table.index.name == "class"

    @pytest.mark.parametrize("index", [None, pd.MultiIndex.from_tuples([("a", "b")], names=["one", "two"])])
    def test_no_head_is_empty(self, index):
        shown = session.table_html(pd.DataFrame({"share": [0.5]}, index))
        assert not re.search(r"<th[^>]*></th>", shown) and '<th scope="col">share</th>' in shown

    def test_what_pandas_does_not_show_is_not_shown(self):
        with pd.option_context("display.notebook_repr_html", False):
            assert session.table_html(pd.DataFrame({"share": [0.5]})) is None
