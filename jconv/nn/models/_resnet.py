"""Residual networks."""

from __future__ import annotations

from collections.abc import Callable

import jax
from flax import nnx

from jconv._core import check
from jconv.nn.layers import _dtypes
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._pooling import max_pool
from jconv.nn.models._residual_layers import ResidualLayers

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Layers with weights → blocks of each stage (He et al., 2016, table 1)."""


class ResNet(nnx.Module):
    r"""Classify images by a residual network: a stem, four stages of blocks :math:`x + f(x)`, a linear map.

    Depths 18 and 34 have blocks of two 3×3 convolutions; 50, 101 and 152 blocks of 1×1, 3×3 and 1×1, with the stride in
    the 3×3. Batch normalisation follows each convolution.

    Parameters
    ----------
    in_features : int
        Channels of the images.
    classes : int
        Number of classes.
    depth : 18, 34, 50, 101 or 152
        Layers with weights. Default 18.
    width : int
        Channels of the first stage; each next stage has twice as many. Default 64.
    stem : "large" or "small"
        "large" (default): 7×7 with stride 2, then a 3×3 max pooling with stride 2, as in the paper; "small": one 3×3
        without stride, for images of up to 64 pixels a side.
    conv : callable
        Makes the convolution layers; takes what `jconv.nn.Conv` takes, as `flax.nnx.Conv` does too.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When `depth` or `stem` has another value.

    Notes
    -----
    Parameters for 3 channels and 1000 classes, as in torchvision: 11,689,512 at depth 18 and 25,557,032 at depth 50.
    Layers have torchvision's names, so that `from_torch` takes its `state_dict`. `model.eval()` makes the
    normalisations use the running averages, `model.train()` those of the batch, as in Flax. Source: K. He et al.,
    *Deep residual learning for image recognition*, CVPR 2016.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> model = ResNet(3, 10, width=8, stem="small", rngs=nnx.Rngs(0))
    >>> model(jnp.ones((2, 16, 16, 3))).shape
    (2, 10)
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        *,
        depth: int = 18,
        width: int = 64,
        stem: str = "large",
        conv: Callable[..., nnx.Module] = Conv,
        rngs: nnx.Rngs,
    ) -> None:
        if depth not in DEPTHS:
            raise ValueError(f"`depth` must be one of {', '.join(map(str, DEPTHS))}, got {depth!r}")
        self.large = check.choice("stem", stem, ("large", "small")) == "large"
        make = ResidualLayers(conv, rngs)
        self.conv1 = make.conv(in_features, width, 7, 2) if self.large else make.conv(in_features, width, 3)
        self.bn1 = make.norm(width)
        block = Bottleneck if depth >= 50 else BasicBlock
        features = width
        stages = []
        for stage, count in enumerate(DEPTHS[depth]):
            blocks = nnx.List()
            for index in range(count):
                stride = 2 if stage and not index else 1
                blocks.append(block(features, width * 2**stage, stride, make))
                features = width * 2**stage * block.expansion
            stages.append(blocks)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = nnx.Linear(features, classes, rngs=rngs)

    @_dtypes.with_standard_promotion
    def features(self, images: jax.Array) -> list[jax.Array]:
        """Return the outputs of the four stages for images (N, H, W, in_features), the finest first."""
        x = nnx.relu(self.bn1(self.conv1(images)))
        if self.large:
            x = max_pool(x, (3, 3), 2, 1)
        outputs = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                x = block(x)
            outputs.append(x)
        return outputs

    def __call__(self, images: jax.Array) -> jax.Array:
        """Return logits (N, classes) of images (N, H, W, in_features)."""
        return self.fc(self.features(images)[-1].mean((1, 2)))


class BasicBlock(nnx.Module):
    """ReLU(x + two 3×3 convolutions of x)."""

    expansion = 1

    def __init__(self, features: int, width: int, stride: int, make: ResidualLayers) -> None:
        self.conv1, self.bn1 = make.conv(features, width, 3, stride), make.norm(width)
        self.conv2, self.bn2 = make.conv(width, width, 3), make.norm(width)
        self.downsample = _make_downsample(features, width, stride, make)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = nnx.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return nnx.relu(y + _apply_shortcut(self.downsample, x))


class Bottleneck(nnx.Module):
    """ReLU(x + 1×1, 3×3 and 1×1 convolutions of x), with four times the channels outside."""

    expansion = 4

    def __init__(self, features: int, width: int, stride: int, make: ResidualLayers) -> None:
        self.conv1, self.bn1 = make.conv(features, width, 1), make.norm(width)
        self.conv2, self.bn2 = make.conv(width, width, 3, stride), make.norm(width)
        self.conv3, self.bn3 = make.conv(width, 4 * width, 1), make.norm(4 * width)
        self.downsample = _make_downsample(features, 4 * width, stride, make)

    def __call__(self, x: jax.Array) -> jax.Array:
        y = nnx.relu(self.bn1(self.conv1(x)))
        y = nnx.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return nnx.relu(y + _apply_shortcut(self.downsample, x))


def _make_downsample(features: int, width: int, stride: int, make: ResidualLayers) -> nnx.List | None:
    same = stride == 1 and features == width
    return None if same else nnx.List([make.conv(features, width, 1, stride), make.norm(width)])


def _apply_shortcut(layers: nnx.List | None, x: jax.Array) -> jax.Array:
    for layer in layers or ():
        x = layer(x)
    return x
