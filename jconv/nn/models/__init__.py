"""Small models made of the layers."""

from jconv.nn.models._cnn import CNN
from jconv.nn.models._convnext import ConvNeXt
from jconv.nn.models._mobilenet import MobileNetV2
from jconv.nn.models._resnet import ResNet
from jconv.nn.models._spectrogram_net import SpectrogramNet
from jconv.nn.models._unet import UNet
from jconv.nn.models._video_net import SpaceTimeConv, VideoNet

__all__ = [
    "CNN",
    "ConvNeXt",
    "MobileNetV2",
    "ResNet",
    "SpaceTimeConv",
    "SpectrogramNet",
    "UNet",
    "VideoNet",
]
