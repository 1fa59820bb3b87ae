"""What part of its input an output can see: in theory, and in effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jconv._core import check, html
from jconv.nn.analysis._dependence import trace_inputs
from jconv.nn.analysis._intervals import Box, full


class ReceptiveField(NamedTuple):
    """The samples that one position of the output depends on, for each spatial axis."""

    start: tuple[int, ...]
    """The first of them; below zero where padding is read."""
    size: tuple[int, ...]
    """Their number, those between the first and the last included."""
    stride: tuple[int, ...]
    """The distance of the next position's first sample."""

    def _repr_html_(self) -> str:
        rows = [(axis, *row) for axis, row in enumerate(zip(self.start, self.size, self.stride))]
        return html.table(rows, ("axis", "first sample", "size", "stride"))


def receptive_field(
    apply: Callable[[jax.Array], Any], shape: Sequence[int], *, position: Sequence[int] | None = None
) -> ReceptiveField:
    r"""Find the receptive field of a function from images to feature maps, by passing intervals backwards through it.

    A convolution with taps k, stride s, dilation d and padding p reads :math:`[s a - p,\; s b - p + d (k - 1)]` for the
    outputs :math:`[a, b]`; every other operation has its own such rule. Nothing is computed.

    Parameters
    ----------
    apply : callable (N, *space, C) -> (N, *space, C)
        Any function that JAX traces, such as a module in evaluation mode.
    shape : sequence of int
        Of the input.
    position : sequence of int, optional
        Of the output, one for each spatial axis. By default the middle.

    Returns
    -------
    ReceptiveField
        The first sample, the size and the stride along each spatial axis.

    Raises
    ------
    ValueError
        When input or output have no spatial axes, or the position does not fit.

    Notes
    -----
    An upper bound, exact for networks of convolutions, poolings, normalisations in evaluation mode, `upsample` and
    operations on each sample alone. Padding is not cut off. An operation without a rule counts as reading everything:
    so do gathers (`resize`, adaptive pooling to bins of unequal length) and scans (pooling of more than 32 taps along
    an axis). See A. Araujo et al., *Computing receptive fields of convolutional neural networks*, Distill 2019.

    Examples
    --------
    >>> from flax import nnx
    >>> halve = lambda x: nnx.max_pool(x, (3,), strides=(2,))
    >>> receptive_field(lambda x: halve(halve(x)), (1, 32, 1), position=(0,))
    ReceptiveField(start=(0,), size=(7,), stride=(4,))
    """
    shape = tuple(shape)
    traced = jax.make_jaxpr(apply)(jax.ShapeDtypeStruct(shape, jnp.result_type(float)))
    out = traced.out_avals[0].shape if len(traced.out_avals) == 1 else None
    if out is None or len(shape) < 3 or len(out) != len(shape):
        raise ValueError(
            f"`apply` must map one array (N, *space, C) to another of the same rank, got {shape} → "
            f"{[aval.shape for aval in traced.out_avals]}; return the feature map itself"
        )
    space = out[1:-1]
    position = _check_position(space, position)

    def field(at: Sequence[int]) -> Box:
        output = ((0, out[0] - 1), *((p, p) for p in at), (0, out[-1] - 1))
        (box,) = trace_inputs(traced, [output])
        return box if box is not None else full(shape)

    here = field(position)[1:-1]
    strides = []
    for axis in range(len(space)):
        after = field([p + (i == axis) for i, p in enumerate(position)])
        strides.append(after[1 + axis][0] - here[axis][0])
    return ReceptiveField(tuple(lo for lo, _ in here), tuple(hi - lo + 1 for lo, hi in here), tuple(strides))


def effective_receptive_field(
    apply: Callable[[jax.Array], jax.Array], images: jax.Array, *, position: Sequence[int] | None = None
) -> jax.Array:
    r"""Measure how strongly each input sample influences one position of the output, by the gradient.

    .. math:: e[i] = \mathrm{mean}_n \sum_c \Bigl| \frac{\partial}{\partial x_n[i, c]} \sum_f y_n[p, f] \Bigr|

    Parameters
    ----------
    apply : callable (N, *space, C) -> (N, *space, F)
        Any differentiable function, such as a module in evaluation mode.
    images : array (N, *space, C)
        Real images, or noise.
    position : sequence of int, optional
        p. By default the middle of the output.

    Returns
    -------
    array (*space)
        Not negative.

    Raises
    ------
    ValueError
        When the position does not fit.

    Notes
    -----
    Zero outside the `receptive_field`; inside most of it is near zero too, as W. Luo et al. found: *Understanding the
    effective receptive field in deep convolutional neural networks*, NeurIPS 2016.

    Examples
    --------
    >>> from flax import nnx
    >>> blur = lambda x: nnx.avg_pool(x, (2,), padding="SAME")
    >>> effective_receptive_field(blur, jnp.ones((2, 7, 1)))
    Array([0. , 0. , 0. , 0.5, 0.5, 0. , 0. ], dtype=float32)
    """
    space = jax.eval_shape(apply, images).shape[1:-1]
    position = _check_position(space, position)
    gradient = jax.grad(lambda x: apply(x)[:, *position].sum())(images)
    return jnp.abs(gradient).sum(-1).mean(0)


def _check_position(space: tuple[int, ...], position: Sequence[int] | None) -> tuple[int, ...]:
    """Return `position`, by default the middle; raise a ValueError where it lies outside."""
    position = tuple(n // 2 for n in space) if position is None else check.per_axis("position", position, len(space))
    if any(not 0 <= p < n for p, n in zip(position, space)):
        raise ValueError(f"`position` must lie in the output of {space} positions, got {position}")
    return position
