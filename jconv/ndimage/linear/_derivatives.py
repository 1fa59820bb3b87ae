"""Difference filters: `sobel`, `prewitt`, `scharr`, `farid`, `roberts`, `laplace` and the generic sums over axes."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.kernels._edges import edge_weights
from jconv.kernels._elementary import laplacian_weights
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes
from jconv.ndimage.linear._linear import convolve, correlate, correlate1d


def sobel(input, axis=-1, output=None, mode="reflect", cval=0.0, *, axes=None):
    """Derivative along `axis`, [-1, 0, 1], smoothed by [1, 2, 1] along the others.

    Parameters are those of `jconv.ndimage.correlate`; `mode` may be one per axis. `axes` are the image's own axes, all
    by default; name them where there are batch or colour axes, too. Not normalized: a unit ramp gives
    2 · 4^(rank - 1). Speaks `scipy.ndimage.sobel`.

    >>> sobel([[0.0, 1.0, 2.0]]).tolist()
    [[4.0, 8.0, 4.0]]
    """
    return _edges("sobel", input, axis, output, mode, cval, axes)


def prewitt(input, axis=-1, output=None, mode="reflect", cval=0.0, *, axes=None):
    """Derivative along `axis`, [-1, 0, 1], summed by [1, 1, 1] along the others; see `sobel`.

    Speaks `scipy.ndimage.prewitt`.
    """
    return _edges("prewitt", input, axis, output, mode, cval, axes)


def scharr(input, axis=-1, output=None, mode="reflect", cval=0.0, *, axes=None):
    """Derivative along `axis`, [-1, 0, 1], smoothed by [3, 10, 3] along the others; see `sobel`.

    The most nearly isotropic of the 3-tap operators. In `scipy.ndimage.sobel`'s style; OpenCV's values.
    """
    return _edges("scharr", input, axis, output, mode, cval, axes)


def farid(input, axis=-1, output=None, mode="reflect", cval=0.0, *, axes=None):
    """Derivative along `axis` by Farid and Simoncelli's matched five-tap factors; see `sobel`.

    Source: H. Farid and E. P. Simoncelli, *Differentiation of discrete multidimensional signals*, IEEE Trans. Image
    Processing 13 (2004). scikit-image's values.
    """
    return _edges("farid", input, axis, output, mode, cval, axes)


def _edges(name, input, axis, output, mode, cval, axes):
    x = arguments.image(input)
    axis = arguments.axis_of(axis, x.ndim)
    used = arguments.axes_of(axes, x.ndim)
    if axis not in used:
        raise ValueError(f"`axis` must be one of `axes`, got {axis} and {used}; name it there, too")
    rules = [arguments.boundary(m) for m in arguments.sequence("mode", mode, len(used))]
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    # As in SciPy the derivative is taken first: its result is stored in the output's dtype before it is smoothed.
    place = used.index(axis)
    order = [place, *(i for i in range(len(used)) if i != place)]
    weights = edge_weights(name, place, len(used))
    total = np.prod([np.abs(w).sum() for w in weights]) / 2
    _output.warn_of_overflow(x.dtype, dtype, -total, total)
    if x.size:
        sizes = [len(w) for w in weights]
        given = {"work": _output.working_dtype(x.dtype, dtype), "dtype": dtype}
        if _passes.in_one_pass(sizes, rules, cval, dtype):
            whole = dict(zip(used, zip(weights, rules, sizes)))
            factors, rules, sizes = zip(*(whole.get(a, (np.ones(1), "edge", 1)) for a in range(x.ndim)))
            product = functools.reduce(np.multiply.outer, factors)
            x = _passes.dense(x, product, cval, rules=rules, lefts=tuple(s // 2 for s in sizes), **given)
        else:
            x = _passes.separable(
                x,
                tuple(weights[i] for i in order),
                cval,
                axes=tuple(used[i] for i in order),
                rules=tuple(rules[i] for i in order),
                lefts=tuple(sizes[i] // 2 for i in order),
                **given,
            )
    return _output.deliver(x.astype(dtype), output)


def roberts(input, diagonal=0, output=None, mode="reflect", cval=0.0):
    """Roberts' cross: the difference of two diagonal neighbours of a plane image.

    `diagonal` 0 gives x[i + 1, j + 1] - x[i, j], the other, 1, gives x[i + 1, j] - x[i, j + 1].
    scikit-image's `roberts_pos_diag` and `roberts_neg_diag`, which leave the border zero.

    Source: L. G. Roberts, *Machine perception of three-dimensional solids* (1963).
    """
    x = arguments.image(input)
    check.rank("input", x, 2, "filter each plane of a stack under jax.vmap")
    if diagonal not in (0, 1):
        raise ValueError(f"`diagonal` must be 0 or 1, got {diagonal!r}; 0 is the main diagonal")
    weights = np.array([[1.0, 0.0], [0.0, -1.0]] if diagonal == 0 else [[0.0, 1.0], [-1.0, 0.0]])
    return convolve(x, weights, output, mode, cval)


def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    """The sum of second differences [1, -2, 1] along all axes. Speaks `scipy.ndimage.laplace`.

    >>> laplace([0.0, 0.0, 1.0, 0.0, 0.0]).tolist()
    [0.0, 1.0, -2.0, 1.0, 0.0]
    """

    def second(input, axis, output, mode, cval):
        return correlate1d(input, [1, -2, 1], axis, output, mode, cval)

    x = arguments.image(input)
    used = arguments.axes_of(axes, x.ndim)
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    if isinstance(mode, str) and len(used) in (2, 3) and jnp.issubdtype(dtype, jnp.floating):
        # In floating point one pass with the whole star is the same sum; whole numbers are stored axis by axis.
        return correlate(x, laplacian_weights(len(used)), output, mode, cval, axes=used)
    return generic_laplace(x, second, output, mode, cval, axes=axes)


def generic_laplace(
    input, derivative2, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    """The sum over `axes` of second derivatives by a function of yours.

    `derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)` returns the second derivative
    along `axis` in the dtype `output`. Speaks `scipy.ndimage.generic_laplace`.
    """
    return _sum_over_axes(
        input, derivative2, output, mode, cval, extra_arguments, extra_keywords, axes, lambda d: d, lambda s, dtype: s
    )


def generic_gradient_magnitude(
    input, derivative, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    """The root of the sum of squares over `axes` of first derivatives by a function of yours.

    `derivative` is called as `generic_laplace` calls its own. Where the sum vanishes, the derivative of the root is
    taken as zero. Speaks `scipy.ndimage.generic_gradient_magnitude`.
    """
    return _sum_over_axes(
        input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes, lambda d: d * d, _root
    )


def _sum_over_axes(input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes, each, finish):
    x = arguments.image(input)
    if not callable(derivative):
        raise TypeError(f"the derivative must be a function, got {type(derivative).__name__}")
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    axes = arguments.axes_of(axes, x.ndim)
    if not axes:
        return _output.deliver(x.astype(dtype), output)
    total = None
    for axis, one in zip(axes, arguments.sequence("mode", mode, len(axes))):
        slope = derivative(x, axis, dtype, one, cval, *extra_arguments, **(extra_keywords or {}))
        term = each(jnp.asarray(slope, dtype))
        total = term if total is None else total + term
    return _output.deliver(finish(total, dtype), output)


def _root(squares, dtype):
    work = _output.working_dtype(squares.dtype, dtype)
    value = squares.astype(work)
    safe = jnp.where(value == 0, 1, value)
    return _output.store(jnp.where(value == 0, 0, jnp.sqrt(safe)), dtype)
