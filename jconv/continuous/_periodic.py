"""Periodic function objects: trigonometric interpolants, whose convolution is a product of Fourier coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check, html
from jconv._core.concrete import is_traced
from jconv.continuous._quadrature import sample_function
from jconv.continuous._types import Real, ScalarFunction


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PeriodicFunction:
    """A periodic function as a Fourier series; `f @ g` is the convolution over one period.

    Its value at x is the sum of c_k exp(2πi k x / period) over k = -m … m.

    Parameters
    ----------
    coefficients : complex array (2m+1, *channels)
        c_k, k ascending.
    period : scalar
        Positive; may be traced.
    error : float or scalar array
        The largest absolute error of the fit, estimated from its last coefficients. Default 0.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> wave = PeriodicFunction.fit(jnp.cos, 2 * jnp.pi, degree=4)
    >>> round(float((wave @ wave)(0.0).real), 6)
    3.141593
    """

    coefficients: jax.Array
    period: Real
    error: Real = 0.0

    @classmethod
    def fit(cls, f: ScalarFunction, period: Real, *, degree: int = 64) -> PeriodicFunction:
        """Interpolate `f` at 2 degree + 1 equidistant points of (0, period).

        Parameters
        ----------
        f : callable
            A function of a scalar that returns a scalar or an array (channels); smooth and periodic.
        period : scalar
            Positive; may be traced.
        degree : int
            The highest harmonic. Default 64.

        Returns
        -------
        PeriodicFunction

        Raises
        ------
        ValueError
            If `period` is not positive or `degree` is below 1.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> wave = PeriodicFunction.fit(lambda x: jnp.cos(3 * x), 2 * jnp.pi, degree=8)
        >>> round(float(wave(0.0).real), 6)
        1.0
        """
        check.positive_int("degree", degree)
        if not is_traced(period) and not period > 0:
            raise ValueError(f"`period` must be positive, got {period!r}; pass the length of one period")
        count = 2 * degree + 1
        values = sample_function(f, jnp.asarray(period) * jnp.arange(count) / count)
        return cls(_transform(values), period, _last_harmonics(values))

    def __repr__(self) -> str:
        if self._has_values():
            channels = f", channels {self.coefficients.shape[1:]}" if self.coefficients.ndim > 1 else ""
            return (
                f"PeriodicFunction of period {float(self.period):g}: degree {self.degree}{channels}, "
                f"error {float(np.max(np.asarray(self.error))):.1e}"
            )
        return f"PeriodicFunction({self.coefficients!r}, {self.period!r}, {self.error!r})"

    def _repr_html_(self) -> str:
        words = html.table([(repr(self),)])
        if not self._has_values():
            return words
        coefficients = np.asarray(self.coefficients).reshape(self.coefficients.shape[0], -1)
        x = np.linspace(0, float(self.period), 200)
        waves = np.exp(2j * np.pi * np.outer(x / float(self.period), np.arange(-self.degree, self.degree + 1)))
        return html.curve([(x, np.real(waves @ coefficients))], repr(self)) + words

    def _has_values(self) -> bool:
        """Whether all numbers are known: not traced, not a placeholder of a pytree."""
        known = isinstance(self.coefficients, (jax.Array, np.ndarray)) and self.coefficients.ndim >= 1
        return known and not any(map(is_traced, (self.coefficients, self.period, self.error)))

    @property
    def degree(self) -> int:
        """The highest harmonic."""
        return (self.coefficients.shape[0] - 1) // 2

    @jax.jit
    def __call__(self, x: ArrayLike) -> jax.Array:
        """Complex values at `x`, shape x.shape + channels."""
        x = jnp.asarray(x)
        k = jnp.arange(-self.degree, self.degree + 1)
        waves = jnp.exp(2j * jnp.pi / self.period * x[..., None] * k)
        return jnp.tensordot(waves, self.coefficients.astype(waves.dtype), axes=(-1, 0), precision="highest")

    def convolve(self, other: PeriodicFunction) -> PeriodicFunction:
        """Convolve with another function of the same period, exactly: c_k = period · a_k b_k.

        Parameters
        ----------
        other : PeriodicFunction
            The second factor; the lower of the two degrees is kept.

        Returns
        -------
        PeriodicFunction

        Raises
        ------
        TypeError
            If `other` is not a `PeriodicFunction`.
        ValueError
            If the periods are known and differ.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> wave = PeriodicFunction.fit(jnp.cos, 1.0, degree=2)
        >>> wave.convolve(wave).degree
        2
        """
        if not isinstance(other, PeriodicFunction):
            raise TypeError(
                f"`other` must be a PeriodicFunction, got {type(other).__name__}; pass PeriodicFunction.fit(f, period)"
            )
        return self @ other

    def __matmul__(self, other: PeriodicFunction) -> PeriodicFunction:
        """Return the convolution over one period."""
        if not isinstance(other, PeriodicFunction):
            return NotImplemented
        known = not is_traced(self.period) and not is_traced(other.period)
        if known and self.period != other.period:
            raise ValueError(
                f"periodic functions must share their period, got {self.period!r} and {other.period!r}; refit one of "
                "them"
            )
        degree = min(self.degree, other.degree)
        middle = lambda h: h.coefficients[h.degree - degree : h.degree + degree + 1]
        a, b = middle(self), middle(other)
        rank = max(a.ndim, b.ndim)
        a, b = (v.reshape(v.shape[:1] + (1,) * (rank - v.ndim) + v.shape[1:]) for v in (a, b))
        bound = lambda h: jnp.max(jnp.sum(jnp.abs(h), axis=0))
        eps = jnp.finfo(a.real.dtype).eps
        error = self.error * bound(b) + other.error * bound(a) + 8 * eps * bound(a) * bound(b)
        return PeriodicFunction(self.period * a * b, self.period, jax.lax.stop_gradient(self.period * error))

    def derivative(self) -> PeriodicFunction:
        """Return the derivative, harmonic by harmonic."""
        k = jnp.arange(-self.degree, self.degree + 1).reshape((-1,) + (1,) * (self.coefficients.ndim - 1))
        factor = 2j * jnp.pi / self.period
        return PeriodicFunction(self.coefficients * k * factor, self.period, self.error * self.degree * abs(factor))

    def integral(self) -> jax.Array:
        """Return the integral over one period."""
        return self.coefficients[self.degree] * self.period


@jax.jit
def _transform(values: jax.Array) -> jax.Array:
    """Fourier coefficients of equidistant samples, harmonics ascending."""
    return jnp.fft.fftshift(jnp.fft.fft(values, axis=0), axes=0) / values.shape[0]


@jax.jit
def _last_harmonics(values: jax.Array) -> jax.Array:
    coefficients = _transform(values)
    ends = jnp.abs(jnp.concatenate([coefficients[:2], coefficients[-2:]]))
    return jax.lax.stop_gradient(4 * jnp.max(ends))
