"""The quiz of notebook 03."""

from helpers.course.quizzes.question import ask, right, wrong

QUESTIONS = (
    ask(
        "`model` is VGG16 with its top. You call `model.layers.pop()`. How many outputs does the model have now?",
        wrong(
            "4,096: it ends in `fc2`.",
            "`layers` is a list made for you; taking something out of it changes no model. The way from input to "
            "output is as before.",
        ),
        wrong(
            "None, until a new last layer is added.",
            "The model is as it was. Adding a layer behind it would put it on top of the 1000 outputs.",
        ),
        right(
            "1,000, as before.",
            "To swap the last layer, build a new model: from `model.input` to a new Dense on what the old one took.",
        ),
    ),
    ask(
        "A head was declared on `Input((7, 7, 512))`. You call it on pictures of shape (n, 224, 224, 3). What happens?",
        wrong(
            "Keras runs the pictures through the base first, because the head belongs to it.",
            "The head does not know of any base. You have to call the base and hand its features on.",
        ),
        right(
            "An error about shapes: this model takes features.",
            "A model does what lies between its own input and output. From pixels it needs the base in front.",
        ),
        wrong(
            "The pictures are resized to 7 × 7.",
            "No model resizes its input unless it has a layer for that.",
        ),
    ),
    ask(
        "Five classes, one right class for each picture. Which last layer can choose among them?",
        wrong(
            "`Dense(1, activation='sigmoid')`, with the class number as its target.",
            "One sigmoid answers one yes-or-no question. With class numbers above 1 the loss becomes negative and "
            "training goes astray.",
        ),
        wrong(
            "`Dense(1, activation='softmax')`.",
            "Softmax over a single output is always 1: the model says the same for every picture.",
        ),
        wrong(
            "`Dense(5, activation='relu')`.",
            "Negative logits become 0, and no gradient comes back through them: classes can fall silent for good.",
        ),
        right(
            "`Dense(5)`, and a loss that knows of logits.",
            "One output for each class, any value allowed. `Dense(5, activation='softmax')` with its loss is as good.",
        ),
    ),
    ask(
        "A model ends in `Dense(5)` without activation and is compiled with `loss='sparse_categorical_crossentropy'`. "
        "What happens?",
        wrong(
            "All is well: Keras sees that the outputs are logits.",
            "It does not look. The text names the loss with `from_logits=False`.",
        ),
        wrong(
            "`fit` raises an error: softmax is missing.",
            "There is neither error nor warning in this direction.",
        ),
        right(
            "It trains in silence, and worse: logits are taken for probabilities.",
            "Write `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`, or end the model in softmax.",
        ),
        wrong(
            "The accuracy is the same; only the loss is shown on another scale.",
            "The gradients differ too, and they are what the model learns from.",
        ),
    ),
    ask(
        "Labels are whole numbers from 0 to 4, the model ends in softmax over five classes. Which loss fits?",
        wrong(
            "`'categorical_crossentropy'`.",
            "It wants one-hot rows of five. With whole numbers the shapes do not fit.",
        ),
        wrong(
            "`'binary_crossentropy'`.",
            "It asks a separate yes-or-no question of every output. With one-hot rows it even trains in silence, for "
            "another task than yours.",
        ),
        right(
            "`'sparse_categorical_crossentropy'`.",
            "`Sparse` means labels as whole numbers, and the text form expects probabilities: both are the case.",
        ),
        wrong(
            "`'mse'`: the distance between class numbers.",
            "Class 4 is not twice class 2. Classes have no distances.",
        ),
    ),
    ask(
        "A base is loaded with `input_shape=(None, None, 3)`, so that it takes pictures of any size. Which head can "
        "stand on it?",
        wrong(
            "`Flatten`, then `Dense(5)`: it adapts to the size of the picture.",
            "A Dense layer has one weight for each input, so their number must be known. Keras refuses at once.",
        ),
        right(
            "`GlobalAveragePooling2D`, then `Dense(5)`.",
            "It makes 512 numbers of maps of any size. It also keeps the head small: 2,565 parameters.",
        ),
        wrong(
            "None: a head needs one fixed size of pictures.",
            "Flatten does. Global pooling averages over as many places as there are.",
        ),
    ),
)
