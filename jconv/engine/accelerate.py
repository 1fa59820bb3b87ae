"""The planner under `jax.lax.conv_general_dilated` itself, for every JAX program in the process."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.engine import canonical, dense, internals
from jconv.engine.algorithms import xla
from jconv.engine.lax_face import precision_name
from jconv.engine.planner import AUTO, plan, run_problem

_originals: dict = {}


def accelerate() -> _Accelerated:
    """Let every convolution of every JAX program in this process go through jconv's planner.

    After the call `jax.lax.conv_general_dilated`, and with it Flax, Equinox, Haiku and all else, forward and
    gradients, is computed by the algorithm that `jconv.plan` names. Programs, shapes and values (to the accuracy that
    `jconv.conv_general_dilated` states) stay as they are. JAX's compilation caches are cleared, so that it holds at
    once. A dense layer is a convolution of one tap: the gradients of large dense kernels, sums over all positions of
    two float32 arrays, are computed by oneDNN too. On NVIDIA's GPUs only float32 convolutions that mix no channels
    change, where that is clearly faster; on other GPUs and on TPUs nothing does. Calling it twice is calling it once.

    Returns
    -------
    An object to use as a context manager, which restores XLA's own convolutions on exit:

    >>> with accelerate():
    ...     y = jax.lax.conv(jnp.ones((1, 1, 5, 5)), jnp.ones((1, 1, 3, 3)), (1, 1), "VALID")
    >>> float(y.sum())
    81.0
    """
    for (name, platform), (run, wanted) in REPLACEMENTS.items():
        if (name, platform) not in _originals:
            original = internals.lax_lowering(name, platform)
            _originals[name, platform] = original
            internals.set_lax_lowering(name, platform, internals.planned_lowering(original, run, wanted))
    return _Accelerated()


def restore() -> None:
    """Undo `accelerate`: XLA's own convolutions come back, at once.

    >>> restore()
    """
    while _originals:
        (name, platform), original = _originals.popitem()
        internals.set_lax_lowering(name, platform, original)


class _Accelerated:
    """What `accelerate` returns: leaving its context restores."""

    def __enter__(self) -> None:
        accelerate()

    def __exit__(self, *_) -> None:
        restore()


def _problem(lhs, rhs, params):
    geometry = canonical.Geometry(
        strides=tuple(params["window_strides"]),
        padding=tuple((int(lo), int(hi)) for lo, hi in params["padding"]),
        lhs_dilation=tuple(params["lhs_dilation"]),
        rhs_dilation=tuple(params["rhs_dilation"]),
        dimension_numbers=params["dimension_numbers"],
        feature_group_count=params["feature_group_count"],
        batch_group_count=params["batch_group_count"],
    )
    dtype = jnp.promote_types(lhs.dtype, rhs.dtype)
    if params["preferred_element_type"] is not None:
        dtype = jnp.promote_types(dtype, params["preferred_element_type"])
    problem = canonical.canonicalize(
        geometry,
        lhs.shape,
        rhs.shape,
        canonical.compute_dtype(str(np.dtype(dtype)), params["platform"]),
        precision=precision_name(params["precision"]),
        platform=params["platform"],
        portable=params["portable"],
    )
    return problem, geometry


def _wanted(lhs, rhs, **params) -> bool:
    """Whether the planner has something better than XLA's own convolution as it stands.

    XLA:CPU reads beyond the input where a low padding is negative, and one form aborts it: those go through the engine
    whatever the plan.
    """
    if params.get("out_sharding") is not None:
        return False
    sizes = (*lhs.shape, *rhs.shape, *params["window_strides"], *params["lhs_dilation"], *params["rhs_dilation"])
    sizes = (*sizes, *(p for pair in params["padding"] for p in pair), params["feature_group_count"])
    if not all(isinstance(size, int | np.integer) for size in sizes):
        return False  # a symbolic shape
    problem, _ = _problem(lhs, rhs, params)
    if problem.is_empty:
        return False
    if params["platform"] == "cpu":
        cropped = any(p < 0 for pair in params["padding"] for p in pair)
        if cropped or any(xla.aborting_axes(problem)):
            return True
    return plan(problem, AUTO).algorithm != "xla"


def _run(lhs: jax.Array, rhs: jax.Array, **params) -> jax.Array:
    problem, geometry = _problem(lhs, rhs, params)
    out_dtype = params["preferred_element_type"] or jnp.promote_types(lhs.dtype, rhs.dtype)
    lhs, rhs = lhs.astype(problem.dtype), rhs.astype(problem.dtype)
    return canonical.solve(problem, geometry, lhs, rhs, run_problem).astype(out_dtype)


REPLACEMENTS = {
    ("conv_general_dilated", "cpu"): (_run, _wanted),
    ("conv_general_dilated", "cuda"): (_run, _wanted),
    ("dot_general", "cpu"): (dense.run, dense.wanted),
}
"""What is put in place of which function of lax on which platform, where a measurement says that it is faster."""
