"""Deconvolution of noisy data: Wiener, Tikhonov and Richardson–Lucy, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import check
from jconv.signal._dtypes import as_array, cast, inexact_type, real_type
from jconv.signal.convolution._convolve import convolve


def wiener_deconvolve(signal: Any, kernel: Any, *, noise_to_signal: Any) -> jax.Array:
    r"""Undo a periodic blur with the least mean squared error for a known noise-to-signal ratio.

    .. math:: \hat X = \frac{\overline{H}}{|H|^2 + \nu}\, Y

    Parameters
    ----------
    signal : array_like, shape (…, n1, …)
        The blurred data; leading axes that `kernel` lacks are batch axes.
    kernel : array_like, shape (k1, …)
        The blur, its middle at (k - 1) // 2 as in mode "same".
    noise_to_signal : array_like
        The ratio ν of the power spectra: a number, or an array that broadcasts to the spectrum (n1, …).

    Returns
    -------
    Array of the shape of `signal`, floating.

    Raises
    ------
    ValueError
        If the kernel has more axes than the signal or is larger, or an array is empty.

    Notes
    -----
    Two FFTs. Differentiable in all arguments. Where the data is not periodic, pad it first (`jnp.pad`), or use
    `richardson_lucy`. Source: N. Wiener, *Extrapolation, Interpolation, and Smoothing of Stationary Time Series*.

    >>> y = convolve([0.0, 0, 4, 0, 0], [0.25, 0.5, 0.25], "same")
    >>> [abs(round(float(v), 1)) for v in wiener_deconvolve(y, [0.25, 0.5, 0.25], noise_to_signal=0)]
    [0.0, 0.0, 4.0, 0.0, 0.0]
    """
    y, h = _checked(signal, kernel)
    ratio = as_array("noise_to_signal", noise_to_signal)
    return _filtered(y, h, lambda power: ratio.astype(power.dtype))


def tikhonov_deconvolve(signal: Any, kernel: Any, *, weight: Any, penalty: Any = None) -> jax.Array:
    r"""Undo a periodic blur by penalised least squares.

    .. math:: \hat x = \arg\min_x \|h * x - y\|^2 + \lambda \|d * x\|^2, \qquad
        \hat X = \frac{\overline{H}\, Y}{|H|^2 + \lambda |D|^2}

    Parameters
    ----------
    signal, kernel
        As in `wiener_deconvolve`.
    weight : float
        The weight λ.
    penalty : array_like, optional
        The kernel d, of the rank of `kernel`: by default the identity, for a small x; a Laplacian for a smooth one.

    Returns
    -------
    Array of the shape of `signal`, floating.

    Raises
    ------
    ValueError
        As `wiener_deconvolve`.

    Notes
    -----
    Two FFTs. Differentiable in all arguments. Source: A. N. Tikhonov, *Soviet Math. Dokl.* 4 (1963).

    >>> y = convolve([0.0, 1, 2, 0, 0, 0], [0.25, 0.5, 0.25], "same")
    >>> tikhonov_deconvolve(y, [0.25, 0.5, 0.25], weight=1e-4, penalty=[1.0, -2, 1]).shape
    (6,)
    """
    y, h = _checked(signal, kernel)
    weight = as_array("weight", weight)
    if penalty is None:
        return _filtered(y, h, lambda power: weight.astype(power.dtype))
    d = as_array("penalty", penalty)
    check.rank("penalty", d, h.ndim, "give it the rank of `kernel`")
    space = y.shape[y.ndim - h.ndim :]
    spectrum = transfer(cast(d, y.dtype), space)
    return _filtered(y, h, lambda power: weight.astype(power.dtype) * (spectrum.real**2 + spectrum.imag**2))


class RichardsonLucy(NamedTuple):
    """What `richardson_lucy` found: the estimate, the iterations done, and the last relative change."""

    estimate: jax.Array
    iterations: jax.Array
    change: jax.Array


def richardson_lucy(
    signal: Any,
    kernel: Any,
    *,
    iterations: int = 30,
    mask: Any = None,
    start: Any = None,
    tolerance: float = 0.0,
    boundary: str = "fill",
    callback: Callable[[Any, Any], None] | None = None,
) -> RichardsonLucy:
    r"""Undo a blur of counts: the likeliest nonnegative source under Poisson noise.

    .. math:: x \leftarrow \frac{x}{H^\top m} \cdot H^\top \frac{m\,y}{H x}

    Parameters
    ----------
    signal : array_like, nonnegative, shape (n1, …)
    kernel : array_like, nonnegative, shape (k1, …)
        The blur, its middle at (k - 1) // 2 as in mode "same".
    iterations : int
        The most to do.
    mask : array_like, optional
        The weights m: 0 where `signal` is missing (it may be NaN there), 1 where it counts.
    start : array_like, optional
        The first estimate, positive; by default the mean of the signal.
    tolerance : float
        Stop when ‖x' - x‖ ≤ tolerance ‖x‖. By default all iterations are done.
    boundary
        As in `convolve`: how the source continues outside.
    callback : function of (iteration, change), optional
        Called on the host after every iteration.

    Returns
    -------
    RichardsonLucy: (estimate, iterations, change).

    Raises
    ------
    ValueError
        If ranks or shapes do not fit, or `iterations` is below 1.

    Notes
    -----
    Two convolutions for each iteration, by the engine. Hᵀ is the exact adjoint under the boundary, so that the sum of
    the counts is kept. Differentiable in `signal`, `kernel`, `mask` and `start`: the gradient of the iterations.
    Source: W. H. Richardson, JOSA 62 (1972); L. B. Lucy, Astronomical Journal 79 (1974).

    >>> y = convolve([0.0, 0, 4, 0, 0], [0.25, 0.5, 0.25], "same")
    >>> richardson_lucy(y, [0.25, 0.5, 0.25], iterations=200).estimate.round(1).tolist()
    [0.0, 0.0, 4.0, 0.0, 0.0]
    """
    y, h = as_array("signal", signal), as_array("kernel", kernel)
    check.rank("kernel", h, y.ndim, "give it the rank of `signal`; use jax.vmap for batches")
    check.not_empty("signal", y)
    check.not_empty("kernel", h)
    check.positive_int("iterations", iterations)
    dtype = inexact_type(y, h)
    if dtype.kind == "c":
        raise ValueError(f"`signal` and `kernel` must be real, got {dtype}; pass counts")
    y, h = cast(y, dtype), cast(h, dtype)
    weights = jnp.ones_like(y) if mask is None else jnp.broadcast_to(as_array("mask", mask).astype(dtype), y.shape)
    counts = jnp.where(weights > 0, weights * jnp.where(weights > 0, y, 0), 0)
    if start is None:
        first = jnp.full(y.shape, 1, dtype) * (jnp.sum(counts) / jnp.maximum(jnp.sum(weights), 1))
    else:
        first = jnp.broadcast_to(as_array("start", start).astype(dtype), y.shape)
    return _richardson_lucy(counts, h, weights, first, tolerance, iterations, boundary, callback)


@partial(jax.jit, static_argnums=(5, 6, 7))
def _richardson_lucy(counts, h, weights, first, tolerance, iterations, boundary, callback) -> RichardsonLucy:
    def blur(x):
        return convolve(x, h, "same", boundary=boundary)

    adjoint = jax.linear_transpose(blur, first)
    tiny = jnp.finfo(first.dtype).tiny
    total = adjoint(weights)[0]

    def iterate(x):
        expected = blur(x)
        seen = expected > tiny
        ratio = jnp.where(seen, counts / jnp.where(seen, expected, 1), 0)
        used = total > tiny
        new = jnp.where(used, x * adjoint(ratio)[0] / jnp.where(used, total, 1), x)
        norm = jnp.sqrt(jnp.sum(lax.stop_gradient(x) ** 2))
        change = jnp.sqrt(jnp.sum(lax.stop_gradient(new - x) ** 2)) / jnp.maximum(norm, tiny)
        return new, change

    def step(carry, i):
        x, done, change = carry
        stop = (i > 0) & (change <= tolerance)

        def go(x):
            new, change = iterate(x)
            if callback is not None:
                jax.debug.callback(callback, i + 1, change)
            return new, i + 1, change

        return lax.cond(stop, lambda x: (x, done, change), go, x), None

    begin = (first, jnp.zeros((), jnp.int32), jnp.full((), jnp.inf, first.dtype))
    (x, done, change), _ = lax.scan(step, begin, jnp.arange(iterations, dtype=jnp.int32))
    return RichardsonLucy(x, done, change)


def transfer(kernel: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """The discrete transfer function on a periodic domain of `shape`, the kernel's middle at the origin."""
    n = kernel.ndim
    padded = jnp.pad(kernel, [(0, s - k) for s, k in zip(shape, kernel.shape, strict=True)])
    padded = jnp.roll(padded, [-((k - 1) // 2) for k in kernel.shape], axis=range(n))
    for axis in range(n):
        padded = jnp.fft.fft(padded, axis=axis)
    return padded


def _filtered(y: jax.Array, h: jax.Array, damping: Callable[[jax.Array], jax.Array]) -> jax.Array:
    n = h.ndim
    axes = range(y.ndim - n, y.ndim)
    spectrum = transfer(h, y.shape[y.ndim - n :])
    power = spectrum.real**2 + spectrum.imag**2
    x = y
    for axis in axes:
        x = jnp.fft.fft(x, axis=axis)
    x = x * spectrum.conj() / (power + damping(power))
    for axis in axes:
        x = jnp.fft.ifft(x, axis=axis)
    return x if jnp.iscomplexobj(y) else x.real.astype(real_type(y.dtype))


def _checked(signal: Any, kernel: Any) -> tuple[jax.Array, jax.Array]:
    y, h = as_array("signal", signal), as_array("kernel", kernel)
    check.not_empty("signal", y)
    check.not_empty("kernel", h)
    n = h.ndim
    if n == 0 or n > y.ndim:
        raise ValueError(f"`kernel` must have rank 1 to {y.ndim}, the rank of `signal`, got shape {h.shape}")
    space = y.shape[y.ndim - n :]
    if any(k > s for k, s in zip(h.shape, space, strict=True)):
        raise ValueError(f"`kernel` of shape {h.shape} is larger than `signal` of shape {space}; crop the kernel")
    dtype = inexact_type(y, h)
    return cast(y, dtype), cast(h, dtype)
