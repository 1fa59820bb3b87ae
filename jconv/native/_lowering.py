"""Choosing between a native loop and JAX's operations while a program is lowered.

It uses `jax.interpreters.mlir` and `jax.ffi`, nothing private of JAX.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import mlir

from jconv.native._availability import refusal
from jconv.native._build import Kernel, register

# `ctx` is JAX's LoweringRuleContext and the operands are MLIR values, which have no public types: hence `Any`.


def lower(
    ctx: Any,
    *operands: Any,
    kernel: Kernel,
    parameters: Sequence[int],
    scratch: int,
    fallback: Callable[..., Sequence[jax.Array]] | None,
) -> Sequence[Any]:
    """Lower a primitive to a call of `kernel` on CPU, elsewhere to what `fallback(*arrays)` traces.

    The call gets the primitive's operands, `parameters` as its attribute, and behind the primitive's results one of
    `scratch` doubles.
    """
    reason = unsuitable(ctx)
    if reason is None:
        target = register(kernel)
        memory = ShapedArray((2 * max(scratch, 1),), np.dtype(np.uint32))
        inner = ctx.replace(avals_out=[*ctx.avals_out, memory])
        attribute = np.asarray(parameters, np.int64)
        return jax.ffi.ffi_lowering(target)(inner, *operands, parameters=attribute)[:-1]
    if fallback is None:
        raise NotImplementedError(f"{kernel.symbol} has no form but the native loop, which cannot be used: {reason}")
    return lower_fallback(ctx, *operands, fallback=fallback)


def lower_fallback(ctx: Any, *operands: Any, fallback: Callable[..., Sequence[jax.Array]]) -> Sequence[Any]:
    """Lower a primitive to what `fallback(*arrays)` traces."""

    # Inside `shard_map` each device runs the fallback on its own: it is traced on types that do not vary over the mesh.
    def plain(avals: Sequence[Any]) -> list[ShapedArray]:
        return [ShapedArray(aval.shape, aval.dtype) for aval in avals]

    inner = ctx.replace(avals_in=plain(ctx.avals_in), avals_out=plain(ctx.avals_out))
    return mlir.lower_fun(fallback, multiple_results=True)(inner, *operands)


def unsuitable(ctx: Any) -> str | None:
    """Why a program that is being lowered must do without custom calls, or None.

    A custom call has no partitioning rule and no meaning in another process: a program that XLA partitions over several
    devices by itself, or that is exported, stays portable.
    """
    module = ctx.module_context
    platforms = tuple(ctx.platforms or module.platforms)
    if platforms != ("cpu",):
        return f"the program is lowered for {' and '.join(platforms)}"
    if getattr(module.lowering_parameters, "for_export", False):
        return "the program is exported"
    axes = module.axis_context
    manual, mesh = getattr(axes, "manual_axes", frozenset()), getattr(axes, "mesh", None)
    if not (mesh is not None and manual and manual == frozenset(mesh.axis_names)):
        devices = getattr(axes, "num_devices", None) or (mesh.size if mesh is not None else 1)
        if devices > 1:
            return "XLA partitions the program over several devices"
    if any(not isinstance(size, int | np.integer) for aval in ctx.avals_in for size in aval.shape):
        return "a size is a variable"
    return refusal()


def run(primitive: Primitive, operands: Sequence[jax.Array], params: dict[str, Any]) -> Any:
    """A primitive's result outside `jit`: that of a compiled program, also under `jax.disable_jit()`."""
    with jax.disable_jit(False):
        return _jitted(primitive, tuple(sorted(params.items())))(*operands)


@functools.lru_cache(maxsize=4096)
def _jitted(primitive: Primitive, params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    return jax.jit(partial(primitive.bind, **dict(params)))


def alike(*operands: jax.Array) -> list[jax.Array]:
    """The operands, all varying over the same axes of an enclosing `shard_map`."""
    varying = [frozenset(getattr(getattr(jax.typeof(x), "mat", None), "varying", ())) for x in operands]
    whole = frozenset().union(*varying)
    return [lax.pcast(x, tuple(whole - own), to="varying") if whole - own else x for x, own in zip(operands, varying)]


def result_type(shape: Sequence[int], dtype: Any, *operands: Any) -> ShapedArray:
    """The type of a result, which varies over the mesh as the operands do."""
    for aval in operands:
        if getattr(getattr(aval, "mat", None), "varying", ()):
            return aval.update(shape=tuple(shape), dtype=np.dtype(dtype), weak_type=False)
    return ShapedArray(tuple(shape), np.dtype(dtype))
