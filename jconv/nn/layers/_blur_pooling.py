"""Subsampling after a low-pass: pooling that hardly changes when its input is shifted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv._core import boundary, check
from jconv.engine import Plan, conv_general_dilated
from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers import _padding as pad

_MODES = {"reflect": "symmetric", "constant": "constant", "nearest": "edge", "mirror": "reflect", "wrap": "wrap"}
"""SciPy's names of the boundary rules, and those of `jconv._core.boundary`."""


def blur_pool(
    inputs: ArrayLike,
    size: int = 3,
    strides: int | Sequence[int] = 2,
    mode: str = "reflect",
    cval: float = 0.0,
    *,
    rank: int = 2,
    padding: pad.Padding | None = None,
    algorithm: str | Plan = "auto",
) -> jax.Array:
    r"""Subsample after a binomial low-pass, as `jconv.ndimage.blur_pool` along the spatial axes.

    .. math:: y[n] = \sum_u 2^{1 - k} \binom{k - 1}{u}\; x[s\, n + u - p]

    along each axis, for each channel by itself.

    Parameters
    ----------
    inputs : array (…, *space, C)
        Pictures, or arrays of any other rank.
    size : int
        Taps k of the binomial kernel; 1 only subsamples. Default 3.
    strides : int or sequence of int
        s, one for all `rank` spatial axes, or one for each. Default 2.
    mode : "reflect", "constant", "nearest", "mirror" or "wrap"
        SciPy's boundary rule, with p = (k − 1) // 2 samples before an axis. Default "reflect", which repeats the
        last sample; "mirror" does not.
    cval : float
        The value outside with mode="constant". Default 0.
    rank : int
        Spatial axes where `strides` is one integer. Default 2.
    padding : as in `jconv.nn.Conv`, optional
        Instead of `mode`, with the layers' words: "REFLECT" is SciPy's "mirror".
    algorithm : str or Plan
        As in `jconv.conv_general_dilated`. Default "auto".

    Returns
    -------
    array (…, *out, C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit, or the kernel reaches over the padded input.

    Notes
    -----
    One convolution for each axis; a NaN reaches no further than the kernel. The gradient is the adjoint. Source: Zhang,
    "Making convolutional networks shift-invariant again" (2019), whose `BlurPool` this is with mode="mirror".

    Examples
    --------
    >>> blur_pool(jnp.arange(8.0).reshape(1, 8, 1), rank=1)[0, :, 0]
    Array([0.25, 2.  , 4.  , 6.  ], dtype=float...)
    >>> blur_pool(jnp.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """
    inputs, size = _dtypes.to_floating(jnp.asarray(inputs)), check.positive_int("size", size)
    rank = check.positive_int("rank", rank)
    if not hasattr(strides, "__index__"):
        rank = len(_layer.each_axis("strides", strides))  # type: ignore[arg-type]
    strides = _layer.sizes("strides", strides, rank)
    _layer.check_rank(inputs, rank)
    check.choice("mode", mode, _MODES)
    if padding is not None and (mode != "reflect" or cval):
        raise ValueError(f"`padding` and `mode` exclude each other, got {padding!r} and {mode!r}; leave one out")
    channels = inputs.shape[-1]
    taps = jnp.asarray([math.comb(size - 1, u) / 2 ** (size - 1) for u in range(size)], inputs.dtype)
    axes = [pad.Axis(size, s) for s in strides]

    def extend(x: jax.Array) -> tuple[jax.Array, Sequence[pad.Pair]]:
        if padding is not None:
            return pad.extend(x, pad.canonicalize(padding, rank), axes)
        widths = [(0, 0), *[((size - 1) // 2, size // 2)] * rank, (0, 0)]
        return boundary.pad(x, widths, _MODES[mode], cval), [(0, 0)] * rank

    def run(x: jax.Array) -> jax.Array:
        x, zeros = extend(x)
        _layer.check_reach(x.shape[1:-1], zeros, axes)
        for i, stride in enumerate(strides):
            only = lambda value, other: [value if j == i else other for j in range(rank)]  # noqa: B023
            x = conv_general_dilated(
                x,
                jnp.broadcast_to(taps.reshape(*only(size, 1), 1, 1), (*only(size, 1), 1, channels)),
                only(stride, 1),
                only(zeros[i], (0, 0)),
                dimension_numbers=_layer.channels_last(rank),
                feature_group_count=channels,
                algorithm=algorithm,
                finite_only=False,
            )
        return x

    return _layer.map_batch(run, inputs, rank)
