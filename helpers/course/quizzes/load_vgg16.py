"""The quiz of notebook 01."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "What does `include_top=False` leave away?",
        wrong(
            "The last layer, `predictions`, so that the network ends in `fc2`.",
            "`fc1` and `fc2` go as well, and with them nine tenths of all parameters. To swap the last layer alone, "
            "load the whole network.",
        ),
        right(
            "The three dense layers `fc1`, `fc2` and `predictions`.",
            "What stays is the base: 13 convolutions and 5 poolings, which give maps.",
        ),
        wrong(
            "The weights of ImageNet: the network starts from random numbers.",
            "Whether weights are loaded is decided by `weights=`. The base keeps what it learned.",
        ),
        wrong(
            "`block5`, the block at the top.",
            "`Top` means the classifier at the end. All five blocks of convolutions stay.",
        ),
    ),
    ask(
        "You load the base for pictures of 96 × 96 instead of 224 × 224. What is different?",
        wrong(
            "It has fewer parameters, since its maps are smaller.",
            "Parameters belong to filters, and a filter is used again at every place. Both have 14,714,688.",
        ),
        wrong(
            "Nothing: VGG16 always gives 7 × 7 × 512.",
            "7 × 7 follows from 224, halved five times. From 96 it is another number.",
        ),
        wrong(
            "It fails: VGG16 was trained on 224 × 224 and takes nothing else.",
            "Only `fc1` needs one size, and it is in the top. The base takes any picture of at least 32 × 32.",
        ),
        right(
            "Only height and width of the maps: 3 × 3 × 512, from the same weights.",
            "Five halvings: 96, 48, 24, 12, 6, 3. And there are 5.4 times fewer places to compute.",
        ),
    ),
    ask(
        "Someone divides the pixels by 255 and feeds them to VGG16. What happens?",
        right(
            "No error, but all pictures look to it like nearly the same even grey.",
            "The weights expect differences of a hundred and get differences of less than 1. Features hardly differ "
            "then.",
        ),
        wrong(
            "Nothing of importance: all networks are trained on pixels between 0 and 1.",
            "Each network has its own preprocessing. VGG16's weights know pixels with ImageNet's mean subtracted, "
            "not divided by anything.",
        ),
        wrong(
            "An error, because the numbers are outside of the range that the layer accepts.",
            "A layer multiplies whatever numbers it gets. That is why this mistake is so common: nothing complains.",
        ),
        wrong(
            "Nothing: BatchNormalization in VGG16 puts the scale right again.",
            "VGG16 is older than BatchNormalization and has none. Nothing in it corrects the scale.",
        ),
    ),
    ask(
        "A cell holds `ready = vgg16.preprocess_input(pictures)`, and `pictures` is a NumPy array of floats. You run "
        "the cell twice. What is in `ready`?",
        wrong(
            "The right numbers: `pictures` was never assigned to, so the second run starts from pixels again.",
            "The function works in place. After the first run `pictures` itself is changed.",
        ),
        right(
            "Numbers from which the means were subtracted twice, without any message.",
            "The function works in place on arrays of floats. Give it a copy, or make it a part of the model.",
        ),
        wrong(
            "The right numbers: the function sees that the array is preprocessed already.",
            "It cannot see that: prepared pictures are only numbers. It subtracts once more.",
        ),
        wrong(
            "Nothing: the second run raises an error.",
            "Shapes and types are right, so there is nothing to complain about. The result is merely wrong.",
        ),
    ),
    ask(
        "Where does preprocessing belong, so that training and later use cannot differ?",
        wrong(
            "In a cell before `fit`, run once on all pictures.",
            "Whoever uses the model later has to remember that cell. Many models that tested well fail in use for "
            "this reason.",
        ),
        wrong(
            "In the training pipeline; a trained model needs no preprocessing for predictions.",
            "The weights expect prepared numbers for ever. Trained one way and used another, a model guesses.",
        ),
        wrong(
            "In a `Lambda` layer around `preprocess_input`, so that it is saved with the model.",
            "The idea is good, but such a model cannot be reloaded: a saved `Lambda` does not know its function any "
            "more. Call the function itself on the Input.",
        ),
        right(
            "Inside the model: called on the Input, in front of the base.",
            "Then pixels go in, always, and the step is saved with the model.",
        ),
    ),
    ask(
        "A map of `block5_conv3` is zero nearly everywhere for your photograph. What does that tell you?",
        wrong(
            "The weights were not loaded properly.",
            "Random weights would rather give something everywhere. A silent deep map is the usual case: most are zero "
            "at most places.",
        ),
        wrong(
            "This filter is dead and can be removed.",
            "It is silent for this photograph. For another one it may be among the liveliest.",
        ),
        right(
            "What this filter answers to does not occur in the photograph.",
            "Deep filters answer to few things. Which of them speak is a description of the picture.",
        ),
    ),
)
