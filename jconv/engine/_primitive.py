"""The convolution of the engine: one bilinear primitive, differentiated and batched once, above all algorithms.

A convolution is linear in its input and in its kernel, so its JVP is two convolutions; and both of its adjoints are
convolutions again. With y[o] = Σ_k x[s·o + d·k − p] w[k] (x zero-stuffed by L, channels left out):

    adjoint in x:  x̄[i] = Σ_k ȳ[(i·L + p − d·k) / s] w[k]
        the input is ȳ, zero-stuffed by s; strides L; the kernel reversed, its input and output channels exchanged;
    adjoint in w:  w̄[k] = Σ_o x[s·o + d·k − p] ȳ[o]
        the kernel is ȳ, its taps s apart; strides d; channels of the input become its batch, and the batch is summed.

Each is handed to the planner as a problem of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike, DTypeLike

from jconv._core import jax_internals as internals
from jconv.engine._canonical import crop, cropped_shape
from jconv.engine._planner import default_planner
from jconv.engine._policy import AUTO, Policy
from jconv.engine._problem import Geometry, Problem, compute_dtype, dilated
from jconv.engine._separable_kernel import SeparableKernel
from jconv.engine.algorithms._parts import products

WORTH_STORING = 1 << 14
"""Elements from which an array is stored in memory before it is transposed."""


def convolve(
    lhs: ArrayLike,
    rhs: ArrayLike,
    geometry: Geometry,
    *,
    precision: str = "default",
    out_dtype: DTypeLike | None = None,
    policy: Policy = AUTO,
    separable: SeparableKernel | None = None,
) -> jax.Array:
    """Canonical convolution (see `jconv.engine._problem`) under every transformation of JAX.

    The padding of `geometry` may be negative. `separable` holds the numbers of `rhs`, where they are known.
    """
    lhs, rhs = jnp.asarray(lhs), jnp.asarray(rhs)
    out_dtype = np.dtype(out_dtype or jnp.promote_types(lhs.dtype, rhs.dtype))
    if is_left_to_lax(lhs, rhs):
        return _convolve_by_lax(lhs, rhs, geometry, precision, out_dtype, policy)
    shape = (lhs.shape[0], *geometry.out_space(lhs.shape[1:-1], rhs.shape[:-2]), rhs.shape[-1])
    crops, geometry = geometry.cropped(lhs.shape[1:-1], rhs.shape[:-2])
    lhs = crop(lhs, crops)
    if 0 in lhs.shape or 0 in rhs.shape or 0 in shape:
        return jnp.zeros(shape, out_dtype)  # nothing is summed, or all of the input was cropped
    policy = policy.checked(geometry, lhs.shape, rhs.shape).resolved(lhs.shape[-1], rhs.shape[-1])
    return _bind(
        lhs, rhs, geometry=geometry, precision=precision, out_dtype=out_dtype, policy=policy, separable=separable
    )


def is_left_to_lax(*arrays: jax.Array) -> bool:
    """Whether a size is a variable of `jax.export`, or the type of an array names mesh axes (explicit sharding).

    lax's own convolution has the rules for both. `accelerate()` plans what explicit sharding leaves to each program.
    """
    return internals.is_symbolic(*arrays) or internals.is_explicitly_sharded(*arrays)


def _convolve_by_lax(
    lhs: jax.Array, rhs: jax.Array, geometry: Geometry, precision: str, out_dtype: np.dtype, policy: Policy
) -> jax.Array:
    policy.require_lax()
    spatial = "DHWABEFG"[: len(geometry.strides)]
    return lax.conv_general_dilated(
        lhs,
        rhs,
        geometry.strides,
        geometry.padding,
        geometry.lhs_dilation,
        geometry.rhs_dilation,
        (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
        geometry.groups,
        precision=products.precision(precision),
        preferred_element_type=out_dtype,
    )


def _shape_and_dtype(
    lhs: jax.Array, rhs: jax.Array, *, geometry: Geometry, out_dtype: np.dtype, **_: Any
) -> tuple[tuple[int, ...], np.dtype]:
    return (lhs.shape[0], *geometry.out_space(lhs.shape[1:-1], rhs.shape[:-2]), rhs.shape[-1]), out_dtype


def _run(
    lhs: jax.Array,
    rhs: jax.Array,
    *,
    geometry: Geometry,
    precision: str,
    out_dtype: np.dtype,
    policy: Policy,
    separable: SeparableKernel | None,
    platform: str,
    portable: bool,
    partitioned: bool,
) -> jax.Array:
    """Solve the problem; traced while a program is lowered for a platform."""
    planner = default_planner()
    dtype = compute_dtype(str(jnp.promote_types(jnp.promote_types(lhs.dtype, rhs.dtype), out_dtype)), platform)
    problem = Problem(
        geometry,
        lhs.shape,
        rhs.shape,
        dtype,
        precision,
        planner.target(platform, portable, partitioned),
        policy.free_borders,
        separable,
    )
    return planner.solve(problem, lhs.astype(dtype), rhs.astype(dtype), policy).astype(out_dtype)


def _input_adjoint(geometry: Geometry, space: Sequence[int], taps: Sequence[int], out_space: Sequence[int]) -> Geometry:
    padding = []
    for n, k, o, s, (lo, _), l, d in zip(
        space,
        taps,
        out_space,
        geometry.strides,
        geometry.padding,
        geometry.lhs_dilation,
        geometry.rhs_dilation,
        strict=True,
    ):
        before = dilated(k, d) - lo - 1
        padding.append((before, dilated(n, l) + dilated(k, d) - 1 - dilated(o, s) - before))
    return Geometry(geometry.lhs_dilation, tuple(padding), geometry.strides, geometry.rhs_dilation, geometry.groups)


def _kernel_adjoint(
    geometry: Geometry, space: Sequence[int], taps: Sequence[int], out_space: Sequence[int]
) -> Geometry:
    padding = []
    for n, k, o, s, (lo, _), l, d in zip(
        space,
        taps,
        out_space,
        geometry.strides,
        geometry.padding,
        geometry.lhs_dilation,
        geometry.rhs_dilation,
        strict=True,
    ):
        padding.append((lo, dilated(o, s) - dilated(n, l) + dilated(k, d) - lo - 1))
    return Geometry(geometry.rhs_dilation, tuple(padding), geometry.lhs_dilation, geometry.strides, geometry.groups)


def _store(array: jax.Array) -> jax.Array:
    """Store a large array in memory before it is transposed.

    XLA transposes a stored array several times faster than one that it fuses into the transposition (a measurement of
    November 2026 on two Zen cores, JAX 0.12; JAX 0.10 drops the barrier).
    """
    return lax.optimization_barrier(array) if array.size >= WORTH_STORING else array


def _transpose_lhs(
    ct: jax.Array,
    lhs: Any,
    rhs: jax.Array,
    *,
    geometry: Geometry,
    precision: str,
    out_dtype: np.dtype,
    policy: Policy,
    separable: SeparableKernel | None,
) -> jax.Array:
    del out_dtype
    *taps, inputs, outputs = rhs.shape
    groups = geometry.groups
    grouped = _store(rhs).reshape(*taps, inputs, groups, outputs // groups)
    kernel = jnp.swapaxes(grouped, -1, -3).reshape(*taps, outputs // groups, groups * inputs)
    # The reversal comes last: by it XLA:GPU finds cuDNN's input gradient.
    kernel = jnp.flip(_store(kernel), axis=tuple(range(len(taps))))
    adjoint = _input_adjoint(geometry, lhs.shape[1:-1], taps, ct.shape[1:-1])
    return convolve(
        ct,
        kernel,
        adjoint,
        precision=precision,
        out_dtype=lhs.dtype,
        policy=policy.for_gradient(),
        separable=separable.reversed() if separable is not None else None,
    )


def _transpose_rhs(
    ct: jax.Array,
    lhs: jax.Array,
    rhs: Any,
    *,
    geometry: Geometry,
    precision: str,
    out_dtype: np.dtype,
    policy: Policy,
    separable: SeparableKernel | None,
) -> jax.Array:
    del out_dtype, separable
    batch, *space, channels = lhs.shape
    groups = geometry.groups
    grouped = lhs.reshape(batch, *space, groups, channels // groups)
    image = jnp.transpose(grouped, (grouped.ndim - 1, *range(1, grouped.ndim - 2), grouped.ndim - 2, 0))
    image = image.reshape(channels // groups, *space, groups * batch)
    adjoint = _kernel_adjoint(geometry, space, rhs.shape[:-2], ct.shape[1:-1])
    kernel = jnp.moveaxis(ct, 0, -2)
    out = convolve(
        image, kernel, adjoint, precision=precision, out_dtype=rhs.dtype, policy=policy.for_kernel_gradient()
    )
    return jnp.moveaxis(out, 0, -2)


def input_gradient_problem(problem: Problem) -> Problem:
    """Return the problem that the adjoint in the input of a problem poses."""
    kernel = (*problem.taps, problem.multiplier, problem.groups * problem.in_channels)
    adjoint = _input_adjoint(problem.geometry, problem.space, problem.taps, problem.out_space)
    separable = problem.separable.reversed() if problem.separable is not None else None
    return dataclasses.replace(_adjoint_problem(problem, problem.out_shape, kernel, adjoint), separable=separable)


def kernel_gradient_problem(problem: Problem) -> Problem:
    """Return the problem that the adjoint in the kernel of a problem poses."""
    image = (problem.in_channels, *problem.space, problem.groups * problem.batch)
    kernel = (*problem.out_space, problem.batch, problem.out_channels)
    adjoint = _kernel_adjoint(problem.geometry, problem.space, problem.taps, problem.out_space)
    return _adjoint_problem(problem, image, kernel, adjoint)


def _adjoint_problem(
    problem: Problem, lhs_shape: tuple[int, ...], rhs_shape: tuple[int, ...], geometry: Geometry
) -> Problem:
    crops, geometry = geometry.cropped(lhs_shape[1:-1], rhs_shape[:-2])
    return problem.replace(geometry=geometry, lhs_shape=cropped_shape(lhs_shape, crops), rhs_shape=rhs_shape)


def _batch(
    args: tuple[jax.Array, jax.Array], axes: tuple[int | None, int | None], *, geometry: Geometry, **params: Any
) -> tuple[jax.Array, int]:
    """Batch: a mapped input joins the batch, a mapped kernel the output channels; where both are mapped, groups."""
    (lhs, rhs), (lhs_axis, rhs_axis) = args, axes
    if rhs_axis is None:
        assert lhs_axis is not None
        lhs = jnp.moveaxis(lhs, lhs_axis, 0)
        out = convolve(lhs.reshape(-1, *lhs.shape[2:]), rhs, geometry, **params)
        return out.reshape(*lhs.shape[:2], *out.shape[1:]), 0
    params["separable"] = None  # it belongs to one kernel
    size = rhs.shape[rhs_axis]
    rhs = jnp.moveaxis(rhs, rhs_axis, -2)
    groups = geometry.groups
    if lhs_axis is None:
        grouped = jnp.swapaxes(rhs.reshape(*rhs.shape[:-1], groups, -1), -3, -2)
        out = convolve(lhs, grouped.reshape(*rhs.shape[:-2], -1), geometry, **params)
        grouped = out.reshape(*out.shape[:-1], groups, size, -1)
        return jnp.swapaxes(grouped, -3, -2).reshape(*out.shape[:-1], size, -1), out.ndim - 1
    lhs = jnp.moveaxis(lhs, lhs_axis, -2)
    geometry = dataclasses.replace(geometry, groups=size * groups)
    out = convolve(lhs.reshape(*lhs.shape[:-2], -1), rhs.reshape(*rhs.shape[:-2], -1), geometry, **params)
    return out.reshape(*out.shape[:-1], size, -1), out.ndim - 1


PRIMITIVE = "jconv_convolution"
"""The name of the engine's one operation in a traced program; its parameter `geometry` says which windows it reads."""

_bind = internals.bilinear_operation(
    PRIMITIVE,
    shape_and_dtype=_shape_and_dtype,
    run=_run,
    transpose_lhs=_transpose_lhs,
    transpose_rhs=_transpose_rhs,
    batch=_batch,
)
