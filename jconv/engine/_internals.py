"""The one file that touches JAX beyond its public API.

It uses `jax.extend.core.Primitive`, `jax.interpreters.{ad, batching, mlir}` and `jax.extend.mlir`; `tests/engine/
test_internals.py` says plainly which of them a JAX release has broken. Everything here is mechanism: what a convolution
is, how it is differentiated and who computes it stand elsewhere.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from jax import core, lax
from jax.extend.core import Primitive
from jax.extend.core.primitives import conv_general_dilated_p, dot_general_p
from jax.extend.mlir import ir
from jax.extend.mlir.dialects import stablehlo
from jax.interpreters import ad, batching, mlir

ShapedArray = core.ShapedArray


def bilinear_primitive(
    name: str,
    *,
    shape_and_dtype: Callable[..., tuple[tuple[int, ...], Any]],
    run: Callable[..., jax.Array],
    transpose_lhs: Callable[..., jax.Array],
    transpose_rhs: Callable[..., jax.Array],
    batch: Callable[..., tuple[jax.Array, int]],
) -> Callable[..., jax.Array]:
    """A primitive of two arrays and static parameters, linear in each array; returns the function that binds it.

    `run(lhs, rhs, *, platform, portable, partitioned, **params)` is traced when the program is lowered for `platform`.
    `transpose_lhs(ct, lhs_aval, rhs, **params)` and `transpose_rhs(ct, lhs, rhs_aval, **params)` are the adjoints;
    `batch(args, axes, **params)` moves a mapped axis inside.
    """
    primitive = Primitive(name)

    @primitive.def_impl
    def _(lhs: jax.Array, rhs: jax.Array, **params: Any) -> jax.Array:
        # Under `jax.disable_jit()` a jitted function calls the function itself, which would end here again.
        with jax.disable_jit(False):
            return _jitted(primitive, tuple(sorted(params.items())))(lhs, rhs)

    @primitive.def_abstract_eval
    def _(lhs: Any, rhs: Any, **params: Any) -> Any:
        shape, dtype = shape_and_dtype(lhs, rhs, **params)
        return _array_type(shape, dtype, lhs, rhs)

    def lhs_adjoint(ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        return transpose_lhs(ct, lhs.aval, rhs, **params)

    def rhs_adjoint(ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        return transpose_rhs(ct, lhs, rhs.aval, **params)

    def lower(ctx: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        traced = functools.partial(run, **_target(ctx), **params)
        return _lower_traced(traced, ctx, lhs, rhs)

    ad.defbilinear(primitive, lhs_adjoint, rhs_adjoint)
    batching.primitive_batchers[primitive] = batch
    mlir.register_lowering(primitive, lower)

    def bind(lhs: jax.Array, rhs: jax.Array, **params: Any) -> jax.Array:
        lhs, rhs = _equally_varying(lhs, rhs)
        return primitive.bind(lhs, rhs, **params)

    return bind


@functools.lru_cache(maxsize=4096)
def _jitted(primitive: Primitive, params: tuple[tuple[str, Any], ...]) -> Callable[..., jax.Array]:
    return jax.jit(functools.partial(primitive.bind, **dict(params)))


def _varying(aval: Any) -> frozenset:
    """The mesh axes of an enclosing `shard_map` over which a type says that its values vary."""
    return frozenset(getattr(getattr(aval, "mat", None), "varying", ()))


def is_explicitly_sharded(*arrays: jax.Array) -> bool:
    """Whether the type of an array says over which mesh axes it is sharded."""
    return any(names_mesh_axes(getattr(jax.typeof(a), "sharding", None)) for a in arrays)


def names_mesh_axes(sharding: Any) -> bool:
    """Whether `sharding` names any mesh axis.

    Under a mesh JAX passes an empty `out_sharding` to every gradient, so that a test for None is not enough.
    """
    spec = getattr(sharding, "spec", None)
    if spec is None:
        return False
    if getattr(spec, "unreduced", ()) or getattr(spec, "reduced", ()):
        return True  # JAX refuses to iterate over such a specification
    return any(axis is not None for axis in spec)


def is_symbolic(*arrays: Any) -> bool:
    """Whether a size is a variable of `jax.export` instead of a number."""
    return not all(isinstance(size, int | np.integer) for array in arrays for size in array.shape)


def _equally_varying(lhs: jax.Array, rhs: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both operands varying over the same mesh axes, as `shard_map` asks of every binary operation."""
    left, right = _varying(jax.typeof(lhs)), _varying(jax.typeof(rhs))
    cast = functools.partial(lax.pcast, to="varying")
    if right - left:
        lhs = cast(lhs, tuple(right - left))
    if left - right:
        rhs = cast(rhs, tuple(left - right))
    return lhs, rhs


