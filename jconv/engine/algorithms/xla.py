"""XLA's own convolution.

On CPU XLA calls a library for dense float convolutions (Eigen; YNNPACK since JAX 0.12, which knows input dilation too),
and runs a plain loop nest for all else: 5 to 100 times slower per operation. The features keep these regimes apart.

On GPU XLA calls cuDNN for floats, knows no other types, and finds a kernel gradient by its batch groups only.

One form aborts the process. Where it pays, XLA's algebraic simplifier swaps input and kernel, and takes an axis with K
taps, input dilation K, stride K − 1 and no padding for a batch axis in disguise, without a look at the input's size: if
that is not K, a check fails (JAX 0.10 to 0.12; `SwapConvOperands`). There one output more is asked for, and cut off.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import jax_internals as internals
from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine._target import LANES

SMALL_TAPS, SMALL_CHANNELS = 7, 32
"""cuDNN has kernels of its own for depthwise layers of at most so many taps an axis, and a multiple of channels."""
FEW_CHANNELS = 4
"""Kernel gradients for fewer images take other code."""


def refusal(problem: Problem) -> str | None:
    if problem.target.platform in ("cpu", "tpu") or problem.dtype.startswith(("float", "bfloat")):
        return None
    return f"XLA convolves no {problem.dtype} on {problem.target.platform}"


def estimate(problem: Problem) -> Estimate:
    # The loop nest does not skip the zeros of a dilated input.
    flops = problem.flops * math.prod(problem.lhs_dilation)
    executed = flops * problem.itemsize / 4
    if problem.target.platform != "cpu":
        return Estimate({"calls": 1.0, f"{_cudnn_regime(problem)}_flops": executed}, flops)
    library = problem.target.machine.library
    work = {
        f"{library}_calls": 1.0,
        f"{library}_{_regime(problem)}_flops": executed,
        f"{library}_groups": float(problem.groups - 1),
        f"{library}_bytes": float(problem.io_bytes),
    }
    return Estimate(work, flops)


def _regime(problem: Problem) -> str:
    """Which of XLA's code paths a problem takes on a CPU, as far as its speed tells."""
    if problem.dtype not in ("float32", "float16"):
        return "loop"
    gradient = _is_gradient(problem)
    dilated = not unit(problem, "lhs_dilation")
    prefix = ("volume_" if problem.ndim == 3 else "") + ("dilated_" if dilated else "")
    if problem.groups > 1:
        return prefix + ("depthwise" if problem.in_channels == 1 else "grouped") + ("_gradient" if gradient else "")
    if gradient:
        return prefix + ("few_gradient" if problem.in_channels < FEW_CHANNELS else "gradient")
    if problem.in_channels * problem.out_channels == 1:
        return prefix + "single"
    if problem.out_channels == 1 and dilated and problem.ndim == 2 and problem.tap_count > 1:
        return "dilated_one_output"
    if min(problem.in_channels, problem.out_channels) < LANES:
        return prefix + "narrow"
    return prefix + ("pointwise" if problem.tap_count == 1 else "dense")


def _cudnn_regime(problem: Problem) -> str:
    """The same for convolutions that mix no channels on a GPU; "mixed" is all else."""
    if problem.dtype != "float32" or problem.ndim == 3 or not unit(problem, "lhs_dilation"):
        return "mixed"
    if problem.groups > 1 and _is_gradient(problem):  # the batch of the forward convolution is summed as channels
        return "depthwise_gradient" if problem.batch == problem.multiplier == 1 else "mixed"
    if problem.in_channels > 1 or _is_gradient(problem):
        return "mixed"
    if problem.groups == 1:
        return "single" if problem.out_channels == 1 else "mixed"
    # cuDNN has kernels for the small ones.
    small = problem.ndim == 2 and max(problem.taps) <= SMALL_TAPS and problem.out_channels % SMALL_CHANNELS == 0
    return "depthwise_small" if small else "depthwise"


def _is_gradient(problem: Problem) -> bool:
    """Whether a problem looks like the adjoint in the kernel: its kernel is an image."""
    return math.prod(problem.out_space) < problem.tap_count


def aborting_axes(problem: Problem) -> tuple[bool, ...]:
    """Which axes XLA's simplifier may mistake for batch axes."""
    return tuple(
        taps == l == s + 1 and d == 1 and pair == (0, 0) and size != taps
        for size, taps, s, pair, l, d in zip(
            problem.space, problem.taps, problem.strides, problem.padding, problem.lhs_dilation, problem.rhs_dilation
        )
    )


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    more = aborting_axes(problem)
    padding = tuple((lo, hi + s * extra) for (lo, hi), s, extra in zip(problem.padding, problem.strides, more))
    asked = problem.replace(padding=padding)
    groups, batch_groups = problem.groups, 1
    # By batch groups cuDNN finds a kernel gradient, and the partitioner sums over a sharded batch.
    target = problem.target
    if (target.platform != "cpu" or target.partitioned) and groups > 1 and _is_gradient(problem):
        groups, batch_groups = 1, groups
        split = lhs.reshape(*lhs.shape[:-1], batch_groups, -1)
        lhs = jnp.moveaxis(split, -2, 0).reshape(-1, *lhs.shape[1:-1], split.shape[-1])
    out = internals.xla_convolution(
        lhs,
        rhs,
        shape=asked.out_shape,
        strides=asked.strides,
        padding=asked.padding,
        lhs_dilation=asked.lhs_dilation,
        rhs_dilation=asked.rhs_dilation,
        groups=groups,
        batch_groups=batch_groups,
        highest=asked.precision != "default",
    )
    return lax.slice(out, [0] * out.ndim, problem.out_shape) if any(more) else out
