"""Layers of convolutional networks (`flax.nnx` modules), channels last, on jconv's own convolutions."""

from jconv.nn.adaptive_pooling import adaptive_avg_pool, adaptive_max_pool, global_avg_pool, global_max_pool
from jconv.nn.blur_pooling import blur_pool
from jconv.nn.cnn import CNN
from jconv.nn.conv import Conv
from jconv.nn.conv_transpose import ConvTranspose
from jconv.nn.pooling import avg_pool, lp_pool, max_pool, min_pool
from jconv.nn.resize import pixel_shuffle, pixel_unshuffle, resize, upsample

__all__ = [
    "CNN",
    "Conv",
    "ConvTranspose",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "blur_pool",
    "global_avg_pool",
    "global_max_pool",
    "lp_pool",
    "max_pool",
    "min_pool",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize",
    "upsample",
]
