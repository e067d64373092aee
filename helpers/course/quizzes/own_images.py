"""The quiz of notebook 09."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "In the notebook your model is right for 9 of 10 test pictures. In the app that a friend has written around "
        "it, on the very same files, for 6 of 10. The model file is the same. What do you look at first?",
        wrong(
            "The model: the file was damaged on its way.",
            "A damaged file does not load. A model that loads and answers is the one that was saved.",
        ),
        right(
            "What stands between file and model in the app: turning upright, resizing, range of the pixels.",
            "Feed both sides one file and compare the numbers that reach the model. Where they differ is the fault.",
        ),
        wrong(
            "Chance: ten more pictures will even it out.",
            "The files are the same. With the same numbers going in, the same answers would come out, every time.",
        ),
        wrong(
            "The training: more pictures would make the model robust against it.",
            "Perhaps a little. The pixels would still be wrong, and every later model would suffer from it again.",
        ),
    ),
    ask(
        "Your folder has 40 pictures a class, many of them shots of one scene in one series. Why is the measured "
        "accuracy too high, although no file lies in two splits?",
        wrong(
            "It is not: different files are different pictures.",
            "The network sees content, not file names. A picture that differs by a blink is the same question twice.",
        ),
        wrong(
            "Because 40 are too few.",
            "Few pictures make the number uncertain, in both directions. Here it is pushed one way.",
        ),
        right(
            "Shots of one series fall into training and test: the test asks what was practised.",
            "Split by series, person or day, so that what belongs together lies on one side. You did so with emoji, by "
            "emoji.",
        ),
        wrong(
            "Because the head starts at zero weights.",
            "That is a fair start for any folder, and has nothing to do with what lies in the test.",
        ),
    ),
    ask(
        "Fine-tuning got 2 more of 90 pictures right; the interval of the paired difference runs from -3 to +8 points. "
        "Which model do you keep?",
        wrong(
            "The fine-tuned one: two more are two more.",
            "They may be luck: the interval contains zero. It costs 7 million numbers that moved.",
        ),
        right(
            "The one with the head alone, until more pictures show a gain.",
            "No difference is shown. Then take the simpler one: quicker to train, and nothing it knew was touched.",
        ),
        wrong(
            "Neither: an interval that contains zero means that both are useless.",
            "It speaks of the difference between the two. Each has an accuracy of its own, far above guessing or not.",
        ),
        wrong(
            "Whichever is better on the test pictures.",
            "Then the test has chosen, and no pictures are left that can tell how good the chosen one is.",
        ),
    ),
    ask(
        "A Grad-CAM map of a correct prediction is bright on the animal. What does that prove?",
        wrong(
            "That the model knows what the animal looks like.",
            "It shows where evidence was found, not what it was: the fur, or the shape, or a logo beside it.",
        ),
        wrong(
            "That it will be right on other pictures of this class.",
            "It is about one picture. Accuracy on unseen pictures answers that, with its interval.",
        ),
        right(
            "Little by itself: in this picture, roughly there, lay evidence for this class.",
            "Maps of wrong predictions look as convincing. A map raises questions; covering a part of the picture "
            "tests them.",
        ),
        wrong(
            "Nothing, because the maps are random.",
            "They follow from weights and picture. How far they tell where the answer comes from can be measured, and "
            "you did.",
        ),
    ),
    ask(
        "Someone sends you a model that loads only with `safe_mode=False`. What does that tell you?",
        wrong(
            "It was made with an older version of Keras.",
            "Versions bring errors of their own. Safe mode refuses one thing: code that is stored in the file.",
        ),
        wrong(
            "Nothing: it is a matter of speed.",
            "Both load equally fast. One of them lets the file run what it likes on your machine.",
        ),
        right(
            "It holds Python code, in a `Lambda` layer most often, that would run on your machine.",
            "Do not load it unless you trust whoever sends it. Ask for the weights, and build the layers yourself.",
        ),
        wrong(
            "It is protected against copying.",
            "There is no such protection. Safe mode protects you, not the model.",
        ),
    ),
    ask(
        "A model for cats, dogs and horses, with softmax at its end, is shown a bicycle. What does it answer?",
        wrong(
            "Equal probabilities, because it knows none of it.",
            "It can be sure of the wrong thing. Softmax shares out 1 between what it has, whatever it is shown.",
        ),
        right(
            "One of its three classes, perhaps with high probability.",
            "It has no word for anything else. So the card says which pictures it is for, and a person looks at the "
            "rest.",
        ),
        wrong(
            "An error.",
            "A picture is numbers of the right shape. Nothing can object.",
        ),
        wrong(
            "The class that is most like a bicycle, with a low probability.",
            "There is no rule that makes it low. High ones on pictures of something else are common.",
        ),
    ),
)
