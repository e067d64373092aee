"""Plumbing, drawing and checking for the course; the concepts themselves stay in the notebooks.

Imports go downwards only::

    assets → intake, vgg16, efficientnet_lite → images, backbones → surgery, certificate, features
           → evaluation, experiments → evidence, model_card → export, explain, plots → lab, predict
           → checks, quizzes, doctor, widgets

``session`` stands beside them, and ``notebooks`` looks after the notebook files. Importing ``helpers`` alone imports no
TensorFlow.
"""
