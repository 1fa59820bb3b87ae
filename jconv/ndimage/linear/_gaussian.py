"""Gaussian filters: smoothing, derivatives, Laplacian, gradient magnitude; differentiable in `sigma`."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from jconv import kernels
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes
from jconv.ndimage.linear._derivatives import generic_gradient_magnitude, generic_laplace


def gaussian_filter1d(
    input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None
):
    """Smooth along one axis with a Gaussian, or with its derivative of some `order`; see `gaussian_filter`.

    >>> gaussian_filter1d([1.0, 2.0, 3.0, 4.0, 5.0], 1).round(3).tolist()
    [1.42..., 2.06..., 3.0..., 3.93..., 4.57...]
    """
    x = arguments.image(input)
    axis = arguments.axis_of(axis, x.ndim)
    return _gaussian(x, [(axis, sigma, order, mode, radius)], output, cval, truncate)


def gaussian_filter(
    input,
    sigma,
    order: int | Sequence[int] = 0,
    output=None,
    mode="reflect",
    cval=0.0,
    truncate=4.0,
    *,
    radius=None,
    axes=None,
):
    r"""Smooth with a Gaussian along every axis, or differentiate a smoothed image.

    .. math:: y = g_{\sigma_1}^{(n_1)} * \cdots * g_{\sigma_d}^{(n_d)} * x

    Parameters
    ----------
    input: image of any rank.
    sigma: standard deviation in samples, one or one per axis; may be traced, then `radius` must be given.
    order: order of the derivative, one or one per axis.
    output: dtype of the result, or a NumPy array to fill.
    mode, cval: boundary rule, one or one per axis; see `jconv.ndimage.correlate`.
    truncate: radius of the kernel in standard deviations.
    radius: radius of the kernel in samples, one or one per axis, instead of `truncate`.
    axes: axes to filter; all of them by default.

    Notes
    -----
    One pass per axis, with `jconv.kernels.gaussian1d`. Differentiable in `input` and in `sigma`; the radius is no
    function of `sigma`, so that the derivative is that of the kernel on its fixed support.
    Speaks `scipy.ndimage.gaussian_filter`; a negative `sigma` is refused where SciPy ignores it.

    >>> gaussian_filter([[0.0, 0.0, 8.0, 0.0, 0.0]], 0.5, axes=1).round(2).tolist()
    [[0.0..., 0.8..., 6.28..., 0.8..., 0.0...]]
    """
    x = arguments.image(input)
    axes = arguments.axes_of(axes, x.ndim)
    count = len(axes)
    plan = zip(
        axes,
        arguments.sequence("sigma", sigma, count),
        arguments.sequence("order", order, count),
        arguments.sequence("mode", mode, count),
        arguments.sequence("radius", radius, count),
    )
    # A Gaussian of no width is the identity, also where a derivative is asked for (SciPy's convention).
    plan = [step for step in plan if is_traced(step[1]) or not -1e-15 < float(step[1]) <= 1e-15]
    return _gaussian(x, plan, output, cval, truncate)


def _gaussian(x, plan, output, cval, truncate):
    dtype = _output.dtype_of(output, x)
    work = _output.working_dtype(x.dtype, dtype)
    real = jnp.finfo(work).dtype
    factors = []
    for _, sigma, order, mode, radius in plan:
        arguments.boundary(mode)
        if radius is not None and not (hasattr(radius, "__index__") and radius >= 0):
            raise ValueError(f"Radius must be a nonnegative integer, got {radius!r}; pass a number of samples")
        factors.append(kernels.gaussian1d(sigma, order=int(order), radius=radius, truncate=truncate, dtype=real))
    if any(int(order) for _, _, order, _, _ in plan):
        _output.warn_of_overflow(x.dtype, dtype, -1, 1)
    if x.size and plan:
        x = _passes.separable(
            x,
            tuple(factors),
            cval,
            axes=tuple(step[0] for step in plan),
            rules=tuple(arguments.boundary(step[3]) for step in plan),
            lefts=tuple(f.shape[0] // 2 for f in factors),
            work=work,
            dtype=dtype,
        )
    return _output.deliver(x.astype(dtype), output)


def gaussian_laplace(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    r"""The Laplacian of the Gaussian-smoothed image, :math:`\sum_a \partial_a^2 (g_\sigma * x)`.

    Parameters are those of `gaussian_filter`; further keywords are passed on to it.
    Speaks `scipy.ndimage.gaussian_laplace`.
    """
    x = arguments.image(input)
    used = arguments.axes_of(axes, x.ndim)
    given = dict(zip(used, arguments.sequence("sigma", sigma, len(used))))
    sigmas = [given.get(a, 0) for a in range(x.ndim)]

    def second(input, axis, output, mode, cval, sigma, **kwargs):
        order = [2 if a == axis else 0 for a in range(x.ndim)]
        return gaussian_filter(input, sigma, order, output, mode, cval, **kwargs)

    return generic_laplace(x, second, output, mode, cval, extra_arguments=(sigmas,), extra_keywords=kwargs, axes=axes)


def gaussian_gradient_magnitude(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    r"""The length of the gradient of the Gaussian-smoothed image, :math:`\sqrt{\sum_a (\partial_a g_\sigma * x)^2}`.

    `axes` says which derivatives are summed; as in SciPy the image is smoothed along all of its axes.
    Where the gradient vanishes, the derivative of its length is taken as zero.
    Speaks `scipy.ndimage.gaussian_gradient_magnitude`.
    """
    x = arguments.image(input)

    def first(input, axis, output, mode, cval, sigma, **kwargs):
        order = [1 if a == axis else 0 for a in range(x.ndim)]
        return gaussian_filter(input, sigma, order, output, mode, cval, **kwargs)

    return generic_gradient_magnitude(
        x, first, output, mode, cval, extra_arguments=(sigma,), extra_keywords=kwargs, axes=axes
    )
