"""The engine under lax's own convolution and dense kernel gradients, for every JAX program in the process."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.allocator import keep_freed_memory
from jconv.engine import _canonical as canonical
from jconv.engine import _dense as dense
from jconv.engine import _internals as internals
from jconv.engine._api.lax import precision_name
from jconv.engine._planner import AUTO, plan, run_problem
from jconv.engine.algorithms import xla

_originals: dict[tuple[str, str], Any] = {}


def accelerate() -> _Accelerated:
    """Let every convolution of every JAX program in this process go through jconv's planner, and dense layers gain too.

    After the call `jax.lax.conv_general_dilated`, and with it Flax, Equinox, Haiku and all else, forward and
    gradients, is computed by the algorithm that `jconv.plan` names. Programs, shapes and values (to the accuracy that
    `jconv.conv_general_dilated` states) stay as they are. JAX's compilation caches are cleared, so that it holds at
    once. On NVIDIA's GPUs only float32 convolutions that mix no channels change, where that is clearly faster; on other
    GPUs and on TPUs nothing does. Calling it twice is calling it once.

    A dense layer is a convolution of one tap, and the gradient of its kernel a `lax.dot_general` over the leading axes
    of two arrays. On CPU such products of float32 arrays go to oneDNN, where that may be called and they are large (512
    positions, 16 channels on either side and 2²³ multiplications at least). Programs that call oneDNN stay out of JAX's
    persistent compilation cache; `JCONV_ONEDNN=0` lets them in. The process keeps freed memory from now on, see
    `jconv.keep_freed_memory`.

    Returns
    -------
    An object to use as a context manager, which restores XLA's own convolutions on exit:

    >>> with accelerate():
    ...     y = jax.lax.conv(jnp.ones((1, 1, 5, 5)), jnp.ones((1, 1, 3, 3)), (1, 1), "VALID")
    >>> float(y.sum())
    81.0
    """
    keep_freed_memory()
    if not _originals:
        rules = _rules()
        _originals.update({key: internals.lax_lowering(*key) for key in rules})
        for key, rule in rules.items():
            internals.set_lax_lowering(*key, internals.planned_lowering(_originals[key], *rule))
        jax.clear_caches()
    return _Accelerated()


def restore() -> None:
    """Undo `accelerate`: XLA's own convolutions and products come back, at once.

    >>> restore()
    """
    if _originals:
        for key, original in _originals.items():
            internals.set_lax_lowering(*key, original)
        _originals.clear()
        jax.clear_caches()


def _rules() -> dict[tuple[str, str], tuple]:
    """{(function of lax, platform): (what to run in its place, and when)}, where a measurement says it is faster."""
    return {
        ("conv_general_dilated", "cpu"): (_run, _wanted),
        ("conv_general_dilated", "cuda"): (_run, _wanted),
        ("dot_general", "cpu"): (dense.run, dense.wanted),
    }


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
    if internals.names_mesh_axes(params.get("out_sharding")):
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
