"""Gaussian filters: smoothing, derivatives, Laplacian, gradient magnitude; differentiable in `sigma`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv import kernels
from jconv._core.arrays import ArrayLike
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.arithmetic import known_in_double
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output, has_doubles
from jconv.ndimage._frame.passes import Weights
from jconv.ndimage.linear._over_axes import generic_gradient_magnitude, generic_laplace


class _Pass(NamedTuple):
    """One Gaussian, or a derivative of it, along one axis."""

    axis: int
    sigma: Number
    order: int
    mode: str
    radius: int | None

    def weights(self, truncate: float, dtype: np.dtype) -> Weights:
        """Its samples, in `dtype`; in double precision also while JAX's 64-bit mode is off, where `sigma` is known."""
        if self.radius is not None:
            arguments.known_radius(self.radius)
        order = arguments.known_int("order", self.order, 0)

        def build(sigma: Number) -> jax.Array:
            return kernels.gaussian1d(sigma, order=order, radius=self.radius, truncate=truncate, dtype=dtype)

        if is_traced(self.sigma) and dtype.itemsize == 8 and not has_doubles():
            with jax.enable_x64(True):  # for whole numbers alone: see `arithmetic`
                return build(lax.convert_element_type(lax.stop_gradient(self.sigma), dtype))
        return known_in_double(lambda: build(self.sigma), self.sigma)


