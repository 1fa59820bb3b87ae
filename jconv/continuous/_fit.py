"""Fitting a piecewise Legendre series to a function, with a given degree or as many as it needs."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.continuous import _legendre as legendre
from jconv.continuous._quadrature import AccuracyWarning, sample_function
from jconv.continuous._series import Series, drop_degrees, piece_nodes
from jconv.continuous._types import Points, ScalarFunction

_LARGEST_DEGREE = 512
"""An adaptive fit gives up at this degree of a piece; Chebfun's limit is 65,536 on one piece without breakpoints."""


def fit_series(f: ScalarFunction, domain: Points, breaks: Points, degree: int | None, rtol: float | None) -> Series:
    """Return the series that interpolates `f`; see `Function.fit` for the arguments."""
    edges = _edges(domain, breaks)
    if degree is None:
        return _fit_adaptively(f, edges, rtol)
    if check.integer("degree", degree) < 0:
        raise ValueError(f"`degree` must be at least 0, got {degree}; a constant has degree 0")
    series = _interpolate(f, edges, degree + 1)
    if rtol is not None and not is_traced(series.error):
        _warn_if_inaccurate(series, rtol, f"degree {degree}")
    return series


def _fit_adaptively(f: ScalarFunction, edges: jax.Array, rtol: float | None) -> Series:
    eps = float(jnp.finfo(edges.dtype).eps)
    count = 17
    while True:
        # The last coefficients never fall below rounding, which grows with their number.
        tolerance = (16 + 2 * count) * eps if rtol is None else rtol
        series = _interpolate(f, edges, count)
        if is_traced(series.error):
            raise ValueError("`degree` must be given inside `jit` and `grad`, where an adaptive fit cannot see values")
        scale = float(np.max(np.abs(np.asarray(series.coefficients))))
        if not np.isfinite(scale):
            raise ValueError("`f` returned NaN or inf on its domain; cut the domain, or name the place in `breaks`")
        if float(np.asarray(series.error)) <= tolerance * scale:
            return drop_degrees(series, max(tolerance, eps) * scale / 8)
        if count > _LARGEST_DEGREE:
            _warn_if_inaccurate(series, tolerance, f"degree {count - 1}")
            return series
        count = 2 * count - 1


def _edges(domain: Points, breaks: Points) -> jax.Array:
    """Return the ends of all pieces, ascending."""
    if len(domain) != 2:
        raise ValueError(f"`domain` must be a pair (lower, upper), got {domain!r}; name inner points in `breaks`")
    edges = (domain[0], *(breaks[i] for i in range(len(breaks))), domain[1])
    dtype = jnp.result_type(*edges, 0.0)
    if any(map(is_traced, edges)):
        return jnp.stack([jnp.asarray(e, dtype) for e in edges])
    known = np.asarray([np.asarray(e) for e in edges], dtype)
    if not np.all(np.isfinite(known)):
        raise ValueError(f"`domain` must be finite, got {domain!r}; cut it where the function is negligible")
    if not np.all(np.diff(known) > 0):
        raise ValueError(f"`domain` and `breaks` must ascend, got {edges!r}; sort the breakpoints inside the domain")
    return jnp.asarray(known)


def _interpolate(f: ScalarFunction, edges: jax.Array, count: int) -> Series:
    return Series(edges, *_coefficients_and_error(sample_function(f, piece_nodes(edges, count))))


@jax.jit
def _coefficients_and_error(values: jax.Array) -> tuple[jax.Array, jax.Array]:
    coefficients = legendre.from_values(values)
    # Several of the last coefficients: one alone may vanish by parity or by chance.
    last = jax.lax.stop_gradient(coefficients[-max(1, min(4, coefficients.shape[0] // 2)) :])
    return coefficients, 2 * jnp.max(jnp.abs(last))


def _warn_if_inaccurate(series: Series, rtol: float, subject: str) -> None:
    attained = float(np.asarray(series.error)) / float(np.max(np.abs(np.asarray(series.coefficients))))
    if attained > rtol:
        warnings.warn(
            f"{subject} attains a relative error of {attained:.1e}, not {rtol:.1e}; raise `degree`, or name in "
            "`breaks` where the function is not smooth",
            AccuracyWarning,
            stacklevel=4,
        )
