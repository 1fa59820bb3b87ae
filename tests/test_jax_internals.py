"""What jconv uses of JAX beyond its public API. A failure here names what a JAX release has changed."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jconv._core import jax_internals as internals


@pytest.mark.core
@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("jax.extend.core", ["Primitive"]),
        ("jax.extend.core.primitives", ["conv_general_dilated_p", "dot_general_p"]),
        ("jax.extend.mlir.ir", ["RankedTensorType", "DenseI64ArrayAttr", "StringAttr"]),
        ("jax.extend.mlir.dialects.stablehlo", ["ConvDimensionNumbers", "convolution", "CustomCallOp"]),
        (
            "jax.interpreters.ad",
            ["defbilinear", "primitive_jvps", "primitive_transposes", "Zero", "is_undefined_primal"],
        ),
        ("jax.interpreters.batching", ["primitive_batchers"]),
        ("jax.interpreters.mlir", ["lower_fun", "register_lowering", "dtype_to_ir_type", "_lowerings"]),
    ],
)
def test_jax_still_has(module, names):
    found = __import__(module, fromlist=names)
    missing = [name for name in names if not hasattr(found, name)]
    assert not missing, (
        f"JAX {jax.__version__} no longer has {missing} in {module}: jconv/_core/jax_internals.py uses them"
    )


@pytest.mark.core
def test_types_say_how_they_vary_over_a_mesh():
    aval = jax.typeof(jnp.ones(3))
    message = f"JAX {jax.__version__} keeps the varying mesh axes elsewhere: convolutions inside shard_map break"
    assert hasattr(aval, "mat"), message
    assert hasattr(aval.mat, "varying"), message


@pytest.mark.core
@pytest.mark.parametrize("name", ["conv_general_dilated", "dot_general"])
def test_the_lowering_of_lax_can_be_found(name):
    rule = internals.lax_lowering(name, "cpu")
    assert callable(rule), f"JAX {jax.__version__} keeps its lowering rules elsewhere: accelerate() cannot restore them"


@pytest.mark.core
def test_parameters_of_the_convolution_primitive():
    """accelerate() reads these from lax's primitive."""
    jaxpr = jax.make_jaxpr(lambda x, w: lax.conv(x, w, (1,), "SAME"))(jnp.ones((1, 1, 5)), jnp.ones((1, 1, 3)))
    (equation,) = (e for e in jaxpr.jaxpr.eqns if e.primitive.name == "conv_general_dilated")
    wanted = {
        "window_strides", "padding", "lhs_dilation", "rhs_dilation", "dimension_numbers", "feature_group_count",
        "batch_group_count", "precision", "preferred_element_type",
    }  # fmt: skip
    assert wanted <= set(equation.params)


@pytest.mark.core
def test_parameters_of_the_product_primitive():
    """accelerate() reads these too."""
    (equation,) = jax.make_jaxpr(jnp.dot)(jnp.ones((2, 3)), jnp.ones((3, 4))).jaxpr.eqns
    assert {"dimension_numbers", "precision", "preferred_element_type", "out_sharding"} <= set(equation.params)
    assert equation.params["dimension_numbers"] == (((1,), (0,)), ((), ()))


def test_only_internals_touches_semi_public_modules():
    from pathlib import Path

    import jconv

    root = Path(inspect.getfile(jconv)).parent
    words = ("jax.extend", "jax.interpreters", "jax._src")
    users = {
        str(p.relative_to(root))
        for p in root.rglob("*.py")
        if any(f"import {w}" in p.read_text() or f"from {w}" in p.read_text() for w in words)
    }
    assert users == {"_core/jax_internals.py"}


def test_a_custom_call_is_not_exported():
    """An exported program must run in another process: it holds no custom call."""
    from jax import export

    from jconv.engine import conv_general_dilated

    def depthwise(x, w):
        return conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=32
        )

    x, w = np.ones((1, 16, 16, 32), np.float32), np.ones((3, 3, 1, 32), np.float32)
    exported = export.export(jax.jit(depthwise))(x, w)
    assert "@__onednn" not in exported.mlir_module()
    np.testing.assert_allclose(exported.call(x, w), jax.jit(depthwise)(x, w), rtol=1e-5)


NUMBERS = ("NHWC", "HWIO", "NHWC")


def exported(f, *shapes):
    """A program that another process could run."""
    from jax import export

    program = export.export(jax.jit(f))(*shapes)
    assert "@__onednn" not in program.mlir_module()
    return program


def test_a_gradient_is_exported_with_the_planner_in_force():
    import jconv

    def loss(x, w):
        y = lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=NUMBERS, feature_group_count=32)
        return (y**2).sum()

    x = np.random.default_rng(0).standard_normal((2, 16, 16, 32)).astype("float32")
    w = np.random.default_rng(1).standard_normal((5, 5, 1, 32)).astype("float32")
    want = jax.jit(jax.grad(loss, (0, 1)))(x, w)
    with jconv.accelerate():
        program = exported(jax.grad(loss, (0, 1)), x, w)
        got = program.call(x, w)
    for a, b in zip(got, want):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())


@pytest.mark.parametrize("face", ["lax", "conv2d", "correlate"])
def test_symbolic_shapes_are_exported(face):
    """A program for any batch: nothing can be planned, and XLA's own convolution is what remains."""
    from jax import export

    import jconv

    w = np.random.default_rng(1).standard_normal((3, 3, 1, 4)).astype("float32")
    f = {
        "lax": lambda x: jconv.conv_general_dilated(x, w, (1, 2), "SAME", dimension_numbers=NUMBERS),
        "conv2d": lambda x: jconv.conv2d(x, w, strides=(1, 2)),
        "correlate": lambda x: jconv.engine.correlate(x[..., 0], w[..., 0, 0], padding=[(1, 1), (1, 1)]),
    }[face]
    shape = export.symbolic_shape("b, 16, 15, 1")
    program = exported(f, jax.ShapeDtypeStruct(shape, np.float32))
    for batch in (1, 3):
        x = np.random.default_rng(batch).standard_normal((batch, 16, 15, 1)).astype("float32")
        np.testing.assert_allclose(program.call(x), f(x), rtol=1e-4, atol=1e-5)


def test_a_named_algorithm_wants_numbers():
    from jax import export

    import jconv

    x = jax.ShapeDtypeStruct(export.symbolic_shape("b, 16, 16, 1"), np.float32)
    f = jax.jit(lambda x: jconv.conv2d(x, np.ones((3, 3, 1, 1), np.float32), algorithm="fft"))
    with pytest.raises(ValueError, match="`algorithm` 'fft' takes shapes in numbers"):
        export.export(f)(x)
