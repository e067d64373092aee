"""A model card tells what is known of a model, and belongs to one file."""

import re
import warnings

import keras
import numpy as np
import pytest
from PIL import Image
from saving_cases import LABELS, NAMES, PREDICTIONS, TEXTS, card, sets, tiny

from helpers import predict, storage
from helpers.course.checks.own_images import photo
from helpers.saving import export, model_card


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


class TestCard:
    def test_tells_data_accuracy_date_versions_use_and_the_file(self, saved):
        text = model_card.path_beside(saved.path).read_text(encoding="utf-8")
        assert "toys: 3 classes, 29 pictures" in text
        assert "| cat | 5 | 1 | 2 | 2 of 2 |" in text and "| all | 18 | 3 | 8 | 5 of 8 |" in text
        assert "Test accuracy 62.5%, 95% interval 30.6% to 86.3% (Wilson), on 8 pictures" in text
        assert '"5" called 猫, 2 of the 3 test pictures' in text
        assert all(words in text for words in TEXTS.values())
        assert f"SHA-256 `{storage.sha256(saved.path)}`" in text and "8×8" in text and "gives logits" in text
        assert re.search(r"saved on \d{4}-\d\d-\d\d with Python 3\.\d+, TensorFlow 2\.\d+\.\d+, Keras 3\.", text)
        assert str(saved.path.parent) not in text

    def test_its_code_for_use_without_the_course_feeds_the_model_as_the_course_does(self, saved, tmp_path, monkeypatch):
        monkeypatch.chdir(saved.path.parent)
        photo().save(tmp_path / "turned.png", exif=_turned())
        text = model_card.path_beside(saved.path).read_text(encoding="utf-8")
        code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[-1]
        names = {}
        exec(code.replace("picture.jpg", str(tmp_path / "turned.png")), names)
        assert "helpers" not in code
        expected = saved.model(predict.pixels(tmp_path / "turned.png", (8, 8)))
        np.testing.assert_allclose(names["outputs"], expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("field", TEXTS)
    @pytest.mark.parametrize("blank", ["", "  \n", 5])
    def test_is_refused_when_a_text_is_blank(self, field, blank):
        with pytest.raises(ValueError, match=f"{field} of the model card is blank"):
            card(**{field: blank})

    def test_asks_for_what_nobody_has_written_and_for_nothing_else(self, tmp_path):
        model, path = tiny(), tmp_path / "a.keras"
        export.save(model, path, NAMES, card(intended_use=None, limits=None))
        assert model_card.open_questions(path) == [
            "What is it for, and who looks at its answers?",
            "Which pictures has it never seen, and where is it not to be trusted?",
        ]
        beside = model_card.path_beside(path)
        beside.write_text(beside.read_text(encoding="utf-8").replace(model_card.OPEN, "Answered: "), encoding="utf-8")
        assert model_card.open_questions(path) == [] and export.card_problem(path) is None
        export.save(model, path, NAMES, card())
        assert model_card.open_questions(path) == []
        with pytest.raises(ValueError, match="name of the model card is blank"):
            card(name=None)

    def test_tells_of_a_resizing_inside_and_of_the_threshold(self, tmp_path, monkeypatch):
        any_size = keras.Input((None, None, 3))
        model = keras.Model(any_size, tiny(activation="softmax")(keras.layers.Resizing(8, 8)(any_size)))
        export.save(model, tmp_path / "a.keras", NAMES, card(), unknown_below=0.4)
        text = model_card.path_beside(tmp_path / "a.keras").read_text(encoding="utf-8")
        assert "of any size up to 512 (larger ones made smaller first), brought to 8×8" in text
        assert "below a probability of 0.400 the answer is" in text
        assert "test pictures; of the others" not in text  # nobody said how sure it was of them
        assert "tested in float32" in text and "image.resize" not in text
        photo().save(tmp_path / "picture.jpg", quality=95)
        monkeypatch.chdir(tmp_path)
        names = {}
        exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[-1], names)
        assert names["names"] == NAMES and names["outputs"].shape == (1, 3)

    def test_tells_how_many_answers_the_threshold_refused_in_the_test(self, tmp_path):
        sure = np.eye(3)[PREDICTIONS] * 0.7 + 0.1  # 0.8 for the class that is said
        sure[:3] = (np.eye(3)[PREDICTIONS] * 0.1 + 0.3)[:3]
        told = model_card.describe(sets(), LABELS, sure, **TEXTS)
        export.save(tiny(activation="softmax"), tmp_path / "a.keras", NAMES, told, unknown_below=0.5)
        text = model_card.path_beside(tmp_path / "a.keras").read_text(encoding="utf-8")
        assert "is *unknown*: 3 of 8 test pictures; of the others 40% are right" in text

    def test_is_refused_for_some_of_the_test_pictures_only(self):
        with pytest.raises(ValueError, match="5 labels, but 'toys' has 8 test pictures"):
            model_card.describe(sets(), LABELS[:5], PREDICTIONS[:5], **TEXTS)

    def test_a_model_without_mistakes_has_no_commonest_one(self):
        assert "called wrongly" in model_card.describe(sets(), LABELS, LABELS, **TEXTS).worst

    def test_that_fits_brings_no_warning(self, copy):
        assert export.card_problem(copy) is None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            export.load(copy)

    def test_of_another_file_is_told(self, copy):
        model_card.path_beside(copy).write_text(f"SHA-256 `{'0' * 64}`", encoding="utf-8")
        with pytest.warns(UserWarning, match="belongs to another file"):
            export.load(copy)

    @pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"SHA-256 `12`"])
    def test_that_is_missing_or_tells_nothing_is_told(self, copy, content):
        path = model_card.path_beside(copy)
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.warns(UserWarning, match="no model card"):
            export.load(copy)

    def test_may_quote_other_checksums(self, copy):
        path = model_card.path_beside(copy)
        quoted = f"Trained from a file with SHA-256 `{'0' * 64}`.\n"
        path.write_text(quoted + path.read_text(encoding="utf-8") + quoted, encoding="utf-8")
        assert export.card_problem(copy) is None
