"""Layers of convolutional networks (`flax.nnx` modules), channels last, on jconv's own convolutions."""

from jconv.nn.cnn import CNN
from jconv.nn.conv import Conv

__all__ = ["CNN", "Conv"]
