"""The quiz of notebook 04."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "Why may a frozen base be run over the pictures only once, and its features be used in every epoch?",
        wrong(
            "Because features are a good approximation of what the base would give.",
            "There is nothing approximate about it: the logits are the same as those of the whole model.",
        ),
        right(
            "Because the same picture and the same weights give the same features each time.",
            "Frozen weights and unchanged pictures: nothing can change between epochs.",
        ),
        wrong(
            "Because the head learns the base's part as well.",
            "The head only sees features. It replaces nothing of the base.",
        ),
    ),
    ask(
        "Someone turns and shifts each picture at random, caches the features of the result once, and trains the head "
        "for ten epochs. What does the head see?",
        wrong(
            "Ten variants of each picture, one an epoch.",
            "The random step lies in front of the cache. It was run once.",
        ),
        wrong(
            "The original pictures: a cache drops random changes.",
            "It keeps exactly what the base gave, changes included.",
        ),
        right(
            "One and the same variant of each picture, ten times.",
            "Published examples do this. To vary, cache several variants, or run the base in every epoch.",
        ),
    ),
    ask(
        "`model.evaluate(test)` says 70 %, but the confusion matrix that you made from `model.predict(test)` and "
        "labels collected afterwards shows 20 % on its diagonal. What is wrong?",
        wrong(
            "The model overfits.",
            "Overfitting shows between training and test pictures. Here both numbers are of the same pictures.",
        ),
        wrong(
            "Rows and columns of the matrix are exchanged.",
            "The diagonal stays where it is when rows and columns are exchanged.",
        ),
        wrong(
            "`evaluate` computes with dropout switched on.",
            "`evaluate` and `predict` both compute as if answering, without dropout.",
        ),
        right(
            "The data set reshuffles: predictions and labels come from two passes in different order.",
            "Take both from the same pass, or use a data set in fixed order.",
        ),
    ),
    ask(
        "`test = pictures.take(200)` and `validation = pictures.skip(200)`, where `pictures` is a `tf.data` data set "
        "that reshuffles on every pass. What do you get?",
        right(
            "Two sets that change on every pass, so that test pictures turn up in validation.",
            "Take and skip count places, not pictures. Split the files, then build a data set of each part.",
        ),
        wrong(
            "Two sets without a common picture, since one begins where the other ends.",
            "That holds within one pass. In the next pass other pictures stand in the first 200 places.",
        ),
        wrong(
            "An error: a shuffled data set cannot be split.",
            "It can, in silence, and published examples do it.",
        ),
    ),
    ask(
        "Over the epochs the training loss keeps falling, while the validation loss has begun to rise. What is going "
        "on?",
        wrong(
            "The model needs more epochs, until the validation loss follows.",
            "It has already passed its best point. More epochs take it further away.",
        ),
        wrong(
            "The learning rate is too low.",
            "The training loss falls well, so the steps are large enough.",
        ),
        right(
            "It learns the training pictures by heart: it overfits.",
            "Stop at the lowest validation loss, or give it more pictures or a smaller head.",
        ),
        wrong(
            "The validation pictures are broken: both losses must move together.",
            "They need not. That the two part is exactly why validation pictures are kept aside.",
        ),
    ),
    ask(
        "One head is right for 71 % of 200 test pictures, another for 74 % of the same. Which is better?",
        wrong(
            "The second: 3 points are 3 points.",
            "They are 6 pictures of 200. Another draw of pictures could turn them round.",
        ),
        wrong(
            "The second, as long as both were measured on the same pictures.",
            "That makes the comparison sharper, but does not remove chance. Look at the interval of the difference.",
        ),
        right(
            "These numbers do not settle it: each is uncertain by about 6 points.",
            "An interval belongs to each accuracy, and better still to their difference, picture by picture.",
        ),
    ),
)
