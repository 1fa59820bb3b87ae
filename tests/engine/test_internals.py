"""What jconv uses of JAX beyond its public API. A failure here names what a JAX release has changed."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jconv.engine import internals


@pytest.mark.core
@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("jax.extend.core", ["Primitive"]),
        ("jax.extend.core.primitives", ["conv_general_dilated_p"]),
        ("jax.extend.mlir.ir", ["RankedTensorType", "DenseI64ArrayAttr", "StringAttr"]),
        ("jax.extend.mlir.dialects.stablehlo", ["ConvDimensionNumbers", "convolution", "CustomCallOp"]),
        ("jax.interpreters.ad", ["defbilinear"]),
        ("jax.interpreters.batching", ["primitive_batchers"]),
        ("jax.interpreters.mlir", ["lower_fun", "register_lowering", "dtype_to_ir_type", "_lowerings"]),
    ],
)
def test_jax_still_has(module, names):
    found = __import__(module, fromlist=names)
    missing = [name for name in names if not hasattr(found, name)]
    assert not missing, (
        f"JAX {jax.__version__} no longer has {missing} in {module}: jconv/engine/internals.py uses them"
    )


@pytest.mark.core
def test_types_say_how_they_vary_over_a_mesh():
    aval = jax.typeof(jnp.ones(3))
    message = f"JAX {jax.__version__} keeps the varying mesh axes elsewhere: convolutions inside shard_map break"
    assert hasattr(aval, "mat"), message
    assert hasattr(aval.mat, "varying"), message


@pytest.mark.core
def test_the_lowering_of_lax_can_be_found():
    rule = internals.lax_lowering("cpu")
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


def test_only_internals_touches_semi_public_modules():
    from pathlib import Path

    import jconv

    root = Path(inspect.getfile(jconv)).parent
    words = ("jax.extend", "jax.interpreters", "jax._src")
    found = [
        p.name
        for p in root.rglob("*.py")
        if any(f"import {w}" in p.read_text() or f"from {w}" in p.read_text() for w in words)
    ]
    assert found == ["internals.py"]


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
