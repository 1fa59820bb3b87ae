"""The loops of recursive filters, held against SciPy and against their own adjoints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jconv import native

pytestmark = [
    pytest.mark.core,
    pytest.mark.skipif(native.refusal() is not None, reason=f"no native loops here: {native.refusal()}"),
]
RNG = np.random.default_rng(0)


def tolerance(dtype) -> dict[str, float]:
    """Of a result whose arithmetic is float64 and which is rounded once."""
    return {"rtol": 0, "atol": 64 * float(np.finfo(dtype).eps)}


def coefficients(order: int, sparse: bool = False) -> tuple[np.ndarray, np.ndarray]:
    b, a = RNG.standard_normal(order + 1), np.r_[2.0, 0.2 * RNG.standard_normal(order)]
    if sparse:
        b[1:-1] = a[1:-1] = 0
    return b, a


# One lane in registers, and in memory; a comb; groups of eight side by side, apart, and a rest; the time axis first.
CASES = [
    ((50,), 0, 3, False),
    ((40,), 0, 7, False),
    ((40,), 0, 11, False),
    ((60,), 0, 30, True),
    ((3, 40, 5), 1, 4, False),
    ((12, 30), 1, 2, False),
    ((30, 20), 0, 9, False),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "axis", "order", "sparse"), CASES)
def test_lfilter_is_scipys(shape, axis, order, sparse, dtype):
    b, a = coefficients(order, sparse)
    x = RNG.standard_normal(shape).astype(dtype)
    zi = RNG.standard_normal((*shape[:axis], order, *shape[axis + 1 :])).astype(dtype)
    y, zf = native.lfilter(b, a, jnp.asarray(x), jnp.asarray(zi), axis=axis)
    expected = scipy.signal.lfilter(b, a, x.astype(float), axis=axis, zi=zi.astype(float))
    assert y.dtype == zf.dtype == dtype
    np.testing.assert_allclose(y, expected[0], **tolerance(dtype))
    np.testing.assert_allclose(zf, expected[1], **tolerance(dtype))


@pytest.mark.parametrize("sections", [1, 2, 3, 7])
@pytest.mark.parametrize(("shape", "axis"), [((1500,), 0), ((3, 40, 5), 1), ((30, 20), 0)])
def test_sosfilt_is_scipys(shape, axis, sections):
    sos = np.concatenate([scipy.signal.butter(2, 0.3, output="sos")] * sections)
    x = RNG.standard_normal(shape)
    zi = RNG.standard_normal((sections, *shape[:axis], 2, *shape[axis + 1 :]))
    y, zf = native.sosfilt(sos, jnp.asarray(x), jnp.asarray(zi), axis=axis)
    expected = scipy.signal.sosfilt(sos, x, axis=axis, zi=zi)
    np.testing.assert_allclose(y, expected[0], **tolerance(x.dtype))
    np.testing.assert_allclose(zf, expected[1], **tolerance(x.dtype))


def test_backwards_from_steady_states_is_forwards_on_the_reversed_signal():
    b, a = coefficients(3)
    x, steady = jnp.asarray(RNG.standard_normal((5, 40))), RNG.standard_normal(3)
    backwards = native.lfilter(b, a, jnp.flip(x, -1), steady=steady, reverse=True)
    forwards = native.lfilter(b, a, x, steady * x[:, :1])
    np.testing.assert_allclose(jnp.flip(backwards[0], -1), forwards[0], **tolerance(x.dtype))
    np.testing.assert_allclose(backwards[1], forwards[1], **tolerance(x.dtype))


@pytest.mark.parametrize("cascade", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((40,), 0), ((4, 30, 3), 1)])
def test_the_transpose_is_the_adjoint_and_its_transpose_is_the_filter(cascade, shape, axis):
    b, a = coefficients(3)
    sos = scipy.signal.butter(6, 0.3, output="sos")
    steady = RNG.standard_normal((3, 2) if cascade else 3)
    states = (*shape[:axis], 2 if cascade else 3, *shape[axis + 1 :])
    states = (3, *states) if cascade else states

    def run(x, z):
        if cascade:
            return native.sosfilt(sos, x, z, axis=axis, steady=steady)
        return native.lfilter(b, a, x, z, axis=axis, steady=steady)

    def adjoint(x, z, cotangents):
        return jax.vjp(run, x, z)[1](cotangents)

    x, z, dy, dz = (jnp.asarray(RNG.standard_normal(s)) for s in (shape, states, shape, states))
    y, zf = run(x, z)
    into_x, into_z = adjoint(x, z, (dy, dz))
    np.testing.assert_allclose(
        jnp.vdot(y, dy) + jnp.vdot(zf, dz), jnp.vdot(into_x, x) + jnp.vdot(into_z, z), rtol=1e-10
    )
    again = jax.vjp(lambda c: adjoint(x, z, c), (dy, dz))[1]((x, z))[0]
    np.testing.assert_allclose(again[0], y, **tolerance(x.dtype))
    np.testing.assert_allclose(jax.jvp(run, (x, z), (x, z))[1][0], y, **tolerance(x.dtype))


def test_mapped_coefficients_and_mapped_signals_are_one_call_each():
    b, a = (np.stack(c) for c in zip(*(coefficients(3) for _ in range(4))))
    x = jnp.asarray(RNG.standard_normal((2, 30)))
    both = jax.vmap(lambda b, a: native.lfilter(b, a, x)[0])
    assert str(jax.make_jaxpr(both)(b, a)).count("jconv_recursive_filter") == 1
    for one, taps in zip(both(b, a), zip(b, a)):
        np.testing.assert_allclose(one, scipy.signal.lfilter(*taps, x), **tolerance(x.dtype))


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 5)])
def test_no_samples(shape):
    y, zf = native.lfilter(*coefficients(2), jnp.zeros(shape), jnp.ones((*shape[:-1], 2)))
    assert y.shape == shape
    np.testing.assert_array_equal(zf, jnp.ones((*shape[:-1], 2)))


def test_bits_of_float64_survive_where_64_bit_types_are_off():
    values = np.r_[RNG.standard_normal(99) * 10.0 ** RNG.integers(-30, 30, 99), 0.0, -0.0, np.inf, -np.inf, np.nan]
    with jax.enable_x64(False):
        bits = native.float64_bits(values)
        np.testing.assert_array_equal(np.asarray(bits), values.reshape(-1, 1).view(np.uint32))
        single = jnp.asarray(values)
        np.testing.assert_array_equal(native.from_float64_bits(bits), single)
        widened = np.asarray(native.float64_bits(single)).view(np.float64)[:, 0]
        np.testing.assert_array_equal(widened, np.asarray(single).astype(np.float64))
        y, _ = native.lfilter(*scipy.signal.butter(4, 0.001), jnp.ones(20_000))
    truth = scipy.signal.lfilter(*scipy.signal.butter(4, 0.001), np.ones(20_000))
    np.testing.assert_allclose(y, truth, **tolerance(np.float32))
