"""conv2d against a float64 loop oracle: values, both gradients, forward and reverse mode, for every algorithm."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl.testing import parameterized

import jconv
from jconv import conv2d
from jconv.engine._accuracy import DEFAULT_AMPLIFICATION
from jconv.engine._planner import Planner, use_planner
from tests.engine.lottery import FAST_TO_COMPILE, Lottery

ALGORITHMS = ("xla", "direct", "auto")


def tolerance(dtype, length):
    """Relative error allowed after a sum of `length` products in `dtype`."""
    return 8 * float(jnp.finfo(dtype).eps) * np.sqrt(length)


def pads_of(padding, sizes, reach, strides):
    """Padding names as XLA documents them."""
    if padding == "VALID":
        return [(0, 0), (0, 0)]
    if padding == "SAME":
        total = [max((-(-n // s) - 1) * s + r - n, 0) for n, r, s in zip(sizes, reach, strides)]
        return [(t // 2, t - t // 2) for t in total]
    if isinstance(padding, int):
        return [(padding, padding)] * 2
    return [(p, p) if isinstance(p, int) else p for p in padding]


def oracle(x, k, g, *, strides, padding, dilation, groups, flip):
    """The double sum in loops: the output, and for a cotangent g the gradients of sum(g * output)."""
    if flip:
        y, dx, dk = oracle(
            x, k[::-1, ::-1], g, strides=strides, padding=padding, dilation=dilation, groups=groups, flip=False
        )
        return y, dx, dk[::-1, ::-1]
    kh, kw, share, features = k.shape
    reach = [d * (n - 1) + 1 for n, d in zip((kh, kw), dilation)]
    pads = pads_of(padding, x.shape[1:3], reach, strides)
    xp = np.pad(x, [(0, 0), *pads, (0, 0)])
    rows, cols = ((xp.shape[1 + a] - reach[a]) // strides[a] + 1 for a in (0, 1))
    y = np.zeros((len(x), rows, cols, features))
    dxp, dk, per = np.zeros(xp.shape), np.zeros(k.shape), features // groups
    for i in range(rows):
        for j in range(cols):
            for u in range(kh):
                for v in range(kw):
                    at = (slice(None), i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1])
                    for group in range(groups):
                        ins, outs = slice(group * share, (group + 1) * share), slice(group * per, (group + 1) * per)
                        y[:, i, j, outs] += xp[at][:, ins] @ k[u, v, :, outs]
                        if g is not None:
                            dxp[at][:, ins] += g[:, i, j, outs] @ k[u, v, :, outs].T
                            dk[u, v, :, outs] += xp[at][:, ins].T @ g[:, i, j, outs]
    dx = dxp[:, pads[0][0] : pads[0][0] + x.shape[1], pads[1][0] : pads[1][0] + x.shape[2]]
    return y, dx, dk


def generated(seed):
    """A random problem: arrays, options, and how many batch dimensions the image gets."""
    rng = np.random.default_rng(seed)
    while True:
        kh, kw = rng.integers(1, 6, 2)
        strides, dilation = (tuple(int(n) for n in rng.choice([1, 1, 2, 3], 2)) for _ in range(2))
        groups, share, per = (int(n) for n in rng.integers(1, 4, 3))
        padding = ["SAME", "VALID", 1, (0, 2), ((2, 1), (0, 3))][rng.integers(5)]
        sizes = rng.integers(1, 11, 2)
        reach = [d * (n - 1) + 1 for n, d in zip((kh, kw), dilation)]
        pads = pads_of(padding, sizes, reach, strides)
        if all(n + sum(p) >= r for n, p, r in zip(sizes, pads, reach)):
            break
    batch = [(), (2,), (2, 1, 2)][rng.integers(3)]
    x = rng.normal(size=(*batch, *sizes, groups * share))
    k = rng.normal(size=(kh, kw, share, groups * per))
    return (
        x,
        k,
        {
            "strides": strides,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "flip": bool(rng.integers(2)),
        },
    )


def check_problem(seed, algorithm):
    x, k, options = generated(seed)
    rng = np.random.default_rng(seed + 10**6)
    flat = x.reshape(-1, *x.shape[-3:])
    shape = oracle(flat, k, None, **options)[0].shape
    g = rng.normal(size=shape)
    tx, tk = rng.normal(size=x.shape), rng.normal(size=k.shape)
    y, dx, dk = oracle(flat, k, g, **options)
    pushed = oracle(tx.reshape(flat.shape), k, None, **options)[0] + oracle(flat, tk, None, **options)[0]

    @partial(jax.jit, compiler_options=FAST_TO_COMPILE)
    def everything(x, k, g, tx, tk):
        f = lambda x, k: conv2d(x, k, algorithm=algorithm, **options)
        out, pull = jax.vjp(f, x, k)
        return out, *pull(g), jax.jvp(f, (x, k), (tx, tk))[1]

    found = everything(x, k, g.reshape(*x.shape[:-3], *shape[1:]), tx, tk)
    wanted = (y.reshape(*x.shape[:-3], *shape[1:]), dx.reshape(x.shape), dk, pushed.reshape(*x.shape[:-3], *shape[1:]))
    chex.assert_trees_all_equal_shapes(found, wanted)
    bound = tolerance(jnp.float64, max(k.size, g.size))
    if algorithm == "auto":
        bound *= DEFAULT_AMPLIFICATION  # Winograd's
    for name, a, b in zip(("value", "image gradient", "kernel gradient", "forward mode"), found, wanted):
        np.testing.assert_allclose(a, b, rtol=bound, atol=bound * max(1, np.abs(b).max()), err_msg=name)


@pytest.mark.core
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_loops(seed, algorithm):
    check_problem(seed, algorithm)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("block", range(10))
def test_agrees_with_the_loops_on_many_problems(block, algorithm):
    """With "auto" by algorithms drawn by lot, for the planner's choice for small images is nearly always the same."""
    with use_planner(Lottery() if algorithm == "auto" else Planner()):
        for seed in range(100 + 22 * block, 100 + 22 * (block + 1)):
            check_problem(seed, algorithm)
    jax.clear_caches()


