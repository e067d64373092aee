"""The quiz of notebook 07."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "You exchange VGG16 for another network of `keras.applications` and keep the rest of your code, "
        "`vgg16.preprocess_input` included. Training runs. What do you expect?",
        wrong(
            "An error: the network notices pixels in the wrong range.",
            "A network takes whatever numbers it is given. Shapes are checked, ranges are not.",
        ),
        wrong(
            "No difference: BatchNormalization brings any range back to normal.",
            "A frozen one uses the mean and the spread that it has stored. They belong to the range of its training.",
        ),
        right(
            "It trains, and is worse than it could be, without a word.",
            "Each network was trained on its own range and order of colours. Its function stands in its own module.",
        ),
        wrong(
            "No difference, because the head is trained on whatever features come.",
            "The head can make do with poor features. It cannot bring back what they lost.",
        ),
    ),
    ask(
        "The base is called with `training=False`, `base.trainable` is `True`, the rate is 0. After a `fit` in "
        "Keras 3, what has changed?",
        right(
            "The statistics of its BatchNormalization layers.",
            "Inside `fit` the argument does not keep them still. Only `trainable = False` on these layers does.",
        ),
        wrong(
            "Nothing: at rate 0 no number can change.",
            "The rate belongs to the optimizer. Statistics are changed by the batch that passes through, without it.",
        ),
        wrong(
            "Nothing: `training=False` puts BatchNormalization into inference mode.",
            "That is what many guides say, and it held in older versions. Take a certificate before and after.",
        ),
        wrong(
            "Every convolution, a little.",
            "Convolutions are changed by the optimizer alone, and at rate 0 it leaves them where they are.",
        ),
    ),
    ask(
        "You unfreeze the last blocks of a network with BatchNormalization, on 200 pictures in batches of 8. What do "
        "you do with its BatchNormalization layers?",
        wrong(
            "Let them train: they adapt the network to the new pictures.",
            "Eight pictures are a poor estimate of a mean, and what comes behind was trained on ImageNet's.",
        ),
        wrong(
            "Remove them: they are only for training.",
            "They shift and scale in use as well. Without them every later layer gets other numbers than it knows.",
        ),
        wrong(
            "Set their momentum to 0, so that nothing is averaged.",
            "With momentum 0 the statistics of the last batch replace all that was stored.",
        ),
        right(
            "Set `trainable = False` on each of them, then compile.",
            "Their statistics and their two learned rows stay as they are; the convolutions between them may learn.",
        ),
    ),
    ask(
        "Where does the head begin in a network that you do not know?",
        wrong(
            "At its last layer, whatever that is.",
            "It may be an activation, or a convolution that decides, as in MobileNetV3. Look at the table first.",
        ),
        right(
            "Behind the last maps: where height and width disappear from the shapes of its layer table.",
            "What comes after it, pooling and more, makes one row of numbers and decides. `include_top=False` cuts "
            "there.",
        ),
        wrong(
            "At the first Dense layer from the front.",
            "Networks with squeeze-and-excitation may hold small Dense layers in the middle of their blocks.",
        ),
        wrong(
            "Three layers before the end, as in VGG16.",
            "VGG16 ends in three Dense layers. Most later networks have a pooling and a single one.",
        ),
    ),
    ask(
        "Network A has 71 % on ImageNet and 138 million parameters, network B 75 % and 5 million. On your 200 test "
        "pictures A is right for 74 %, B for 71 %. What follows?",
        wrong(
            "A suits your pictures better: the test decides.",
            "Three points are six pictures of 200. Compare the two picture by picture, with an interval.",
        ),
        wrong(
            "B is better: ImageNet has far more test pictures.",
            "ImageNet's accuracy is about ImageNet's pictures. It is a hint for yours, no measurement.",
        ),
        right(
            "No difference in accuracy is shown, and B is smaller and faster: take B, or collect more test pictures.",
            "Where accuracy does not decide, cost may: size, speed, memory, licence.",
        ),
        wrong(
            "The one with more parameters has more room to learn from your pictures.",
            "With a frozen base the head learns, and its size follows from the number of features, not of parameters.",
        ),
    ),
)
