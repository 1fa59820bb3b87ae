"""Smoothing by local statistics and local polynomials: what large means and high degrees cost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jconv import signal

rng = np.random.default_rng(8)


@pytest.mark.parametrize("degree", [10, 16, 24])
def test_polynomials_of_high_degree_are_kept_to_the_edges(degree):
    t = np.linspace(-1, 1, 200)
    x = np.polynomial.chebyshev.chebval(t, np.ones(11))
    np.testing.assert_allclose(signal.savgol_filter(x, 51, degree), x, rtol=0, atol=1e-11)
    x = np.polynomial.chebyshev.chebval(t, np.ones(degree + 1))
    np.testing.assert_allclose(signal.savgol_filter(x, 25, degree)[:12], x[:12], rtol=0, atol=1e-11)


def test_windows_of_even_length_are_aligned_where_that_is_asked_for():
    x = np.arange(20.0) ** 2
    np.testing.assert_allclose(signal.savgol_filter(x, 6, 2, align="sample"), x, rtol=0, atol=1e-11)
    shifted = scipy.signal.savgol_filter(x, 6, 2)
    assert np.abs(shifted[3:-3] - x[3:-3]).max() > 1
    np.testing.assert_allclose(signal.savgol_filter(x, 6, 2), shifted, rtol=0, atol=1e-11)


def test_wiener_keeps_its_digits_beside_a_large_mean():
    x = (1000 + rng.normal(size=(60, 60))).astype(np.float32)
    truth = scipy.signal.wiener(x.astype(float), 5)[2:-2, 2:-2]
    error = np.abs(np.asarray(signal.wiener(x, 5))[2:-2, 2:-2] - truth).max()
    assert error <= 4 * 1000 * np.finfo(np.float32).eps
    constant = jnp.full(9, 1e4, jnp.float32)
    np.testing.assert_array_equal(signal.wiener(constant, boundary="symm"), constant)


def test_wiener_at_zero_has_a_value_and_a_gradient():
    zeros = jnp.zeros(6)
    value, slope = jax.value_and_grad(lambda x: signal.wiener(x).sum())(zeros)
    assert value == 0
    assert np.isfinite(slope).all()


def test_the_frame_is_darkened_unless_a_boundary_is_named():
    x = 100 + rng.normal(size=(12, 12))
    dark = np.asarray(signal.wiener(x, 5))
    np.testing.assert_allclose(dark, scipy.signal.wiener(x, 5), rtol=0, atol=1e-11)
    assert dark[0, 0] < 90
    assert np.abs(np.asarray(signal.wiener(x, 5, boundary="symm")) - 100).max() < 5
