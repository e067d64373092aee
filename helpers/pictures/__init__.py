"""How do pictures come in? Load, examine, open safely, find look-alikes, keep features."""

from helpers.pictures.folders import Report, examine
from helpers.pictures.opening import PictureError, open_picture
from helpers.pictures.practice import practice

__all__ = ["PictureError", "Report", "examine", "open_picture", "practice"]
