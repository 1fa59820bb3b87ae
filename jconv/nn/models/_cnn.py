"""A small convolutional network for classifying images."""

from __future__ import annotations

from collections.abc import Sequence

import jax
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.engine import Plan
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._pooling import max_pool


class CNN(nnx.Module):
    """Classify images by stages of two 3×3 convolutions with ReLU and a 2×2 max pooling, and two dense layers.

    Parameters
    ----------
    in_features : int
        Channels of the images.
    classes : int
        Number of classes.
    size : (int, int)
        Rows and columns of the images.
    widths : sequence of int
        Channels of each stage. Default (32, 64).
    hidden : int
        Width of the hidden dense layer. Default 128.
    dropout : float
        Share of the hidden units that a training step leaves out. Default 0.3.
    algorithm : str or Plan
        As in `jconv.nn.Conv`; "im2col", patches and one matrix product, suits small images inside a training loop.
        Default "auto".
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When the images are too small for that many poolings.

    Notes
    -----
    Parts `stages`, `hidden`, `classes`. Kernels are drawn from He's normal distribution.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> model = CNN(1, 10, (8, 8), rngs=nnx.Rngs(0))
    >>> model(jnp.ones((2, 8, 8, 1))).shape
    (2, 10)
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        size: tuple[int, int],
        *,
        widths: Sequence[int] = (32, 64),
        hidden: int = 128,
        dropout: float = 0.3,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        rows, cols = (n // 2 ** len(widths) for n in check.per_axis("size", size, 2))
        if not rows or not cols:
            raise ValueError(f"`size` {tuple(size)} is too small for {len(widths)} poolings; use fewer `widths`")
        init = initializers.he_normal()
        self.stages = nnx.List()
        for width in widths:
            first = Conv(in_features, width, (3, 3), algorithm=algorithm, kernel_init=init, rngs=rngs)
            second = Conv(width, width, (3, 3), algorithm=algorithm, kernel_init=init, rngs=rngs)
            self.stages.append(nnx.List([first, second]))
            in_features = width
        self.hidden = nnx.Linear(rows * cols * in_features, hidden, kernel_init=init, rngs=rngs)
        self.dropout = nnx.Dropout(dropout)
        self.classes = nnx.Linear(hidden, classes, rngs=rngs)

    def __call__(self, images: jax.Array, *, key: jax.Array | None = None) -> jax.Array:
        """Return logits (N, classes) of images (N, H, W, in_features); a random `key` turns dropout on."""
        x = images
        for stage in self.stages:
            for conv in stage:
                x = nnx.relu(conv(x))
            x = max_pool(x, (2, 2), 2)
        x = nnx.relu(self.hidden(x.reshape(len(x), -1)))
        if key is None:
            x = self.dropout(x, deterministic=True)
        else:
            x = self.dropout(x, deterministic=False, rngs=nnx.Rngs(key))
        return self.classes(x)
