"""Layers and the functions between them, one idea a file."""

from jconv.nn.layers._adaptive_pooling import adaptive_avg_pool, adaptive_max_pool, global_avg_pool, global_max_pool
from jconv.nn.layers._blur_pooling import blur_pool
from jconv.nn.layers._continuous_conv import ContinuousConv
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_block import ConvBlock
from jconv.nn.layers._conv_transpose import ConvTranspose
from jconv.nn.layers._deform_conv import deform_conv
from jconv.nn.layers._deformable import DeformableConv
from jconv.nn.layers._depthwise import DepthwiseConv
from jconv.nn.layers._dynamic import DynamicConv
from jconv.nn.layers._kernel_network import MAGNet, Siren
from jconv.nn.layers._lipschitz import LipschitzConv
from jconv.nn.layers._local import ConvLocal
from jconv.nn.layers._log_mel import log_mel, mel_bands
from jconv.nn.layers._long_conv import LongConv
from jconv.nn.layers._norm_bound import conv_norm_bound
from jconv.nn.layers._per_sample import conv_per_sample
from jconv.nn.layers._pooling import avg_pool, lp_pool, max_pool, min_pool
from jconv.nn.layers._resize import resize, upsample
from jconv.nn.layers._separable import SeparableConv
from jconv.nn.layers._shuffle import pixel_shuffle, pixel_unshuffle
from jconv.nn.layers._spectral import SpectralConv
from jconv.nn.layers._streaming import CausalStack
from jconv.nn.layers._weight_standardized import WeightStandardizedConv

__all__ = [
    "CausalStack",
    "ContinuousConv",
    "Conv",
    "ConvBlock",
    "ConvLocal",
    "ConvTranspose",
    "DeformableConv",
    "DepthwiseConv",
    "DynamicConv",
    "LipschitzConv",
    "LongConv",
    "MAGNet",
    "SeparableConv",
    "Siren",
    "SpectralConv",
    "WeightStandardizedConv",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "blur_pool",
    "conv_norm_bound",
    "conv_per_sample",
    "deform_conv",
    "global_avg_pool",
    "global_max_pool",
    "log_mel",
    "lp_pool",
    "max_pool",
    "mel_bands",
    "min_pool",
    "pixel_shuffle",
    "pixel_unshuffle",
    "resize",
    "upsample",
]