class Variants(chex.TestCase):
    """The same numbers with and without jit, on the device, and under vmap."""

    @chex.variants(with_jit=True, without_jit=True, with_device=True)
    @parameterized.parameters(*ALGORITHMS)
    def test_variants(self, algorithm):
        rng = np.random.default_rng(0)
        x, k = jnp.asarray(rng.normal(size=(3, 7, 6, 2)), jnp.float32), jnp.asarray(rng.normal(size=(4, 3, 2, 5)))
        k = k.astype(jnp.float32)
        options = {"strides": (2, 1), "padding": "SAME", "dilation": (1, 2), "groups": 1, "flip": False}
        f = self.variant(lambda x, k: conv2d(x, k, algorithm=algorithm, **options))
        y = f(x, k)
        chex.assert_shape(y, (3, 4, 6, 5))
        chex.assert_type(y, jnp.float32)
        wanted = oracle(np.float64(x), np.float64(k), None, **options)[0]
        bound = tolerance(jnp.float32, k.size)
        np.testing.assert_allclose(y, wanted, rtol=bound, atol=bound * np.abs(wanted).max())
        mapped = self.variant(jax.vmap(lambda x: conv2d(x, k, algorithm=algorithm, **options)))(x)
        np.testing.assert_allclose(mapped, wanted, rtol=bound, atol=bound * np.abs(wanted).max())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_large_kernels_take_the_loop_over_rows(algorithm):
    rng = np.random.default_rng(1)
    x, k = rng.normal(size=(12, 13)), rng.normal(size=(9, 8))
    options = {"strides": (1, 1), "padding": "SAME", "dilation": (1, 1), "groups": 1, "flip": True}
    y = oracle(x[None, ..., None], k[..., None, None], None, **options)[0][0, ..., 0]
    bound = tolerance(jnp.float64, k.size)
    np.testing.assert_allclose(conv2d(x, k, flip=True, algorithm=algorithm), y, atol=bound * np.abs(y).max())
    loss = lambda k: jnp.sum(conv2d(x, k, algorithm=algorithm) ** 2)
    reference = lambda k: jnp.sum(conv2d(x, k, algorithm="xla") ** 2)
    np.testing.assert_allclose(jax.grad(loss)(k), jax.grad(reference)(k), rtol=1e-10)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_integers_and_complex_numbers(algorithm):
    rng = np.random.default_rng(2)
    options = {"strides": (1, 1), "padding": "VALID", "dilation": (1, 1), "groups": 1, "flip": False}
    x, k = rng.integers(-9, 9, (1, 6, 5, 2)), rng.integers(-9, 9, (3, 2, 2, 3))
    y = conv2d(x, k, padding="VALID", algorithm=algorithm)
    assert y.dtype == jnp.int64
    np.testing.assert_array_equal(y, oracle(x, k, None, **options)[0])
    x, k = x + 1j * x[:, ::-1], k - 2j * k[::-1]
    y = conv2d(x, k, padding="VALID", algorithm=algorithm)
    parts = lambda a, b: oracle(a, b, None, **options)[0]
    wanted = parts(x.real, k.real) - parts(x.imag, k.imag) + 1j * (parts(x.real, k.imag) + parts(x.imag, k.real))
    np.testing.assert_allclose(y, wanted, rtol=tolerance(jnp.float64, 12), atol=1e-12)