def _array_type(shape: tuple[int, ...], dtype: Any, *operands: Any) -> Any:
    """The type of a result, which varies over the mesh as its operands do, all alike, and has their rank."""
    if not _varying(operands[0]):
        return ShapedArray(shape, dtype)
    return operands[0].update(shape=tuple(shape), dtype=np.dtype(dtype), weak_type=False)


def _lower_traced(function: Callable[..., jax.Array], ctx: Any, *operands: Any) -> Any:
    """Lower a traced function in place of a primitive.

    Inside `shard_map` it is traced on types that do not vary over the mesh: each device runs it on its own, and loops
    need not say of every constant that it varies.
    """

    def plain(avals: Any) -> list[Any]:
        return [ShapedArray(aval.shape, aval.dtype) for aval in avals]

    ctx = ctx.replace(avals_in=plain(ctx.avals_in), avals_out=plain(ctx.avals_out))
    with _usual_promotion():
        return mlir.lower_fun(function, multiple_results=False)(ctx, *operands)


@contextlib.contextmanager
def _usual_promotion() -> Iterator[None]:
    """Trace with JAX's default rules: the caller's strict modes concern the caller's own code, not what replaces it."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def _target(ctx: Any) -> dict[str, Any]:
    """What a program is lowered for: its `platform`, and whether it must be `portable` or is `partitioned`.

    A custom call has no partitioning rule and no meaning in another process: a program that XLA partitions over
    several devices by itself, or that is exported, stays portable.
    """
    module = ctx.module_context
    platforms = tuple(ctx.platforms or module.platforms)
    platform = platforms[0] if len(platforms) == 1 else "many"
    axes = module.axis_context
    manual = getattr(axes, "manual_axes", frozenset())
    mesh = getattr(axes, "mesh", None)
    if mesh is not None and manual and manual == frozenset(mesh.axis_names):
        devices = 1
    else:
        devices = getattr(axes, "num_devices", None) or (mesh.size if mesh is not None else 1)
    exported = bool(getattr(module.lowering_parameters, "for_export", False))
    return {"platform": platform, "portable": exported or platform == "many", "partitioned": devices > 1}


# XLA's own convolution, which stays itself while `accelerate()` stands in front of lax's primitive.

_xla_convolution_p = Primitive("jconv_xla_convolution")


@_xla_convolution_p.def_abstract_eval
def _(lhs: Any, rhs: Any, *, shape: tuple[int, ...], **_: Any) -> Any:
    return _array_type(shape, lhs.dtype, lhs, rhs)


def _lower_xla_convolution(
    ctx: Any,
    lhs: Any,
    rhs: Any,
    *,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    lhs_dilation: tuple[int, ...],
    rhs_dilation: tuple[int, ...],
    groups: int,
    batch_groups: int,
    highest: bool,
) -> Any:
    (aval,) = ctx.avals_out
    rank = len(shape)
    features, space = rank - 1, list(range(1, rank - 1))
    numbers = stablehlo.ConvDimensionNumbers.get(
        input_batch_dimension=0,
        input_feature_dimension=features,
        input_spatial_dimensions=space,
        kernel_input_feature_dimension=features - 1,
        kernel_output_feature_dimension=features,
        kernel_spatial_dimensions=list(range(features - 1)),
        output_batch_dimension=0,
        output_feature_dimension=features,
        output_spatial_dimensions=space,
    )
    precision = stablehlo.PrecisionAttr.get("HIGHEST" if highest else "DEFAULT")
    return stablehlo.convolution(
        _ir_type(aval),
        lhs,
        rhs,
        dimension_numbers=numbers,
        feature_group_count=ir.IntegerAttr.get(ir.IntegerType.get_signless(64), groups),
        batch_group_count=ir.IntegerAttr.get(ir.IntegerType.get_signless(64), batch_groups),
        window_strides=ir.DenseI64ArrayAttr.get(strides),
        padding=ir.DenseElementsAttr.get(np.asarray(padding, np.int64).reshape(-1, 2)),  # pyright: ignore
        lhs_dilation=ir.DenseI64ArrayAttr.get(lhs_dilation),
        rhs_dilation=ir.DenseI64ArrayAttr.get(rhs_dilation),
        window_reversal=ir.DenseBoolArrayAttr.get([False] * len(space)),
        precision_config=ir.ArrayAttr.get([precision, precision]),
    )


def _ir_type(aval: Any) -> Any:
    return ir.RankedTensorType.get(aval.shape, mlir.dtype_to_ir_type(aval.dtype))


def _as_list(rule: Callable[..., Any]) -> Callable[..., list[Any]]:
    """A lowering rule that returns a list of results, as JAX wants it."""

    def lower(ctx: Any, *args: Any, **params: Any) -> list[Any]:
        out = rule(ctx, *args, **params)
        return [out] if isinstance(out, ir.Value) else list(out)

    return lower


mlir.register_lowering(_xla_convolution_p, _as_list(_lower_xla_convolution))


def xla_convolution(lhs: jax.Array, rhs: jax.Array, **params: Any) -> jax.Array:
    """XLA's convolution in the canonical layout; for tracing inside a lowering only."""
    return _xla_convolution_p.bind(lhs, rhs, **params)


