"""Periodic function objects: trigonometric interpolants, whose convolution is a product of Fourier coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.continuous._pieces import concrete
from jconv.continuous._quadrature import sampled


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PeriodicFunction:
    """A function of period `period`, Σ c_k exp(2πi k x / period), k = -m … m.

    Attributes
    ----------
    coefficients : (2m+1, *channels), k ascending; complex.
    period : positive; may be traced.
    error : largest absolute error of the fit, as its last coefficients tell.
    """

    coefficients: jax.Array
    period: Any
    error: Any = 0.0

    @classmethod
    def fit(cls, f: Callable[..., Any], period: Any, *, degree: int = 64) -> PeriodicFunction:
        """Interpolate `f` at 2 degree + 1 equidistant points of (0, period).

        >>> import jax.numpy as jnp
        >>> wave = PeriodicFunction.fit(lambda x: jnp.cos(3 * x), 2 * jnp.pi, degree=8)
        >>> round(float(wave(0.0).real), 6)
        1.0
        """
        check.positive_int("degree", degree)
        if concrete(period) and not period > 0:
            raise ValueError(f"`period` must be positive, got {period!r}; pass the length of one period")
        count = 2 * degree + 1
        x = jnp.asarray(period) * jnp.arange(count) / count
        coefficients = jnp.fft.fftshift(jnp.fft.fft(sampled(lambda s: jnp.asarray(f(s)), x), axis=0), axes=0) / count
        ends = jnp.abs(jnp.concatenate([coefficients[:2], coefficients[-2:]]))
        return cls(coefficients, period, jax.lax.stop_gradient(4 * jnp.max(ends)))

    @property
    def degree(self) -> int:
        """The highest harmonic."""
        return (self.coefficients.shape[0] - 1) // 2

    def __call__(self, x: Any) -> jax.Array:
        """Complex values at `x`, shape x.shape + channels."""
        x = jnp.asarray(x)
        k = jnp.arange(-self.degree, self.degree + 1)
        waves = jnp.exp(2j * jnp.pi / self.period * x[..., None] * k)
        return jnp.tensordot(waves, self.coefficients.astype(waves.dtype), axes=(-1, 0), precision="highest")

    def derivative(self) -> PeriodicFunction:
        """The derivative, harmonic by harmonic."""
        k = jnp.arange(-self.degree, self.degree + 1).reshape((-1,) + (1,) * (self.coefficients.ndim - 1))
        factor = 2j * jnp.pi / self.period
        return PeriodicFunction(self.coefficients * k * factor, self.period, self.error * self.degree * abs(factor))

    def integral(self) -> jax.Array:
        """The integral over one period."""
        return self.coefficients[self.degree] * self.period


def periodic_convolved(f: PeriodicFunction, g: PeriodicFunction) -> PeriodicFunction:
    """(f * g)(x) = ∫ f(s) g(x - s) ds over one period, exactly: c_k = period · a_k b_k."""
    if concrete(f.period) and concrete(g.period) and f.period != g.period:
        raise ValueError(
            f"periodic functions must share their period, got {f.period!r} and {g.period!r}; refit one of them"
        )
    degree = min(f.degree, g.degree)
    middle = lambda h: h.coefficients[h.degree - degree : h.degree + degree + 1]
    a, b = middle(f), middle(g)
    rank = max(a.ndim, b.ndim)
    a, b = (v.reshape(v.shape[:1] + (1,) * (rank - v.ndim) + v.shape[1:]) for v in (a, b))
    size = lambda h: jnp.max(jnp.sum(jnp.abs(h), axis=0))
    eps = jnp.finfo(a.real.dtype).eps
    error = f.period * (f.error * size(b) + g.error * size(a) + 8 * eps * size(a) * size(b))
    return PeriodicFunction(f.period * a * b, f.period, jax.lax.stop_gradient(error))
