"""Convolution in two and three dimensions, against products of one-dimensional results and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv.continuous import convolve_nd, convolve_radial
from tests.continuous.tolerances import DERIVATIVE, LAW

NORMAL = lambda s: lambda x: jnp.exp(-jnp.sum(x * x) / (2 * s * s)) / (2 * np.pi * s * s) ** (x.shape[0] / 2)


@pytest.mark.parametrize("method", ["tensor", "sparse", "qmc"])
@pytest.mark.parametrize("d", [2, 3])
def test_boxes_of_exponentials(method, d):
    # exp(a·x) on the unit cube with itself is exp(a·t) times the overlap.
    a = jnp.array([0.5, -1.0, 0.3])[:d]
    f = lambda x: jnp.exp(a @ x)
    t = jnp.array([[0.3, 0.9, 1.2], [1.0, 1.5, 0.6], [2.5, 0.5, 0.5]])[:, :d]
    box = ((0, 1),) * d
    options = {"n": 8, "level": 5, "points": 2048, "key": jax.random.key(0)}
    value, error = jax.jit(lambda t: convolve_nd(f, f, t, support_f=box, support_g=box, method=method, **options))(t)
    want = np.exp(t @ a) * np.prod(np.maximum(1 - np.abs(t - 1), 0), axis=1)
    assert np.all(np.abs(value - want) <= error)
    assert value[2] == 0
    assert np.max(error) < {"tensor": 1e-12, "sparse": 1e-10, "qmc": 1e-4}[method]


@pytest.mark.parametrize("method", ["tensor", "sparse", "qmc"])
def test_gaussians_in_the_plane(method):
    box = ((-7, 7),) * 2
    t = jnp.array([[0.0, 0.5], [1.5, -1.0]])
    options = {"n": 80, "level": 9, "points": 4096, "key": jax.random.key(1)}
    value, error = jax.jit(
        lambda t: convolve_nd(NORMAL(1.0), NORMAL(1.2), t, support_f=box, support_g=box, method=method, **options)
    )(t)
    want = np.exp(-np.sum(t**2, 1) / 2 / 2.44) / (2 * np.pi * 2.44)
    assert np.all(np.abs(value - want) <= error)
    assert np.max(error) < {"tensor": 1e-8, "sparse": 1e-2, "qmc": 1e-3}[method]


def test_gradient_in_the_plane():
    box = ((0, 1),) * 2
    value = lambda t: convolve_nd(jnp.prod, jnp.prod, t, support_f=box, support_g=box, n=6).value
    t = jnp.array([0.4, 0.7])  # each axis ∫ x (t - x) dx = t³/6
    np.testing.assert_allclose(jax.grad(value)(t), [0.4**2 / 2 * 0.7**3 / 6, 0.4**3 / 6 * 0.7**2 / 2], rtol=DERIVATIVE)


@pytest.mark.parametrize("d", [2, 3])
def test_radial_gaussians(d):
    normal = lambda s: lambda r: jnp.exp(-r * r / (2 * s * s)) / (2 * np.pi * s * s) ** (d / 2)
    r = jnp.array([[0.0, 0.5], [1.3, 4.0]])
    got = convolve_radial(normal(1.0), normal(0.7), r, radius=10.0, frequency=10.0, dimension=d)
    np.testing.assert_allclose(got, np.exp(-(r**2) / 2 / 1.49) / (2 * np.pi * 1.49) ** (d / 2), atol=LAW)


def test_refused():
    box = ((0, 1), (0, 1))
    with pytest.raises(ValueError, match=r"`t` must have shape \(..., d\)"):
        convolve_nd(jnp.sum, jnp.sum, [0.0, 1.0, 2.0], support_f=box, support_g=box)
    with pytest.raises(ValueError, match="`key` must be given"):
        convolve_nd(jnp.sum, jnp.sum, [0.0, 1.0], support_f=box, support_g=box, method="qmc")
    with pytest.raises(ValueError, match="did you mean 'sparse'"):
        convolve_nd(jnp.sum, jnp.sum, [0.0, 1.0], support_f=box, support_g=box, method="spars")
    with pytest.raises(ValueError, match="`dimension` must be 2 or 3"):
        convolve_radial(jnp.cos, jnp.cos, 0.0, radius=1.0, frequency=1.0, dimension=4)
