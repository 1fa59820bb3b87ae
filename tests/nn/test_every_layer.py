"""What holds for every layer, model and function: dtypes, transformations, and the strict settings of JAX.

Ordinary runs trace all programs under the strict settings, where every implicit promotion raises, compile the cheap
ones in one dtype, and run a fourth of them without jit; slow runs do all of it for all in all dtypes.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import nn
from tests.nn import parity
from tests.nn.layer_table import ELSEWHERE, TABLE, arrays_of, function_of

DTYPES = ("float32", "float64", "bfloat16", "mixed")
"""Of parameters and inputs; "mixed" has float32 parameters and computes in bfloat16."""


def test_the_table_is_complete():
    names = {name.partition(",")[0] for name in TABLE}
    assert names | ELSEWHERE == set(nn.__all__)


def dtypes_of(entry):
    """The dtypes of an entry; it is not "mixed" where it takes no dtype to compute in."""
    return DTYPES if "dtype" in entry.options else DTYPES[:-1]


def setup(name, dtype):
    """(entry, function, parameters, inputs)."""
    entry = TABLE[name]
    if dtype != "mixed":
        return entry, *function_of(entry, dtype), arrays_of(entry, dtype)
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


def traced():
    """(name, dtype) of all; costly programs in two dtypes, and in the others in slow runs."""
    for name, entry in TABLE.items():
        for dtype in dtypes_of(entry):
            slow = entry.costly and dtype == "float64"
            yield pytest.param(name, dtype, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize(("name", "dtype"), list(traced()))
def test_dtypes_and_strict_settings(name, dtype):
    """Nothing is promoted implicitly, and the result has the dtype of the computation."""
    entry, function, parameters, inputs = setup(name, dtype)
    rank, promotion = strict()
    with rank, promotion:
        value = jax.eval_shape(function, parameters, *inputs)
    wanted = jnp.dtype("bfloat16" if dtype == "mixed" else dtype)
    floats = {leaf.dtype for leaf in jax.tree.leaves(value) if jnp.issubdtype(leaf.dtype, jnp.floating)}
    if entry.widens and wanted.itemsize < 4:
        assert jnp.dtype("float32") in floats
        assert floats <= {jnp.dtype("float32"), wanted}
    else:
        assert floats <= {wanted}


def compiled():
    """(name, dtype) of the programs that are run: cheap ones in float32 in every run, all others in slow runs."""
    for name, entry in TABLE.items():
        for dtype in dtypes_of(entry):
            slow = entry.costly or dtype != "float32"
            yield pytest.param(name, dtype, marks=pytest.mark.slow if slow else ())


def size(tree):
    """The number of numbers in a tree."""
    return sum(np.size(leaf) for leaf in jax.tree.leaves(tree))


def compile_strictly(run, *arguments):
    """The program, compiled under the strict settings."""
    rank, promotion = strict()
    with rank, promotion:
        return jax.jit(run).lower(*arguments).compile()


@pytest.mark.parametrize(("name", "dtype"), list(compiled()))
def test_transformations(name, dtype):
    """vmap is a loop; gradients have the dtypes of their arrays, and the two modes are adjoint: Σ J 1 = Σ Jᵀ 1."""
    entry, function, parameters, inputs = setup(name, dtype)
    run = compile_strictly(derivatives(entry, function), parameters, *inputs)
    value, batch, tangent, gradients = run(parameters, *inputs)
    terms = 16 * size((parameters, inputs))
    for index in (0, 1):
        parity.assert_same(jax.tree.map(lambda x, i=index: x[i], batch), value, length=terms)
    if not entry.differentiable:
        return
    dtypes = lambda tree: [leaf.dtype for leaf in jax.tree.leaves(tree)]
    assert dtypes(tangent) == dtypes(value)
    assert dtypes(gradients) == dtypes((parameters, *inputs))
    leaves = lambda tree: [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
    forward, backward = (sum(leaf.sum() for leaf in leaves(tree)) for tree in (tangent, gradients))
    magnitude = sum(np.abs(leaf).sum() for leaf in leaves((tangent, gradients)))
    coarsest = min(dtypes((tangent, gradients)), key=lambda dtype: dtype.itemsize)
    parity.assert_same(np.asarray(forward / magnitude, coarsest), np.asarray(backward / magnitude), length=terms)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_eager(name):
    """Operation by operation the result is that of the compiled program."""
    _, function, parameters, inputs = setup(name, "float32")
    wanted = jax.jit(function)(parameters, *inputs)
    parity.assert_same(function(parameters, *inputs), wanted, length=16 * size((parameters, inputs)))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if entry.costly or i % 4 else ())
        for i, (name, entry) in enumerate(TABLE.items())
    ],
)
def test_without_jit(name):
    """`jax.disable_jit()`, with which people debug, changes nothing."""
    _, function, parameters, inputs = setup(name, "float32")
    wanted = jax.jit(function)(parameters, *inputs)
    with jax.disable_jit():
        found = function(parameters, *inputs)
    parity.assert_same(found, wanted, length=16 * size((parameters, inputs)))
