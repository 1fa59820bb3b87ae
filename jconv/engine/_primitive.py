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
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine import _internals as internals
from jconv.engine._canonical import compute_dtype, crops_and_padding
from jconv.engine._planner import AUTO, Policy, run_problem
from jconv.engine._problem import Problem, dilated
from jconv.engine.algorithms._parts import products

WORTH_HOLDING = 1 << 14
"""Elements from which an array is brought into memory before it is transposed."""


@dataclasses.dataclass(frozen=True)
class Window:
    """The static part of a canonical convolution; `padding` may be negative until it is bound."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    groups: int

    @classmethod
    def of(cls, problem: Problem) -> Window:
        """The window of a canonical problem."""
        return cls(problem.strides, problem.padding, problem.lhs_dilation, problem.rhs_dilation, problem.groups)


def convolve(lhs, rhs, window: Window, *, precision="default", out_dtype=None, policy: Policy = AUTO) -> jax.Array:
    """Canonical convolution (see `jconv.engine._problem`) under every transformation of JAX."""
    lhs, rhs = jnp.asarray(lhs), jnp.asarray(rhs)
    out_dtype = np.dtype(out_dtype or jnp.promote_types(lhs.dtype, rhs.dtype))
    if is_left_to_lax(lhs, rhs):
        return _by_lax(lhs, rhs, window, precision, out_dtype, policy)
    space = [
        max(0, (dilated(n, l) + sum(pair) - dilated(k, d)) // s + 1)
        for n, l, pair, k, d, s in zip(
            lhs.shape[1:-1], window.lhs_dilation, window.padding, rhs.shape[:-2], window.rhs_dilation, window.strides
        )
    ]
    crops, padding = crops_and_padding(window.padding, window.lhs_dilation, lhs.shape[1:-1])
    lhs = lhs[(slice(None), *(slice(*crop) for crop in crops), slice(None))]
    shape = (lhs.shape[0], *space, rhs.shape[-1])
    if 0 in lhs.shape or 0 in rhs.shape or 0 in shape:
        return jnp.zeros(shape, out_dtype)  # nothing is summed, or all of the input was cropped
    # One sample, or one tap, has no distance to the next.
    window = Window(
        window.strides,
        padding,
        tuple(1 if n == 1 else l for n, l in zip(lhs.shape[1:-1], window.lhs_dilation)),
        tuple(1 if k == 1 else d for k, d in zip(rhs.shape[:-2], window.rhs_dilation)),
        window.groups,
    )
    return _bind(lhs, rhs, window=window, precision=precision, out_dtype=out_dtype, policy=policy)


def is_left_to_lax(*arrays) -> bool:
    """Whether a size is a variable of `jax.export`, or the type of an array names mesh axes (explicit sharding).

    lax's own convolution has the rules for both. `accelerate()` plans what explicit sharding leaves to each program.
    """
    return internals.is_symbolic(*arrays) or internals.is_explicitly_sharded(*arrays)


def _by_lax(lhs, rhs, window: Window, precision, out_dtype, policy: Policy):
    policy.must_leave_to_lax()
    spatial = "DHWABEFG"[: len(window.strides)]
    return lax.conv_general_dilated(
        lhs,
        rhs,
        window.strides,
        window.padding,
        window.lhs_dilation,
        window.rhs_dilation,
        (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
        window.groups,
        precision=products.precision(precision),
        preferred_element_type=out_dtype,
    )


def _problem(lhs, rhs, window: Window, dtype, **facts) -> Problem:
    return Problem(
        lhs_shape=tuple(lhs.shape),
        rhs_shape=tuple(rhs.shape),
        strides=window.strides,
        padding=window.padding,
        lhs_dilation=window.lhs_dilation,
        rhs_dilation=window.rhs_dilation,
        groups=window.groups,
        dtype=str(np.dtype(dtype)),
        **facts,
    )


def _shape_and_dtype(lhs, rhs, *, window, out_dtype, **_):
    return _problem(lhs, rhs, window, out_dtype).out_shape, out_dtype


def _run(lhs, rhs, *, window, precision, out_dtype, policy, platform, portable):
    dtype = compute_dtype(str(jnp.promote_types(jnp.promote_types(lhs.dtype, rhs.dtype), out_dtype)), platform)
    facts = {"precision": precision, "platform": platform, "portable": portable, "free_borders": policy.free_borders}
    problem = _problem(lhs, rhs, window, dtype, **facts)
    return run_problem(problem, lhs.astype(dtype), rhs.astype(dtype), policy).astype(out_dtype)


def _input_adjoint(window: Window, space, taps, out_space) -> Window:
    padding = []
    for n, k, o, s, (lo, _), l, d in zip(
        space, taps, out_space, window.strides, window.padding, window.lhs_dilation, window.rhs_dilation, strict=True
    ):
        before = dilated(k, d) - lo - 1
        padding.append((before, dilated(n, l) + dilated(k, d) - 1 - dilated(o, s) - before))
    return Window(window.lhs_dilation, tuple(padding), window.strides, window.rhs_dilation, window.groups)


def _kernel_adjoint(window: Window, space, taps, out_space) -> Window:
    padding = []
    for n, k, o, s, (lo, _), l, d in zip(
        space, taps, out_space, window.strides, window.padding, window.lhs_dilation, window.rhs_dilation, strict=True
    ):
        padding.append((lo, dilated(o, s) - dilated(n, l) + dilated(k, d) - lo - 1))
    return Window(window.rhs_dilation, tuple(padding), window.lhs_dilation, window.strides, window.groups)


def _held(array: jax.Array) -> jax.Array:
    """Kept from being fused into the transposition that follows: alone, XLA does that several times faster."""
    return lax.optimization_barrier(array) if array.size >= WORTH_HOLDING else array


def _transpose_lhs(ct, lhs, rhs, *, window: Window, precision, out_dtype, policy):
    del out_dtype
    *taps, inputs, outputs = rhs.shape
    groups = window.groups
    on_cpu = jax.default_backend() == "cpu"
    reverse = functools.partial(jnp.flip, axis=tuple(range(len(taps))))
    grouped = (_held(reverse(rhs)) if on_cpu else rhs).reshape(*taps, inputs, groups, outputs // groups)
    kernel = jnp.swapaxes(grouped, -1, -3).reshape(*taps, outputs // groups, groups * inputs)
    if not on_cpu:  # XLA:GPU finds cuDNN's input gradient by a kernel that is reversed last
        kernel = reverse(kernel)
    adjoint = _input_adjoint(window, lhs.shape[1:-1], taps, ct.shape[1:-1])
    return convolve(ct, kernel, adjoint, precision=precision, out_dtype=lhs.dtype, policy=policy.for_gradient())


def _transpose_rhs(ct, lhs, rhs, *, window: Window, precision, out_dtype, policy):
    del out_dtype
    batch, *space, channels = lhs.shape
    groups = window.groups
    grouped = lhs.reshape(batch, *space, groups, channels // groups)
    image = jnp.transpose(grouped, (grouped.ndim - 1, *range(1, grouped.ndim - 2), grouped.ndim - 2, 0))
    image = image.reshape(channels // groups, *space, groups * batch)
    adjoint = _kernel_adjoint(window, space, rhs.shape[:-2], ct.shape[1:-1])
    kernel = jnp.moveaxis(ct, 0, -2)
    out = convolve(image, kernel, adjoint, precision=precision, out_dtype=rhs.dtype, policy=policy.for_gradient())
    return jnp.moveaxis(out, 0, -2)


def input_gradient_problem(problem: Problem) -> Problem:
    """The problem that the adjoint in the input of a problem poses."""
    kernel = (*problem.taps, problem.multiplier, problem.groups * problem.in_channels)
    adjoint = _input_adjoint(Window.of(problem), problem.space, problem.taps, problem.out_space)
    return _cropped(problem, problem.out_shape, kernel, adjoint)


def kernel_gradient_problem(problem: Problem) -> Problem:
    """The problem that the adjoint in the kernel of a problem poses."""
    image = (problem.in_channels, *problem.space, problem.groups * problem.batch)
    kernel = (*problem.out_space, problem.batch, problem.out_channels)
    adjoint = _kernel_adjoint(Window.of(problem), problem.space, problem.taps, problem.out_space)
    return _cropped(problem, image, kernel, adjoint)


def _cropped(problem: Problem, lhs_shape, rhs_shape, window: Window) -> Problem:
    crops, padding = crops_and_padding(window.padding, window.lhs_dilation, lhs_shape[1:-1])
    return problem.replace(
        lhs_shape=(lhs_shape[0], *(stop - start for start, stop in crops), lhs_shape[-1]),
        rhs_shape=tuple(rhs_shape),
        strides=window.strides,
        padding=padding,
        lhs_dilation=window.lhs_dilation,
        rhs_dilation=window.rhs_dilation,
    )


def _batch(args, axes, *, window: Window, **params):
    """A mapped input joins the batch, a mapped kernel the output channels; where both are mapped, groups."""
    (lhs, rhs), (lhs_axis, rhs_axis) = args, axes
    if rhs_axis is None:
        lhs = jnp.moveaxis(lhs, lhs_axis, 0)
        out = convolve(lhs.reshape(-1, *lhs.shape[2:]), rhs, window, **params)
        return out.reshape(*lhs.shape[:2], *out.shape[1:]), 0
    size = rhs.shape[rhs_axis]
    rhs = jnp.moveaxis(rhs, rhs_axis, -2)
    groups = window.groups
    if lhs_axis is None:
        grouped = rhs.reshape(*rhs.shape[:-1], groups, -1)
        grouped = jnp.swapaxes(grouped, -3, -2)
        out = convolve(lhs, grouped.reshape(*rhs.shape[:-2], -1), window, **params)
        return out.reshape(*out.shape[:-1], groups, size, -1).swapaxes(-3, -2).reshape(
            *out.shape[:-1], size, -1
        ), out.ndim - 1
    lhs = jnp.moveaxis(lhs, lhs_axis, -2)
    window = dataclasses.replace(window, groups=size * groups)
    out = convolve(lhs.reshape(*lhs.shape[:-2], -1), rhs.reshape(*rhs.shape[:-2], -1), window, **params)
    return out.reshape(*out.shape[:-1], size, -1), out.ndim - 1


_bind = internals.bilinear_primitive(
    "jconv",
    shape_and_dtype=_shape_and_dtype,
    run=_run,
    transpose_lhs=_transpose_lhs,
    transpose_rhs=_transpose_rhs,
    batch=_batch,
)
