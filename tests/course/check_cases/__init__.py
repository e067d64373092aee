"""For each exercise: answers that are blank, wrong (with words of the hint that each must get) and right."""

from check_cases.break_it import LEAK, ROUND_ONE, ROUND_TWO, SET_UP
from check_cases.compare import DOMINATED, NEEDED, SHOWN
from check_cases.fine_tune import CERTIFICATE, FINE_TUNING, RATE
from check_cases.freeze_layers import FREEZE, MEND_COMPILE, MOVED
from check_cases.heads import HEAD_ON_FEATURES, LOSSES
from check_cases.load_vgg16 import CONVOLUTION_PARAMETERS, OUTPUT_SHAPE, PREPROCESS
from check_cases.other_backbones import PREPROCESSING, STATISTICS
from check_cases.own_images import CLEAN, INSIDE, SKEW
from check_cases.train_the_head import ACCURACY, ONE_HOT, TRAINED
from check_cases.wiring import SWAP, WIRING

CASES = {
    "output_shape": OUTPUT_SHAPE,
    "convolution_parameters": CONVOLUTION_PARAMETERS,
    "preprocess": PREPROCESS,
    "freeze_all_but_block5": FREEZE,
    "moved_layers": MOVED,
    "mend_stale_compile": MEND_COMPILE,
    "head_on_features": HEAD_ON_FEATURES,
    "fitting_losses": LOSSES,
    "swap_final_dense": SWAP,
    "mend_wiring": WIRING,
    "accuracy_in_line": ACCURACY,
    "one_hot_labels": ONE_HOT,
    "trained_head": TRAINED,
    "set_up_fine_tuning": FINE_TUNING,
    "rate_of_run": RATE,
    "read_certificate": CERTIFICATE,
    "is_shown": SHOWN,
    "pictures_to_show": NEEDED,
    "dominated_methods": DOMINATED,
    "own_preprocessing": PREPROCESSING,
    "still_statistics": STATISTICS,
    "first_round": ROUND_ONE,
    "second_round": ROUND_TWO,
    "mend_set_up": SET_UP,
    "find_leak": LEAK,
    "clean_folder": CLEAN,
    "all_inside": INSIDE,
    "mend_skew": SKEW,
}
