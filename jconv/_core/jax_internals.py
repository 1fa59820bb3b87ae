"""The one file that touches JAX beyond its public API.

It uses `jax.extend.core.Primitive`, `jax.interpreters.{ad, batching, mlir}` and `jax.extend.mlir`;
`tests/test_jax_internals.py` says plainly which of them a JAX release has broken. Everything here is mechanism: what an
operation computes, how it is differentiated and who computes it stand elsewhere.

An operation decides what it is when a program is lowered, since only then it is known what the program runs on. Its
`run(*arrays, platform, portable, partitioned, **params)` is traced then: `portable` programs must run in another
process, and `partitioned` ones are spread by XLA over several devices, so that neither may hold a custom call.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
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
Results = Sequence[jax.Array]
Type = tuple[tuple[int, ...], Any]
"""The shape and the dtype of a result."""


def operation(
    name: str,
    *,
    types: Callable[..., Sequence[Type]],
    run: Callable[..., Results],
    batch: Callable[..., tuple[Results, Sequence[int]]],
    jvp: Callable[..., tuple[Results, Sequence[jax.Array | None]]] | None = None,
    transpose: Callable[..., Sequence[jax.Array | None]] | None = None,
    in_x64: bool = False,
) -> Callable[..., Results]:
    """Make an operation of arrays and static parameters with a list of results; returns the function that binds it.

    `types(*operands, **params)` gives the results' types, and `run` their values, traced in 64-bit mode if `in_x64`.
    `batch(operands, axes, **params)` moves a mapped axis inside, and returns the results with their mapped axes.
    `jvp(operands, tangents, **params)` returns the results and their tangents, None standing for a tangent of zero on
    both sides. `transpose(cotangents, operands, **params)` returns a cotangent for each operand, None for those in
    which the operation is not linear; the operands in which it is are given as None.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    def abstract(*operands: Any, **params: Any) -> list[Any]:
        return [_array_type(shape, dtype, *operands) for shape, dtype in types(*operands, **params)]

    def lower(ctx: Any, *operands: Any, **params: Any) -> Any:
        traced = functools.partial(run, **_target(ctx), **params)
        with jax.enable_x64(True) if in_x64 else contextlib.nullcontext():
            return _lower_traced(traced, ctx, *operands, multiple_results=True)

    def differentiate(operands: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        results, slopes = jvp(operands, [None if type(t) is ad.Zero else t for t in tangents], **params)  # pyright: ignore[reportOptionalCall]
        return results, [ad.Zero.from_primal_value(y) if t is None else t for y, t in zip(results, slopes, strict=True)]  # pyright: ignore[reportAttributeAccessIssue]

    def adjoint(cotangents: Sequence[Any], *operands: Any, **params: Any) -> Any:
        known = [None if ad.is_undefined_primal(v) else v for v in operands]
        into = transpose([ad.instantiate_zeros(ct) for ct in cotangents], known, **params)  # pyright: ignore[reportOptionalCall]
        return [ct if ad.is_undefined_primal(v) else None for ct, v in zip(into, operands, strict=True)]

    bind = _define(primitive, abstract, lower)
    batching.primitive_batchers[primitive] = batch
    if jvp is not None:
        ad.primitive_jvps[primitive] = differentiate
    if transpose is not None:
        ad.primitive_transposes[primitive] = adjoint
    return bind


def bilinear_operation(
    name: str,
    *,
    shape_and_dtype: Callable[..., Type],
    run: Callable[..., jax.Array],
    transpose_lhs: Callable[..., jax.Array],
    transpose_rhs: Callable[..., jax.Array],
    batch: Callable[..., tuple[jax.Array, int]],
) -> Callable[..., jax.Array]:
    """Make an operation of two arrays with one result, linear in each; returns the function that binds it.

    `transpose_lhs(ct, lhs_aval, rhs, **params)` and `transpose_rhs(ct, lhs, rhs_aval, **params)` are the adjoints;
    `batch(operands, axes, **params)` moves a mapped axis inside.
    """
    primitive = Primitive(name)

    def abstract(lhs: Any, rhs: Any, **params: Any) -> Any:
        return _array_type(*shape_and_dtype(lhs, rhs, **params), lhs, rhs)

    def lhs_adjoint(ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        return transpose_lhs(ct, lhs.aval, rhs, **params)

    def rhs_adjoint(ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        return transpose_rhs(ct, lhs, rhs.aval, **params)

    def lower(ctx: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
        return _lower_traced(functools.partial(run, **_target(ctx), **params), ctx, lhs, rhs)

    bind = _define(primitive, abstract, lower)
    ad.defbilinear(primitive, lhs_adjoint, rhs_adjoint)
    batching.primitive_batchers[primitive] = batch
    return bind


def _define(primitive: Primitive, abstract: Callable[..., Any], lower: Callable[..., Any]) -> Callable[..., Any]:
    """Give a primitive its types and its lowering, and a compiled program outside `jit`; returns what binds it."""

    @primitive.def_impl
    def _(*operands: jax.Array, **params: Any) -> Any:
        # Under `jax.disable_jit()` a jitted function calls the function itself, which would end here again.
        with jax.disable_jit(False):
            return _jitted(primitive, tuple(sorted(params.items())))(*operands)

    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, lower)

    def bind(*operands: jax.Array, **params: Any) -> Any:
        return primitive.bind(*_equally_varying(*operands), **params)

    return bind


@functools.lru_cache(maxsize=4096)
def _jitted(primitive: Primitive, params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    return jax.jit(functools.partial(primitive.bind, **dict(params)))


def _varying(aval: Any) -> frozenset:
    """Return the mesh axes of an enclosing `shard_map` over which a type says that its values vary."""
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


def _equally_varying(*operands: jax.Array) -> list[jax.Array]:
    """Make all operands vary over the same mesh axes, as `shard_map` asks of every operation."""
    varying = [_varying(jax.typeof(x)) for x in operands]
    whole = frozenset().union(*varying)
    return [lax.pcast(x, tuple(whole - own), to="varying") if whole - own else x for x, own in zip(operands, varying)]


def _array_type(shape: Sequence[int], dtype: Any, *operands: Any) -> Any:
    """Return the type of a result, which varies over the mesh as its operands do; one of them has its rank."""
    for aval in operands:
        if _varying(aval) and len(aval.shape) == len(shape):
            return aval.update(shape=tuple(shape), dtype=np.dtype(dtype), weak_type=False)
    return ShapedArray(tuple(shape), np.dtype(dtype))


def _lower_traced(function: Callable[..., Any], ctx: Any, *operands: Any, multiple_results: bool = False) -> Any:
    """Lower a traced function in place of a primitive.

    Inside `shard_map` it is traced on types that do not vary over the mesh: each device runs it on its own, and loops
    need not say of every constant that it varies.
    """

    def plain(avals: Any) -> list[Any]:
        return [ShapedArray(aval.shape, aval.dtype) for aval in avals]

    ctx = ctx.replace(avals_in=plain(ctx.avals_in), avals_out=plain(ctx.avals_out))
    with _usual_promotion():
        return mlir.lower_fun(function, multiple_results=multiple_results)(ctx, *operands)


@contextlib.contextmanager
def _usual_promotion() -> Iterator[None]:
    """Trace with JAX's default rules: the caller's strict modes concern the caller's own code, not what replaces it."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def _target(ctx: Any) -> dict[str, Any]:
    """Return what a program is lowered for; XLA partitions it by itself outside `shard_map` alone."""
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
        padding=ir.DenseElementsAttr.get(np.asarray(padding, np.int64).reshape(-1, 2)),  # pyright: ignore[reportArgumentType, reportCallIssue]
        lhs_dilation=ir.DenseI64ArrayAttr.get(lhs_dilation),
        rhs_dilation=ir.DenseI64ArrayAttr.get(rhs_dilation),
        window_reversal=ir.DenseBoolArrayAttr.get([False] * len(space)),
        precision_config=ir.ArrayAttr.get([precision, precision]),
    )


def _ir_type(aval: Any) -> Any:
    return ir.RankedTensorType.get(aval.shape, mlir.dtype_to_ir_type(aval.dtype))


def _as_list(rule: Callable[..., Any]) -> Callable[..., list[Any]]:
    """Make a lowering rule return a list of results, as JAX wants it."""

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
    """Return the lowering rule that a function of lax has on a platform at present."""
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
    """Make a rule for lax's primitive that traces `run` where `applies` says so, and is `original` elsewhere."""

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
    """Return the rule that `planned_lowering` replaced for a function of lax on a platform, or None."""
    return getattr(lax_lowering(name, platform), "original", None)
