"""The loops of order statistics and the JAX operations in their place, held against SciPy and against each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jconv import native
from jconv._order import _fallback
from jconv._order.rank import rank_filter
from jconv.native import Footprint

pytestmark = pytest.mark.core
RNG = np.random.default_rng(0)


def picture(shape, dtype):
    x = RNG.standard_normal(shape) * 100
    return np.abs(x).astype(dtype) if np.dtype(dtype).kind == "u" else x.astype(dtype)


# In registers, as data, in a sliding window: on planes, lines and volumes, and with rows shorter than a vector.
CASES = [
    ((20, 70), (3, 3), np.float32),
    ((20, 70), (3, 3), np.uint8),
    ((9, 5), (1, 3), np.float32),
    ((12, 40), (7, 5), np.float32),
    ((30, 40), (11, 9), np.float32),
    ((30, 40), (11, 9), np.uint8),
    ((700,), (101,), np.float64),
    ((6, 9, 10), (3, 5, 5), np.float64),
]


@pytest.mark.parametrize(("shape", "window", "dtype"), CASES)
@pytest.mark.parametrize("holes", [False, True])
def test_ranks_are_scipys(shape, window, dtype, holes):
    x = picture(shape, dtype)
    mask = RNG.random(window) < 0.7 if holes else np.ones(window, bool)
    mask.flat[0] = True
    rank = int(mask.sum()) // 2
    ours = rank_filter(jnp.asarray(x), mask, rank)
    # As planes: SciPy's path for lines takes the footprint's size alone, and is blind to its holes.
    expected = scipy.ndimage.rank_filter(x[None], rank, footprint=mask[None])[0]
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(("shape", "window", "dtype"), CASES)
def test_the_operations_in_place_of_the_loops_agree_and_nan_spreads(shape, window, dtype):
    x = picture(shape, dtype)
    if np.dtype(dtype).kind == "f":
        x.flat[[x.size // 2, -1]] = np.nan
    mask = np.ones(window, bool)
    footprint = Footprint.of(mask.reshape((1,) * (3 - mask.ndim) + window))
    padded = jnp.pad(x, [(s // 2, s // 2) for s in window]).reshape(
        1, *(1,) * (3 - x.ndim), *np.add(shape, window) - 1, 1
    )
    ours = native.rank_windows(padded, footprint, mask.size // 2, _fallback.select_views)
    other = jax.jit(_fallback.select_views, static_argnames=("footprint", "rank"))
    np.testing.assert_array_equal(ours, other(padded, footprint=footprint, rank=mask.size // 2))
    assert np.isnan(ours).any() == (np.dtype(dtype).kind == "f")


@pytest.mark.parametrize("transpose", [False, True])
def test_what_is_picked_is_shared_between_ties_alike(transpose):
    x = RNG.integers(0, 5, (2, 1, 9, 12, 2)).astype(np.float64)
    footprint = Footprint.of(np.ones((1, 3, 5), bool))
    chosen = native.rank_windows(jnp.asarray(x), footprint, 7, _fallback.select_views)
    carried = jnp.asarray(RNG.standard_normal(chosen.shape if transpose else x.shape))
    ours = native.pick(x, chosen, carried, footprint, _fallback.pick_views, transpose)
    np.testing.assert_allclose(ours, _fallback.pick_views(x, chosen, carried, footprint=footprint, transpose=transpose))


def test_second_derivatives_and_maps():
    x = jnp.asarray(RNG.standard_normal((3, 8, 9)))
    one = lambda x: rank_filter(x, np.ones((3, 5), bool), 6)
    loss = lambda x: jnp.sum(one(x) ** 3)
    v = jnp.asarray(RNG.standard_normal((8, 9)))
    product = jax.jit(lambda x: jax.jvp(jax.grad(loss), (x,), (v,))[1])(x[0])
    slope = jax.jvp(one, (x[0],), (v,))[1]
    np.testing.assert_allclose(jnp.vdot(v, product), jnp.sum(6 * one(x[0]) * slope**2))
    assert str(jax.make_jaxpr(jax.vmap(one))(x)).count("jconv_rank_windows") == 1
    np.testing.assert_array_equal(jax.vmap(one)(x), jnp.stack([one(a) for a in x]))


@pytest.mark.parametrize(("shape", "window"), [((0, 5), (7, 7)), ((1, 1), (9, 9)), ((1,), (101,))])
def test_sizes_none_and_one(shape, window):
    x = np.ones(shape, np.float32)
    assert rank_filter(jnp.asarray(x), np.ones(window, bool), 20).shape == shape