# A custom call of jaxlib: how oneDNN is reached.

_custom_call_p = Primitive("jconv_custom_call")


@_custom_call_p.def_abstract_eval
def _(*operands: Any, shape: tuple[int, ...], target: str, config: str) -> Any:
    return _array_type(shape, operands[0].dtype, *operands)


def _lower_custom_call(ctx: Any, *operands: Any, shape: tuple[int, ...], target: str, config: str) -> Any:
    (aval,) = ctx.avals_out
    call = stablehlo.CustomCallOp(
        [_ir_type(aval)],
        list(operands),
        call_target_name=ir.StringAttr.get(target),
        has_side_effect=ir.BoolAttr.get(False),
        backend_config=ir.StringAttr.get(config),
        api_version=ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 1),
    )
    return call.results


mlir.register_lowering(_custom_call_p, _as_list(_lower_custom_call))


def custom_call(*operands: jax.Array, shape: tuple[int, ...], target: str, config: str) -> jax.Array:
    """Call a function that jaxlib registers with XLA under `target`; for tracing inside a lowering only."""
    return _custom_call_p.bind(*operands, shape=shape, target=target, config=config)


# The lowerings of lax's own primitives, exchanged and put back.

_LAX = MappingProxyType({"conv_general_dilated": conv_general_dilated_p, "dot_general": dot_general_p})


def _entry(table: Any, key: Any) -> Any:
    entry = table.get(key)
    return getattr(entry, "rule", entry)


def lax_lowering(name: str, platform: str) -> Callable[..., Any]:
    """The lowering rule that a function of lax has on a platform at present."""
    by_platform = mlir._platform_specific_lowerings[platform]
    rule = _entry(by_platform, _LAX[name]) or _entry(mlir._lowerings, _LAX[name])
    if rule is None:
        raise RuntimeError(
            f"JAX {jax.__version__} keeps no lowering of lax.{name} for {platform!r} where jconv looks: accelerate() "
            "cannot take its place; use jconv's own functions, or another release of JAX"
        )
    return rule


def set_lax_lowering(name: str, platform: str, rule: Any) -> None:
    """Give a function of lax a lowering rule on a platform; programs that were compiled before keep the old one."""
    mlir.register_lowering(_LAX[name], rule, platform=platform)


def planned_lowering(
    original: Callable[..., Any], run: Callable[..., jax.Array], applies: Callable[..., bool]
) -> Callable[..., Any]:
    """A rule for lax's primitive that traces `run` where `applies` says so, and is `original` elsewhere."""

    def lower(ctx: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        facts = {**_target(ctx), **params}
        with _usual_promotion():
            is_replaced = applies(*ctx.avals_in, **facts)
        if not is_replaced:
            return original(ctx, lhs, rhs, **params)
        return _lower_traced(functools.partial(run, **facts), ctx, lhs, rhs)

    lower.original = original  # pyright: ignore[reportFunctionMemberAccess]
    return lower


def original_lowering(name: str, platform: str) -> Callable[..., Any] | None:
    """The rule that `planned_lowering` replaced for a function of lax on a platform; None where none is replaced."""
    return getattr(lax_lowering(name, platform), "original", None)
