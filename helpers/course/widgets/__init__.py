"""Interactive explorers: ipywidgets, a thin layer over pure functions in the same files.

Each is an `ipywidgets.VBox`, called like a function, with its controls as documented attributes::

    freeze_explorer        what freezing costs and saves
    feature_map_explorer   what each layer makes of a picture
    head_designer          how large a head is, and whether there are enough pictures for it
    training_playground    real training on cached features within two seconds
    mistake_explorer       the pictures behind a cell of the confusion matrix
    rate_explorer          fine-tuning curves, one learning rate at a time
    decision_helper        which method for your own pictures, from the measured grid
    upload_pictures        your own pictures into a folder of classes
    try_model              a saved model on a new picture, with the places that speak for a class

They answer in a separate thread and always for the latest setting (`helpers.course.widgets.frame.LatestOnly`), say
in words what their pictures show, and show an error where it happened.
"""

from helpers.course.widgets.decision import DecisionHelper as decision_helper
from helpers.course.widgets.freeze import FreezeExplorer as freeze_explorer
from helpers.course.widgets.head import HeadDesigner as head_designer
from helpers.course.widgets.maps import FeatureMapExplorer as feature_map_explorer
from helpers.course.widgets.mistakes import MistakeExplorer as mistake_explorer
from helpers.course.widgets.own_pictures import TryModel as try_model
from helpers.course.widgets.own_pictures import UploadPictures as upload_pictures
from helpers.course.widgets.playground import TrainingPlayground as training_playground
from helpers.course.widgets.rates import RateExplorer as rate_explorer
from helpers.measuring.rate_curves import stored as stored_rates

__all__ = [
    "decision_helper",
    "feature_map_explorer",
    "freeze_explorer",
    "head_designer",
    "mistake_explorer",
    "rate_explorer",
    "stored_rates",
    "training_playground",
    "try_model",
    "upload_pictures",
]
