"""Plumbing, drawing and checking for the course; the concepts themselves stay in the notebooks.

Imports go downwards only::

    assets → images, vgg16, efficientnet_lite → backbones → surgery, certificate, features → evaluation
           → plots → widgets

``checks`` and ``quizzes`` may use all but ``widgets``. ``session`` stands beside them, and ``notebooks`` looks
after the notebook files. Importing ``helpers`` alone imports no TensorFlow.
"""
