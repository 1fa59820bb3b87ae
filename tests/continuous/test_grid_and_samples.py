"""Whole grids by FFT, scattered samples, kernels from functions, Gaussian smoothing, and the closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from jconv.continuous import closed_forms, convolve, convolve_grid, convolve_samples, sample, smooth_gaussian
from jconv.continuous._faddeeva import erfcx, faddeeva
from tests.continuous.tolerances import DERIVATIVE, LAW, RELATIVE, rounding

F = lambda x: jnp.where(x < 0.3, jnp.cos(x), jnp.exp(x))
G = lambda y: jnp.where(y < 0.2, 1.0 + y, y * y - 3)


@pytest.mark.parametrize("grid", [(-1.3, 4.7, 37), (-1, 4, 26)], ids=["breaks between", "breaks on the grid"])
def test_grid_is_pointwise(grid):
    shapes = {"support_f": (-0.5, 1.7), "support_g": (-0.4, 1.1), "breaks_f": (0.3,), "breaks_g": (0.2,)}
    value, error = convolve_grid(F, G, grid, **shapes)
    want, doubt = convolve(F, G, np.linspace(*grid), **shapes)
    np.testing.assert_allclose(value, want, atol=4 * LAW)
    assert np.all(error + doubt >= np.abs(value - want))


def test_ten_thousand_points_of_an_exponential_gaussian():
    s, grid = 0.5, (-2.0, 12.0, 10000)
    g = lambda x: jnp.exp(-x * x / (2 * s * s)) / (s * np.sqrt(2 * np.pi))
    shapes = {"support_f": (0, 40), "support_g": (-9 * s, 9 * s)}
    value, error = convolve_grid(lambda x: jnp.exp(-x), g, grid, **shapes)
    want = stats.exponnorm.pdf(np.linspace(*grid), 1 / s, 0, s)
    assert np.all(np.abs(value - want) <= error)
    assert np.max(error) < RELATIVE[np.dtype("float64")]


def test_grid_gradient():
    shapes = {"support_f": (0, 1), "support_g": (0, 1)}
    f = lambda p: lambda x: jnp.exp(-p * x)
    grid = lambda p: convolve_grid(f(p), jnp.cos, (0, 2, 30), **shapes).value.sum()
    points = lambda p: convolve(f(p), jnp.cos, jnp.linspace(0, 2, 30), **shapes).value.sum()
    np.testing.assert_allclose(jax.grad(grid)(1.0), jax.grad(points)(1.0), rtol=DERIVATIVE)


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ((0, 1, 1), {}, "count >= 2"),
        ((1, 0, 9), {}, "start < stop"),
        ((0, 1), {}, r"must be \(start, stop, count\)"),
        ((0, 1, 9), {"support_f": (0, np.inf)}, "`support_f` must be bounded"),
        ((0, 1, 9), {"order": 1}, "`order` must be at least 2"),
        ((0, 1, 9), {"support_g": (1, 0)}, "swap its ends"),
    ],
)
def test_grid_refused(grid, options, message):
    with pytest.raises(ValueError, match=message):
        convolve_grid(jnp.cos, jnp.cos, grid, **{"support_f": (0, 1), "support_g": (0, 1), **options})


def test_sample():
    grid = jnp.linspace(-2, 2, 9)
    cube = lambda x: x**3 + x
    x, h = np.asarray(grid), 0.5
    np.testing.assert_allclose(sample(cube, grid), x**3 + x, atol=LAW)
    mean = ((x + h / 2) ** 4 - (x - h / 2) ** 4) / 4 / h + x
    np.testing.assert_allclose(sample(cube, grid, mode="integrate", factor=2), mean, atol=LAW)
    edges = lambda s: (x + s * h / 2) ** 3 + x + s * h / 2
    np.testing.assert_allclose(sample(cube, grid, mode="interpolate"), (edges(1) + edges(-1)) / 2, atol=LAW)
    np.testing.assert_allclose(sample(cube, grid, mode="oversample", factor=500), mean, atol=1e-5)
    assert sample(lambda v: jnp.stack([v, v]), grid).shape == (9, 2)
    with pytest.raises(ValueError, match="did you mean 'center'"):
        sample(cube, grid, mode="centre")
    with pytest.raises(ValueError, match="`width` must be given"):
        sample(cube, grid[:1])


def test_scattered_samples():
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 1, 400))
    kernel = lambda y: jnp.exp(-(y**2))
    v = np.cos(x)
    t = np.array([[0.0, 0.3], [1.0, -2.0]])
    order = rng.permutation(400)
    got = convolve_samples(x[order], v[order], kernel, t)
    want = np.trapezoid(v * np.exp(-((t[..., None] - x) ** 2)), x, axis=-1)
    np.testing.assert_allclose(got, want, rtol=rounding(np.float64, 400))
    plain = convolve_samples(x, v, kernel, t, weights=np.ones(400))
    np.testing.assert_allclose(plain, (v * np.exp(-((t[..., None] - x) ** 2))).sum(-1), rtol=rounding(np.float64, 400))
    with pytest.raises(ValueError, match="`values` must have the shape"):
        convolve_samples(x, v[:-1], kernel, t)
    with pytest.raises(ValueError, match="`weights` must be given"):
        convolve_samples(x[:1], v[:1], kernel, t)


def test_gaussian_smoothing():
    t = jnp.linspace(-3, 6, 31)
    got = smooth_gaussian(lambda x: jnp.exp(-x), t, std=0.4, support_f=(0, np.inf))
    want = closed_forms.exponential_gaussian(t, std=0.4)
    assert np.all(np.abs(got.value - want) <= got.error + LAW * np.abs(want))
    assert np.max(got.error) < 1e-9
    slope = jax.grad(lambda s: smooth_gaussian(jnp.cos, 0.3, std=s).value)(0.7)
    np.testing.assert_allclose(slope, -0.7 * np.exp(-0.245) * np.cos(0.3), rtol=DERIVATIVE)


@pytest.mark.core
def test_faddeeva_against_scipy():
    x = np.concatenate([np.linspace(-12, 12, 97), [30.3, 100, -1e4, 1e8]])
    y = np.array([0, 1e-12, 1e-6, 1e-3, 0.1, 0.7, 1, 3, 7, 9, 20, 1e4])
    z = x[:, None] + 1j * y
    got, want = np.asarray(faddeeva(z)), special.wofz(z)
    np.testing.assert_allclose(got.real, want.real, rtol=2 * LAW)
    np.testing.assert_allclose(got.imag, want.imag, rtol=2 * LAW, atol=1e-300)
    below = z[:97] - 3j
    below = below[np.abs(below.imag) < 4]
    np.testing.assert_allclose(faddeeva(below), special.wofz(below), rtol=2 * LAW)
    np.testing.assert_allclose(erfcx(x[:97] + 12), special.erfcx(x[:97] + 12), rtol=2 * LAW)


def test_faddeeva_derivatives():
    z = np.array([0.3 + 0.1j, 5 + 1e-3j, 7.9 + 0.5j, 8.1 + 0.5j, 100 + 3j, -3 + 2j, 2 - 1j])
    first = jax.vmap(jax.grad(faddeeva, holomorphic=True))(z)
    second = jax.vmap(jax.grad(jax.grad(faddeeva, holomorphic=True), holomorphic=True))(z)
    import mpmath

    with mpmath.workdps(40):
        w = lambda q: mpmath.exp(-q * q) * mpmath.erfc(-1j * q)
        slope = lambda q: 2j / mpmath.sqrt(mpmath.pi) - 2 * q * w(q)
        exact = np.array([complex(slope(mpmath.mpc(q))) for q in z])
        curved = np.array([complex(-2 * w(mpmath.mpc(q)) - 2 * mpmath.mpc(q) * slope(mpmath.mpc(q))) for q in z])
    np.testing.assert_allclose(first, exact, rtol=DERIVATIVE)
    np.testing.assert_allclose(second, curved, rtol=DERIVATIVE)


def test_closed_forms_against_quadrature():
    t = jnp.array([-2.5, -0.7, 0.4, 1.3, 3.1])
    normal = lambda x: closed_forms.gaussian(x, std=0.6)
    cauchy = lambda x: closed_forms.lorentzian(x, width=0.3)
    half = {"support_f": (0, np.inf)}
    box = {"support_f": (-0.3, 1.0)}
    decay = lambda x: 2 * jnp.exp(-2 * x)
    pairs = [
        (closed_forms.voigt(t, std=0.6, width=0.3), normal, cauchy, {}),
        (closed_forms.exponential_gaussian(t, rate=2.0, std=0.6), decay, normal, half),
        (closed_forms.laplace_gaussian(t, rate=2.0, std=0.6), lambda x: jnp.exp(-2 * jnp.abs(x)), normal, {}),
        (closed_forms.box_gaussian(t, lower=-0.3, upper=1.0, std=0.6), jnp.ones_like, normal, box),
        (closed_forms.box_lorentzian(t, lower=-0.3, upper=1.0, width=0.3), jnp.ones_like, cauchy, box),
        (
            closed_forms.box_exponential(t, lower=-0.3, upper=1.0, rate=2.0),
            jnp.ones_like,
            decay,
            {**box, "support_g": (0, np.inf)},
        ),
        (closed_forms.biexponential(t, rates=(2.0, 2.0)), decay, decay, {**half, "support_g": (0, np.inf)}),
        (
            closed_forms.gaussian_damped_cosine(t, rate=2.0, frequency=3.0, std=0.6),
            lambda x: jnp.exp(-2 * x) * jnp.cos(3 * x),
            normal,
            half,
        ),
    ]
    for closed, f, g, shapes in pairs:
        value, error = jax.jit(lambda t, f=f, g=g, shapes=shapes: convolve(f, g, t, **shapes))(t)
        assert np.all(np.abs(closed - value) <= error + LAW * np.abs(value))
        assert np.max(error) < 1e-8


def test_closed_forms_do_not_overflow():
    far = jnp.array([-1e4, -100.0, 100.0, 1e4])
    for h in (closed_forms.exponential_gaussian, closed_forms.laplace_gaussian, closed_forms.box_gaussian):
        assert np.all(np.isfinite(jax.jit(h)(far)))
        assert np.all(np.isfinite(jax.jit(jax.vmap(jax.grad(h)))(far)))
    np.testing.assert_allclose(closed_forms.voigt(far), special.voigt_profile(far, 1, 1), rtol=LAW)
    # erfc at 12 magnifies the rounding of its argument 290 times.
    np.testing.assert_allclose(
        closed_forms.box_gaussian(9.0, std=0.5), stats.norm.sf(17) - stats.norm.sf(19), rtol=4 * LAW
    )
    same = jax.grad(lambda a: closed_forms.biexponential(1.3, rates=(a, 1.0)))(1.0)
    np.testing.assert_allclose(same, 1.3 * np.exp(-1.3) * (1 - 0.65), rtol=DERIVATIVE)