def gaussian_filter1d(
    input: ArrayLike,
    sigma: Number,
    axis: int = -1,
    order: int = 0,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> jax.Array:
    r"""Smooth along one axis with a Gaussian, or differentiate the smoothed image.

    .. math:: y = g_\sigma^{(n)} * x

    Parameters
    ----------
    input : array of any rank
        The image.
    sigma : number
        Standard deviation in samples; may be traced, then `radius` must be given.
    axis : int
        The axis to filter. Default: the last.
    order : int
        Order of the derivative. Default 0.
    output, mode, cval
        As for `jconv.ndimage.correlate`.
    truncate : float
        Radius of the kernel in standard deviations. Default 4.
    radius : int, optional
        Radius of the kernel in samples, instead of `truncate`.

    Returns
    -------
    array, in the shape of `input`
        The smoothed image.

    Raises
    ------
    ValueError
        For a negative or infinite `sigma`, or a radius that is not an integer >= 0.
    RuntimeError
        For an unknown mode.
    TypeError
        For a traced `sigma` without `radius`.

    Notes
    -----
    Accuracy and gradient are those of `gaussian_filter`. `scipy.ndimage.gaussian_filter1d`'s API.

    Examples
    --------
    >>> gaussian_filter1d([1.0, 2.0, 3.0, 4.0, 5.0], 1).round(3).tolist()
    [1.42..., 2.06..., 3.0..., 3.93..., 4.57...]
    """
    x = arguments.image(input)
    return _gaussian(x, [_Pass(arguments.axis_of(axis, x.ndim), sigma, order, mode, radius)], output, cval, truncate)


def gaussian_filter(
    input: ArrayLike,
    sigma: Number | Sequence[Number],
    order: int | Sequence[int] = 0,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Smooth with a Gaussian along every axis, or differentiate the smoothed image.

    .. math:: y = g_{\sigma_1}^{(n_1)} * \cdots * g_{\sigma_d}^{(n_d)} * x

    Parameters
    ----------
    input : array of any rank
        The image.
    sigma : number or one for each axis
        Standard deviation in samples; may be traced, then `radius` must be given.
    order : int or one for each axis
        Order of the derivative. Default 0.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    truncate : float
        Radius of the kernel in standard deviations. Default 4.
    radius : int or one for each axis, optional
        Radius of the kernel in samples, instead of `truncate`.
    axes : int or sequence of int, optional
        Axes to filter. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The smoothed image.

    Raises
    ------
    ValueError
        For a negative or infinite `sigma`, or a radius that is not an integer >= 0.
    RuntimeError
        For an unknown mode, or sequences of another length than `axes`.
    TypeError
        For a traced `sigma` without `radius`.

    Notes
    -----
    One pass per axis, with the samples of `jconv.kernels.gaussian1d`: the result of a non-negative image is not
    negative, and each output errs by its own rounding. Differentiable in `input` and in `sigma`; the radius does not
    follow a traced `sigma`, so that the derivative is that of the kernel on its fixed support.
    `scipy.ndimage.gaussian_filter`'s API; a negative `sigma` is refused where SciPy ignores it.

    Examples
    --------
    >>> gaussian_filter([[0.0, 0.0, 8.0, 0.0, 0.0]], 0.5, axes=1).round(2).tolist()
    [[0.0..., 0.8..., 6.28..., 0.8..., 0.0...]]
    """
    x = arguments.image(input)
    used = arguments.axes_of(axes, x.ndim)
    columns = {"sigma": sigma, "order": order, "mode": mode, "radius": radius}
    plan = [
        _Pass(axis, *step)
        for axis, *step in zip(used, *(arguments.sequence(name, value, len(used)) for name, value in columns.items()))
    ]
    # A Gaussian of no width is the identity, also where a derivative is asked for (SciPy's convention).
    plan = [step for step in plan if is_traced(step.sigma) or not -1e-15 < float(step.sigma) <= 1e-15]
    return _gaussian(x, plan, output, cval, truncate)


def _gaussian(x: jax.Array, plan: list[_Pass], output: Output, cval: Value, truncate: float) -> jax.Array:
    dtype = _output.dtype_of(output, x)
    arguments.sets_size("truncate", truncate, "pass `radius`")
    # Sums that become whole numbers are taken in double precision, with weights of it.
    work = _output.working_dtype(x.dtype, dtype) if jnp.issubdtype(dtype, jnp.inexact) else np.dtype(np.float64)
    rules = tuple(arguments.boundary(step.mode) for step in plan)
    weights = tuple(step.weights(truncate, jnp.finfo(work).dtype) for step in plan)
    if any(step.order for step in plan):
        _output.warn_of_overflow(x.dtype, dtype, -1, 1)
    if x.size and plan:
        x = _passes.separable(
            x,
            weights,
            cval,
            axes=tuple(step.axis for step in plan),
            rules=rules,
            lefts=tuple(w.shape[0] // 2 for w in weights),
            dtype=dtype,
        )
    return _output.deliver(x.astype(dtype), output)


def gaussian_laplace(
    input: ArrayLike,
    sigma: Number | Sequence[Number],
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    **kwargs: Any,
) -> jax.Array:
    r"""Sum the second derivatives of the Gaussian-smoothed image.

    .. math:: y = \sum_a \partial_a^2 (g_\sigma * x)

    Parameters
    ----------
    input : array of any rank
        The image.
    sigma : number or one for each axis
        Standard deviation in samples; may be traced, then `radius` must be given.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    axes : int or sequence of int, optional
        Axes to filter. Default: all.
    **kwargs
        Further arguments of `gaussian_filter`: `truncate`, `radius`.

    Returns
    -------
    array, in the shape of `input`
        The Laplacian of the smoothed image.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As `gaussian_filter`.

    Notes
    -----
    As many Gaussian filters as there are axes. Differentiable in `input` and `sigma`.
    `scipy.ndimage.gaussian_laplace`'s API.

    Examples
    --------
    >>> [round(v, 2) for v in gaussian_laplace([0.0, 0.0, 1.0, 0.0, 0.0], 1.0).tolist()]
    [0.2, 0.0, -0.4, 0.0, 0.2]
    """
    x = arguments.image(input)
    used = arguments.axes_of(axes, x.ndim)
    sigmas = _passes.on_all(used, arguments.sequence("sigma", sigma, len(used)), 0, x.ndim)

    def second(
        input: jax.Array, axis: int, output: Output, mode: str, cval: Value, sigma: list[Number], **kwargs: Any
    ) -> jax.Array:
        order = [2 if a == axis else 0 for a in range(x.ndim)]
        return gaussian_filter(input, sigma, order, output, mode, cval, **kwargs)

    return generic_laplace(x, second, output, mode, cval, extra_arguments=(sigmas,), extra_keywords=kwargs, axes=axes)


def gaussian_gradient_magnitude(
    input: ArrayLike,
    sigma: Number | Sequence[Number],
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    **kwargs: Any,
) -> jax.Array:
    r"""Measure the length of the gradient of the Gaussian-smoothed image.

    .. math:: y = \sqrt{\sum_a (\partial_a g_\sigma * x)^2}

    Parameters
    ----------
    input : array of any rank
        The image.
    sigma : number or one for each axis of `input`
        Standard deviation in samples; may be traced, then `radius` must be given.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    axes : int or sequence of int, optional
        Axes whose derivatives are summed; as in SciPy the image is smoothed along all of its axes. Default: all.
    **kwargs
        Further arguments of `gaussian_filter`: `truncate`, `radius`.

    Returns
    -------
    array, in the shape of `input`
        The length of the gradient, per sample.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As `gaussian_filter`.

    Notes
    -----
    Differentiable in `input` and `sigma`; where the gradient vanishes, the derivative of its length is taken as zero.
    `scipy.ndimage.gaussian_gradient_magnitude`'s API.

    Examples
    --------
    >>> slopes = gaussian_gradient_magnitude([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.5)
    >>> round(slopes[3].item(), 2)
    0.86
    """
    x = arguments.image(input)

    def first(
        input: jax.Array,
        axis: int,
        output: Output,
        mode: str,
        cval: Value,
        sigma: Number | Sequence[Number],
        **kwargs: Any,
    ) -> jax.Array:
        order = [1 if a == axis else 0 for a in range(x.ndim)]
        return gaussian_filter(input, sigma, order, output, mode, cval, **kwargs)

    return generic_gradient_magnitude(
        x, first, output, mode, cval, extra_arguments=(sigma,), extra_keywords=kwargs, axes=axes
    )
