"""Every algorithm on every problem of the table, against the sum in float64."""

import functools

import jax
import numpy as np
import pytest

from jconv.engine import conv_general_dilated
from jconv.engine._accuracy import CLASSES, tolerance
from jconv.engine._problem import Problem
from jconv.engine.algorithms import ALGORITHMS
from tests.engine import oracle
from tests.engine.problems import CASES

NAMES = ["auto", *ALGORITHMS]


def run(case, name, *arrays):
    """The result by a named algorithm, or None where it does not support the problem."""
    try:
        return jax.jit(functools.partial(conv_general_dilated, algorithm=name, **case.lax))(*arrays)
    except ValueError as error:
        if "cannot do this problem" in str(error):
            return None
        raise


def normwise(got, want):
    """‖got − want‖ / ‖want‖."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    return np.linalg.norm((got.astype(wide) - want).ravel()) / max(np.linalg.norm(want.ravel()), 1e-300)


def check(case, name, dtype, seed=0):
    x, w = case.data(dtype, seed)
    got = run(case, name, x, w)
    if got is None:
        return False
    assert got.dtype == np.dtype(dtype)
    want = oracle.convolution(x, w, **case.geometry)
    accuracy = "winograd4" if name == "auto" else ALGORITHMS[name].ACCURACY
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    # Relative to the sum of the magnitudes: a sum that cancels has no relative accuracy.
    scale = np.linalg.norm(oracle.convolution(np.abs(x), np.abs(w), **case.geometry).ravel())
    error = np.linalg.norm((np.asarray(got).astype(want.dtype) - want).ravel())
    assert got.shape == want.shape
    assert error <= tolerance(real, case.terms, accuracy) * scale, (name, dtype, case)
    return True


@pytest.mark.core
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_algorithm_computes_the_sum(case):
    tried = [name for name in NAMES if check(case, name, "float32")]
    assert {"auto", "xla", "direct"} <= set(tried)


def test_every_algorithm_is_tried():
    refused = {
        name: [ALGORITHMS[name].supports(_problem(case)) for case in CASES if min(map(min, case.padding)) >= 0]
        for name in ALGORITHMS
        if name not in ("complex_split", "overlap_save")  # whose images are large: test_images.py has them
    }
    never = [name for name, reasons in refused.items() if None not in reasons]
    assert not never, {name: refused[name] for name in never}


def _problem(case):
    return Problem(case.lhs, case.rhs, **case.geometry, dtype="float32")


@pytest.mark.parametrize("dtype", ["float64", "complex64", "int32", "float16", "bfloat16"])
@pytest.mark.parametrize("case", CASES[::3], ids=lambda c: c.name)
def test_every_dtype(case, dtype):
    tried = [name for name in NAMES if check(case, name, dtype)]
    assert {"auto", "direct"} <= set(tried)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_gradients_are_the_adjoints(case):
    x, w = case.data("float64")
    y, pull = jax.vjp(functools.partial(conv_general_dilated, **case.lax), x, w)
    ct = np.random.default_rng(1).standard_normal(y.shape)
    for got, want in zip(pull(ct), oracle.gradients(x, w, ct, **case.geometry)):
        assert normwise(got, want) <= tolerance("float64", y.size // y.shape[-1] + case.terms, "winograd4")


def _plain_error(x, w, padding, want):
    """The normwise error of the sum over the taps of one channel along one axis, in order and in float32."""
    padded = np.pad(x[..., 0], ((0, 0), *padding))
    total = np.zeros(want.shape[:-1], np.float32)
    for tap, weight in enumerate(w[:, 0, 0]):
        total += padded[:, tap : tap + total.shape[1]] * weight
    return normwise(total[..., None], want)


@pytest.mark.parametrize("name", ["winograd", "winograd_gradient", "fft", "overlap_add", "toeplitz"])
def test_no_algorithm_exceeds_its_error_class(name):
    """Large random problems in float32: the normwise error in units of the direct sum's."""
    shapes = {
        "winograd": ((2, 32, 32, 64), (3, 3, 64, 64), ((1, 1), (1, 1))),
        "winograd_gradient": ((64, 34, 34, 2), (32, 32, 2, 64), ((0, 0), (0, 0))),
        "fft": ((1, 64, 64, 1), (31, 31, 1, 1), ((15, 15), (15, 15))),
        "overlap_add": ((1, 20000, 1), (501, 1, 1), ((250, 250),)),
        "toeplitz": ((1, 20000, 1), (201, 1, 1), ((100, 100),)),
    }[name]
    lhs, rhs, padding = shapes
    ones = (1,) * len(padding)
    geometry = {"strides": ones, "padding": padding, "lhs_dilation": ones, "rhs_dilation": ones, "groups": 1}
    rng = np.random.default_rng(3)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (lhs, rhs))
    want = oracle.convolution(x, w, **geometry)
    problem = Problem(lhs, rhs, **geometry, dtype="float32")

    def error(algorithm):
        solve = jax.jit(lambda a, b: ALGORITHMS[algorithm].apply(problem, a, b, None))
        return normwise(solve(x, w), want)

    # Along one axis `direct` keeps four partial sums, and errs by less than the sum taken one product after the other.
    reference = _plain_error(x, w, padding, want) if len(padding) == 1 else error("direct")
    reference = max(reference, np.finfo(np.float32).eps / 2)
    assert error(name) <= CLASSES[ALGORITHMS[name].ACCURACY].amplification * reference
