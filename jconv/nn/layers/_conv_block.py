"""Convolution, normalisation, ReLU: the block of networks on pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.engine import Plan
from jconv.nn.layers import _dtypes
from jconv.nn.layers._conv import Conv

NORMS = ("group", "batch", "none")
_INIT = initializers.he_normal()


class ConvBlock(nnx.Module):
    r"""Apply a convolution, a normalisation and a ReLU.

    .. math:: y = \max(0, \mathrm{norm}(k \star x))

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    norm : "group", "batch" or "none"
        Flax's `GroupNorm` (groups of about 8 channels, so that a picture does not depend on its batch), its
        `BatchNorm`, or a bias alone. Default "group".
    algorithm : str or Plan
        As in `jconv.nn.Conv`. Default "auto".
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; when `norm` is another word.

    Notes
    -----
    Parts `conv` and `norm`. The kernel is drawn from He's normal distribution. The gradients are those of the formula.

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
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        norm: str = "group",
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
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
        self.norm = _make_norm(norm, out_features, rngs)

    @_dtypes.with_standard_promotion
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Apply the block to `x` (N, *space, in_features); with `train`, a "batch" norm uses the batch's statistics."""
        x = self.conv(x)
        if isinstance(self.norm, nnx.BatchNorm):
            x = self.norm(x, use_running_average=not train)
        elif self.norm is not None:
            x = self.norm(x)
        return nnx.relu(x)


def _make_norm(name: str, features: int, rngs: nnx.Rngs) -> nnx.Module | None:
    if name == "group":
        return nnx.GroupNorm(features, num_groups=_count_groups(features), rngs=rngs)
    return nnx.BatchNorm(features, momentum=0.9, rngs=rngs) if name == "batch" else None


def _count_groups(features: int) -> int:
    """Return the number of groups that divides the channels into eights, or nearly so.

    >>> [_count_groups(n) for n in (3, 8, 12, 64)]
    [1, 1, 1, 8]
    """
    return math.gcd(features, max(1, features // 8))
