"""The networks of jconv's tasks in PyTorch, with the names of jconv's layers.

A convolution with stride 2 pads both sides, as PyTorch's users write it, which takes other samples than SAME does; with
`exact` it pads as jconv's does, so that both compute the same.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


def conv(features, width, taps, stride=1, *, exact=False, bias=True):
    """A convolution in as many dimensions as it has taps."""
    kind = {2: nn.Conv2d, 3: nn.Conv3d}[len(taps)]
    strides = (stride,) * len(taps) if isinstance(stride, int) else stride
    padding = tuple((k - 1) // 2 for k in taps)
    if not exact or set(strides) == {1}:
        return kind(features, width, taps, strides, padding, bias=bias)

    class Same(kind):
        def forward(self, x):
            sides = []
            for n, k, s in zip(x.shape[:1:-1], taps[::-1], strides[::-1]):
                total = max((-(-n // s) - 1) * s + k - n, 0)
                sides += [total // 2, total - total // 2]
            return super().forward(F.pad(x, sides))

    return Same(features, width, taps, strides, bias=bias)


class CNN(nn.Module):
    def __init__(self, in_features, classes, size, *, widths=(32, 64), hidden=128, exact=False):
        super().__init__()
        self.stages = nn.ModuleList()
        for width in widths:
            pair = [conv(in_features, width, (3, 3)), conv(width, width, (3, 3))]
            self.stages.append(nn.ModuleList(pair))
            in_features = width
        rows, cols = (n // 2 ** len(widths) for n in size)
        self.hidden, self.classes = nn.Linear(rows * cols * in_features, hidden), nn.Linear(hidden, classes)

    def forward(self, x):
        for first, second in self.stages:
            x = F.max_pool2d(F.relu(second(F.relu(first(x)))), 2)
        return self.classes(F.relu(self.hidden(x.permute(0, 2, 3, 1).flatten(1))))


class ConvBlock(nn.Module):
    def __init__(self, features, width, stride=1, exact=False):
        super().__init__()
        self.conv = conv(features, width, (3, 3), stride, exact=exact, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class UNet(nn.Module):
    """With batch normalisation and an end at every level."""

    def __init__(self, in_features, out_features, *, widths=(16, 32, 64, 128), exact=False):
        super().__init__()
        pair = lambda before, width: nn.ModuleList([ConvBlock(before, width), ConvBlock(width, width)])
        self.down = nn.ModuleList([pair(*between) for between in zip((in_features, *widths), widths)])
        self.up, self.joined = nn.ModuleList(), nn.ModuleList()
        for below, width in zip(widths[::-1], widths[-2::-1]):
            self.up.append(nn.ConvTranspose2d(below, width, 2, 2))
            self.joined.append(pair(2 * width, width))
        self.heads = nn.ModuleList([nn.Conv2d(width, out_features, 1) for width in widths[::-1]])

    def forward(self, x):
        seen = []
        for level, (first, second) in enumerate(self.down):
            x = second(first(F.max_pool2d(x, 2) if level else x))
            seen.append(x)
        x = seen.pop()
        result = self.heads[0](x)
        for up, (first, second), head in zip(self.up, self.joined, self.heads[1:]):
            x = second(first(torch.cat([seen.pop(), up(x)], 1)))
            result = head(x) + F.interpolate(result, scale_factor=2)
        return result


class Detector(nn.Module):
    def __init__(self, in_features, classes, *, widths=(16, 32, 64, 128), pyramid=48, exact=False):
        super().__init__()
        self.count = classes
        self.strides = [2 ** (2 + level) for level in range(len(widths) - 1)]
        self.stem = ConvBlock(in_features, widths[0], 2, exact)
        self.stages, self.lateral = nn.ModuleList(), nn.ModuleList()
        for before, width in pairwise(widths):
            self.stages.append(nn.ModuleList([ConvBlock(before, width, 2, exact), ConvBlock(width, width)]))
            self.lateral.append(nn.Conv2d(width, pyramid, 1))
        self.smooth, self.tower = ConvBlock(pyramid, pyramid), ConvBlock(pyramid, pyramid)
        self.head = conv(pyramid, classes + 4, (3, 3))

    def forward(self, x):
        size, x = x.shape[2:], self.stem(x)
        features = []
        for (first, second), lateral in zip(self.stages, self.lateral):
            x = second(first(x))
            features.append(lateral(x))
        said, above = [], None
        for level in reversed(features):
            above = level if above is None else level + F.interpolate(above, scale_factor=2)
            y = self.head(self.tower(self.smooth(above)))
            said.append(y.permute(0, 2, 3, 1).flatten(1, 2))
        logits, middle, sides = torch.cat(said[::-1], 1).split((self.count, 2, 2), -1)
        centres, strides = self.places(size)
        middle = centres + strides * middle
        half = strides / 2 * torch.exp(sides.clamp(-4, 4))
        return logits, torch.cat([middle - half, middle + half], -1)

    def places(self, size):
        centres, strides = [], []
        for stride in self.strides:
            axes = [stride * (torch.arange(n // stride) + 0.5) for n in size]
            grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
            centres.append(grid)
            strides.append(torch.full((len(grid), 1), float(stride)))
        return torch.cat(centres), torch.cat(strides)


class VideoNet(nn.Module):
    def __init__(self, in_features, classes, *, widths=(16, 32, 64, 64), exact=False):
        super().__init__()
        self.stages = nn.ModuleList()
        for index, width in enumerate(widths):
            stage = nn.Module()
            time, space = 2 if index == 2 else 1, 2 if index in (1, 2) else 1
            stage.space = conv(in_features, width, (1, 3, 3), (1, space, space), exact=exact)
            stage.time = conv(width, width, (3, 1, 1), (time, 1, 1), exact=exact)
            stage.norms = nn.ModuleList([nn.GroupNorm(width // 8, width, 1e-6) for _ in range(2)])
            self.stages.append(stage)
            in_features = width
        self.heads = nn.ModuleList([nn.Linear(in_features, count) for count in classes])

    def forward(self, x):
        for stage in self.stages:
            x = F.relu(stage.norms[0](stage.space(x)))
            x = F.relu(stage.norms[1](stage.time(x)))
        x = x.amax((3, 4)).mean(2)
        return tuple(head(x) for head in self.heads)


class SpectrogramNet(nn.Module):
    """From the spectrogram on."""

    def __init__(self, classes, *, widths=(16, 32, 64), exact=False):
        super().__init__()
        self.stages, features = nn.ModuleList(), 1
        for width in widths:
            pair = [conv(features, width, (3, 3), 2, exact=exact), nn.GroupNorm(width // 8, width, 1e-6)]
            self.stages.append(nn.ModuleList(pair))
            features = width
        self.classes = nn.Linear(features, classes)

    def forward(self, x):
        for layer, norm in self.stages:
            x = F.relu(norm(layer(x)))
        return self.classes(x.mean((2, 3)))
