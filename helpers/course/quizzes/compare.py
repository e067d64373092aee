"""The quiz of notebook 06."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "On the same 800 test pictures one model has 74 % (95 % interval 71 to 77), another 76 % (73 to 79). What "
        "follows?",
        wrong(
            "The two are equally good, because their intervals overlap.",
            "Overlap proves nothing. Both intervals hold the chance of which pictures were tested, and that chance is "
            "shared: it cancels in the difference.",
        ),
        wrong(
            "The second is better by two points.",
            "That is what was measured, on these pictures. On others it may turn round.",
        ),
        right(
            "Nothing yet: look at the paired difference.",
            "Picture by picture, only those count for which one model is right and the other wrong.",
        ),
        wrong(
            "The second is better with a probability of 95 %.",
            "The 95 % belong to each interval by itself. They say nothing about which model is better.",
        ),
    ),
    ask(
        "A post reports that fine-tuning gained 1.5 points over a frozen base: one run each, 50,000 test pictures. "
        "What do you ask first?",
        right(
            "How far do two runs of one and the same method differ?",
            "Start, order and choice of training pictures differ from run to run. No test set makes that smaller.",
        ),
        wrong(
            "Nothing: with that many test pictures 1.5 points are certain.",
            "They settle how good these two trained models are. Another training of each may come out otherwise.",
        ),
        wrong(
            "How many parameters were trained?",
            "That is good to know for the cost. It does not tell whether the gain is one.",
        ),
        wrong(
            "How high was the training accuracy?",
            "It shows how far the pictures were learned by heart. The question here is what a second run would give.",
        ),
    ),
    ask(
        "The interval of a paired difference goes from −1.0 to +2.4 points. How do you report it?",
        wrong(
            "The methods are equally good.",
            "A gain of two points would fit the interval, too. That none is shown does not show that there is none.",
        ),
        wrong(
            "The second is better by 0.7 points.",
            "Zero lies well inside. A number without its interval would hide that.",
        ),
        wrong(
            "The experiment failed and is left out.",
            "Then only the lucky ones are told, and the course would be full of gains that nobody finds again.",
        ),
        right(
            "No difference is shown; if there is one, it is hardly larger than two and a half points.",
            "What could not be seen, and how large it may be at most: that is a result, and it helps to decide.",
        ),
    ),
    ask(
        "A test set holds 157 emoji, each drawn by three artists: 471 pictures. A program resamples the pictures as if "
        "each stood for itself. Its intervals are",
        right(
            "too narrow: three drawings of one emoji tend to be right or wrong together.",
            "They are nearer to 157 pieces of evidence than to 471. So the emoji is resampled, with all its drawings.",
        ),
        wrong(
            "too wide: the artists add variation that has nothing to do with the model.",
            "That variation is there and counts. What is wrong is the number of independent pieces.",
        ),
        wrong(
            "right: 471 pictures are 471 pictures.",
            "Copy each picture ten times, and the same reasoning would give intervals a third as wide.",
        ),
    ),
    ask(
        "Your difference is 1 point with an interval from −2 to +4, almost all of it from the choice of test pictures. "
        "About how many times as many of them do you need for an interval half as wide?",
        wrong("Twice as many.", "The width falls with the square root of the number. Twice as many take off a third."),
        wrong(
            "As many, but twice the number of seeds.",
            "Seeds make the other part smaller. Here the pictures are what is lacking.",
        ),
        right("Four times as many.", "The width falls with the square root of the number."),
        wrong(
            "Ten times as many.",
            "That would give an interval a third as wide. It is the square root that counts.",
        ),
    ),
    ask(
        "For your case the grid says: fine-tuning was measured 0.8 points better, not shown, at eight times the cost. "
        "What do you begin with?",
        wrong(
            "Fine-tuning, because its mean is higher.",
            "A mean within chance is no reason to pay eight times as much.",
        ),
        right(
            "The frozen base with a new head, and a test set of your own to compare on.",
            "Nothing speaks for paying more yet. Your own pictures may, once you have measured on them.",
        ),
        wrong(
            "Neither: without a shown difference the grid says nothing.",
            "It says that the difference is small if there is one, and what each costs. That is enough to begin.",
        ),
        wrong(
            "Both, and you keep whichever has the higher test accuracy.",
            "Then the test set has chosen, and flatters what it chose. Choose on validation pictures.",
        ),
    ),
)
