"""Pairs of functions whose convolution is known in closed form, with the points at which it is compared.

Each row: name, f, g (in JAX), their shapes, the rule, the points t, and the truth (in NumPy and SciPy, float64).
The points avoid zeros of the truth, so that a relative error makes sense at every one of them.
"""

from math import sqrt
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy import inf, pi
from scipy import special, stats
from scipy.interpolate import BSpline

from jconv.continuous import Function, GaussHermite, GaussLaguerre, PeriodicTrapezoid, TanhSinh


class Pair(NamedTuple):
    name: str
    f: Any
    g: Any
    options: dict
    t: np.ndarray
    truth: Any


def shapes(f=(-inf, inf), g=(-inf, inf), bf=(), bg=(), rule=None):
    return {"support_f": f, "support_g": g, "breaks_f": bf, "breaks_g": bg, "rule": rule}


one = lambda x: jnp.ones_like(x)
normal = lambda s, m=0.0: lambda x: jnp.exp(-0.5 * ((x - m) / s) ** 2) / (s * sqrt(2 * pi))
cauchy = lambda a: lambda x: a / pi / (x * x + a * a)
decay = lambda a: lambda x: a * jnp.exp(-a * x)
laplace = lambda a: lambda x: a / 2 * jnp.exp(-a * jnp.abs(x))
power = lambda p: lambda x: x**p
gamma = lambda k: lambda x: x ** (k - 1) * jnp.exp(-x) / float(special.gamma(k))
damped = lambda a, w: lambda x: jnp.exp(-a * x) * jnp.cos(w * x)


def spline(n):
    """The centred cardinal B-spline of degree n, breakpoints included: a piecewise polynomial by Cox and de Boor."""
    knots = [i - (n + 1) / 2 for i in range(n + 2)]

    def value(x):
        level = [jnp.where((x >= a) & (x < a + 1), 1.0, 0.0) for a in knots[:-1]]
        for d in range(1, n + 1):
            level = [
                (x - knots[i]) / d * level[i] + (knots[i + d + 1] - x) / d * level[i + 1] for i in range(n + 1 - d)
            ]
        return level[0]

    return value, (knots[0], knots[-1]), tuple(knots[1:-1])


def spline_pair(n):
    b, support, breaks = spline(n - 1)
    t = np.linspace(-(n + 1) / 2 + 0.2, (n + 1) / 2 - 0.25, 7)
    basis = BSpline.basis_element(np.arange(n + 2) - (n + 1) / 2)
    return Pair(f"B-spline {n - 1} * box", b, one, shapes(support, (-0.5, 0.5), breaks), t, basis)


def damped_gaussian(t, a, w, s):
    z = (s * (a - 1j * w) - t / s) / sqrt(2)
    return np.real(np.exp(-0.5 * (t / s) ** 2) * special.wofz(1j * z)) / 2


def airy(x):
    """Ai on (-9, 5), fitted once from SciPy's."""
    return AIRY(x).astype(x.dtype)


AIRY = Function.fit(
    lambda x: jax.pure_callback(
        lambda x: special.airy(x)[0], jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="expand_dims"
    ),
    (-9.0, 5.0),
    degree=64,
)
middle = np.array([-3.1, -1.2, -0.3, 0.4, 0.9, 2.2, 4.3])
after = np.array([0.05, 0.3, 0.8, 1.4, 2.7, 5.5, 9.0])
unit = np.array([0.05, 0.3, 0.55, 0.9, 1.15, 1.6, 1.9])
half = (0, inf)

