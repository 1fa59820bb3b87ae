"""Adaptive subdivision inside jit: reaches its tolerance, says when it cannot, and differentiates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jconv.continuous import AccuracyWarning, Adaptive, GaussHermite, GaussKronrod, PeriodicTrapezoid, convolve
from tests.continuous.tolerances import DERIVATIVE

STD = 0.01  # a peak that no fixed rule of moderate size resolves on (0, 10)


def model(rate, t, **options):
    narrow = lambda y: jnp.exp(-((y / STD) ** 2) / 2) / (STD * np.sqrt(2 * np.pi))
    return convolve(lambda x: rate * jnp.exp(-rate * x), narrow, t, support_f=(0, np.inf), **options)


def test_reaches_its_tolerance_in_jit():
    t = jnp.linspace(-0.02, 9, 12)
    value, error = jax.jit(lambda t: model(1.0, t, rtol=1e-11, atol=1e-14))(t)
    want = stats.exponnorm.pdf(np.asarray(t), 1 / STD, 0, STD)
    assert np.all(np.abs(value - want) <= error)
    assert np.all(error <= np.maximum(1e-14, 1e-11 * np.abs(value)))
    assert np.max(model(1.0, t, rule=GaussKronrod(31)).error) > 1e-4  # without subdivision


@pytest.mark.parametrize("derivative", ["rule", "integrand"])
def test_derivatives_both_modes(derivative):
    value = lambda rate: model(rate, jnp.float64(0.3), rtol=1e-12, derivative=derivative).value
    closed = lambda rate: rate * jnp.exp(-rate * 0.3 + (rate * STD) ** 2 / 2)
    got = jax.jit(lambda r: (jax.grad(value)(r), jax.jacfwd(value)(r), jax.grad(jax.grad(value))(r)))(1.3)
    want = jax.grad(closed)(1.3), jax.grad(closed)(1.3), jax.grad(jax.grad(closed))(1.3)
    np.testing.assert_allclose(got, want, rtol=DERIVATIVE)


def test_exhaustion_is_said():
    rough = lambda x: jnp.cos(3000 * x)
    shapes = {"support_f": (0, 1), "support_g": (0, 1)}
    few = Adaptive(GaussKronrod(15), limit=4)
    with pytest.warns(AccuracyWarning, match=r"ran out of subdivisions at 1 of 1 values; .* raise `limit`"):
        value, error = convolve(rough, jnp.ones_like, 0.5, rule=few, rtol=1e-12, **shapes)
    assert error > max(abs(value - np.sin(1500) / 3000), 1e-12 * abs(value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": GaussHermite(8), "rtol": 1e-3}, "`rtol` and `atol` need a rule that can be refined"),
        ({"rule": GaussHermite(8), "breaks_f": (0.0,)}, "has its own nodes on the line"),
        ({"rule": PeriodicTrapezoid(8), "support_g": (0, 1)}, "has its own nodes on the line"),
    ],
)
def test_declared_rules_refuse(options, message):
    with pytest.raises(ValueError, match=message):
        convolve(jnp.cos, jnp.cos, 0.5, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PeriodicTrapezoid(7), "must be even, got 7; pass 8"),
        (lambda: GaussHermite(3), r"must lie in \[4, 180\], got 3"),
        (lambda: Adaptive(limit=0), "must be at least 1"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
