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

from helpers.course.widgets import decision, freeze, head, maps, mistakes, own_pictures, playground, rates
from helpers.measuring import rate_curves

decision_helper = decision.DecisionHelper
feature_map_explorer = maps.FeatureMapExplorer
freeze_explorer = freeze.FreezeExplorer
head_designer = head.HeadDesigner
mistake_explorer = mistakes.MistakeExplorer
rate_explorer = rates.RateExplorer
stored_rates = rate_curves.stored
training_playground = playground.TrainingPlayground
try_model = own_pictures.TryModel
upload_pictures = own_pictures.UploadPictures
