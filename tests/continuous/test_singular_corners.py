"""Integrable singularities at the ends of supports and at breakpoints: the default finds and integrates them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy import inf
from scipy import special, stats

from jconv.continuous import TanhSinh, convolve
from jconv.continuous import _pointwise as pointwise
from jconv.continuous._corners import has_singular_corner
from jconv.continuous._pieces import check_shape
from tests.continuous.tolerances import DERIVATIVE, RELATIVE, RELATIVE_ERROR_ESTIMATE, rounding

gamma = lambda k: lambda x: x ** (k - 1) * jnp.exp(-x) / float(special.gamma(k))
chi_squared = lambda k: lambda x: x ** (k / 2 - 1) * jnp.exp(-x / 2) / float(2 ** (k / 2) * special.gamma(k / 2))
normal = lambda x: jnp.exp(-x * x / 2) / np.sqrt(2 * np.pi)
T = np.array([0.001, 0.05, 0.3, 0.8, 1.4, 2.7, 5.5, 9.0, 20.0])
HALF = {"support_f": (0, inf), "support_g": (0, inf)}
UNIT = {"support_f": (0, 1), "support_g": (0, 1)}


def gamma_row(a, b):
    return f"gamma {a} * gamma {b}", gamma(a), gamma(b), HALF, T, lambda t: stats.gamma.pdf(t, a + b)


def log_box(t):
    return np.where(t < 1, special.xlogy(t, t) - t, -1 - special.xlogy(t - 1, np.abs(t - 1)) + (t - 1))


def normal_chi(t):
    """The density of a normal variable plus the square of another, by substitution x = u²."""
    u, w = np.polynomial.legendre.leggauss(400)
    u, w = 6 * (u + 1), 6 * w
    return 2 * np.sum(w * normal(u) * normal(t[:, None] - u * u), axis=1)


# name, f, g, shapes, points, truth
TABLE = [
    (
        "chi-squared, one degree of freedom each",
        chi_squared(1),
        chi_squared(1),
        HALF,
        T,
        lambda t: stats.chi2.pdf(t, 2),
    ),
    ("chi-squared 1 and 3", chi_squared(1), chi_squared(3), HALF, T, lambda t: stats.chi2.pdf(t, 4)),
    *(
        gamma_row(a, b)
        for a, b in [(0.3, 0.7), (0.2, 0.2), (0.7, 1.0), (1.5, 1.5), (2.5, 2.5), (3.7, 1.2), (0.5, 10.0)]
    ),
    ("chi-squared on a normal", chi_squared(1), normal, {"support_f": (0, inf)}, T[:-1], normal_chi),
    ("logarithm * box", jnp.log, jnp.ones_like, UNIT, np.array([0.1, 0.4, 0.8, 1.3, 1.7]), log_box),
    ("x log x * box", lambda x: x * jnp.log(x), jnp.ones_like, UNIT, T[1:4], lambda t: t * t / 2 * (np.log(t) - 0.5)),
    ("square roots", jnp.sqrt, jnp.sqrt, {"support_f": (0, 5), "support_g": (0, 5)}, T[:6], lambda t: np.pi / 8 * t**2),
    (
        "breakpoint inside",
        lambda x: jnp.abs(x) ** -0.5,
        jnp.ones_like,
        {"support_f": (-1, 1), "support_g": (-0.5, 0.5), "breaks_f": (0,)},
        np.array([-0.1, 0.0, 0.3]),
        lambda t: 2 * (np.sqrt(t + 0.5) + np.sqrt(0.5 - t)),
    ),
    (
        "semicircle, away from 0",
        lambda x: jnp.sqrt(1 - x * x) * 2 / np.pi,
        jnp.ones_like,
        {"support_f": (-1, 1), "support_g": (-1, 1)},
        np.array([-0.3, 0.9, 1.5]),
        lambda t: 0.5 + ((1 - np.abs(t)) * np.sqrt(1 - (1 - np.abs(t)) ** 2) + np.arcsin(1 - np.abs(t))) / np.pi,
    ),
]


@pytest.mark.parametrize("tolerance", [{}, {"rtol": 1e-10}], ids=["default", "rtol"])
@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_the_default_is_right_and_its_error_means_something(row, tolerance):
    _, f, g, shapes, t, truth = row
    value, error = jax.jit(lambda t: convolve(f, g, t, **shapes, **tolerance))(t)
    want = truth(t)
    true = np.abs(value - want)
    assert np.all(true <= RELATIVE[np.dtype("float64")] * np.abs(want))
    assert np.all(error + rounding(np.float64, 100) * np.abs(want) >= true)
    assert np.all(error <= RELATIVE_ERROR_ESTIMATE * np.abs(want))


def test_the_error_of_tanh_sinh_is_not_that_of_rounded_arguments():
    value, error = convolve(chi_squared(1), chi_squared(1), T, rule=TanhSinh(), **HALF)
    want = stats.chi2.pdf(T, 2)
    np.testing.assert_allclose(value, want, rtol=rounding(np.float64, 10))
    assert np.all(error <= RELATIVE_ERROR_ESTIMATE * want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("f", "support", "breaks", "is_singular"),
    [
        (lambda x: x**-0.5, (0, 1), (), True),
        (lambda x: x**0.5, (0, inf), (), True),
        (lambda x: (3 - x) ** 0.3, (1, 3), (), True),
        (lambda x: (-x) ** -0.2, (-inf, 0), (), True),
        (lambda x: jnp.log(x), (0, 1), (), True),
        (lambda x: jnp.abs(x - 0.5) ** 0.5, (0, 1), (0.5,), True),
        (lambda x: 1e3 + x**0.5 * 1e5, (0, 1), (), True),
        (lambda x: jnp.exp(-x), (0, inf), (), False),
        (lambda x: jnp.cos(100 * x), (0, 1), (), False),
        (lambda x: jnp.exp(-72 * (2 * x - 1) ** 2), (0, 1), (), False),
        (lambda x: jnp.exp(-(x**2)), (-inf, inf), (), False),
        (lambda x: jnp.where(x < 0.5, x, 2.0), (0, 1), (0.5,), False),
        (lambda x: jnp.stack([x, 1j * x**0.5]), (0, 1), (), True),
        (lambda x: jnp.zeros_like(x), (0, 1), (), False),
        (lambda x: jnp.nan * x, (0, 1), (), False),
        (lambda x: 1 / (1 + 25 * x**2), (-1, 1), (), False),
    ],
)
def test_which_corners_are_singular(f, support, breaks, is_singular, dtype):
    assert bool(has_singular_corner(f, check_shape("f", support, breaks), dtype)) == is_singular


def test_a_shape_that_is_traced_takes_the_rule_that_it_needs():
    def density(k, t):
        f = lambda x: x ** (k - 1) * jnp.exp(-x) / jnp.exp(jax.scipy.special.gammaln(k))
        return convolve(f, lambda y: jnp.exp(-y), t, **HALF).value

    at = jax.jit(lambda k: (density(k, 0.7), jax.grad(density)(k, 0.7), jax.grad(density, 1)(k, 0.7)))
    for k in (0.5, 1.7, 3.0):
        pdf = lambda k, t=0.7: stats.gamma.pdf(t, k + 1)
        np.testing.assert_allclose(at(k)[0], pdf(k), rtol=RELATIVE[np.dtype("float64")])
        slope = pdf(k) * (np.log(0.7) - special.digamma(k + 1))
        np.testing.assert_allclose(at(k)[1], slope, rtol=DERIVATIVE)
        np.testing.assert_allclose(at(k)[2], pdf(k) * (k / 0.7 - 1), rtol=DERIVATIVE)


def test_other_functions_find_the_sum_compiled():
    t = np.linspace(0.1, 1.9, 13)
    convolve(jnp.cos, jnp.sin, t, **UNIT)
    sizes = pointwise._place._cache_size(), pointwise._sum._cache_size()
    convolve(lambda x: 2 * x, lambda x: x + 1, t, **UNIT)
    assert (pointwise._place._cache_size(), pointwise._sum._cache_size()) == sizes
