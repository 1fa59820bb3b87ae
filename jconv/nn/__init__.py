"""Layers of convolutional networks (`flax.nnx` modules), channels last, on jconv's own convolutions."""

from jconv.nn.adaptive_pooling import adaptive_avg_pool, adaptive_max_pool, global_avg_pool, global_max_pool
from jconv.nn.blur_pooling import blur_pool
from jconv.nn.boxes import box_area, box_iou, generalized_iou, non_max_suppression
from jconv.nn.cnn import CNN
from jconv.nn.continuous_conv import ContinuousConv
from jconv.nn.conv import Conv
from jconv.nn.conv_block import ConvBlock
from jconv.nn.conv_transpose import ConvTranspose
from jconv.nn.convnext import ConvNeXt
from jconv.nn.deform_conv import deform_conv
from jconv.nn.deformable import DeformableConv
from jconv.nn.depthwise import DepthwiseConv
from jconv.nn.detection_loss import assign_boxes, detection_loss
from jconv.nn.detector import Detections, Detector, DetectorOutput, Places, detections
from jconv.nn.dynamic import DynamicConv, conv_per_sample
from jconv.nn.kernel_network import MAGNet, Siren
from jconv.nn.lipschitz import LipschitzConv, conv_norm_bound
from jconv.nn.local import ConvLocal
from jconv.nn.log_mel import log_mel
from jconv.nn.long_conv import LongConv
from jconv.nn.mobilenet import MobileNetV2
from jconv.nn.parameters import parameter_count
from jconv.nn.pooling import avg_pool, lp_pool, max_pool, min_pool
from jconv.nn.porting import from_torch, to_torch
from jconv.nn.receptive_field import ReceptiveField, effective_receptive_field, receptive_field
from jconv.nn.resize import pixel_shuffle, pixel_unshuffle, resize, upsample
from jconv.nn.resnet import ResNet
from jconv.nn.saliency import saliency
from jconv.nn.separable import SeparableConv
from jconv.nn.spectral import SpectralConv
from jconv.nn.spectrogram_net import SpectrogramNet
from jconv.nn.streaming import CausalStack
from jconv.nn.unet import UNet
from jconv.nn.video_net import SpaceTimeConv, VideoNet
from jconv.nn.weight_standardized import WeightStandardizedConv

__all__ = [
    "CNN",
    "CausalStack",
    "ContinuousConv",
    "Conv",
    "ConvBlock",
    "ConvLocal",
    "ConvNeXt",
    "ConvTranspose",
    "DeformableConv",
    "DepthwiseConv",
    "Detections",
    "Detector",
    "DetectorOutput",
    "DynamicConv",
    "LipschitzConv",
    "LongConv",
    "MAGNet",
    "MobileNetV2",
    "Places",
    "ReceptiveField",
    "ResNet",
    "SeparableConv",
    "Siren",
    "SpaceTimeConv",
    "SpectralConv",
    "SpectrogramNet",
    "UNet",
    "VideoNet",
    "WeightStandardizedConv",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "assign_boxes",
    "avg_pool",
    "blur_pool",
    "box_area",
    "box_iou",
    "conv_norm_bound",
    "conv_per_sample",
    "deform_conv",
    "detection_loss",
    "detections",
    "effective_receptive_field",
    "from_torch",
    "generalized_iou",
    "global_avg_pool",
    "global_max_pool",
    "log_mel",
    "lp_pool",
    "max_pool",
    "min_pool",
    "non_max_suppression",
    "parameter_count",
    "pixel_shuffle",
    "pixel_unshuffle",
    "receptive_field",
    "resize",
    "saliency",
    "to_torch",
    "upsample",
]
