"""How do pictures come in? Load, examine, open safely, find look-alikes, keep features."""

from helpers.pictures.fitting import pixels
from helpers.pictures.folders import examine
from helpers.pictures.opening import PictureError, open_picture
from helpers.pictures.practice import practice
from helpers.pictures.report import Report

__all__ = ["PictureError", "Report", "examine", "open_picture", "pixels", "practice"]
