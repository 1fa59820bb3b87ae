"""Which weak edges hang together with strong ones, beside SciPy's labels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jconv.ndimage.edges._hysteresis import connected_to

EIGHT = np.ones((3, 3), int)


def by_labels(strong, weak):
    labels, _ = scipy.ndimage.label(weak, EIGHT)
    return weak & np.isin(labels, np.unique(labels[strong & weak]))


def serpentine(rows, columns):
    """A path of one sample's width through a whole plane, back and forth."""
    weak = np.zeros((rows, columns), bool)
    weak[::2] = True
    weak[1::4, -1] = True
    weak[3::4, 0] = True
    return weak


def spiral(n):
    """A path of one sample's width from the middle of a plane to its border, every other turn left out."""
    weak = np.zeros((n, n), bool)
    i, j = n // 2, n // 2
    for turn in range(4 * n):
        di, dj = ((0, 1), (1, 0), (0, -1), (-1, 0))[turn % 4]
        for _ in range(2 * (1 + turn // 2)):
            if not (0 <= i < n and 0 <= j < n):
                return weak
            weak[i, j] = True
            i, j = i + di, j + dj
    return weak


@pytest.mark.parametrize("density", [0.05, 0.3, 0.45, 0.6, 1.0])
def test_random_planes(density):
    rng = np.random.default_rng(0)
    connect = jax.jit(connected_to)
    for _ in range(10):
        weak = rng.random((41, 37)) < density
        strong = weak & (rng.random(weak.shape) < 0.01)
        np.testing.assert_array_equal(connect(jnp.asarray(strong), jnp.asarray(weak)), by_labels(strong, weak))


@pytest.mark.parametrize("weak", [serpentine(200, 201), spiral(202), serpentine(3, 20000).T])
def test_long_paths_take_few_steps(weak):
    assert weak.sum() > 15000
    for end in ((0, 0), tuple(np.argwhere(weak)[-1])):
        strong = np.zeros(weak.shape, bool)
        strong[end] = weak[end]
        np.testing.assert_array_equal(connected_to(jnp.asarray(strong), jnp.asarray(weak)), by_labels(strong, weak))


def test_planes_of_a_few_samples():
    one = jnp.ones((1, 1), bool)
    assert connected_to(one, one).all()
    assert not connected_to(jnp.zeros((1, 1), bool), one).any()
    assert connected_to(jnp.zeros((0, 4), bool), jnp.zeros((0, 4), bool)).shape == (0, 4)
    corners = jnp.eye(3, dtype=bool)
    assert (connected_to(corners.at[1:].set(False), corners) == corners).all()
