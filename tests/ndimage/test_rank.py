"""The rank filter under medians, percentiles, minima and maxima, held against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from jax.test_util import check_grads

from jconv._order.rank import rank_filter

pytestmark = pytest.mark.core
RNG = np.random.default_rng(0)
MODES = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap", "constant": "constant"}


def scipy_rank(x, footprint, rank, boundary="symmetric", cval=0.0, origin=0):
    pick = lambda window: np.sort(window)[rank]
    return scipy.ndimage.generic_filter(
        x, pick, footprint=footprint, mode=MODES[boundary], cval=cval, origin=origin, output=x.dtype
    )


@pytest.mark.parametrize(
    ("shape", "window", "boundary", "origin"),
    [
        ((13,), (3,), "symmetric", (0,)),
        ((40,), (7,), "edge", (-2,)),
        ((9, 11), (3, 3), "reflect", (0, 0)),
        ((9, 11), (4, 3), "wrap", (-1, 1)),
        ((8, 7), (5, 7), "constant", (2, -3)),
        pytest.param((7, 6), (13, 13), "symmetric", (0, 0), marks=pytest.mark.slow),
        ((4, 5, 6), (3, 2, 3), "symmetric", (0, -1, 1)),
    ],
)
def test_every_kind_of_window_equals_a_sort(shape, window, boundary, origin):
    x = RNG.standard_normal(shape)
    sparse = RNG.random(window) < 0.7
    sparse.flat[0] = True
    for footprint in (np.ones(window, bool), sparse):
        count = footprint.sum()
        for rank in sorted({0, int(count) // 3, int(count) // 2, int(count) - 1}):
            ours = rank_filter(jnp.asarray(x), footprint, rank, boundary=boundary, cval=0.3, origin=origin)
            np.testing.assert_array_equal(ours, scipy_rank(x, footprint, rank, boundary, 0.3, origin))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float16, np.float32, bool])
@pytest.mark.parametrize("size", [3, 13])
def test_dtypes_are_kept(dtype, size):
    x = (RNG.random((14, 15)) * (2 if dtype is bool else 100)).astype(dtype)
    footprint = np.ones((size, size), bool)
    ours = rank_filter(jnp.asarray(x), footprint, size * size // 2)
    assert ours.dtype == dtype
    expected = scipy.ndimage.median_filter(x.astype(float), size).astype(dtype)
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(("size", "rank"), [(3, 4), (7, 10), (13, 60), (3, 0), (3, 8)])
def test_gradients_in_both_modes(size, rank):
    x = jnp.asarray(RNG.permutation(np.linspace(-1, 1, 81)).reshape(9, 9))
    footprint = np.ones((size, size), bool)
    check_grads(lambda x: rank_filter(x, footprint, rank), (x,), order=1, modes=("fwd", "rev"), eps=1e-4)


def test_ties_share_the_gradient():
    slope = jax.grad(lambda x: rank_filter(x, np.ones(3, bool), 1)[2])(jnp.array([9.0, 1.0, 1.0, 5.0, 0.0]))
    np.testing.assert_array_equal(slope, [0, 0.5, 0.5, 0, 0])


def test_vmap_and_jit_equal_the_plain_call():
    x = jnp.asarray(RNG.standard_normal((3, 8, 9)))
    for size in (3, 7):
        one = lambda x, size=size: rank_filter(x, np.ones((size, size), bool), size)
        np.testing.assert_array_equal(jax.jit(jax.vmap(one))(x), jnp.stack([one(a) for a in x]))