def test_second_derivatives_and_check_grads():
    from jax.test_util import check_grads

    rng = np.random.default_rng(3)
    x, k = rng.normal(size=(5, 4, 2)), rng.normal(size=(2, 3, 2, 2))
    for algorithm in ALGORITHMS:
        check_grads(partial(conv2d, algorithm=algorithm), (x, k), order=2, modes=("fwd", "rev"))


BAD = [
    ((5,), (3, 3), {}, ValueError, r"`image` must have rank 2.*got shape \(5,\).*channels"),
    ((5, 5, 1), (3, 3), {}, ValueError, r"`image` must have rank 2, got shape \(5, 5, 1\)"),
    ((5, 5), (3, 3, 1, 1), {}, ValueError, r"`image` must have rank 3 or more.*pass image\[\.\.\., None\]"),
    ((5, 5, 1), (3,), {}, ValueError, r"`kernel` must have rank 4, got shape \(3,\)"),
    ((5, 5, 3), (3, 3, 2, 1), {}, ValueError, r"`image` has 3 channels.*takes 2.*C_in // groups"),
    ((5, 5, 4), (3, 3, 2, 3), {"groups": 2}, ValueError, "`kernel` makes 3 channels.*groups=2 does not divide"),
    ((5, 5), (6, 2), {"padding": "VALID"}, ValueError, r"`kernel` of shape \(6, 2\).*larger than the padded image"),
    ((0, 5), (1, 1), {}, ValueError, "`image` must have at least one row"),
    ((5, 5), (0, 1), {}, ValueError, "`kernel` must not be empty"),
    ((5, 5), (3, 3), {"strides": 0}, ValueError, "`strides` must be at least 1, got 0"),
    ((5, 5), (3, 3), {"strides": (1, 2, 3)}, ValueError, "`strides` must be one integer or 2 of them"),
    ((5, 5), (3, 3), {"dilation": 1.5}, TypeError, "dilation"),
    ((5, 5), (3, 3), {"padding": "SANE"}, ValueError, "`padding` must be one of.*did you mean 'SAME'"),
    ((5, 5), (3, 3), {"padding": (-1, 0)}, ValueError, r"`padding` was \(-1, 0\).*none negative"),
    ((5, 5), (3, 3), {"padding": ((1, 1, 1), (0, 0))}, ValueError, "`padding` was"),
    ((5, 5), (3, 3), {"padding": 1.5}, TypeError, "`padding` was 1.5; pass 'SAME'"),
    ((5, 5), (3, 3), {"algorithm": "dirct"}, ValueError, "`algorithm` must be one of.*did you mean 'direct'"),
    ((5, 5), (3, 3), {"groups": 0}, ValueError, "`groups` must be at least 1"),
]


@pytest.mark.core
@pytest.mark.parametrize(("image", "kernel", "options", "error", "message"), BAD)
def test_bad_input_names_the_argument_and_the_remedy(image, kernel, options, error, message):
    with pytest.raises(error, match=message):
        conv2d(jnp.ones(image), jnp.ones(kernel), **options)


def test_two_boolean_arrays_are_refused():
    with pytest.raises(TypeError, match="must be numbers, got bool"):
        conv2d(jnp.ones((3, 3), bool), jnp.ones((2, 2), bool))


def test_it_is_at_the_top():
    assert jconv.conv2d is conv2d
