"""ConvNeXt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers._conv import Conv

VARIANTS = {
    "atto": ((2, 2, 6, 2), (40, 80, 160, 320)),
    "tiny": ((3, 3, 9, 3), (96, 192, 384, 768)),
    "small": ((3, 3, 27, 3), (96, 192, 384, 768)),
    "base": ((3, 3, 27, 3), (128, 256, 512, 1024)),
}
"""Blocks and channels of each stage: Liu et al., 2022, section 3; atto as in timm."""

_INIT = initializers.truncated_normal(0.02)


class ConvNeXt(nnx.Module):
    r"""Classify images by a convolutional network in the manner of vision transformers.

    Each block adds to its input :math:`\gamma\, W_2\, \mathrm{gelu}(W_1\, \mathrm{norm}(k * x))` with a depthwise 7×7
    kernel k, layer normalisation over the channels, and four times the channels between :math:`W_1` and :math:`W_2`.

    Parameters
    ----------
    in_features : int
        Channels of the images.
    classes : int
        Number of classes.
    variant : "atto", "tiny", "small" or "base"
        Which of the published networks. Default "tiny".
    depths, widths : sequences of int, optional
        Blocks and channels of each stage, instead of those of the variant.
    patch : int
        Side of the patches that the stem turns into one position: 4 (default) as in the paper, 1 or 2 for small images.
        The later stages halve the image.
    kernel_size : int
        Side of the depthwise kernels, odd. Default 7.
    drop_path : float
        Probability with which a training step leaves out the last block's branch of an image (stochastic depth); it
        rises linearly from zero at the first block. Default 0.
    layer_scale : float
        What γ begins with. Default 1e-6.
    conv : callable
        Makes the convolution layers; takes what `jconv.nn.Conv` takes, as `flax.nnx.Conv` does too.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When the variant is unknown, `depths` and `widths` differ in length, or an option is out of range.

    Notes
    -----
    Parameters for 3 channels and 1000 classes: 3,695,520 for atto as in timm, 28,589,128 for tiny as in the paper and
    torchvision. `from_torch` takes a `state_dict` of the paper's own code, after which the layers are named, of timm
    and of torchvision. Source: Z. Liu et al., *A ConvNet for the 2020s*, CVPR 2022.

    Examples
    --------
    >>> model = ConvNeXt(3, 10, depths=(1, 1), widths=(8, 16), patch=2, rngs=nnx.Rngs(0))
    >>> model(jnp.ones((2, 16, 16, 3))).shape
    (2, 10)
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        *,
        variant: str = "tiny",
        depths: Sequence[int] | None = None,
        widths: Sequence[int] | None = None,
        patch: int = 4,
        kernel_size: int = 7,
        drop_path: float = 0.0,
        layer_scale: float = 1e-6,
        conv: Callable[..., nnx.Module] = Conv,
        rngs: nnx.Rngs,
    ) -> None:
        named = VARIANTS[check.choice("variant", variant, VARIANTS)]
        depths, widths = tuple(depths or named[0]), tuple(widths or named[1])
        if len(depths) != len(widths):
            raise ValueError(f"`depths` and `widths` must be equally long, got {depths} and {widths}")
        if not 0 <= drop_path < 1:
            raise ValueError(f"`drop_path` must lie in [0, 1), got {drop_path}; it is a probability")
        if check.positive_int("kernel_size", kernel_size) % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd, got {kernel_size}; the paper has 7")
        check.positive_int("patch", patch)
        options = {"kernel_init": _INIT, "rngs": rngs}
        self.downsample_layers, self.stages = nnx.List(), nnx.List()
        rates = iter(np.linspace(0, drop_path, sum(depths)).tolist())
        features = in_features
        for stage, (depth, width) in enumerate(zip(depths, widths)):
            side = 2 if stage else patch
            patches = conv(features, width, (side, side), strides=side, padding="VALID", **options)
            norm = nnx.LayerNorm(features if stage else width, epsilon=1e-6, rngs=rngs)
            self.downsample_layers.append(nnx.List([norm, patches] if stage else [patches, norm]))
            blocks = [Block(width, kernel_size, next(rates), layer_scale, conv, rngs) for _ in range(depth)]
            self.stages.append(nnx.List(blocks))
            features = width
        self.norm = nnx.LayerNorm(features, epsilon=1e-6, rngs=rngs)
        self.head = nnx.Linear(features, classes, **options)

    @_dtypes.with_standard_promotion
    def features(self, images: jax.Array, *, key: jax.Array | None = None) -> list[jax.Array]:
        """Return the outputs of the stages for images (N, H, W, in_features), the finest first."""
        x, outputs = images, []
        for number, (downsample, stage) in enumerate(zip(self.downsample_layers, self.stages)):
            for layer in downsample:
                x = layer(x)
            for index, block in enumerate(stage):
                x = block(x, key=None if key is None else jax.random.fold_in(key, 1000 * number + index))
            outputs.append(x)
        return outputs

    @_dtypes.with_standard_promotion
    def __call__(self, images: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Return logits (N, classes) of images (N, H, W, in_features); a random `key` turns stochastic depth on."""
        return self.head(self.norm(self.features(images, key=key)[-1].mean((1, 2))))

    @property
    def torch_names(self) -> dict[str, list[tuple[str, str]]]:
        """The names of this model's layers and those in other libraries, for `from_torch`."""
        last = len(self.stages)
        timm = [("downsample_layers.0", "stem"), ("norm", "head.norm"), ("head", "head.fc")]
        timm += [(f"downsample_layers.{i}", f"stages.{i}.downsample") for i in range(1, last)]
        torchvision = [("norm", "classifier.0"), ("head", "classifier.2")]
        torchvision += [(f"downsample_layers.{i}", f"features.{2 * i}") for i in range(last)]
        for i, stage in enumerate(self.stages):
            for j in range(len(stage)):
                ours, block = f"stages.{i}.{j}", f"features.{2 * i + 1}.{j}"
                pairs = {"dwconv": "conv_dw", "norm": "norm", "pwconv1": "mlp.fc1", "pwconv2": "mlp.fc2"}
                timm += [(f"{ours}.{a}", f"stages.{i}.blocks.{j}.{b}") for a, b in (*pairs.items(), ("gamma", "gamma"))]
                places = zip(pairs, ("block.0", "block.2", "block.3", "block.5"))
                torchvision += [(f"{ours}.{a}", f"{block}.{b}") for a, b in (*places, ("gamma", "layer_scale"))]
        return {"timm": timm, "torchvision": torchvision}


class Block(nnx.Module):
    """x + γ · (depthwise convolution, layer normalisation, widen, gelu, narrow)."""

    def __init__(
        self,
        width: int,
        size: int,
        rate: float,
        layer_scale: float,
        conv: Callable[..., nnx.Module],
        rngs: nnx.Rngs,
    ) -> None:
        pad, options = size // 2, {"kernel_init": _INIT, "rngs": rngs}
        self.dwconv = conv(
            width, width, (size, size), padding=((pad, pad), (pad, pad)), feature_group_count=width, **options
        )
        self.norm = nnx.LayerNorm(width, epsilon=1e-6, rngs=rngs)
        self.pwconv1, self.pwconv2 = nnx.Linear(width, 4 * width, **options), nnx.Linear(4 * width, width, **options)
        self.gamma = nnx.Param(jnp.full((width,), layer_scale, jnp.float32))
        self.rate = rate

    def __call__(self, x: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Apply the block to `x` (N, H, W, width); a random `key` leaves the branch of some images out."""
        y = self.pwconv1(self.norm(self.dwconv(x)))
        y = self.pwconv2(jax.nn.gelu(y, approximate=False))
        y = _layer.align(self.gamma[...], y.ndim).astype(y.dtype) * y
        if key is not None and self.rate:
            kept = jax.random.bernoulli(key, 1 - self.rate, (len(x), 1, 1, 1))
            y = jnp.where(kept, y / (1 - self.rate), 0)
        return x + y
