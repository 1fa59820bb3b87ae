"""The engine under lax's own convolution and dense kernel gradients, for every JAX program in the process."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import jax_internals as internals
from jconv._core.allocator import keep_freed_memory
from jconv.engine import _dense as dense
from jconv.engine._api.lax import precision_name
from jconv.engine._canonical import Canonical, LaxArguments, canonicalize, crop, cropped_shape
from jconv.engine._planner import default_planner
from jconv.engine._problem import Crops, Problem, compute_dtype
from jconv.engine.algorithms import xla


def accelerate() -> Acceleration:
    """Let jconv's planner choose the algorithm of every convolution of every JAX program in this process.

    After the call `jax.lax.conv_general_dilated`, and with it Flax, Equinox, Haiku and all else, forward and
    gradients, is computed by the algorithm that `jconv.plan` names. Programs, shapes and values (to the accuracy that
    `jconv.conv_general_dilated` states) stay as they are. JAX's compilation caches are cleared, so that it holds at
    once. On NVIDIA's GPUs only float32 convolutions that mix no channels change, where that is clearly faster; on other
    GPUs and on TPUs nothing does. A second call changes nothing.

    A dense layer is a convolution of one tap, and the gradient of its kernel a `lax.dot_general` over the leading axes
    of two arrays. On CPU such products of float32 arrays go to oneDNN, where that may be called and they are large (512
    positions, 16 channels on either side and 2²³ multiplications at least). Programs that call oneDNN stay out of JAX's
    persistent compilation cache; `JCONV_ONEDNN=0` lets them in. The process keeps freed memory from now on, see
    `jconv.keep_freed_memory`.

    Returns
    -------
    Acceleration
        An object to use as a context manager: its exit undoes the call, and leaves on what was on before.

    Examples
    --------
    >>> with accelerate():
    ...     y = jax.lax.conv(jnp.ones((1, 1, 5, 5)), jnp.ones((1, 1, 3, 3)), (1, 1), "VALID")
    >>> float(y.sum())
    81.0
    """
    keep_freed_memory()
    was_on = _is_on()
    if not was_on:
        for key, rule in _RULES.items():
            internals.set_lax_lowering(*key, internals.planned_lowering(internals.lax_lowering(*key), *rule))
        jax.clear_caches()
    return Acceleration(was_on)


def decelerate() -> None:
    """Undo `accelerate`: XLA's own convolutions and products come back, at once.

    Examples
    --------
    >>> decelerate()
    """
    if _is_on():
        for key in _RULES:
            internals.set_lax_lowering(*key, internals.original_lowering(*key))
        jax.clear_caches()


def _is_on() -> bool:
    return all(internals.original_lowering(*key) is not None for key in _RULES)


class Acceleration:
    """What `accelerate` returns. As a context manager it undoes that call, unless acceleration was on before it."""

    def __init__(self, was_on: bool) -> None:
        self._was_on = was_on

    def __enter__(self) -> None:
        accelerate()

    def __exit__(self, *_: object) -> None:
        if not self._was_on:
            decelerate()


def _problem_of(lhs: Any, rhs: Any, params: dict[str, Any]) -> tuple[Problem, Canonical, Crops]:
    """Return the problem that lax's primitive states, its canonical form, and what of the input it keeps."""
    arguments = LaxArguments(
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
    canonical = canonicalize(arguments, lhs.shape, rhs.shape)
    crops, geometry = canonical.geometry.cropped(canonical.lhs_shape[1:-1], canonical.rhs_shape[:-2])
    target = default_planner().target(params["platform"], params["portable"], params["partitioned"])
    problem = Problem(
        geometry,
        cropped_shape(canonical.lhs_shape, crops),
        canonical.rhs_shape,
        compute_dtype(str(np.dtype(dtype)), target.platform),
        precision_name(params["precision"]),
        target,
    )
    return problem, canonical, crops


def _is_planned(lhs: Any, rhs: Any, **params: Any) -> bool:
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
    problem, canonical, _ = _problem_of(lhs, rhs, params)
    if problem.is_empty or 0 in canonical.out_shape:
        return False
    if params["platform"] == "cpu" and (problem.geometry != canonical.geometry or any(xla.aborting_axes(problem))):
        return True
    return default_planner().plan(problem).algorithm != "xla"


def _convolve(lhs: jax.Array, rhs: jax.Array, **params: Any) -> jax.Array:
    problem, canonical, crops = _problem_of(lhs, rhs, params)
    out_dtype = params["preferred_element_type"] or jnp.promote_types(lhs.dtype, rhs.dtype)
    lhs, rhs = canonical.into(lhs.astype(problem.dtype), rhs.astype(problem.dtype))
    return canonical.back(default_planner().solve(problem, crop(lhs, crops), rhs)).astype(out_dtype)


_RULES = MappingProxyType(
    {
        ("conv_general_dilated", "cpu"): (_convolve, _is_planned),
        ("conv_general_dilated", "cuda"): (_convolve, _is_planned),
        ("dot_general", "cpu"): (dense.multiply, dense.is_kernel_gradient),
    }
)
"""{(function of lax, platform): (what replaces it, and where)}, where a measurement says that it is faster."""
