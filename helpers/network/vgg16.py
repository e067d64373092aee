"""VGG16 as the course uses it: the bundled weights and the names of its blocks."""

from helpers import assets

WEIGHTS = "vgg16_notop_float16.weights.h5"
BLOCKS = ("block1", "block2", "block3", "block4", "block5")


def weights():
    """Return the path (str) of the bundled ImageNet weights of VGG16's convolutional part; its checksum was verified.

    Meant for ``keras.applications.VGG16(weights=vgg16.weights(), include_top=False, ...)``. The 14,714,688 parameters
    are stored as float16 and become float32 when Keras loads them. Raises `helpers.storage.StorageError` when the file
    is missing or altered.

    References
    ----------
    Simonyan and Zisserman (2015), Very deep convolutional networks for large-scale image recognition,
    configuration D.
    """
    return str(assets.bundled(WEIGHTS))


def split(base, cut):
    """Call `helpers.network.surgery.split`, which notebooks of the first version look for here."""
    from helpers.network import surgery  # only now: the path of the weights needs no Keras

    return surgery.split(base, cut)
