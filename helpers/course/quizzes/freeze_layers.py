"""The quiz of notebook 02."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "A model is built with `features = base(x, training=False)`; nobody touched `trainable`. After compile and "
        "fit, which layers have moved?",
        wrong(
            "The head alone: `training=False` freezes the base.",
            "`training` says how a layer computes in this call. Whether its weights may change is the matter of "
            "`trainable` alone.",
        ),
        right(
            "The head and every convolution of the base.",
            "Nothing was frozen. `trainable` is another word, and nobody set it.",
        ),
        wrong(
            "None: in this mode the model can only predict.",
            "Inside `fit` the model is trained whatever the call of the base said.",
        ),
    ),
    ask(
        "A model was compiled and fitted with a frozen base. Now you set block5 to `trainable = True` and call `fit` "
        "again. `model.trainable_weights` lists block5. What moves?",
        wrong(
            "Block5 and the head, as the list says.",
            "The list shows the new marks, but the training step was built by the first fit and still has the old "
            "ones.",
        ),
        wrong(
            "Nothing: Keras raises an error because the marks have changed.",
            "There is no error and no warning. That is what makes this mistake hard to notice.",
        ),
        right(
            "The head alone, until the next `compile`.",
            "Change `trainable`, then compile: only then does training follow.",
        ),
        wrong(
            "The whole base, because the mark on one layer opens its container.",
            "A mark concerns the layer that it is set on and the layers inside it, never those beside it.",
        ),
    ),
    ask(
        "The other way round: block5 was trained, then you set `base.trainable = False` and call `fit` without "
        "`compile`. Is block5 safe?",
        wrong(
            "Yes: freezing takes effect at once, only unfreezing needs a compile.",
            "Both wait for the next compile. Until then the old list of weights is trained.",
        ),
        wrong(
            "Yes: `base.trainable_weights` is empty, so there is nothing to train.",
            "That is what the marks say, and they are no proof. The training step was built before them.",
        ),
        right(
            "No: it moves on as before.",
            "The dangerous direction: every count says frozen, and the weights move. Compile after each change.",
        ),
    ),
    ask(
        "`base.trainable = False`, then `base.get_layer('block5_conv3').trainable = True`. A model around this base "
        "is compiled and fitted. Does `block5_conv3` train?",
        right(
            "Yes: what counts is the mark of the layer itself.",
            "Setting the base sets every layer inside, once. A layer that is set again afterwards has its own mark.",
        ),
        wrong(
            "No: a frozen container locks whatever is inside.",
            "Even some published examples say so. The list of the model that is fitted shows otherwise, and so do "
            "the weights.",
        ),
        wrong(
            "No: Keras refuses to mark a layer inside a frozen model.",
            "The line is accepted in silence, and it has an effect.",
        ),
    ),
    ask(
        "A base with BatchNormalization must stay exactly as it is during `fit`. What keeps its statistics still?",
        wrong(
            "Calling it with `training=False`.",
            "Under Keras 3 this is overruled inside `fit`, and the statistics move. Many examples still rely on it.",
        ),
        wrong(
            "Nothing has to be done: no optimizer changes them, they are not among the trainable weights.",
            "True, no optimizer does. The mere passing of a batch changes them.",
        ),
        wrong(
            "A very low learning rate.",
            "The learning rate belongs to the optimizer. The statistics follow the batches, whatever the rate.",
        ),
        right(
            "`trainable = False` on it, before `compile`.",
            "A frozen BatchNormalization computes as if answering and leaves its statistics alone.",
        ),
    ),
    ask(
        "How do you prove that the base stayed still in a fit?",
        wrong(
            "`base.trainable` is `False`.",
            "That says what ought to happen. After a forgotten compile it says so while the base moves.",
        ),
        wrong(
            "The summary counts no trainable parameters in the base.",
            "The count is made from the same marks, so it is wrong in the same cases.",
        ),
        wrong(
            "The loss falls slowly.",
            "A loss can fall slowly for many reasons, and quickly with a frozen base.",
        ),
        right(
            "Its weights before and after are the same to the last bit.",
            "Take them, fit, take them again, compare: the certificate.",
        ),
    ),
)
