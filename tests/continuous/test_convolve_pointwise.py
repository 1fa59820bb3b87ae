"""Pointwise convolution: shapes, dtypes, transformations and refusals."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from jconv.continuous import ClenshawCurtis, GaussKronrod, GaussLegendre, TanhSinh, convolve
from tests.continuous.tolerances import RELATIVE, rounding

ONE = lambda x: jnp.ones_like(x)
UNIT = {"support_f": (0, 1), "support_g": (0, 1)}


@pytest.mark.core
@pytest.mark.parametrize("rule", [GaussLegendre(4), GaussKronrod(5), ClenshawCurtis(5), TanhSinh(81)], ids=str)
def test_box_with_box_is_the_triangle(rule):
    t = np.linspace(-1, 3, 41)
    value, error = jax.jit(lambda t: convolve(ONE, ONE, t, rule=rule, **UNIT))(t)
    triangle = np.maximum(1 - np.abs(t - 1), 0)
    np.testing.assert_allclose(value, triangle, atol=rounding(np.float64, 4))
    assert np.all(error >= np.abs(value - triangle))
    assert np.all(np.asarray(value)[(t <= 0) | (t >= 2)] == 0)
    assert np.all(np.asarray(error)[(t < 0) | (t > 2)] == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", [GaussLegendre(76), GaussKronrod(61), ClenshawCurtis(129), TanhSinh(161)], ids=str)
def test_the_error_covers_fast_oscillations(rule, dtype):
    """Resolved, barely resolved and unresolved ones, also where rounding is watched at every fourth node only."""
    t = np.linspace(0, 3, 61, dtype=dtype)
    at = jax.jit(lambda w: convolve(lambda x: jnp.cos(w * x), ONE, t, support_f=(0, 2), support_g=(0, 1), rule=rule))
    low, high = np.maximum(0, np.float64(t) - 1), np.minimum(2, np.float64(t))
    for w in np.arange(1, 80, 3.0):
        value, error = at(dtype(w))
        true = (np.sin(w * high) - np.sin(w * low)) / w
        assert np.all(error + 1e-17 >= np.abs(value - true)), w


def test_against_quad_with_jumps_and_kinks_on_both_sides():
    f = lambda x: np.where(x < 0.3, np.cos(3 * x), np.exp(-x))
    g = lambda y: np.abs(y - 0.2) * (1 + y) + 2.0 * (y > 0.7)
    shapes = {"support_f": (-1, 2), "support_g": (-0.5, 1), "breaks_f": (0.3,), "breaks_g": (0.2, 0.7)}
    t = np.linspace(-1.4, 2.9, 23)
    jf, jg = (
        lambda x: jnp.where(x < 0.3, jnp.cos(3 * x), jnp.exp(-x)),
        lambda y: jnp.abs(y - 0.2) * (1 + y) + 2.0 * (y > 0.7),
    )
    got = jax.jit(lambda t: convolve(jf, jg, t, **shapes))(t)
    for s, value, error in zip(t, *map(np.asarray, got)):
        low, high = max(-1, s - 1), min(2, s + 0.5)
        cuts = [low, *sorted(b for b in (0.3, s - 0.2, s - 0.7) if low < b < high), high]
        want = sum(
            integrate.quad(lambda x, s=s: f(x) * g(s - x), a, b, epsabs=1e-14)[0] for a, b in itertools.pairwise(cuts)
        )
        assert abs(value - want) <= error + 1e-14
        assert error < 1e-11


@pytest.mark.parametrize("shape", [(), (1,), (3, 2), (0,), (2, 0)])
def test_shape_of_t_and_of_channels(shape):
    t = jnp.full(shape, 0.7)
    f = lambda x: jnp.stack([jnp.cos(x), jnp.sin(x), x])
    g = lambda y: jnp.exp(1j * y)
    value, error = convolve(f, g, t, rule=GaussLegendre(8), **UNIT)
    assert value.shape == error.shape == (*shape, 3)
    assert value.dtype == jnp.complex128
    assert error.dtype == jnp.float64


def test_channels_broadcast():
    f = lambda x: jnp.outer(jnp.array([1.0, x]), jnp.array([1.0, 2.0, 3.0]))
    g = lambda y: jnp.array([1.0, y, y * y])
    value, _ = convolve(f, g, 0.5, rule=GaussLegendre(8), **UNIT)
    each = [
        [
            convolve(lambda x, i=i, j=j: f(x)[i, j], lambda y, j=j: g(y)[j], 0.5, rule=GaussLegendre(8), **UNIT).value
            for j in range(3)
        ]
        for i in range(2)
    ]
    np.testing.assert_allclose(value, np.array(each), rtol=rounding(np.float64, 8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_working_precision_is_that_of_t(dtype):
    value, error = convolve(ONE, ONE, np.asarray(0.5, dtype), **UNIT)
    assert value.dtype == error.dtype == dtype
    assert abs(value - 0.5) <= error < 1000 * np.finfo(dtype).eps


def test_integers_are_taken_as_reals():
    assert convolve(ONE, ONE, 1, **UNIT).value.dtype == jnp.float64
    np.testing.assert_allclose(convolve(ONE, ONE, [0, 1, 2], **UNIT).value, [0, 1, 0], atol=1e-15)


def test_many_points_go_in_blocks_to_the_same_values():
    t = jnp.linspace(-3, 3, 7001)
    f = lambda x: jnp.exp(-(x**2))
    at = jax.jit(lambda t: convolve(f, f, t, support_f=(-5, 5), support_g=(-5, 5)))
    np.testing.assert_allclose(at(t).value[:50], at(t[:50]).value, rtol=rounding(np.float64, 96))


def test_vmap_over_traced_supports_and_breakpoints():
    corners = np.array([[0.1, 0.8], [0.3, 1.5], [-1.0, 0.2]])
    kink = lambda b: lambda x: jnp.abs(x - b)
    one = lambda c: (
        convolve(kink(c[0] + 0.2), jnp.cos, 0.9, support_f=(c[0], c[1]), support_g=(0, 1), breaks_f=(c[0] + 0.2,)).value
    )
    together = jax.jit(jax.vmap(one))(corners)
    np.testing.assert_allclose(together, [one(c) for c in corners], rtol=rounding(np.float64, 96))


def test_arguments_beside_closures():
    f = lambda x, a, b: a * jnp.exp(-b * x)
    value = convolve(f, lambda y, c: y**c, 0.5, args_f=(2.0, 3.0), args_g=(2.0,), **UNIT).value
    closed = convolve(lambda x: 2 * jnp.exp(-3 * x), lambda y: y**2, 0.5, **UNIT).value
    assert value == closed


@pytest.mark.parametrize("rule", [GaussLegendre(), GaussKronrod(), TanhSinh(301)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unbounded_supports(rule, dtype):
    # Two Cauchy densities: slow tails, on the whole line.
    cauchy = lambda a: lambda x: a / jnp.pi / (x * x + a * a)
    t = np.linspace(-6, 9, 11).astype(dtype)
    value, error = jax.jit(lambda t: convolve(cauchy(1.0), cauchy(0.5), t, rule=rule))(t)
    want = 1.5 / np.pi / (np.float64(t) ** 2 + 2.25)
    np.testing.assert_allclose(value, want, rtol=RELATIVE[np.dtype(dtype)] * (1 if rule != GaussKronrod() else 10))
    assert np.all(error >= np.abs(value - want))


@pytest.mark.parametrize("rule", [GaussLegendre(), TanhSinh()], ids=str)
def test_a_tail_that_cannot_be_integrated_is_said(rule):
    slow = lambda x: 1 / (1 + jnp.abs(x))
    assert convolve(slow, ONE, 0.5, rule=rule).error == np.inf
    assert convolve(lambda x: jnp.sin(x), ONE, 0.5, support_f=(0, np.inf), rule=rule).error == np.inf
    fast = convolve(lambda x: slow(x) ** 3, ONE, 0.0, rule=rule)
    assert abs(fast.value - 1) <= fast.error < 1e-3


def test_an_unresolved_integrand_is_said():
    rough = lambda x: jnp.cos(300 * x)
    value, error = convolve(rough, ONE, 0.5, rule=GaussLegendre(20), **UNIT)
    assert error > abs(value - np.sin(150) / 300) > 1e-6
    undeclared = convolve(lambda x: jnp.abs(x - 0.31), ONE, 0.5, **UNIT)
    truth = 0.31**2 / 2 + 0.19**2 / 2
    assert undeclared.error > abs(undeclared.value - truth) > 1e-9


def test_nothing_is_looked_at_outside_the_supports():
    # sqrt and log are undefined there: no NaN may leak into values or derivatives, window empty or not.
    t = jnp.linspace(-1, 4, 11)
    at = lambda t: convolve(jnp.sqrt, jnp.log, t, support_f=(0, 2), support_g=(0, 1), rule=TanhSinh()).value
    assert np.all(np.isfinite(jax.jit(at)(t)))
    assert np.all(np.isfinite(jax.vmap(jax.grad(at))(t)))


REFUSED = [
    ({"support_f": (1, 0)}, ValueError, r"`support_f` must be \(lower, upper\) with lower < upper, got \(1, 0\)"),
    ({"support_g": (2, 2)}, ValueError, "`support_g`"),
    ({"support_f": (0, np.nan)}, ValueError, "`support_f` must not contain NaN"),
    ({"support_f": (0, 1, 2)}, ValueError, "`support_f` must be a pair"),
    ({"support_f": (np.inf, np.inf)}, ValueError, "`support_f`"),
    ({"breaks_g": (0.5, np.inf)}, ValueError, "`breaks_g` must be finite"),
    (
        {"rule": ClenshawCurtis(), "support_f": (-np.inf, np.inf), "support_g": (-np.inf, np.inf)},
        ValueError,
        "bounded pieces only",
    ),
    ({"rule": "simpson"}, TypeError, "`rule` must be a rule such as"),
    ({"derivative": "adjoint"}, ValueError, "`derivative` must be one of 'rule', 'integrand'"),
    ({"args_f": 3.0}, TypeError, "`args_f` must be a tuple"),
]


@pytest.mark.parametrize(("options", "error", "message"), REFUSED, ids=[m for *_, m in REFUSED])
def test_refused(options, error, message):
    with pytest.raises(error, match=message):
        convolve(jnp.cos, jnp.sin, 0.5, **{**UNIT, **options})


def test_refused_functions_and_complex_points():
    with pytest.raises(TypeError, match="`f` must be a function of a scalar, got ndarray"):
        convolve(np.ones(3), jnp.cos, 0.5, **UNIT)
    with pytest.raises(TypeError, match="must be real, got complex128"):
        convolve(jnp.cos, jnp.cos, 0.5j, **UNIT)


def test_a_function_that_returns_nan_is_named_with_the_place():
    with pytest.raises(ValueError, match=r"`g` returned NaN at -0\.\d+ .*declare `support_g`"):
        convolve(jnp.cos, jnp.log, 0.0, support_f=(-1, 1), support_g=(-1, 1))
    inside = jax.jit(lambda t: convolve(jnp.cos, jnp.log, t, support_f=(-1, 1), support_g=(-1, 1)))(0.0)
    assert np.isnan(inside.value)
    assert np.isnan(inside.error)
