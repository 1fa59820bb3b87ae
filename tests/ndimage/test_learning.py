"""Learning through filters: their parameters are found again by gradient descent from blurred real pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jconv.ndimage as ndi

data = pytest.importorskip("skimage.data")
optax = pytest.importorskip("optax")
PHOTO = jnp.asarray(data.camera()[60:188, 150:278] / 255.0)


def descend(loss, start, rate, steps):
    """Adam with a falling rate, jitted as one scan."""
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def step(carry, _):
        value, state = carry
        update, state = optimizer.update(jax.grad(loss)(value), state)
        return (optax.apply_updates(value, update), state), None

    run = jax.jit(lambda v: jax.lax.scan(step, (v, optimizer.init(v)), length=steps)[0][0])
    return run(start)


@pytest.mark.parametrize("truth", [0.8, 2.3])
def test_the_width_of_a_gaussian(truth):
    blurred = ndi.gaussian_filter(PHOTO, truth, radius=10)
    loss = lambda s: jnp.mean((ndi.gaussian_filter(PHOTO, s, radius=10) - blurred) ** 2)
    found = descend(loss, jnp.asarray(1.5), 0.1, 150)
    assert float(found) == pytest.approx(truth, abs=1e-3)


@pytest.mark.parametrize("truth", [0.5, 2.0])
def test_the_angle_of_a_motion_blur(truth):
    blurred = ndi.motion_blur(PHOTO, 9, truth)
    loss = lambda a: jnp.mean((ndi.motion_blur(PHOTO, 9, a) - blurred) ** 2)
    found = descend(loss, jnp.asarray(truth + 0.4), 0.05, 150)
    assert float(found) == pytest.approx(truth, abs=2e-3)


def test_a_spatially_varying_kernel():
    narrow, wide = (np.asarray(ndi.gaussian_filter(np.pad([[1.0]], 4), s, radius=4)) for s in (0.7, 2.0))
    share = jnp.linspace(0, 1, PHOTO.shape[1])  # sharp on the left, blurred on the right
    mixture = lambda share: jnp.stack([jnp.broadcast_to(1 - share, PHOTO.shape), jnp.broadcast_to(share, PHOTO.shape)])
    blurred = ndi.correlate_varying(PHOTO, np.stack([narrow, wide]), mixture(share))

    def loss(learned):
        kernels = learned["basis"] / learned["basis"].sum((1, 2), keepdims=True)
        # A photograph has little at high frequencies: the Laplacian brings the residual's spectrum nearer to white.
        return jnp.mean(ndi.laplace(ndi.correlate_varying(PHOTO, kernels, mixture(share)) - blurred) ** 2)

    start = {"basis": jnp.full((2, 9, 9), 1 / 81.0)}
    found = descend(loss, start, 5e-3, 800)["basis"]
    found = found / found.sum((1, 2), keepdims=True)
    start_error = np.abs(np.stack([narrow, wide]) - 1 / 81).max()
    assert np.abs(found - np.stack([narrow, wide])).max() < 0.1 * start_error
    assert float(loss({"basis": found})) < 1e-6


def test_the_weights_of_a_varying_kernel():
    narrow, wide = (np.asarray(ndi.gaussian_filter(np.pad([[1.0]], 4), s, radius=4)) for s in (0.7, 2.0))
    basis = np.stack([narrow, wide])
    columns = jnp.linspace(-1, 1, PHOTO.shape[1])
    mixture = lambda c: jnp.stack([0 * PHOTO + 1 - (c[0] + c[1] * columns), 0 * PHOTO + c[0] + c[1] * columns])
    blurred = ndi.correlate_varying(PHOTO, basis, mixture(jnp.array([0.4, 0.3])))
    loss = lambda c: jnp.mean((ndi.correlate_varying(PHOTO, basis, mixture(c)) - blurred) ** 2)
    np.testing.assert_allclose(descend(loss, jnp.zeros(2), 0.05, 200), [0.4, 0.3], atol=1e-3)
