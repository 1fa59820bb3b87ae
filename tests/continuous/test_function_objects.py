"""Function objects: fitting, calculus, and convolution by the laws that it must obey to 100 eps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BSpline

from jconv.continuous import (
    AccuracyWarning,
    Delta,
    Distribution,
    Function,
    PeriodicFunction,
    convolve,
    convolve_functions,
)
from jconv.continuous import _legendre as legendre
from tests.continuous.tolerances import DERIVATIVE, LAW, rounding

X = jnp.linspace(-4.9, 6.1, 301)


@pytest.fixture(scope="module")
def functions():
    """Smooth on one piece; with a kink; with a jump and another length."""
    return (
        Function.fit(jnp.exp, (0, 1)),
        Function.fit(lambda x: jnp.abs(x - 0.25), (-1, 1), breaks=(0.25,)),
        Function.fit(lambda x: jnp.where(x < 0.9, jnp.cos(3 * x), 2.0), (-0.4, 2), breaks=(0.9,)),
    )


def apart(f, g):
    """Largest difference, relative to the largest value."""
    return float(jnp.max(jnp.abs(f(X) - g(X))) / jnp.max(jnp.abs(f(X))))


@pytest.mark.core
@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 3), (3, 6), (40, 40), (70, 20)])
def test_volterra_against_gauss(m, n):
    rng = np.random.default_rng(m + n)
    f, g = rng.normal(size=m) / np.arange(1, m + 1), rng.normal(size=n) / np.arange(1, n + 1)
    got = np.asarray(legendre.volterra(jnp.asarray(f), jnp.asarray(g)))
    assert got.shape == (m + n,)
    nodes, weights = np.polynomial.legendre.leggauss(m + n)
    value = np.polynomial.legendre.legval
    for x in np.linspace(-2, 0, 9):
        s = -1 + (x + 2) * (nodes + 1) / 2
        want = (x + 2) / 2 * np.sum(weights * value(s, f) * value(x - s, g))
        assert abs(value(x + 1, got) - want) < 16 * rounding(np.float64, m + n)


def test_fit_evaluate_and_calculus(functions):
    f, kink, _ = functions
    x = np.linspace(0, 1, 23)
    np.testing.assert_allclose(f(x), np.exp(x), rtol=LAW)
    np.testing.assert_allclose(f.derivative()(x), np.exp(x), rtol=20 * LAW)
    np.testing.assert_allclose(f.antiderivative()(x), np.exp(x) - 1, atol=LAW)
    np.testing.assert_allclose(f.integral(), np.e - 1, rtol=LAW)
    np.testing.assert_allclose(kink.integral(), (1.25**2 + 0.75**2) / 2, rtol=LAW)
    np.testing.assert_allclose(kink.roots(), [0.25], atol=LAW)
    assert f(-0.1) == f(1.1) == 0
    assert np.max(np.abs(f(x) - np.exp(x))) <= f.error
    np.testing.assert_allclose((2 * f - f * f + 1)(x), 2 * np.exp(x) - np.exp(2 * x) + 1, atol=LAW)
    np.testing.assert_allclose(f.shift(2)(x + 2), f(x), rtol=LAW)
    np.testing.assert_allclose(f.mirror()(-x), f(x), rtol=LAW)
    np.testing.assert_allclose(f.restrict(0.2, 0.7)(0.5), np.exp(0.5), rtol=LAW)
    assert f.restrict(0.2, 0.7)(0.1) == 0


def test_b_splines_up_to_degree_6():
    box = Function.fit(jnp.ones_like, (-0.5, 0.5))
    spline = box
    x = np.linspace(-4, 4, 201)
    for degree in range(1, 7):
        spline = spline @ box
        half = (degree + 1) / 2
        want = BSpline.basis_element(np.arange(degree + 2) - half)(x)
        np.testing.assert_allclose(spline(x), np.where(np.abs(x) < half, want, 0), atol=LAW)
        assert spline.coefficients.shape[1] == degree + 1
        np.testing.assert_allclose(spline.breaks, np.arange(degree + 2) - half, atol=LAW)


def test_against_pointwise_quadrature(functions):
    f, _, g = functions
    value, error = convolve(f, g, X)
    h = f @ g
    assert np.all(np.abs(h(X) - value) <= error + h.error)
    np.testing.assert_allclose(h.breaks, [-0.4, 0.6, 0.9, 1.9, 2.0, 3.0], atol=LAW)
    same = f.convolve(g, extent="same")
    assert (same.domain[0], same.domain[1]) == (0, 1)
    np.testing.assert_allclose(same(0.3), h(0.3), rtol=LAW)


def test_laws(functions):
    f, g, h = functions
    fg = f @ g
    assert apart(fg, g @ f) < LAW
    assert apart(fg @ h, f @ (g @ h)) < LAW
    assert apart((f + g) @ h, f @ h + g @ h) < LAW
    np.testing.assert_allclose(fg.integral(), f.integral() * g.integral(), rtol=LAW)
    # (∫f) * g = ∫(f * g): the antiderivative of f goes on as a constant, so compare where f is complete behind x.
    rising = f.antiderivative() @ g
    x = jnp.linspace(-1, 0, 31)  # up to the first place where the end of f's domain is felt
    np.testing.assert_allclose(rising(x), fg.antiderivative()(x), atol=LAW)


def test_derivative_of_a_convolution(functions):
    # (f * g)' = f * g' for g continuous and zero at its ends.
    f, h, _ = functions
    hat = Function.fit(lambda x: 1 - jnp.abs(x), (-1, 1), breaks=(0.0,))
    assert apart((f @ hat).derivative(), f @ hat.derivative()) < LAW
    # With jumps the deltas carry the rest: δ' * f = f' + jumps, and f * (δ' * g) = (f * g)'.
    jumpy = Delta(0.0, order=1) @ f
    assert isinstance(jumpy, Distribution)
    through = h @ jumpy
    regular = through if isinstance(through, Function) else through.regular
    fg = h @ f
    np.testing.assert_allclose(regular.antiderivative()(X), fg(X), atol=LAW)
    # Pointwise, no representation in rounded numbers can keep 100 eps: a last bit of the values on a piece of length l
    # is a slope of up to 2 d²/l times as much at degree d (Markov's inequality). Held here to 2/l.
    shortest = float(jnp.min(jnp.diff(fg.breaks)))
    assert apart(regular, fg.derivative()) < LAW * 2 / shortest


def test_area_centroid_variance_of_densities():
    f = Function.fit(lambda x: 6 * x * (1 - x), (0, 1))
    g = Function.fit(lambda x: x / 2, (0, 2))
    x1 = Function.fit(lambda x: x, (-1, 4), degree=1)
    moments = lambda p: (p.integral(), (p * x1).integral(), (p * x1 * x1).integral() - (p * x1).integral() ** 2)
    for sum_, a, b, want in zip(moments(f @ g), moments(f), moments(g), (None, 0.5 + 4 / 3, 1 / 20 + 2 / 9)):
        expected = 1.0 if want is None else a + b
        np.testing.assert_allclose(sum_, expected, rtol=LAW)
        np.testing.assert_allclose(sum_, 1.0 if want is None else want, rtol=LAW)


def test_deltas_are_exact(functions):
    f, _, _ = functions
    shifted = f @ Delta(0.5, 3.0)
    np.testing.assert_allclose(shifted(X + 0.5), 3 * f(X), rtol=LAW)
    both = Delta(1.0, 2.0, order=1) @ Delta(0.5, 3.0, order=2)
    assert (both.location, both.weight, both.order) == (1.5, 6.0, 3)
    edges = Delta(0.0, order=1) @ Function.fit(jnp.ones_like, (0, 2))
    np.testing.assert_allclose([d.weight for d in edges.deltas], [1, -1], atol=LAW)
    np.testing.assert_allclose(edges.regular(X), 0, atol=LAW)
    with pytest.raises(ValueError, match=r"`Delta\.order` must be an integer >= 0, got -1"):
        Delta(order=-1)


def test_periodic():
    f = PeriodicFunction.fit(lambda x: jnp.exp(jnp.cos(x)), 2 * jnp.pi, degree=20)
    g = PeriodicFunction.fit(lambda x: jnp.exp(jnp.sin(x)), 2 * jnp.pi, degree=20)
    h = f @ g
    x = np.linspace(0, 6, 7)
    s = 2 * np.pi * np.arange(64) / 64
    want = 2 * np.pi / 64 * np.sum(np.exp(np.cos(s)) * np.exp(np.sin(x[:, None] - s)), axis=1)
    np.testing.assert_allclose(h(x).real, want, rtol=LAW)
    assert np.all(np.abs(h(x) - want) <= h.error)
    np.testing.assert_allclose(h.integral(), f.integral() * g.integral(), rtol=LAW)
    with pytest.raises(ValueError, match="share their period"):
        f @ PeriodicFunction.fit(jnp.cos, 1.0, degree=2)


def test_construction_and_convolution_are_differentiable():
    def through_objects(p):
        f = Function.fit(lambda x: jnp.exp(-p[0] * x), (0.0, p[1]), degree=24)
        g = Function.fit(jnp.cos, (0.0, p[2]), degree=24)
        return (f @ g)(p[3])

    def by_quadrature(p):
        shapes = {"support_f": (0.0, p[1]), "support_g": (0.0, p[2])}
        return convolve(lambda x: jnp.exp(-p[0] * x), jnp.cos, p[3], **shapes).value

    points = jnp.array([[1.0, 1.0, 2.0, 0.7], [1.0, 1.0, 2.0, 1.7], [1.0, 1.0, 2.0, 2.7]])
    everything = lambda h: jax.jit(jax.vmap(lambda p: (h(p), jax.grad(h)(p), jax.jacfwd(h)(p))))(points)
    for got, want in zip(everything(through_objects), everything(by_quadrature)):
        np.testing.assert_allclose(got, want, rtol=DERIVATIVE, atol=DERIVATIVE)


def test_channels():
    f = Function.fit(lambda x: jnp.stack([jnp.exp(x), jnp.cos(x)]), (0, 1))
    g = Function.fit(lambda x: x, (0, 2))
    together = (f @ g)(X)
    each = [(Function.fit(h, (0, 1), degree=f.degree) @ g)(X) for h in (jnp.exp, jnp.cos)]
    np.testing.assert_allclose(together, jnp.stack(each, -1), atol=LAW)


def test_degree_too_low_is_said_with_the_attained_error():
    with pytest.warns(AccuracyWarning, match=r"degree 4 attains a relative error of \d\.\de-0\d, not 1.0e-12"):
        poor = Function.fit(lambda x: jnp.cos(5 * x), (0, 1), degree=4, rtol=1e-12)
    x = jnp.linspace(0, 1, 99)
    assert 1e-6 < jnp.max(jnp.abs(poor(x) - jnp.cos(5 * x))) <= poor.error
    with pytest.warns(AccuracyWarning, match="degree 512 attains"):
        Function.fit(lambda x: jnp.abs(x - 0.3), (0, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Function.fit(jnp.cos, (1, 0)), "must ascend"),
        (lambda: Function.fit(jnp.cos, (0, np.inf)), "`domain` must be finite"),
        (lambda: Function.fit(jnp.cos, (0, 1, 2)), "`domain` must be a pair"),
        (lambda: Function.fit(jnp.cos, (0, 1), breaks=(2,)), "must ascend"),
        (lambda: Function.fit(jnp.cos, (0, 1), degree=-1), "`degree` must be at least 0"),
        (lambda: Function.fit(jnp.log, (-1, 1)), "`f` returned NaN"),
        (lambda: jax.jit(lambda a: Function.fit(lambda x: a * x, (0, 1)))(1.0), "`degree` must be given inside `jit`"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_three_ways_to_convolve_are_one(functions):
    f, g, _ = functions
    for other in (g, Delta(0.5, 2.0)):
        named, method, operator = convolve_functions(f, other), f.convolve(other), f @ other
        for result in (named, method):
            np.testing.assert_array_equal(result.breaks, operator.breaks)
            np.testing.assert_array_equal(result.coefficients, operator.coefficients)
    same = convolve_functions(f, g, extent="same")
    assert (same.domain[0], same.domain[1]) == (0, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: convolve(f, f), TypeError, r"`t` is missing; .* use convolve_functions\(f, g\)"),
        (lambda f: convolve(f, f, rule=None, rtol=1e-3), TypeError, "`t` is missing"),
        (lambda f: convolve_functions(f, jnp.cos), TypeError, "must be function objects of one kind, got Function and"),
        (
            lambda f: convolve_functions(f, PeriodicFunction.fit(jnp.cos, 1.0)),
            TypeError,
            "Function and PeriodicFunction",
        ),
        (lambda f: f.convolve(jnp.cos), TypeError, r"`other` must be a function object .* pass Function.fit"),
        (lambda f: f @ 3.0, TypeError, "unsupported operand"),
        (lambda f: f.convolve(f, extent="valid"), ValueError, "`extent` must be one of 'full', 'same'"),
        (lambda f: f.convolve(Delta(order=1), extent="same"), ValueError, "needs a result without deltas"),
        (lambda f: convolve_functions(Delta(), f, extent="same"), ValueError, "needs a Function as `f`, got a Delta"),
        (lambda f: PeriodicFunction.fit(jnp.cos, 1.0).convolve(f), TypeError, "`other` must be a PeriodicFunction"),
    ],
)
def test_refused_convolutions(call, error, message):
    with pytest.raises(error, match=message):
        call(Function.fit(jnp.cos, (0, 1), degree=3))