PAIRS = [
    Pair("box * box", one, one, shapes((0, 1), (0, 1)), unit, lambda t: 1 - abs(t - 1)),
    Pair(
        "boxes of two widths",
        one,
        one,
        shapes((0, 3), (-1, 1)),
        middle[2:6],
        lambda t: np.minimum(3, t + 1) - np.maximum(0, t - 1),
    ),
    *(spline_pair(n) for n in range(2, 7)),
    Pair(
        "triangle * triangle",
        lambda x: 1 - jnp.abs(x),
        lambda x: 1 - jnp.abs(x),
        shapes((-1, 1), (-1, 1), (0,), (0,)),
        np.array([-1.6, -0.9, -0.2, 0.3, 1.1, 1.5]),
        BSpline.basis_element(np.arange(5) - 2.0),
    ),
    Pair(
        "box * exponential",
        one,
        decay(1.3),
        shapes((0, 1), half),
        after,
        lambda t: -np.expm1(-1.3 * np.minimum(t, 1)) * np.exp(-1.3 * np.maximum(t - 1, 0)),
    ),
    Pair(
        "box * Gaussian",
        one,
        normal(0.4),
        shapes((-1, 1)),
        np.array([-2.5, -1.3, -0.4, 0.2, 0.8, 1.9, 2.6]),
        lambda t: (special.erfc((abs(t) - 1) / 0.4 / sqrt(2)) - special.erfc((abs(t) + 1) / 0.4 / sqrt(2))) / 2,
    ),
    Pair(
        "box * Lorentzian",
        one,
        cauchy(0.3),
        shapes((-1, 1)),
        middle,
        lambda t: np.arctan2(2 / 0.3, 1 + (t * t - 1) / 0.09) / pi,
    ),
    Pair(
        "box * cosine",
        one,
        jnp.cos,
        shapes((0, 1), (-2, 4)),
        np.array([-0.5, 0.2, 0.9, 1.3, 1.7, 3.0]),
        lambda t: np.sin(t) - np.sin(t - 1),
    ),
    Pair("Gaussian * Gaussian", normal(1.0), normal(0.5), shapes(), middle, lambda t: stats.norm.pdf(t, 0, sqrt(1.25))),
    Pair(
        "shifted Gaussians",
        normal(0.8, 1.0),
        normal(0.6, -2.0),
        shapes(bf=(1.0,), bg=(-2.0,)),
        middle,
        lambda t: stats.norm.pdf(t, -1),
    ),
    Pair(
        "Gaussian * cosine",
        normal(1.0),
        lambda x: jnp.cos(2 * x),
        shapes(),
        np.array([-3.0, -0.2, 0.3, 1.3, 3.3]),
        lambda t: np.exp(-2) * np.cos(2 * t),
    ),
    Pair(
        "Gaussian * complex exponential",
        normal(1.0),
        lambda x: jnp.exp(2j * x),
        shapes(),
        middle,
        lambda t: np.exp(-2 + 2j * t),
    ),
    Pair(
        "exponential * exponential",
        decay(1.0),
        decay(2.5),
        shapes(half, half),
        after,
        lambda t: 2.5 / 1.5 * np.exp(-t) * -np.expm1(-1.5 * t),
    ),
    Pair("equal exponentials", decay(1.0), decay(1.0), shapes(half, half), after, lambda t: t * np.exp(-t)),
    Pair(
        "exponential * Gaussian",
        decay(1.0),
        normal(0.5),
        shapes(half),
        middle,
        lambda t: 0.5 * np.exp(-2 * t * t) * special.erfcx((0.5 - 2 * t) / sqrt(2)),
    ),
    Pair(
        "Laplace * Laplace", laplace(1.0), laplace(1.0), shapes(), middle, lambda t: (1 + abs(t)) * np.exp(-abs(t)) / 4
    ),
    Pair(
        "Laplace * exponential",
        laplace(1.0),
        decay(1.0),
        shapes(g=half),
        middle,
        lambda t: np.where(t < 0, np.exp(-abs(t)) / 4, (1 + 2 * t) * np.exp(-abs(t)) / 4),
    ),
    Pair(
        "Laplace * Gaussian",
        laplace(1.0),
        normal(0.5),
        shapes(),
        middle,
        lambda t: (
            np.exp(-2 * t * t) * (special.erfcx((0.5 - 2 * t) / sqrt(2)) + special.erfcx((0.5 + 2 * t) / sqrt(2))) / 4
        ),
    ),
    Pair("Lorentzian * Lorentzian", cauchy(1.0), cauchy(0.4), shapes(), middle, lambda t: 1.4 / pi / (t * t + 1.96)),
    Pair("Voigt", normal(0.7), cauchy(0.3), shapes(), middle, lambda t: special.voigt_profile(t, 0.7, 0.3)),
    Pair("gamma * gamma, smooth", gamma(2), gamma(3), shapes(half, half), after, lambda t: stats.gamma.pdf(t, 5)),
    Pair(
        "gamma * gamma, singular",
        gamma(0.5),
        gamma(1.5),
        shapes(half, half, rule=TanhSinh()),
        after,
        lambda t: stats.gamma.pdf(t, 2),
    ),
    Pair(
        "chi-squared from a square root",
        gamma(2.5),
        gamma(0.7),
        shapes(half, half, rule=TanhSinh()),
        after,
        lambda t: stats.gamma.pdf(t, 3.2),
    ),
    Pair(
        "arcsine tails",
        power(-0.5),
        power(-0.5),
        shapes((0, 1), (0, 1), rule=TanhSinh()),
        np.array([0.1, 0.3, 0.5, 0.8, 0.95]),
        lambda t: pi + 0 * t,
    ),
    Pair(
        "x^-1/2 * x^-1/4",
        power(-0.5),
        power(-0.25),
        shapes((0, 9), (0, 9), rule=TanhSinh()),
        after[:6],
        lambda t: special.beta(0.5, 0.75) * t**0.25,
    ),
    Pair(
        "beta * beta",
        lambda x: x * (1 - x),
        lambda x: x**2,
        shapes((0, 1), (0, 1)),
        np.array([0.1, 0.3, 0.6, 0.9]),
        lambda t: t**4 / 12 - t**5 / 30,
    ),
    Pair(
        "logarithm * box",
        jnp.log,
        one,
        shapes((0, 1), (0, 1), rule=TanhSinh()),
        np.array([0.1, 0.4, 0.8, 1.3, 1.7]),
        lambda t: np.where(t < 1, t * np.log(t) - t, -1 - special.xlogy(t - 1, abs(t - 1)) + (t - 1)),
    ),
    Pair(
        "logarithm * linear",
        jnp.log,
        lambda x: x,
        shapes((0, 1), (0, 1), rule=TanhSinh()),
        np.array([0.1, 0.4, 0.8]),
        lambda t: t * t * (2 * np.log(t) - 3) / 4,
    ),
    Pair(
        "square root * square root",
        jnp.sqrt,
        jnp.sqrt,
        shapes((0, 5), (0, 5), rule=TanhSinh()),
        after[:5],
        lambda t: pi / 8 * t * t,
    ),
    Pair(
        "polynomials",
        lambda x: x**3,
        lambda x: x**4,
        shapes((0, 9), (0, 9)),
        after[:6],
        lambda t: t**8 * special.beta(4, 5),
    ),
    Pair(
        "kink inside",
        jnp.abs,
        one,
        shapes((-1, 1), (-0.5, 0.5), bf=(0,)),
        np.array([-1.2, -0.7, -0.3, 0.1, 0.4, 1.2]),
        lambda t: (lambda a, b: (b * abs(b) - a * abs(a)) / 2)(np.maximum(t - 0.5, -1), np.minimum(t + 0.5, 1)),
    ),
    Pair(
        "jump inside",
        lambda x: jnp.where(x < 0.3, 1.0, 4.0),
        jnp.exp,
        shapes((0, 1), (0, 1), bf=(0.3,)),
        unit,
        lambda t: (lambda F: np.where(t < 1, F(t) - F(t * 0), F(1 + t * 0) - F(t - 1)))(
            lambda x: -np.exp(t - x) * np.where(x < 0.3, 1, 4) - 3 * np.where(x < 0.3, 0, 1) * -np.exp(t - 0.3)
        ),
    ),
    Pair(
        "steps on both sides",
        jnp.sign,
        jnp.sign,
        shapes((-2, 2), (-1, 1), (0,), (0,)),
        np.array([-2.5, -1.4, -0.7, 0.2, 0.6, 1.7, 2.4]),
        lambda t: sum(
            a * b * (lambda l, r: np.maximum(r - l, 0))(np.maximum(i, t - j - 1), np.minimum(i + 2, t - j))
            for i, a in ((-2, -1), (0, 1))
            for j, b in ((-1, -1), (0, 1))
        ),
    ),
    Pair(
        "damped cosine * exponential",
        damped(0.5, 3.0),
        lambda x: jnp.exp(-2 * x),
        shapes(half, half),
        after,
        lambda t: np.real((np.exp((-0.5 + 3j) * t) - np.exp(-2 * t)) / (1.5 + 3j)),
    ),
    Pair(
        "damped cosine * Gaussian",
        damped(0.5, 3.0),
        normal(0.4),
        shapes(half),
        np.array([-0.8, -0.2, 0.3, 1.1, 2.1, 3.1]),
        lambda t: damped_gaussian(t, 0.5, 3.0, 0.4),
    ),
    Pair(
        "damped waves, complex",
        lambda x: jnp.exp((-1 + 4j) * x),
        lambda x: jnp.exp((-2 - 1j) * x),
        shapes(half, half),
        after,
        lambda t: (np.exp((-1 + 4j) * t) - np.exp((-2 - 1j) * t)) / (1 + 5j),
    ),
    Pair(
        "sine * cosine from 0",
        jnp.sin,
        jnp.cos,
        shapes((0, 12), (0, 12)),
        np.array([0.3, 0.9, 2.0, 4.1, 5.5]),
        lambda t: t * np.sin(t) / 2,
    ),
    Pair(
        "sinc * box",
        jnp.sinc,
        one,
        shapes((-8, 8), (-0.5, 0.5)),
        np.array([-3.4, -1.5, -0.3, 0.4, 1.5, 2.5]),
        lambda t: (special.sici(pi * (t + 0.5))[0] - special.sici(pi * (t - 0.5))[0]) / pi,
    ),
    Pair(
        "sinc * Gaussian",
        normal(0.3),
        jnp.sinc,
        shapes((-3.0, 3.0)),
        np.array([-3.3, -1.4, -0.4, 0.2, 0.7, 2.4]),
        lambda t: (
            np.real(special.erf((0.3 * pi + 1j * t / 0.3) / sqrt(2)) * np.exp(-0.5 * (t / 0.3) ** 2))
            / 0.3
            / sqrt(2 * pi)
        ),
    ),
    Pair(
        "Airy * Gaussian",
        airy,
        normal(0.4),
        shapes((-9, 5), (-3.5, 3.5)),
        np.array([-3.1, -1.5, -0.4, 0.3, 1.2]),
        lambda t: np.exp(0.08 * t + 0.4**6 / 12) * special.airy(t + 0.4**4 / 4)[0],
    ),
    Pair(
        "Gaussian weight * cosine",
        one,
        jnp.cos,
        shapes(rule=GaussHermite(32)),
        np.array([-0.7, 0.2, 0.7, 1.2, 1.9, 2.5]),
        lambda t: sqrt(2 * pi) * np.exp(-0.5) * np.cos(t),
    ),
    Pair(
        "Laguerre weight * polynomial",
        one,
        lambda x: x**3,
        shapes(rule=GaussLaguerre(16)),
        np.array([-2.0, -1.0, 0.3, 3.0, 5.0]),
        lambda t: t**3 - 3 * t**2 + 6 * t - 6,
    ),
    Pair(
        "periodic, one harmonic",
        lambda x: jnp.exp(jnp.cos(x)),
        jnp.cos,
        shapes(rule=PeriodicTrapezoid(40)),
        np.array([-0.3, 0.2, 0.7, 1.2, 1.9, 2.9]),
        lambda t: 2 * pi * special.iv(1, 1) * np.cos(t),
    ),
    Pair(
        "periodic Poisson kernels",
        *[lambda x, r=r: (1 - r * r) / (1 - 2 * r * jnp.cos(x) + r * r) for r in (0.5, 0.4)],
        shapes(rule=PeriodicTrapezoid(120)),
        middle,
        lambda t: 2 * pi * (1 - 0.04) / (1 - 0.4 * np.cos(t) + 0.04),
    ),
]
