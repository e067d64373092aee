"""``python -m helpers.notebooks lay-out FOLDER``: what the first version called ``swap-the-head lay-out``."""

import sys

from helpers import __main__

if __name__ == "__main__":
    sys.exit(__main__.main())
