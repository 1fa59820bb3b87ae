"""Small networks of four families in Flax, as their papers build them, for whole training steps."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx


class Sequence(nnx.Module):
    """Layers one after the other."""

    def __init__(self, *layers):
        self.layers = nnx.List(layers)

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def conv(c, o, k, rngs, stride=1, groups=1, bias=False):
    return nnx.Conv(c, o, (k, k), strides=stride, feature_group_count=groups, use_bias=bias, rngs=rngs)


class Residual(nnx.Module):
    """ResNet's basic block (He et al., 2016)."""

    def __init__(self, c, o, stride, rngs):
        self.first, self.norm1 = conv(c, o, 3, rngs, stride), nnx.BatchNorm(o, rngs=rngs)
        self.second, self.norm2 = conv(o, o, 3, rngs), nnx.BatchNorm(o, rngs=rngs)
        self.skip = conv(c, o, 1, rngs, stride) if stride > 1 or c != o else None

    def __call__(self, x):
        y = nnx.relu(self.norm1(self.first(x)))
        y = self.norm2(self.second(y))
        return nnx.relu(y + (x if self.skip is None else self.skip(x)))


class Inverted(nnx.Module):
    """MobileNetV2's inverted residual (Sandler et al., 2018)."""

    def __init__(self, c, o, stride, rngs, expand=4):
        h = c * expand
        self.up, self.norm1 = conv(c, h, 1, rngs), nnx.BatchNorm(h, rngs=rngs)
        self.deep, self.norm2 = conv(h, h, 3, rngs, stride, groups=h), nnx.BatchNorm(h, rngs=rngs)
        self.down, self.norm3 = conv(h, o, 1, rngs), nnx.BatchNorm(o, rngs=rngs)
        self.same = stride == 1 and c == o

    def __call__(self, x):
        y = nnx.relu6(self.norm1(self.up(x)))
        y = nnx.relu6(self.norm2(self.deep(y)))
        y = self.norm3(self.down(y))
        return x + y if self.same else y


class NextBlock(nnx.Module):
    """ConvNeXt's block (Liu et al., 2022)."""

    def __init__(self, c, rngs):
        self.deep, self.norm = conv(c, c, 7, rngs, groups=c, bias=True), nnx.LayerNorm(c, rngs=rngs)
        self.up, self.down = nnx.Linear(c, 4 * c, rngs=rngs), nnx.Linear(4 * c, c, rngs=rngs)

    def __call__(self, x):
        return x + self.down(jax.nn.gelu(self.up(self.norm(self.deep(x))), approximate=True))


class Head(nnx.Module):
    """Mean over the image, then a linear map."""

    def __init__(self, c, classes, rngs):
        self.linear = nnx.Linear(c, classes, rngs=rngs)

    def __call__(self, x):
        return self.linear(x.mean((1, 2)))


def resnet(rngs):
    widths = [(32, 32, 1), (32, 64, 2), (64, 128, 2)]
    blocks = [Residual(c, o, s, rngs) for c, o, s in widths]
    return Sequence(conv(3, 32, 3, rngs), nnx.BatchNorm(32, rngs=rngs), nnx.relu, *blocks, Head(128, 10, rngs))


def mobilenet(rngs):
    widths = [(16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1), (40, 80, 2), (80, 80, 1)]
    blocks = [Inverted(c, o, s, rngs) for c, o, s in widths]
    return Sequence(conv(3, 16, 3, rngs, 2), nnx.BatchNorm(16, rngs=rngs), nnx.relu6, *blocks, Head(80, 10, rngs))


def convnext(rngs):
    layers = [conv(3, 40, 4, rngs, 4, bias=True), NextBlock(40, rngs), NextBlock(40, rngs)]
    layers += [nnx.LayerNorm(40, rngs=rngs), conv(40, 80, 2, rngs, 2, bias=True)]
    return Sequence(*layers, NextBlock(80, rngs), NextBlock(80, rngs), Head(80, 10, rngs))


class UNet(nnx.Module):
    """Three levels, two 3×3 convolutions at each (Ronneberger et al., 2015)."""

    def __init__(self, rngs):
        self.down = nnx.List([self._pair(3, 16, rngs), self._pair(16, 32, rngs), self._pair(32, 64, rngs)])
        self.up = nnx.List([nnx.ConvTranspose(c, c // 2, (2, 2), strides=(2, 2), rngs=rngs) for c in (64, 32)])
        self.merge = nnx.List([self._pair(64, 32, rngs), self._pair(32, 16, rngs)])
        self.last = conv(16, 1, 1, rngs, bias=True)

    @staticmethod
    def _pair(c, o, rngs):
        return Sequence(conv(c, o, 3, rngs, bias=True), nnx.relu, conv(o, o, 3, rngs, bias=True), nnx.relu)

    def __call__(self, x):
        seen = []
        for level, block in enumerate(self.down):
            x = block(x)
            if level < 2:
                seen.append(x)
                x = nnx.max_pool(x, (2, 2), strides=(2, 2))
        for up, merge in zip(self.up, self.merge):
            x = merge(jnp.concatenate([seen.pop(), up(x)], axis=-1))
        return self.last(x)


MODELS = {"ResNet": (resnet, 64), "MobileNet": (mobilenet, 128), "ConvNeXt": (convnext, 128), "U-Net": (UNet, 64)}
BATCH = 16


def step(name: str):
    """(function of (state, x) → state after one step of gradient descent, state, x)."""
    build, size = MODELS[name]
    graph, state = nnx.split(build(nnx.Rngs(0)))
    x = jax.random.normal(jax.random.key(1), (BATCH, size, size, 3))

    def advance(state, x):
        def loss(parameters, rest):
            model = nnx.merge(graph, parameters, rest, copy=True)
            value = (model(x) ** 2).mean()
            return value, nnx.state(model, nnx.Not(nnx.Param))

        parameters, rest = nnx.split_state(state, nnx.Param, ...)
        gradient, rest = jax.grad(loss, has_aux=True)(parameters, rest)
        parameters = jax.tree.map(lambda p, g: p - 1e-3 * g, parameters, gradient)
        return nnx.merge_state(parameters, rest)

    return advance, state, x
