"""What holds for every layer, model and function: dtypes, transformations, and the strict settings of JAX.

Ordinary runs lower all programs under the strict settings, where every implicit promotion raises, and run the cheap
ones in one dtype; slow runs run all in all dtypes.
"""

import traceback

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import nn
from jconv.engine import conv_general_dilated
from tests.nn import parity
from tests.nn.layer_table import ELSEWHERE, TABLE, arrays_of, function_of

DTYPES = ("float32", "float64", "bfloat16", "mixed")
"""Of parameters and inputs; "mixed" has float32 parameters and computes in bfloat16."""


def test_the_table_is_complete():
    names = {name.partition(",")[0] for name in TABLE}
    assert names | ELSEWHERE == set(nn.__all__)


def setup(name, dtype):
    """(entry, function, parameters, inputs); a skip where a layer has no dtype of its own to compute in."""
    entry = TABLE[name]
    if dtype != "mixed":
        return entry, *function_of(entry, dtype), arrays_of(entry, dtype)
    if "dtype" not in entry.options:
        pytest.skip("takes no dtype to compute in")
    return entry, *function_of(entry, "float32", "bfloat16"), arrays_of(entry, "float32")


def strict():
    """Settings under which JAX promotes no dtype, and no rank."""
    return jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict")


def derivatives(entry, function):
    """A function of parameters and inputs: the value, its tangent, all gradients, and the value of a batch."""

    def run(parameters, *inputs):
        twice = [jnp.stack([x, x]) for x in inputs]
        batch = jax.vmap(function, in_axes=(None, *[0] * len(inputs)))(parameters, *twice)
        if not entry.differentiable:
            return function(parameters, *inputs), batch, None, None
        primals = (parameters, *inputs)
        value, tangent = jax.jvp(function, primals, jax.tree.map(jnp.ones_like, primals))
        _, pull = jax.vjp(function, *primals)
        return value, batch, tangent, pull(jax.tree.map(jnp.ones_like, value))

    return run


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TABLE)
def test_dtypes_and_strict_settings(name, dtype):
    """Every program is traced and lowered where implicit promotions raise; results and gradients have their dtype."""
    entry, function, parameters, inputs = setup(name, dtype)
    rank, promotion = strict()
    with rank, promotion:
        run = derivatives(entry, function)
        lower(run, parameters, *inputs)
        value, batch, tangent, gradients = jax.eval_shape(run, parameters, *inputs)
    wanted = jnp.dtype("bfloat16" if dtype == "mixed" else dtype)
    if entry.widens and wanted.itemsize < 4:
        wanted = jnp.dtype("float32")
    for one, many in zip(jax.tree.leaves(value), jax.tree.leaves(batch), strict=True):
        assert (2, *one.shape) == many.shape
        assert one.dtype == many.dtype
        if jnp.issubdtype(one.dtype, jnp.floating):
            assert one.dtype in (wanted, jnp.dtype(dtype if dtype != "mixed" else "bfloat16"))
    assert any(leaf.dtype == wanted for leaf in jax.tree.leaves(value)) or not entry.differentiable
    assert jax.tree.map(lambda x: x.dtype, tangent) == (
        jax.tree.map(lambda x: x.dtype, value) if entry.differentiable else None
    )
    if entry.differentiable:
        assert jax.tree.map(lambda x: x.dtype, gradients) == jax.tree.map(lambda x: x.dtype, (parameters, *inputs))


def lower(run, *arguments):
    """Trace and lower a program; a promotion inside the engine's algorithms is its own tests' to find."""
    try:
        jax.jit(run).lower(*arguments)
    except (TypeError, ValueError) as error:
        if any("jconv/engine/algorithms" in frame.filename for frame in traceback.extract_tb(error.__traceback__)):
            pytest.xfail(f"the engine promotes: {error}")
        raise


def runs():
    """(name, dtype) of the programs that are run: cheap ones in float32 in every run, all others in slow runs."""
    for name, entry in TABLE.items():
        for dtype in DTYPES:
            slow = entry.costly or dtype != "float32"
            yield pytest.param(name, dtype, marks=pytest.mark.slow if slow else ())


def size(tree):
    """The number of numbers in a tree."""
    return sum(np.size(leaf) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(("name", "dtype"), runs())
def test_transformations(name, dtype):
    """jit is eager, vmap is a loop, and the two gradient modes are adjoint: Σ J 1 = Σ Jᵀ 1."""
    entry, function, parameters, inputs = setup(name, dtype)
    value, batch, tangent, gradients = jax.jit(derivatives(entry, function))(parameters, *inputs)
    terms = 16 * size((parameters, inputs))
    eager = function(parameters, *inputs)
    parity.assert_same(value, eager, length=terms)
    parity.assert_same(jax.tree.map(lambda x: x[0], batch), value, length=terms)
    parity.assert_same(jax.tree.map(lambda x: x[1], batch), value, length=terms)
    if not entry.differentiable:
        return
    sums = [np.array([np.sum(np.asarray(leaf, np.float64)) for leaf in jax.tree.leaves(tree)])
            for tree in (tangent, gradients)]  # fmt: skip
    magnitude = sum(np.sum(np.abs(np.asarray(leaf, np.float64))) for leaf in jax.tree.leaves((tangent, gradients)))
    half = jax.tree.leaves(tangent)[0].dtype.itemsize < 4 or dtype == "bfloat16"
    parity.assert_same(
        [np.asarray(sums[0].sum() / magnitude, "bfloat16" if half else jax.tree.leaves(tangent)[0].dtype)],
        [np.asarray(sums[1].sum() / magnitude)],
        length=terms,
    )


def engine_runs_without_jit():
    """Whether the engine itself works where nothing is compiled."""
    with jax.disable_jit():
        try:
            conv_general_dilated(jnp.ones((1, 1, 3)), jnp.ones((1, 1, 2)), (1,), "VALID")
        except RecursionError:
            return False
    return True


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if entry.costly else ()) for name, entry in TABLE.items()]
)
def test_without_jit(name):
    """`jax.disable_jit()`, with which people debug, changes nothing."""
    if not engine_runs_without_jit():
        pytest.xfail("the engine recurses without end where nothing is compiled")
    _, function, parameters, inputs = setup(name, "float32")
    wanted = jax.jit(function)(parameters, *inputs)
    with jax.disable_jit():
        found = function(parameters, *inputs)
    parity.assert_same(found, wanted, length=16 * size((parameters, inputs)))
