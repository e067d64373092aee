"""The quiz of notebook 08."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "Five classes, equally frequent. The accuracy is 20 % from the first epoch to the last, and the loss falls: "
        "-4, -20, -60. What do you look at first?",
        wrong(
            "The learning rate: it is too low to leave 20 %.",
            "A low rate makes a loss fall slowly. It does not bring it below zero, where no loss for classes can be.",
        ),
        right(
            "The last layer and the loss: one yes-or-no output for labels from 0 to 4.",
            "A loss for 0 and 1 that is given a 4 can fall without end. The sign of the loss is the symptom.",
        ),
        wrong(
            "The number of epochs: the loss is still falling.",
            "It will go on falling for ever, and no answer will change: there is only one output.",
        ),
        wrong(
            "The pixels: VGG16 wants another range.",
            "Wrong pixels make features poorer. They cannot make the loss negative.",
        ),
    ),
    ask(
        "Validation accuracy rises together with training accuracy, to 99 %. Pictures taken a week later: 64 %. What "
        "is the first suspicion?",
        wrong(
            "Overfitting to the training pictures.",
            "Then validation would stay behind training. Here it goes along with it, as if it belonged to it.",
        ),
        wrong(
            "The model has become worse in that week.",
            "Its weights are the same numbers as before. The measurements differ, not the model.",
        ),
        right(
            "Validation pictures are, or were, among the training pictures.",
            "It behaves like training, so look whether it is training. Compare the pictures of both splits.",
        ),
    ),
    ask(
        "`base.trainable = False`, `compile`, `fit`, `base.trainable = True`, `fit`. `summary()` now says that 7 "
        "million numbers may train. What does the second fit train?",
        right(
            "What the first one trained: the head.",
            "Flags are read when the model is compiled. The table shows the flags, the certificate what moved.",
        ),
        wrong(
            "The 7 million, since the table is made from the model itself.",
            "The table tells of the flags as they are now, and training follows those of the last compile.",
        ),
        wrong(
            "The 7 million, at a lower rate.",
            "No line has changed the rate, and without another compile the flags do not count.",
        ),
        wrong(
            "Nothing, because flags and compile contradict each other.",
            "There is no such check. Training goes on as it was compiled, without a word.",
        ),
    ),
    ask(
        "A published notebook divides pixels by 255 for VGG16 and reaches 90 %. What follows?",
        wrong(
            "Dividing by 255 is fine, since it reached 90 %.",
            "It shows that the mistake leaves something to work with. How much it costs, only a comparison tells.",
        ),
        wrong(
            "The number is made up.",
            "Such features still tell cats from dogs well. A mistake that costs a part looks like success.",
        ),
        wrong(
            "Nothing: with other pictures the order could be turned round, so leave it.",
            "The weights were trained on other numbers, whatever the pictures. Try both on yours; it takes a minute.",
        ),
        right(
            "It works less well than it could. The same head on properly prepared pixels would say by how much.",
            "That is the trouble with silent mistakes: the number looks decent, and nobody measures the other one.",
        ),
    ),
    ask(
        "The doctor finds nothing in your model. What do you know?",
        wrong(
            "The model is right.",
            "It may still have learned a background or the wrong labels. Nothing of that stands in a list.",
        ),
        right(
            "That the mistakes on its list, as far as it could judge them, were not seen in these data.",
            "It says beside its findings what it could not judge. The rest is up to you and to new pictures.",
        ),
        wrong(
            "That the accuracy cannot be raised any more.",
            "It looks for mistakes, not for room to improve. More pictures or another base may bring a lot.",
        ),
    ),
    ask(
        "You read a tutorial and want to know whether its frozen base was frozen. What is the cheapest proof?",
        wrong(
            "Read its code for `trainable = False`.",
            "The line may stand there and not count: too late, on another object, or undone by a later one.",
        ),
        wrong(
            "Compare its accuracy with that of others.",
            "Other pictures, other seeds, other heads: too many reasons for a difference.",
        ),
        right(
            "Run one epoch and compare the base's weights before and after.",
            "Weights that are the same to the last bit were frozen. No reading and no table says as much.",
        ),
        wrong(
            "Count the trainable parameters in its summary.",
            "They tell of the flags. Patients 8 and 11 had the right count and trained something else.",
        ),
    ),
)
