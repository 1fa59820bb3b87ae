"""MobileNetV2."""

from __future__ import annotations

from collections.abc import Callable

import jax
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.nn.layers import _dtypes
from jconv.nn.layers._conv import Conv
from jconv.nn.models._residual_layers import ResidualLayers

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and first stride of each stage (Sandler et al., 2018, table 2)."""


class MobileNetV2(nnx.Module):
    """Classify images with few operations by a network of inverted residual blocks.

    A block widens by a 1×1 convolution, filters each channel by a depthwise 3×3, and narrows by another 1×1, without a
    nonlinearity after it. Batch normalisation follows each convolution, ReLU6 all but the narrowing ones.

    Parameters
    ----------
    in_features : int
        Channels of the images.
    classes : int
        Number of classes.
    width : float
        Factor of all channel counts, which are rounded to multiples of 8. Default 1.
    stem : "large" or "small"
        "large" (default): the image shrinks 32 times, as in the paper; "small": 8 times, for images of up to 64 pixels
        a side.
    dropout : float
        Share of the last features that a training step leaves out. Default 0.2.
    conv : callable
        Makes the convolution layers; takes what `jconv.nn.Conv` takes, as `flax.nnx.Conv` does too.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When `stem` is another word, or `width` is not positive.

    Notes
    -----
    3,504,872 parameters for 3 channels, 1000 classes and width 1, as in torchvision, whose `state_dict` `from_torch`
    takes. `model.eval()` makes the normalisations use the running averages, `model.train()` those of the batch, as in
    Flax. Source: M. Sandler et al., *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR 2018.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> model = MobileNetV2(3, 10, width=0.25, stem="small", rngs=nnx.Rngs(0))
    >>> model(jnp.ones((2, 16, 16, 3))).shape
    (2, 10)
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        *,
        width: float = 1.0,
        stem: str = "large",
        dropout: float = 0.2,
        conv: Callable[..., nnx.Module] = Conv,
        rngs: nnx.Rngs,
    ) -> None:
        if not width > 0:
            raise ValueError(f"`width` must be positive, got {width}; 1.0 is the network of the paper")
        large = check.choice("stem", stem, ("large", "small")) == "large"
        make = ResidualLayers(conv, rngs)
        features = round_channels(32 * width)
        self.stem = ConvNorm(in_features, features, 3, 2 if large else 1, make)
        self.blocks = nnx.List()
        self.ends: tuple[int, ...] = ()
        """How many blocks have run when the size is about to change, and at the end."""
        for stage, (expansion, channels, count, stride) in enumerate(STAGES):
            stride = 1 if stage == 1 and not large else stride
            if stride > 1:
                self.ends = (*self.ends, len(self.blocks))
            for index in range(count):
                out = round_channels(channels * width)
                self.blocks.append(InvertedResidual(features, out, expansion, 1 if index else stride, make))
                features = out
        self.ends = (*self.ends, len(self.blocks))
        last = round_channels(1280 * max(1.0, width))
        self.head = ConvNorm(features, last, 1, 1, make)
        self.dropout = nnx.Dropout(dropout)
        self.classifier = nnx.Linear(last, classes, kernel_init=initializers.normal(0.01), rngs=rngs)

    @_dtypes.with_standard_promotion
    def features(self, images: jax.Array) -> list[jax.Array]:
        """Return the last output at each size for images (N, H, W, in_features), the finest first."""
        x = nnx.relu6(self.stem(images))
        outputs = []
        for done, block in enumerate(self.blocks, 1):
            x = block(x)
            if done in self.ends:
                outputs.append(x)
        return outputs

    @_dtypes.with_standard_promotion
    def __call__(self, images: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Return logits (N, classes) of images (N, H, W, in_features); a random `key` turns dropout on."""
        x = nnx.relu6(self.head(self.features(images)[-1])).mean((1, 2))
        if key is not None:
            x = self.dropout(x, deterministic=False, rngs=nnx.Rngs(key))
        return self.classifier(x)

    @property
    def torch_names(self) -> dict[str, list[tuple[str, str]]]:
        """The names of this model's layers and those in other libraries, for `from_torch`."""
        parts = ("expand.conv", "expand.norm", "depthwise.conv", "depthwise.norm", "project.conv", "project.norm")
        table = [("stem.conv", "features.0.0"), ("stem.norm", "features.0.1")]
        for index, block in enumerate(self.blocks):
            theirs = ["conv.0.0", "conv.0.1", "conv.1.0", "conv.1.1", "conv.2", "conv.3"]
            if block.expand is None:
                theirs = [None, None, "conv.0.0", "conv.0.1", "conv.1", "conv.2"]
            table += [(f"blocks.{index}.{a}", f"features.{index + 1}.{b}") for a, b in zip(parts, theirs) if b]
        last = f"features.{len(self.blocks) + 1}"
        table += [("head.conv", f"{last}.0"), ("head.norm", f"{last}.1"), ("classifier", "classifier.1")]
        return {"torchvision": table}


class ConvNorm(nnx.Module):
    """A convolution without bias, then batch normalisation."""

    def __init__(
        self, features: int, width: int, size: int, stride: int, make: ResidualLayers, groups: int = 1
    ) -> None:
        self.conv, self.norm = make.conv(features, width, size, stride, groups), make.norm(width)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.norm(self.conv(x))


class InvertedResidual(nnx.Module):
    """Widen, filter each channel, narrow; the input is added where shapes allow."""

    def __init__(self, features: int, width: int, expansion: int, stride: int, make: ResidualLayers) -> None:
        hidden = features * expansion
        self.expand = ConvNorm(features, hidden, 1, 1, make) if expansion > 1 else None
        self.depthwise = ConvNorm(hidden, hidden, 3, stride, make, groups=hidden)
        self.project = ConvNorm(hidden, width, 1, 1, make)
        self.residual = stride == 1 and features == width

    def __call__(self, x: jax.Array) -> jax.Array:
        y = x if self.expand is None else nnx.relu6(self.expand(x))
        y = self.project(nnx.relu6(self.depthwise(y)))
        return x + y if self.residual else y


def round_channels(channels: float) -> int:
    """Return the nearest multiple of 8, at least 8, and not more than a tenth below."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
