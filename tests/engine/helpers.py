"""What the engine's tests share: problems, and whether an algorithm's result is that of the oracle."""

import functools

import jax
import numpy as np

from jconv.engine import conv_general_dilated
from jconv.engine._planner import default_planner
from jconv.engine._problem import Geometry, Problem
from jconv.engine.algorithms import ALGORITHMS
from tests.engine import oracle
from tests.tolerances import tolerance


def problem_of(
    lhs_shape,
    rhs_shape,
    strides=1,
    padding=0,
    lhs_dilation=1,
    rhs_dilation=1,
    groups=1,
    dtype="float32",
    *,
    precision="default",
    platform="cpu",
    portable=False,
):
    """A canonical problem; numbers stand for all axes."""
    n = len(lhs_shape) - 2

    def each(value):
        return tuple(value) if isinstance(value, tuple | list) else (value,) * n

    pads = tuple((p, p) if isinstance(p, int) else tuple(p) for p in each(padding))
    geometry = Geometry(each(strides), pads, each(lhs_dilation), each(rhs_dilation), groups)
    target = default_planner().target(platform, portable)
    return Problem(geometry, tuple(lhs_shape), tuple(rhs_shape), str(np.dtype(dtype)), precision, target)


def case_problem(case, **facts):
    """The problem of a case of `tests.engine.problems` without negative padding."""
    return problem_of(case.lhs, case.rhs, **case.geometry, **facts)


def normwise(got, want):
    """‖got − want‖ / ‖want‖."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    return np.linalg.norm((got.astype(wide) - want).ravel()) / max(np.linalg.norm(want.ravel()), 1e-300)


NAMES = ["auto", *ALGORITHMS]
TRANSFORMS = ("winograd", "winograd_gradient", "fft", "overlap_add", "overlap_save")


def run(case, name, *arrays):
    """The result by a named algorithm, or None where it does not support the problem."""
    try:
        return jax.jit(functools.partial(conv_general_dilated, algorithm=name, **case.lax))(*arrays)
    except ValueError as error:
        if "cannot do this problem" in str(error):
            return None
        raise


def check(case, name, dtype, seed=0):
    x, w = case.data(dtype, seed)
    got = run(case, name, x, w)
    if got is None:
        return False
    assert got.dtype == np.dtype(dtype)
    want = oracle.convolution(x, w, **case.geometry)
    accuracy = "winograd4" if name in ("auto", *TRANSFORMS) else "direct"
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    # Relative to the sum of the magnitudes: a sum that cancels has no relative accuracy.
    scale = np.linalg.norm(oracle.convolution(np.abs(x), np.abs(w), **case.geometry).ravel())
    error = np.linalg.norm((np.asarray(got).astype(want.dtype) - want).ravel())
    assert got.shape == want.shape
    assert error <= tolerance(real, case.terms, accuracy) * scale, (name, dtype, case)
    return True
