"""Thousands of generated problems, each under several transformations at once, against the sum in float64.

A program of one problem holds its value and both gradients, for every second problem the derivatives of all three too
(second order), under one of six kinds of `vmap`. Every convolution that any of it comes down to – adjoints, tangents,
mapped ones, the parts of composite algorithms – is computed by an algorithm drawn at random among those that support
it.
"""

import functools

import jax
import numpy as np
import pytest

from jconv.engine import conv_general_dilated
from jconv.engine._planner import use_planner
from jconv.engine.algorithms import ALGORITHMS
from tests.engine import oracle
from tests.engine.lottery import FAST_TO_COMPILE, Lottery
from tests.engine.problems import Case, generated
from tests.tolerances import tolerance

DTYPES = ("float64", "float32", "float64", "complex128", "float32", "int32", "bfloat16", "complex64", "float16")
MAPPED = ((None, None), (0, None), (None, 1), (0, -1), (-1, 0), (2, None))
COUNT = 2
TRANSFORMS = {"fft", "overlap_add", "overlap_save"}
FOR_IMAGES = {"overlap_save", "banded", "columns", "separable"}  # seldom drawn, large, or for known kernels


@pytest.fixture
def lottery():
    with use_planner(Lottery()) as lottery:
        yield lottery
    jax.clear_caches()


def first_order(f, x, w, ct):
    """(value, input gradient, kernel gradient)."""
    y, pull = jax.vjp(f, x, w)
    return y, *pull(ct)


def expected(case: Case, x, w, ct, directions):
    """The same by the oracle: a bilinear map's derivative is the sum of its values with one argument replaced."""
    dx, dw, dct = directions
    sums = functools.partial(oracle.convolution, **case.geometry)
    adjoints = functools.partial(oracle.gradients, **case.geometry)
    first = (sums(x, w), *adjoints(x, w, ct))
    # x̄ depends on w and ȳ alone, w̄ on x and ȳ alone.
    by_ct, by_others = adjoints(x, w, dct), adjoints(dx, dw, ct)
    return first, (sums(dx, w) + sums(x, dw), by_ct[0] + by_others[0], by_ct[1] + by_others[1])


def check(case: Case, seed: int, second: bool, lottery: Lottery) -> None:
    dtype, axes = DTYPES[seed % len(DTYPES)], MAPPED[seed // len(DTYPES) % len(MAPPED)]
    count = COUNT if axes != (None, None) else 1
    shape = oracle.convolution(*case.data("float32"), **case.geometry).shape
    rng = np.random.default_rng(seed)

    def draw(shape):
        if dtype == "int32":
            return rng.integers(-4, 5, shape).astype(dtype)
        values = rng.standard_normal(shape)
        return (values + 1j * rng.standard_normal(shape) if "complex" in dtype else values).astype(dtype)

    mapped = (*axes, *axes, 0, 0) if count > 1 else (None,) * 6  # x, w, dx, dw, ct, dct

    def several(shape, axis):
        return [draw(shape) for _ in range(count if axis is not None else 1)] * (count if axis is None else 1)

    shapes = (case.lhs, case.rhs, case.lhs, case.rhs, shape, shape)
    arrays = [several(s, a) for s, a in zip(shapes, mapped)]
    stacked = [copies[0] if a is None else np.stack(copies, a) for copies, a in zip(arrays, mapped)]
    f = functools.partial(conv_general_dilated, **case.lax)

    first = functools.partial(first_order, f)

    def program(x, w, dx, dw, ct, dct):
        if dtype == "int32":
            return f(x, w)
        return jax.jvp(first, (x, w, ct), (dx, dw, dct)) if second else first(x, w, ct)

    before = lottery.ran.copy()
    found = jax.jit(jax.vmap(program, mapped) if count > 1 else program, compiler_options=FAST_TO_COMPILE)(*stacked)
    found = [np.asarray(array) for array in jax.tree.leaves(found)]
    transformed = any((lottery.ran - before)[name] for name in TRANSFORMS)
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    terms = case.terms + int(np.prod(shape[:-1]))
    for i in range(count):
        x, w, dx, dw, ct, dct = (copies[i] for copies in arrays)
        wanted = jax.tree.leaves(expected(case, x, w, ct, (dx, dw, dct)))
        # Errors are relative to the sum of the magnitudes: a sum that cancels has no relative accuracy.
        sizes = jax.tree.leaves(expected(case, *map(np.abs, (x, w, ct)), tuple(map(np.abs, (dx, dw, dct)))))
        # Those of transforms are relative to the operands, also where few of their samples meet.
        nx, nw, nct, ndx, ndw, ndct = (transformed * np.linalg.norm(v.astype(complex)) for v in (x, w, ct, dx, dw, dct))
        operands = (nx * nw, nw * nct, nx * nct, ndx * nw + nx * ndw, nw * ndct + ndw * nct, ndx * nct + nx * ndct)
        for k, array in enumerate(found):
            got = array if count == 1 else array[i]
            assert got.dtype == np.dtype(dtype)
            assert got.shape == wanted[k].shape
            error = np.linalg.norm((got.astype(wanted[k].dtype) - wanted[k]).ravel())
            bound = tolerance(real, terms, "winograd4") * max(np.linalg.norm(sizes[k].ravel()), operands[k])
            assert error <= bound, (case, dtype, mapped, ("value", "x̄", "w̄", "ẏ", "dx̄", "dw̄")[k], error, bound)


@pytest.mark.parametrize("seed", range(8))
def test_a_few_generated_problems(seed, lottery):
    check(generated(10**6 + seed), seed, True, lottery)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(50))
def test_generated_problems(block, lottery):
    for seed in range(100 * block, 100 * block + 100):
        check(generated(seed), seed, seed // 2 % 2 == 0, lottery)
    never = set(ALGORITHMS) - set(lottery.ran) - FOR_IMAGES
    assert len(never) <= 3, f"{never} ran for no problem of this block"
    print(dict(lottery.ran))
