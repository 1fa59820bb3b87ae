"""Recursive filters: accuracy in both precisions, exact causality, derivatives, and the forms that they take."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jconv import signal
from tests.signal.designs import NAMED, SAMPLE, Design, designs, error, truth

rng = np.random.default_rng(11)
NOISE = rng.standard_normal(4000)


@pytest.fixture(params=["float32", "float64"])
def precision(request):
    """float32 with 64-bit types off, as most programs run, and float64."""
    with jax.enable_x64(request.param == "float64"):
        yield request.param


def check_design(design: Design, dtype: str, x: np.ndarray = NOISE) -> None:
    """In float32 1e-6 of the largest value where SciPy in float64 is right to 1e-9; in float64 four times its error."""
    x = x.astype(dtype)
    exact, theirs = truth(design, x), truth(design, x, np.float64)
    got = np.asarray(signal.sosfilt(design.sos, x) if design.ba is None else signal.lfilter(*design.ba, x))
    assert got.dtype == dtype
    peer = error(theirs, exact)
    if dtype == "float64":
        assert not peer < np.inf or error(got, exact) <= max(4 * peer, 1e-14), design.name
    elif peer <= 1e-9:
        assert error(got, exact) <= 1e-6, design.name


@pytest.mark.parametrize("design", [*NAMED, *SAMPLE], ids=lambda d: d.name)
def test_designs(design, precision):
    check_design(design, precision)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(16))
def test_all_designs(block, precision):
    for design in designs()[block::16]:
        check_design(design, precision)


def test_steps_and_offsets_keep_their_digits(precision):
    sos = scipy.signal.butter(2, 0.5, "high", fs=1000, output="sos")
    offset = (1000 + NOISE).astype(precision)
    want = scipy.signal.sosfiltfilt(sos, offset.astype(np.longdouble))
    got = np.asarray(signal.sosfiltfilt(sos, offset))
    assert error(got, want) <= (1e-6 if precision == "float32" else 1e-9)
    for edge in (1e-3, 1e-4):
        design = Design("step", scipy.signal.butter(2, edge, output="sos"))
        check_design(design, precision, np.ones(4000))
    large = (1.5e7 + NOISE).astype(precision)
    check_design(Design("offset", scipy.signal.butter(6, 0.01, "high", output="sos")), precision, large)


@pytest.mark.parametrize("band", [([1, 40], 500), ([0.5, 40], 360)])
def test_filtfilt_of_everyday_bands(band, precision):
    b, a = scipy.signal.butter(4 if band[1] == 500 else 3, band[0], "band", fs=band[1])
    x = NOISE.astype(precision)
    want = scipy.signal.filtfilt(b, a, x.astype(np.float64))
    assert error(np.asarray(signal.filtfilt(b, a, x)), want) <= 1e-5


FILTERS = {
    "sosfilt": lambda x: signal.sosfilt(scipy.signal.butter(4, 0.1, output="sos"), x),
    "lfilter": lambda x: signal.lfilter(*scipy.signal.butter(3, 0.1), x),
    "one pole": lambda x: signal.lfilter([1.0], [1.0, -0.5], x),
    "unstable": lambda x: signal.lfilter([1.0], [1.0, -2.0], x),
    "comb": lambda x: signal.lfilter([1.0], np.r_[1.0, np.zeros(39), -0.5], x),
    "long sum": lambda x: signal.lfilter(np.r_[1.0, np.zeros(99), -1.0], [1.0, -1.0], x),
    "traced": jax.jit(lambda x: signal.lfilter(jnp.ones(2) * x[0] ** 0, jnp.array([1, -0.5, 0.1, 0.2]) * x[0] ** 0, x)),
}


@pytest.mark.parametrize("name", FILTERS)
def test_what_comes_later_changes_nothing_before(name):
    run, t = FILTERS[name], 300
    x = NOISE[:400].astype(np.float32)
    before = np.asarray(run(np.where(np.arange(400) < t, x, 0)))[:t]
    for bad in (np.nan, np.inf, -np.inf, 1e38):
        y = np.asarray(run(np.where(np.arange(400) == t, np.float32(bad), x)))
        np.testing.assert_array_equal(y[:t], before)
        if not np.isfinite(bad):
            assert not np.isfinite(y[t])


def test_an_overflow_at_the_end_stays_there():
    x = np.zeros(1000)
    x[-1] = 1
    y = signal.lfilter([1.0], [1.0, -2.0], x)
    np.testing.assert_array_equal(y, x)
    x[0] = 1  # the exact powers of two, until they overflow
    y = np.asarray(signal.lfilter([1.0], [1.0, -2.0], x.astype(np.float32)))
    np.testing.assert_array_equal(y[:128], 2.0 ** np.arange(128))


def test_combs_and_sums_cost_their_taps():
    b, a = scipy.signal.iircomb(50, 30, fs=44100)
    x = NOISE
    np.testing.assert_allclose(signal.lfilter(b, a, x), scipy.signal.lfilter(b, a, x), rtol=0, atol=1e-13)
    b, a = np.r_[1.0, np.zeros(999), -1.0], [1.0, -1.0]
    z = rng.normal(size=1000)
    for got, want in zip(signal.lfilter(b, a, x, zi=z), scipy.signal.lfilter(b, a, x, zi=z)):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11)
    program = jax.jit(lambda x: signal.lfilter(b, a, x)).lower(x).compile()
    assert program.memory_analysis().temp_size_in_bytes < 100 * x.nbytes


def test_integers_stay_whole():
    x = np.arange(40.0)
    for a in ([1.0, -2, 1], [1.0, -3, 3, -1], [1.0, -3, 2]):
        np.testing.assert_array_equal(signal.lfilter([1.0], a, x), scipy.signal.lfilter([1.0], a, x))


@pytest.mark.parametrize("call", [
    lambda: signal.lfilter_zi([1.0], [1.0, -1.0]),
    lambda: signal.filtfilt([1.0], [1.0, -1.0], np.arange(20.0)),
    lambda: signal.sosfilt_zi([[1.0, 0, 0, 1, -2, 1]]),
    lambda: signal.sosfiltfilt([[1.0, 0, 0, 1, -1, 0]], np.arange(20.0)),
])  # fmt: skip
def test_a_pole_at_one_has_no_steady_state(call):
    with pytest.raises(ValueError, match="pole at z = 1"):
        call()


def test_float16_is_summed_in_more():
    x = np.full(4000, 0.5, np.float16)
    b, a = np.array([0.01], np.float16), np.array([1, -0.99], np.float16)
    want = scipy.signal.lfilter(b.astype(float), a.astype(float), x.astype(float))
    got = signal.lfilter(b, a, x)
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, want.astype(np.float16), rtol=1e-3)


def _weights(n):
    return jnp.cos(0.01 * jnp.arange(n))


def check_derivatives(run, point):
    """Both modes and the second order of a function of one vector, by differences along a direction."""
    step, direction = 1e-5, rng.normal(size=point.size)
    values, gradient = jax.jit(run), jax.jit(jax.grad(run))
    forward, second = (
        jax.jit(lambda v, d: jax.jvp(run, (v,), (d,))[1]),
        jax.jit(lambda v, d: jax.jvp(jax.grad(run), (v,), (d,))[1]),
    )

    def slope(function):
        return (function(point + step * direction) - function(point - step * direction)) / (2 * step)

    want = slope(values)
    np.testing.assert_allclose(forward(point, direction), want, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient(point) @ direction, want, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(second(point, direction), slope(gradient), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow), 3])
def test_derivatives_of_every_form(order):
    b, a = rng.normal(size=order + 1), np.r_[1.0, 0.5 * rng.normal(size=order) / order]
    x, z = rng.normal(size=30), rng.normal(size=order)
    places = np.cumsum([order + 1, order + 1, 30])

    def run(v):
        b, a, x, z = jnp.split(v, places)
        y, last = signal.lfilter(b, a, x, zi=z)
        return jnp.sum(y * _weights(30)) + jnp.sum(last**2)

    check_derivatives(run, np.concatenate([b, a, x, z]))


@pytest.mark.slow
def test_derivatives_of_cascades_and_of_both_ways():
    sos = scipy.signal.butter(4, 0.3, output="sos")
    x = rng.normal(size=40)

    def run(v):
        part, x = v[:10].reshape(2, 5), v[10:]
        sections = jnp.concatenate([part[:, :3], jnp.ones((2, 1)), part[:, 3:]], axis=1)
        return jnp.sum(_weights(40) * (signal.sosfilt(sections, x) + signal.sosfiltfilt(sections, x, padlen=5)))

    check_derivatives(run, np.concatenate([sos[:, [0, 1, 2, 4, 5]].ravel(), x]))


def test_the_gradient_in_the_coefficients_keeps_its_digits():
    sos = scipy.signal.butter(4, 0.001, output="sos").astype(np.float32)

    def loss(part, x):
        sections = jnp.concatenate([part[:, :3], jnp.ones_like(part[:, :1]), part[:, 3:]], axis=1)
        return jnp.sum(signal.sosfilt(sections, x) * _weights(3000).astype(x.dtype))

    part = sos[:, [0, 1, 2, 4, 5]]
    want = jax.grad(loss)(part.astype(float), np.ones(3000))
    with jax.enable_x64(False):
        got = jax.grad(loss)(jnp.asarray(part), jnp.ones(3000, jnp.float32))
    np.testing.assert_allclose(got, want, rtol=2e-4)


def test_mapped_filters_are_one_operation():
    b, a = rng.normal(size=(3, 3)), np.c_[np.ones(3), 0.2 * rng.normal(size=(3, 2))]
    x = rng.normal(size=(3, 50))
    run = jax.vmap(signal.lfilter)
    want = np.stack([scipy.signal.lfilter(*row) for row in zip(b, a, x)])
    np.testing.assert_allclose(run(b, a, x), want, atol=1e-12)
    for function, operands in ((run, (b, a, x)), (jax.vmap(lambda x: signal.lfilter(b[0], a[0], x)), (x,))):
        assert str(jax.make_jaxpr(function)(*operands)).count("jconv_cascade") == 1


def test_complex_filters():
    b, a = np.array([1.0, 0.3j]), np.poly([0.5j, -0.4 + 0.2j, 0.3])
    x = NOISE[:200] + 1j * NOISE[200:400]
    for numerator, denominator, samples in (
        (b, a, x),
        (b, a[:3], x),
        ([1.0, 0.5], [1.0, -0.3, 0.1], x),
        (b, a, x.real),
    ):
        want = scipy.signal.lfilter(numerator, denominator, samples)
        np.testing.assert_allclose(signal.lfilter(numerator, denominator, samples), want, atol=1e-12)
    np.testing.assert_allclose(
        signal.sosfilt(np.ones((1, 6)) * [1, 0, 0, 1, -0.5, 0], x), scipy.signal.lfilter([1], [1, -0.5], x)
    )


def test_filtfilt_by_the_conjugate_has_the_squared_gain():
    a = np.poly([0.9 * np.exp(0.7j)])
    x = np.exp(0.7j * np.arange(600))
    gain = np.abs(0.1 / (1 - 0.9)) ** 2
    y = np.asarray(signal.filtfilt([0.1], a, x, padtype=None, conjugate=True))[200:400]
    np.testing.assert_allclose(np.abs(y), gain, rtol=1e-6)
    theirs = scipy.signal.filtfilt([0.1], a, x, padtype=None)
    np.testing.assert_allclose(signal.filtfilt([0.1], a, x, padtype=None), theirs, atol=1e-12)


FOREIGN = {
    "big-endian": lambda x: x.astype(">f8"),
    "list": lambda x: x.tolist(),
    "read-only": lambda x: np.frombuffer(x.tobytes()),
    "reversed": lambda x: x[::-1].copy()[::-1],
    "extended": lambda x: x.astype(np.longdouble),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_arrays_as_they_come(kind):
    bring = FOREIGN[kind]
    b, a = np.array([0.2, 0.3]), np.array([1.0, -0.4])
    sos = np.array([[0.2, 0.3, 0, 1, -0.4, 0]])
    x = NOISE[:100]
    want = scipy.signal.lfilter(b, a, x)
    np.testing.assert_allclose(signal.lfilter(bring(b), bring(a), bring(x)), want, atol=1e-13)
    np.testing.assert_allclose(signal.sosfilt(bring(sos) if kind != "read-only" else sos, bring(x)), want, atol=1e-13)
    np.testing.assert_allclose(
        signal.filtfilt(bring(b), bring(a), bring(x)), scipy.signal.filtfilt(b, a, x), atol=1e-12
    )


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="masked array"):
        signal.lfilter([1.0], [1.0, 0.5], np.ma.masked_array(NOISE, NOISE > 1))


def test_long_signals_run_in_pieces():
    # Longer than what is worked on at a time: the pieces join without a seam, in the memory of input and output.
    x = rng.standard_normal(700_001).astype(np.float32)
    sos = scipy.signal.butter(3, 0.01, output="sos")
    run = jax.jit(lambda x: signal.sosfilt(sos, x))
    want = scipy.signal.sosfilt(sos, x.astype(float))
    assert error(np.asarray(run(x)), want) <= 1e-6
    assert run.lower(x).compile().memory_analysis().temp_size_in_bytes < 12 * x.nbytes
