"""Helpers that the layers share: sizes for each axis, features in groups, and batches of any shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from flax import nnx
from flax.nnx.nn import initializers
from jax.typing import ArrayLike, DTypeLike

from jconv._core import check
from jconv.nn.layers import _dtypes
from jconv.nn.layers._padding import Axis

Sizes = int | Sequence[int]
Initializer = Callable[..., jax.Array]
"""(key, shape, dtype) -> array."""

KERNEL_INIT = initializers.lecun_normal()
BIAS_INIT = initializers.zeros_init()  # both are Flax's defaults


def kernel_sizes(kernel_size: Sizes) -> tuple[int, ...]:
    """Return the taps of each axis; an integer is one axis, as in Flax."""
    sizes = (kernel_size,) if hasattr(kernel_size, "__index__") else tuple(kernel_size)  # type: ignore[arg-type]
    if not sizes:
        raise ValueError("`kernel_size` must have at least one axis, got (); pass (3, 3) for a picture")
    return tuple(check.positive_int("kernel_size", k) for k in sizes)


def sizes(name: str, value: Sizes | None, rank: int) -> tuple[int, ...]:
    """Return one positive integer for each axis; None is 1, as in Flax."""
    return tuple(check.positive_int(name, v) for v in check.per_axis(name, 1 if value is None else value, rank))


def each_axis(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Return positive integers whose count is the number of axes; raise a TypeError for a lone integer."""
    if hasattr(value, "__index__"):
        raise TypeError(f"`{name}` must hold one number for each axis, got {value!r}; pass ({value},) for one axis")
    numbers = tuple(check.positive_int(name, v) for v in value)
    if not numbers:
        raise ValueError(f"`{name}` must hold one number for each axis, got (); pass two for a picture")
    return numbers


def check_features(in_features: int, out_features: int) -> tuple[int, int]:
    """Return the channels of input and output, each at least 1."""
    return check.positive_int("in_features", in_features), check.positive_int("out_features", out_features)


def split_features(name: str, features: int, groups: int) -> int:
    """Return `features // groups`, or raise a ValueError where it leaves a remainder."""
    if features % groups:
        raise ValueError(f"`feature_group_count` must divide `{name}`, got {groups} for {features} features")
    return features // groups


def parameter(
    init: Initializer, rngs: nnx.Rngs, shape: Sequence[int], dtype: DTypeLike, metadata: Mapping[str, Any] | None = None
) -> nnx.Param:
    """Draw a parameter with the next key of the stream `params`."""
    return nnx.Param(init(rngs.params(), tuple(shape), dtype), **(metadata or {}))


def check_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> jax.Array | None:
    """Return `mask`, or raise a ValueError unless it has the shape of the kernel."""
    if mask is not None and getattr(mask, "shape", ()) != shape:
        raise ValueError(f"`mask` must have the shape of the kernel, {shape}, got {getattr(mask, 'shape', ())}")
    return mask  # type: ignore[return-value]


def apply_mask(kernel: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Multiply the kernel with the mask, where there is one; the product has the dtype of the promoted pair."""
    if mask is None:
        return kernel
    dtype = _dtypes.promote(kernel.dtype, mask.dtype)
    return kernel.astype(dtype) * mask.astype(dtype)


def add_bias(outputs: jax.Array, bias: jax.Array | None) -> jax.Array:
    """Add a bias to the last axes of `outputs`; ranks and dtypes are matched explicitly."""
    if bias is None:
        return outputs
    dtype = _dtypes.promote(outputs.dtype, bias.dtype)
    return outputs.astype(dtype) + align(bias, outputs.ndim).astype(dtype)


def align(array: jax.Array, ndim: int) -> jax.Array:
    """Prepend axes of length 1 up to `ndim`: broadcasting that `jax_numpy_rank_promotion="raise"` admits."""
    return array.reshape((1,) * (ndim - array.ndim) + array.shape)


def check_inputs(inputs: jax.Array, rank: int, features: int) -> None:
    """Raise a ValueError unless `inputs` has shape (…, *space, features)."""
    if inputs.ndim < rank + 1 or inputs.shape[-1] != features:
        space = {1: "W", 2: "H, W", 3: "D, H, W"}.get(rank, f"{rank} spatial axes")
        raise ValueError(
            f"`inputs` must have shape (..., {space}, {features}), got {inputs.shape}; channels stand on the last axis"
        )


def check_rank(inputs: jax.Array, rank: int) -> None:
    """Raise a ValueError unless `inputs` has `rank` spatial axes and a channel axis."""
    if inputs.ndim < rank + 1:
        raise ValueError(f"`inputs` must have {rank} spatial axes and a channel axis, got shape {inputs.shape}")


def map_batch(function: Callable[[jax.Array], jax.Array], inputs: jax.Array, rank: int) -> jax.Array:
    """Apply a function of (N, *space, C) to an array with any number of leading axes, also none."""
    batch = inputs.shape[: inputs.ndim - rank - 1]
    outputs = function(inputs.reshape(math.prod(batch), *inputs.shape[len(batch) :]))
    return outputs.reshape(*batch, *outputs.shape[1:])


def channels_last(rank: int) -> tuple[str, str, str]:
    """Return the dimension numbers (N, *space, C), (*taps, I, O), (N, *space, C)."""
    space = "DHW"[-rank:] if rank <= 3 else "".join(str(i) for i in range(rank))
    return f"N{space}C", f"{space}IO", f"N{space}C"


def check_reach(space: Sequence[int], widths: Sequence[tuple[int, int]], axes: Sequence[Axis]) -> None:
    """Raise a ValueError where a kernel is larger than the padded input, which would leave nothing."""
    for size, pair, axis in zip(space, widths, axes, strict=True):
        stuffed = max(size - 1, 0) * axis.input_dilation + (size > 0)
        if stuffed + sum(pair) < axis.reach:
            raise ValueError(
                f"`kernel_size` {axis.taps} with dilation {axis.dilation} reaches over the padded input, which has "
                f"{stuffed} + {pair[0]} + {pair[1]} samples along an axis; use a smaller kernel or padding='SAME'"
            )
