"""Every algorithm on every problem of the table, against the sum in float64."""

import functools

import jax
import numpy as np
import pytest

from jconv.engine import conv_general_dilated
from jconv.engine._accuracy import CLASSES
from jconv.engine.algorithms import ALGORITHMS
from tests.engine import oracle
from tests.engine.helpers import NAMES, case_problem, check, normwise, problem_of
from tests.engine.problems import CASES
from tests.tolerances import tolerance


@pytest.mark.core
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_algorithm_computes_the_sum(case):
    tried = [name for name in NAMES if check(case, name, "float32")]
    assert {"auto", "xla", "direct"} <= set(tried)


def test_every_algorithm_is_tried():
    refused = {
        name: [ALGORITHMS[name].refusal(case_problem(case)) for case in CASES if min(map(min, case.padding)) >= 0]
        for name in ALGORITHMS
        # Large images, known kernels: test_images.py and test_separable_kernels.py have them.
        if name not in ("complex_split", "overlap_save", "separable")
    }
    never = [name for name, reasons in refused.items() if None not in reasons]
    assert not never, {name: refused[name] for name in never}


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
    problem = problem_of(lhs, rhs, **geometry)

    def error(algorithm):
        solve = jax.jit(lambda a, b: ALGORITHMS[algorithm].apply(problem, a, b, None))
        return normwise(solve(x, w), want)

    # Along one axis `direct` keeps four partial sums, and errs by less than the sum taken one product after the other.
    reference = _plain_error(x, w, padding, want) if len(padding) == 1 else error("direct")
    reference = max(reference, np.finfo(np.float32).eps / 2)
    assert error(name) <= CLASSES[ALGORITHMS[name].estimate(problem).accuracy].amplification * reference
