"""The quiz of notebook 05."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "Someone skips the first phase: block5 and a fresh head with random weights train together, at a rate low "
        "enough for block5. After two epochs the model is far behind. What do you try first, to learn why?",
        wrong(
            "Nothing: it is known that a random head ruins the base at once.",
            "It is often said, and it depends on the rate. At a low one most of block5 may be intact; a test tells.",
        ),
        right(
            "A new head, properly trained, on the features of this block5.",
            "If it comes close to the good one, block5 is in order, and the head alone needed larger steps than "
            "block5 can bear. That is why the head comes first, at a rate of its own.",
        ),
        wrong(
            "More layers free to train, so that the base can adapt to the head.",
            "Then still more good weights follow a head that knows nothing yet.",
        ),
        wrong(
            "Another order of the lines: Keras can train only one part of a model at a time.",
            "It trains whatever is free to train, together. That is how this model came about.",
        ),
    ),
    ask(
        "The head was trained with Adam at 0.001. Which rate do you begin with for the pre-trained block?",
        wrong(
            "The same: it worked for the head.",
            "The head began from random numbers and had far to go. Good weights need small corrections; with steps of "
            "this size they are forgotten.",
        ),
        wrong(
            "A higher one: the block has far more weights than the head.",
            "Each weight takes its own step, whatever their number. More of them moved at once change the output even "
            "more.",
        ),
        wrong(
            "Any: Adam adapts the rate by itself.",
            "Adam evens steps out between weights. How large they are is still your learning rate.",
        ),
        right(
            "One that is ten to a hundred times lower.",
            "Begin low, look at the validation curve, and raise it only if nothing happens.",
        ),
    ),
    ask(
        "In the first epoch after unfreezing, the loss jumps up and the validation accuracy falls far below that of "
        "the frozen base. What is it?",
        wrong(
            "Normal: fine-tuning always begins with a step back. Wait.",
            "With a low rate there is no such fall. What the base knew of ImageNet is being overwritten, and five "
            "classes cannot bring it back.",
        ),
        wrong(
            "Overfitting.",
            "In overfitting the training loss falls. Here it rises too.",
        ),
        right(
            "The rate is too high: the base forgets.",
            "Reload its weights and begin again with a lower rate; what is forgotten does not come back.",
        ),
        wrong(
            "Too few layers are free: unfreeze more.",
            "The more layers move at this rate, the more is forgotten.",
        ),
    ),
    ask(
        "You run the frozen blocks 1 to 4 once, cache what they give, and fine-tune block5 on it. Compared with "
        "fine-tuning block5 inside the whole model, this is",
        wrong(
            "an approximation: the features grow stale while the weights change.",
            "Only weights behind the cut change. What lies before it is frozen and gives the same for ever.",
        ),
        right(
            "the same computation, several times as fast.",
            "Most of the work lies in the early blocks, and it was done once.",
        ),
        wrong(
            "wrong: cached features were never preprocessed.",
            "Preprocessing lies in front of the base and was run with it, once.",
        ),
        wrong(
            "something else: the early blocks must see the gradient.",
            "A gradient is needed for weights that may change. Theirs may not.",
        ),
    ),
    ask(
        "A colleague fine-tuned block5. Her code sets `trainable = True` on it, then fits; compile stands further up, "
        "before the head was trained. The accuracy rose by 2 points. What do you ask for?",
        wrong(
            "Nothing: the accuracy rose, so block5 has learned.",
            "The head alone may have learned on. Published examples do this, and their base never moves.",
        ),
        wrong(
            "The list of trainable weights.",
            "It names block5, and the fit ignores it: the training step was built before the change.",
        ),
        right(
            "The certificate: which layers moved in that fit?",
            "It will show the head alone. With a compile after the change block5 moves as well.",
        ),
    ),
    ask(
        "You try five learning rates. By which number do you choose among them?",
        wrong(
            "By the test accuracy: it tells most about new pictures.",
            "Once it has been used for choosing, it flatters the chosen one. Then no unseen pictures are left to "
            "judge by.",
        ),
        wrong(
            "By the training accuracy at the end.",
            "It is highest for the model that learned most by heart.",
        ),
        right(
            "By the validation accuracy or loss; the test set is looked at once, at the end.",
            "Validation pictures are for choosing, test pictures for the final number.",
        ),
    ),
)
