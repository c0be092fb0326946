"""Small text classifiers: hashed n-grams, a linear model, calibrated confidence, and the right to abstain."""

from ccos.quality.classifying.features import Spelling, grams
from ccos.quality.classifying.model import TextModel, Told
from ccos.quality.classifying.storing import UnusableModel, load_model, model_bytes, save_model, shipped

__all__ = [
    "Spelling",
    "TextModel",
    "Told",
    "UnusableModel",
    "grams",
    "load_model",
    "model_bytes",
    "save_model",
    "shipped",
]
