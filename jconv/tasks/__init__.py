"""Whole jobs: learn kernels back from a photograph, classify digits. Each is data in, result out, and a `save`."""

from jconv.tasks.digits import DigitsResult, train_digits
from jconv.tasks.images import filter_image, load_image, photograph, save_image
from jconv.tasks.learn import LearnResult, learn_kernels
from jconv.tasks.specification import kernel_from, kernel_names

__all__ = [
    "DigitsResult",
    "LearnResult",
    "filter_image",
    "kernel_from",
    "kernel_names",
    "learn_kernels",
    "load_image",
    "photograph",
    "save_image",
    "train_digits",
]
