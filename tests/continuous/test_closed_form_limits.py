"""Closed forms at their limits: widths of zero are values, with gradients, and nearly zero is no worse."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from jconv.continuous import closed_forms
from tests.continuous.tolerances import DERIVATIVE, LAW, RELATIVE

T = np.array([-3.0, -0.5, -0.2, 0.1, 0.7, 4.0])


def slopes(h, *at):
    """Gradients in every argument, at all points T."""
    return [jax.jit(jax.vmap(jax.grad(h, i), (0, *[None] * len(at))))(T, *at) for i in range(1 + len(at))]


def lorentzian_slopes(t, width):
    square = t * t + width * width
    return -2 * t * width / np.pi / square**2, (t * t - width * width) / np.pi / square**2


def test_voigt_without_a_gaussian_is_the_lorentzian():
    np.testing.assert_allclose(
        closed_forms.voigt(T, std=0.0, width=0.3), closed_forms.lorentzian(T, width=0.3), rtol=LAW
    )
    in_t, in_std, in_width = slopes(lambda t, s, w: closed_forms.voigt(t, std=s, width=w), 0.0, 0.3)
    want_t, want_width = lorentzian_slopes(T, 0.3)
    np.testing.assert_allclose(in_t, want_t, rtol=DERIVATIVE)
    np.testing.assert_allclose(in_width, want_width, rtol=DERIVATIVE)
    np.testing.assert_array_equal(in_std, 0)  # even in std
    # The Voigt profile solves the heat equation in std²/2: its second derivative in std at 0 is that in t.
    curved = jax.vmap(jax.grad(jax.grad(lambda s, t: closed_forms.voigt(t, std=s, width=0.3))), (None, 0))(0.0, T)
    bend = jax.vmap(jax.grad(jax.grad(lambda t: closed_forms.lorentzian(t, width=0.3))))(T)
    np.testing.assert_allclose(curved, bend, rtol=DERIVATIVE)


def test_voigt_without_a_lorentzian_is_the_gaussian():
    np.testing.assert_allclose(closed_forms.voigt(T, std=0.4, width=0.0), closed_forms.gaussian(T, std=0.4), rtol=LAW)
    in_t, in_std, in_width = slopes(lambda t, s, w: closed_forms.voigt(t, std=s, width=w), 0.4, 0.0)
    value = closed_forms.gaussian(T, std=0.4)
    np.testing.assert_allclose(in_t, -T / 0.16 * value, rtol=DERIVATIVE)
    np.testing.assert_allclose(in_std, (T**2 / 0.16 - 1) / 0.4 * value, rtol=DERIVATIVE, atol=LAW)
    u = T / 0.4 / np.sqrt(2)
    want = (2 * u * special.dawsn(u) - 1) / (np.pi * 0.16)  # Re i w'(u) / (2 std² √π)
    np.testing.assert_allclose(in_width, want, rtol=DERIVATIVE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_voigt_between_its_limits_and_far_out(dtype):
    widths = [1e-8, 1e-4, 1e-2, 1.0]
    far = np.array([0.02, 0.3, 1.0, 30.0, 1e4, 1e6, 1e8, 1e12])
    h = jax.jit(lambda t, s, w: closed_forms.voigt(t, std=s, width=w))
    for std, width in itertools.product(widths, widths):
        value = h(*(np.asarray(v, dtype) for v in (far, std, width)))
        # Beyond 1e4 widths of both SciPy's own formula is the limit of a Lorentzian.
        want = special.voigt_profile(np.float64(far), std, width)
        lorentzian = width / np.pi / (far**2 + width**2)
        is_lorentzian = far > 1e4 * max(std, width)
        want = np.where(is_lorentzian, lorentzian * (1 + 3 * (std / far) ** 2), want)
        # A Gaussian flank magnifies the rounding of its argument by (t/std)².
        slack = 1 + np.where(is_lorentzian, 0, np.minimum((far / std) ** 2, 80))
        assert value.dtype == dtype
        assert np.all(np.abs(value / want - 1) < RELATIVE[np.dtype(dtype)] * slack), (std, width)


@pytest.mark.parametrize("name", ["exponential_gaussian", "laplace_gaussian", "gaussian_damped_cosine"])
def test_decays_without_a_gaussian(name):
    form = getattr(closed_forms, name)
    extra = {"frequency": 3.0} if name == "gaussian_damped_cosine" else {}

    def sharp(t, rate, mean, std):
        s = t - mean
        if name == "laplace_gaussian":
            return rate / 2 * jnp.exp(-rate * jnp.abs(s))
        decay = jnp.exp(-rate * s)
        return jnp.where(s > 0, decay * (jnp.cos(3 * s) if extra else rate), 0)

    blurred = lambda t, rate, mean, std: form(t, rate=rate, mean=mean, std=std, **extra)
    np.testing.assert_allclose(blurred(T, 2.0, 0.2, 0.0), sharp(T, 2.0, 0.2, 0.0), rtol=LAW, atol=LAW)
    for got, want in zip(slopes(blurred, 2.0, 0.2, 0.0), slopes(sharp, 2.0, 0.2, 0.0)):
        np.testing.assert_allclose(got, want, rtol=DERIVATIVE, atol=LAW)
    half = {"exponential_gaussian": 1.0, "laplace_gaussian": 1.0, "gaussian_damped_cosine": 0.5}[name]
    np.testing.assert_allclose(blurred(0.2, 2.0, 0.2, 0.0), half, rtol=LAW)
    for std in (1e-300, 1e-12, 1e-6):
        np.testing.assert_allclose(blurred(T, 2.0, 0.25, std), sharp(T, 2.0, 0.25, 0.0), rtol=1e-9, atol=LAW)
        assert all(np.all(np.isfinite(g)) for g in slopes(blurred, 2.0, 0.25, std))


@pytest.mark.parametrize(
    ("name", "width"), [("box_gaussian", "std"), ("box_lorentzian", "width")], ids=["Gaussian", "Lorentzian"]
)
def test_boxes_that_nothing_blurs(name, width):
    form = lambda t, w: getattr(closed_forms, name)(t, lower=-0.5, upper=0.75, **{width: w})
    t = np.array([-3.0, -0.5, -0.2, 0.1, 0.75, 4.0])
    np.testing.assert_allclose(form(t, 0.0), [0, 0.5, 1, 1, 0.5, 0], atol=LAW)
    inside = np.array([-3.0, -0.2, 0.1, 4.0])
    grad = jax.vmap(jax.grad(form, (0, 1)), (0, None))
    in_t, in_width = grad(inside, 0.0)
    np.testing.assert_allclose(in_t, 0, atol=LAW)
    near = (form(inside, 1e-7) - form(inside, 0.0)) / 1e-7
    np.testing.assert_allclose(in_width, near, atol=1e-6)
    assert all(np.all(np.isfinite(g)) for g in grad(t, 0.0))


def test_deltas_are_zero_off_their_place_and_infinite_on_it():
    for form, width in ((closed_forms.gaussian, "std"), (closed_forms.lorentzian, "width")):
        np.testing.assert_array_equal(form(np.array([-1.0, 0.0, 2.0]), **{width: 0.0}), [0, np.inf, 0])
        assert np.isfinite(jax.grad(lambda w, f=form, n=width: f(0.5, **{n: w}))(0.0))
    assert closed_forms.voigt(0.0, std=0.0, width=0.0) == np.inf
    assert closed_forms.voigt(0.5, std=0.0, width=0.0) == 0
