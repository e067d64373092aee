"""One check for each exercise: it says yes, or names what it saw, what it expected and where to look next.

A check is called with the learner's answer and displays its verdict. It never raises and never changes
what it is given. ``checks.output_shape.accepts(answer)`` judges in silence, ``checks.progress()`` shows what is done.
"""

from helpers.course.checks import record
from helpers.course.checks.attach_new_head import fitting_losses, head_on_features, mend_wiring, swap_final_dense
from helpers.course.checks.break_it import find_leak, first_round, mend_set_up, second_round
from helpers.course.checks.compare import dominated_methods, is_shown, pictures_to_show
from helpers.course.checks.fine_tune import (
    colleagues_certificate,
    rate_of_run,
    read_certificate,
    set_up_fine_tuning,
    unknown_run,
)
from helpers.course.checks.freeze_layers import freeze_all_but_block5, mend_stale_compile, moved_layers
from helpers.course.checks.load_vgg16 import convolution_parameters, output_shape, preprocess
from helpers.course.checks.other_backbones import own_preprocessing, still_statistics
from helpers.course.checks.own_images import all_inside, clean_folder, friends_report, mend_skew
from helpers.course.checks.train_the_head import accuracy_in_line, one_hot_labels, trained_head

# In the order of the course.
EXERCISES = (
    output_shape,
    convolution_parameters,
    preprocess,
    freeze_all_but_block5,
    moved_layers,
    mend_stale_compile,
    head_on_features,
    fitting_losses,
    swap_final_dense,
    mend_wiring,
    accuracy_in_line,
    one_hot_labels,
    trained_head,
    set_up_fine_tuning,
    rate_of_run,
    read_certificate,
    is_shown,
    pictures_to_show,
    dominated_methods,
    own_preprocessing,
    still_statistics,
    first_round,
    second_round,
    mend_set_up,
    find_leak,
    clean_folder,
    all_inside,
    mend_skew,
)

__all__ = [
    "EXERCISES",
    "colleagues_certificate",
    "friends_report",
    "progress",
    "unknown_run",
    *(each.name for each in EXERCISES),
]


def progress():
    """Display which exercises of the whole course are done.

    They are kept in the working copy that ``make lab`` lays out, and nowhere else.
    """
    record.show(EXERCISES)
