"""jconv's classification models in PyTorch, with the names of layers of torchvision and of ConvNeXt's own code."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from jconv.nn.models._convnext import VARIANTS
from jconv.nn.models._mobilenet import STAGES, round_channels
from jconv.nn.models._resnet import DEPTHS


def conv(features, width, size, stride=1, groups=1):
    return nn.Conv2d(features, width, size, stride, (size - 1) // 2, groups=groups, bias=False)


class Block(nn.Module):
    """ResNet's block: two 3×3 convolutions, or three with a narrow middle."""

    def __init__(self, features, width, stride, wide):
        super().__init__()
        out = 4 * width if wide else width
        sizes = [(features, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        sizes = sizes if wide else [(features, width, 3, stride), (width, width, 3, 1)]
        self.count = len(sizes)
        for number, arguments in enumerate(sizes, 1):
            self.add_module(f"conv{number}", conv(*arguments))
            self.add_module(f"bn{number}", nn.BatchNorm2d(arguments[1]))
        same = stride == 1 and features == out
        self.downsample = None if same else nn.Sequential(conv(features, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            y = F.relu(y) if number < self.count else y
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, in_features, classes, *, depth=18, width=64, stem="large"):
        super().__init__()
        self.large = stem == "large"
        self.conv1 = conv(in_features, width, *((7, 2) if self.large else (3, 1)))
        self.bn1 = nn.BatchNorm2d(width)
        features = width
        for stage, count in enumerate(DEPTHS[depth]):
            blocks = []
            for index in range(count):
                blocks.append(Block(features, width * 2**stage, 2 if stage and not index else 1, depth >= 50))
                features = width * 2**stage * (4 if depth >= 50 else 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(features, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(x, 3, 2, 1) if self.large else x
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def conv_norm(features, width, size, stride=1, groups=1):
    return nn.Sequential(conv(features, width, size, stride, groups), nn.BatchNorm2d(width), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, features, width, expansion, stride):
        super().__init__()
        hidden = features * expansion
        layers = [conv_norm(features, hidden, 1)] if expansion > 1 else []
        layers += [conv_norm(hidden, hidden, 3, stride, hidden), conv(hidden, width, 1), nn.BatchNorm2d(width)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and features == width

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, in_features, classes, *, width=1.0, stem="large"):
        super().__init__()
        features = round_channels(32 * width)
        layers = [conv_norm(in_features, features, 3, 2 if stem == "large" else 1)]
        for stage, (expansion, channels, count, stride) in enumerate(STAGES):
            stride = 1 if stage == 1 and stem == "small" else stride
            for index in range(count):
                out = round_channels(channels * width)
                layers.append(InvertedResidual(features, out, expansion, 1 if index else stride))
                features = out
        last = round_channels(1280 * max(1.0, width))
        self.features = nn.Sequential(*layers, conv_norm(features, last, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of an image (N, C, H, W)."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class NextBlock(nn.Module):
    def __init__(self, width, size, layer_scale):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, size, padding=size // 2, groups=width)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), layer_scale))

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        return x + (self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, in_features, classes, *, variant="tiny", depths=None, widths=None, patch=4, kernel_size=7,
                 layer_scale=1e-6):  # fmt: skip
        super().__init__()
        depths, widths = depths or VARIANTS[variant][0], widths or VARIANTS[variant][1]
        self.downsample_layers, self.stages = nn.ModuleList(), nn.ModuleList()
        for stage, (depth, width) in enumerate(zip(depths, widths)):
            if stage:
                layers = [ChannelNorm(widths[stage - 1], 1e-6), nn.Conv2d(widths[stage - 1], width, 2, 2)]
            else:
                layers = [nn.Conv2d(in_features, width, patch, patch), ChannelNorm(width, 1e-6)]
            self.downsample_layers.append(nn.Sequential(*layers))
            self.stages.append(nn.Sequential(*[NextBlock(width, kernel_size, layer_scale) for _ in range(depth)]))
        self.norm, self.head = nn.LayerNorm(widths[-1], 1e-6), nn.Linear(widths[-1], classes)

    def forward(self, x):
        for downsample, stage in zip(self.downsample_layers, self.stages):
            x = stage(downsample(x))
        return self.head(self.norm(x.mean((2, 3))))
