"""Convolution, normalisation, ReLU: what networks on pictures are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.nn.layers._conv import Conv

NORMS = ("group", "batch", "none")
_INIT = initializers.he_normal()


class ConvBlock(nnx.Module):
    r"""A convolution, a normalisation and a ReLU, :math:`y = \max(0, \mathrm{norm}(k \star x))`.

    Parameters
    ----------
    in_features, out_features : int
    kernel_size, strides : sequence of int
        One for each spatial axis.
    norm : "group", "batch" or "none"
        Flax's `GroupNorm` (groups of about 8 channels, so that a picture does not depend on its batch), its
        `BatchNorm`, or a bias alone.
    algorithm : str
        Handed to `Conv`.
    rngs : nnx.Rngs

    Raises
    ------
    ValueError, TypeError
        As `Conv`; when `norm` is none of these.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> ConvBlock(3, 8, (3, 3), (2, 2), rngs=nnx.Rngs(0))(jnp.ones((1, 6, 6, 3))).shape
    (1, 3, 3, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        norm: str = "group",
        algorithm: str = "auto",
        rngs: nnx.Rngs,
    ):
        check.choice("norm", norm, NORMS)
        self.conv = Conv(
            in_features,
            out_features,
            kernel_size,
            strides,
            use_bias=norm == "none",
            kernel_init=_INIT,
            algorithm=algorithm,
            rngs=rngs,
        )
        self.norm = _norm(norm, out_features, rngs)

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """`x` of shape (N, ..., in_features); `train` normalises by the batch where `norm` is "batch"."""
        x = self.conv(x)
        if isinstance(self.norm, nnx.BatchNorm):
            x = self.norm(x, use_running_average=not train)
        elif self.norm is not None:
            x = self.norm(x)
        return nnx.relu(x)


def _norm(name: str, features: int, rngs: nnx.Rngs) -> nnx.Module | None:
    if name == "group":
        return nnx.GroupNorm(features, num_groups=_groups(features), rngs=rngs)
    return nnx.BatchNorm(features, momentum=0.9, rngs=rngs) if name == "batch" else None


def _groups(features: int) -> int:
    """As many groups as divide the channels into eights, or nearly so.

    >>> [_groups(n) for n in (3, 8, 12, 64)]
    [1, 1, 1, 8]
    """
    return math.gcd(features, max(1, features // 8))
