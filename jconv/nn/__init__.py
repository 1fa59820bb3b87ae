"""Layers of convolutional networks (`flax.nnx` modules), channels last, on jconv's own convolutions."""

from jconv.nn.adaptive_pooling import adaptive_avg_pool, adaptive_max_pool, global_avg_pool, global_max_pool
from jconv.nn.blur_pooling import blur_pool
from jconv.nn.cnn import CNN
from jconv.nn.conv import Conv
from jconv.nn.conv_transpose import ConvTranspose
from jconv.nn.convnext import ConvNeXt
from jconv.nn.mobilenet import MobileNetV2
from jconv.nn.parameters import parameter_count
from jconv.nn.pooling import avg_pool, lp_pool, max_pool, min_pool
from jconv.nn.porting import from_torch, to_torch
from jconv.nn.receptive_field import ReceptiveField, effective_receptive_field, receptive_field
from jconv.nn.resize import pixel_shuffle, pixel_unshuffle, resize, upsample
from jconv.nn.resnet import ResNet
from jconv.nn.saliency import saliency

__all__ = [
    "CNN",
    "Conv",
    "ConvNeXt",
    "ConvTranspose",
    "MobileNetV2",
    "ReceptiveField",
    "ResNet",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "blur_pool",
    "effective_receptive_field",
    "from_torch",
    "global_avg_pool",
    "global_max_pool",
    "lp_pool",
    "max_pool",
    "min_pool",
    "parameter_count",
    "pixel_shuffle",
    "pixel_unshuffle",
    "receptive_field",
    "resize",
    "saliency",
    "to_torch",
    "upsample",
]
