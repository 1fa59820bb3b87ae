"""Derivatives of a convolution with every kind of parameter, against those of the closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import beta

from jconv.continuous import ClenshawCurtis, GaussLegendre, TanhSinh, convolve
from tests.continuous.tolerances import DERIVATIVE

# f(x) = exp(-a x) on (0, c); g(y) = 1 on (-q, s) and h on (s, q): every kind of parameter at once, in
# (a, h, c, q, s, t) = parameter of f, of g, support of f, support of g, breakpoint of g, and the point t.
POINTS = np.array(
    [
        [0.7, 3.0, 2.0, 0.9, 0.3, 1.0],
        [0.7, 3.0, 2.0, 1.9, 0.3, 1.5],
        [0.7, 3.0, 2.0, 0.9, 0.3, 0.2],
        [0.7, 3.0, 2, 0.9, 0.3, 2.5],
    ]
)


def closed_form(p):
    a, h, c, q, s, t = p
    low, high = jnp.maximum(0, t - q), jnp.minimum(c, t + q)
    kink = jnp.clip(t - s, low, high)
    part = lambda u, v: (jnp.exp(-a * u) - jnp.exp(-a * v)) / a
    return h * part(low, kink) + part(kink, high)


def numeric(derivative, rule):
    def value(p):
        a, h, c, q, s, t = p
        f = lambda x: jnp.exp(-a * x)
        g = lambda y: jnp.where(y < s, 1.0, h)
        shapes = {"support_f": (0, c), "support_g": (-q, q), "breaks_g": (s,)}
        return convolve(f, g, t, derivative=derivative, rule=rule, **shapes).value

    return value


@pytest.mark.core
@pytest.mark.parametrize("derivative", ["rule", "integrand"])
@pytest.mark.parametrize("rule", [GaussLegendre(24), ClenshawCurtis(33)], ids=str)
def test_every_parameter_first_and_second_order(derivative, rule):
    value = numeric(derivative, rule)
    everything = lambda h: jax.jit(
        jax.vmap(lambda p: (h(p), jax.grad(h)(p), jax.jacfwd(h)(p), jax.hessian(h)(p), jax.jacrev(jax.grad(h))(p)))
    )
    for got, want in zip(everything(value)(POINTS), everything(closed_form)(POINTS)):
        np.testing.assert_allclose(got, want, rtol=DERIVATIVE, atol=DERIVATIVE)


def test_integrating_the_derivative_needs_no_derivative_in_x():
    # A function of x that JAX cannot differentiate in x, but in its parameter.
    @jax.custom_jvp
    def opaque(x):
        return x

    opaque.defjvp(lambda primals, tangents: (primals[0], jnp.nan * tangents[0]))
    f = lambda a: lambda x: jnp.exp(-a * opaque(x))
    shapes = {"support_f": (0, 1), "support_g": (0, 1)}
    value = lambda how: (
        lambda c: convolve(f(0.5), jnp.cos, 0.8, support_f=(0, c), support_g=(0, 1), derivative=how).value
    )
    at_parameter = jax.grad(lambda a: convolve(f(a), jnp.cos, 1.5, derivative="integrand", **shapes).value)(0.7)
    exact = jax.grad(lambda a: convolve(lambda x: jnp.exp(-a * x), jnp.cos, 1.5, **shapes).value)(0.7)
    np.testing.assert_allclose(at_parameter, exact, rtol=DERIVATIVE)
    assert np.isnan(jax.grad(value("rule"))(0.5))  # the very same question to the other way needs it


def test_through_an_endpoint_singularity():
    # d/dt of ∫ x^(-1/2) (t - x)^(-1/4) dx = B(1/2, 3/4) t^(1/4): nodes move with the singularity.
    value = lambda t: (
        convolve(lambda x: x**-0.5, lambda y: y**-0.25, t, support_f=(0, 9), support_g=(0, 9), rule=TanhSinh()).value
    )
    constant = beta(0.5, 0.75)
    np.testing.assert_allclose(jax.grad(value)(0.7), constant * 0.25 * 0.7**-0.75, rtol=DERIVATIVE)
    np.testing.assert_allclose(jax.grad(jax.grad(value))(0.7), -constant * 0.1875 * 0.7**-1.75, rtol=DERIVATIVE)


@pytest.mark.parametrize("derivative", ["rule", "integrand"])
def test_gradient_is_zero_where_supports_do_not_meet(derivative):
    value = lambda p: (
        convolve(
            lambda x: x ** (p - 1),
            lambda y: p * jnp.sqrt(y),
            5.0,
            support_f=(0, 1),
            support_g=(0, 1),
            derivative=derivative,
        ).value
    )
    assert value(0.5) == 0
    assert jax.grad(value)(0.5) == 0


def test_the_error_is_not_differentiated():
    error = lambda t: convolve(jnp.exp, jnp.cos, t, support_f=(0, 1), support_g=(0, 1)).error
    assert jax.grad(error)(0.5) == 0
