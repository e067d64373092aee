"""VGG16 as the course uses it: the bundled weights and the names of its blocks."""

from helpers import assets

WEIGHTS = "vgg16_notop_float16.weights.h5"
BLOCKS = ("block1", "block2", "block3", "block4", "block5")


def weights():
    """Return the path (str) of the bundled ImageNet weights of VGG16's convolutional part; its checksum was verified.

    Meant for ``keras.applications.VGG16(weights=vgg16.weights(), include_top=False, ...)``. The 14,714,688 parameters
    are stored as float16 and become float32 when Keras loads them. Raises `helpers.storage.StorageError` when the file
    is missing or altered. The network is configuration D of Simonyan and Zisserman (2015), Very deep convolutional
    networks for large-scale image recognition.
    """
    return str(assets.bundled(WEIGHTS))


def structure():
    """Return the whole VGG16 with its top, layers and shapes without any numbers in them: to be counted, not to be run.

    As ``keras.applications.VGG16(weights=None)``, without its 553 MB of random numbers. Keras's session is cleared, so
    it counts layer names from the start again; the dtype policy stays.
    """
    import keras  # only now: the path of the weights needs no Keras

    policy = keras.config.dtype_policy()
    with keras.StatelessScope(initialize_variables=False):
        whole = keras.applications.VGG16(weights=None)
    keras.utils.clear_session()  # or the next scope would make the missing numbers
    keras.config.set_dtype_policy(policy)
    return whole


def split(base, cut):
    """Call `helpers.network.surgery.split`, which notebooks of the first version look for here."""
    from helpers.network import surgery  # only now: the path of the weights needs no Keras

    return surgery.split(base, cut)
