"""The networks of `networks_flax` in PyTorch, channels-last."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.networks_flax import BATCH, MODELS


def conv(c, o, k, stride=1, groups=1, bias=False):
    return nn.Conv2d(c, o, k, stride, (k - stride + 1) // 2 if k > stride else 0, groups=groups, bias=bias)


class Residual(nn.Module):
    def __init__(self, c, o, stride):
        super().__init__()
        self.first, self.norm1 = conv(c, o, 3, stride), nn.BatchNorm2d(o)
        self.second, self.norm2 = conv(o, o, 3), nn.BatchNorm2d(o)
        self.skip = conv(c, o, 1, stride) if stride > 1 or c != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm2(self.second(F.relu(self.norm1(self.first(x))))) + self.skip(x))


class Inverted(nn.Module):
    def __init__(self, c, o, stride, expand=4):
        super().__init__()
        h = c * expand
        self.body = nn.Sequential(
            conv(c, h, 1), nn.BatchNorm2d(h), nn.ReLU6(), conv(h, h, 3, stride, h), nn.BatchNorm2d(h), nn.ReLU6(),
            conv(h, o, 1), nn.BatchNorm2d(o),
        )  # fmt: skip
        self.same = stride == 1 and c == o

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of an image."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class NextBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.deep, self.norm = conv(c, c, 7, groups=c, bias=True), nn.LayerNorm(c)
        self.up, self.down = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

    def forward(self, x):
        y = self.norm(self.deep(x).permute(0, 2, 3, 1))
        return x + self.down(F.gelu(self.up(y), approximate="tanh")).permute(0, 3, 1, 2)


class Head(nn.Linear):
    def forward(self, x):
        return super().forward(x.mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def pair(c, o):
            return nn.Sequential(conv(c, o, 3, bias=True), nn.ReLU(), conv(o, o, 3, bias=True), nn.ReLU())

        self.down = nn.ModuleList([pair(3, 16), pair(16, 32), pair(32, 64)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(c, c // 2, 2, 2) for c in (64, 32)])
        self.merge = nn.ModuleList([pair(64, 32), pair(32, 16)])
        self.last = conv(16, 1, 1, bias=True)

    def forward(self, x):
        seen = []
        for level, block in enumerate(self.down):
            x = block(x)
            if level < 2:
                seen.append(x)
                x = F.max_pool2d(x, 2)
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([seen.pop(), up(x)], 1))
        return self.last(x)


def build(name):
    if name == "ResNet":
        blocks = [Residual(c, o, s) for c, o, s in ((32, 32, 1), (32, 64, 2), (64, 128, 2))]
        return nn.Sequential(conv(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), *blocks, Head(128, 10))
    if name == "MobileNet":
        widths = ((16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1), (40, 80, 2), (80, 80, 1))
        blocks = [Inverted(c, o, s) for c, o, s in widths]
        return nn.Sequential(conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU6(), *blocks, Head(80, 10))
    if name == "ConvNeXt":
        stem = [conv(3, 40, 4, 4, bias=True), NextBlock(40), NextBlock(40)]
        stem += [ChannelNorm(40), conv(40, 80, 2, 2, bias=True)]
        return nn.Sequential(*stem, NextBlock(80), NextBlock(80), Head(80, 10))
    return UNet()


def step(name: str):
    """A function that does one step of gradient descent."""
    torch.manual_seed(0)
    model = build(name).to(memory_format=torch.channels_last)
    size = MODELS[name][1]
    x = torch.randn(BATCH, 3, size, size).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)

    def advance():
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return advance
