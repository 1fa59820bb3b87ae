"""Difference filters: `sobel`, `prewitt`, `scharr`, `farid`, `roberts` and `laplace`."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv import kernels
from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes
from jconv.ndimage._frame.arithmetic import known_in_double
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage.linear._linear import convolve, correlate, correlate1d
from jconv.ndimage.linear._over_axes import generic_laplace


def sobel(
    input: ArrayLike,
    axis: int = -1,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Differentiate along `axis` by [-1, 0, 1], smooth by [1, 2, 1] along the others.

    .. math:: y = d_{axis} * \prod_{a \ne axis} s_a * x

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    axis : int
        The axis of the derivative. Default: the last.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    axes : int or sequence of int, optional
        The image's own axes, where there are batch or colour axes, too. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The derivative, not normalized: a unit ramp gives 2 · 4^(rank - 1).

    Raises
    ------
    ValueError
        For an axis outside the image, or an `axis` that `axes` does not name.
    RuntimeError
        For an unknown mode, or sequences of another length than `axes`.

    Notes
    -----
    Linear. Derivatives of whole numbers wrap around where the dtype cannot hold them, with a RuntimeWarning, as SciPy's
    do: pass a signed or floating `output`. `scipy.ndimage.sobel`'s API.

    Examples
    --------
    >>> sobel([[0.0, 1.0, 2.0]]).tolist()
    [[4.0, 8.0, 4.0]]
    """
    return _edges("sobel", input, axis, output, mode, cval, axes)


def prewitt(
    input: ArrayLike,
    axis: int = -1,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    """Differentiate along `axis` by [-1, 0, 1], sum by [1, 1, 1] along the others.

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    axis, output, mode, cval, axes
        As for `sobel`.

    Returns
    -------
    array, in the shape of `input`
        The derivative, not normalized: a unit ramp gives 2 · 3^(rank - 1).

    Raises
    ------
    ValueError, RuntimeError
        As `sobel`.

    Notes
    -----
    Linear; whole numbers wrap around as those of `sobel`. `scipy.ndimage.prewitt`'s API.

    Examples
    --------
    >>> prewitt([[0.0, 1.0, 2.0]]).tolist()
    [[3.0, 6.0, 3.0]]
    """
    return _edges("prewitt", input, axis, output, mode, cval, axes)


def scharr(
    input: ArrayLike,
    axis: int = -1,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    """Differentiate along `axis` by [-1, 0, 1], smooth by [3, 10, 3] along the others.

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    axis, output, mode, cval, axes
        As for `sobel`.

    Returns
    -------
    array, in the shape of `input`
        The derivative, not normalized: a unit ramp gives 2 · 16^(rank - 1).

    Raises
    ------
    ValueError, RuntimeError
        As `sobel`.

    Notes
    -----
    The most nearly isotropic of the 3-tap operators. Linear; whole numbers wrap around as those of `sobel`. The API of
    `scipy.ndimage.sobel` with the values of OpenCV's `Scharr`.

    Examples
    --------
    >>> scharr([[0.0, 1.0, 2.0]]).tolist()
    [[16.0, 32.0, 16.0]]
    """
    return _edges("scharr", input, axis, output, mode, cval, axes)


def farid(
    input: ArrayLike,
    axis: int = -1,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    """Differentiate along `axis` and smooth along the others by matched factors of five taps.

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    axis, output, mode, cval, axes
        As for `sobel`.

    Returns
    -------
    array, in the shape of `input`
        The derivative; a unit ramp gives 0.992.

    Raises
    ------
    ValueError, RuntimeError
        As `sobel`.

    Notes
    -----
    Linear. The values of scikit-image's `farid_h` and `farid_v`. Source: H. Farid and E. P. Simoncelli,
    *Differentiation of discrete multidimensional signals*, IEEE Trans. Image Processing 13 (2004).

    Examples
    --------
    >>> farid([[0.0, 1.0, 2.0, 3.0, 4.0]]).round(3)[0, 2].item()
    0.99...
    """
    return _edges("farid", input, axis, output, mode, cval, axes)


def _edges(
    name: str,
    input: ArrayLike,
    axis: int,
    output: Output,
    mode: str | Sequence[str],
    cval: Value,
    axes: int | Sequence[int] | None,
) -> jax.Array:
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
    weights = _factors(name, place, len(used))
    total = np.prod([np.abs(w).sum() for w in weights]) / 2
    _output.warn_of_overflow(x.dtype, dtype, -total, total)
    sizes = [len(w) for w in weights]
    if x.size and _passes.in_one_pass(sizes, rules, cval, dtype):
        factors = _passes.on_all(used, weights, np.ones(1), x.ndim)
        product = functools.reduce(np.multiply.outer, factors)
        everywhere = tuple(_passes.on_all(used, rules, "edge", x.ndim))
        x = _passes.dense(x, product, cval, rules=everywhere, lefts=tuple(n // 2 for n in product.shape), dtype=dtype)
    elif x.size:
        x = _passes.separable(
            x,
            tuple(weights[i] for i in order),
            cval,
            axes=tuple(used[i] for i in order),
            rules=tuple(rules[i] for i in order),
            lefts=tuple(sizes[i] // 2 for i in order),
            dtype=dtype,
        )
    return _output.deliver(x.astype(dtype), output)


@functools.cache
def _factors(name: str, axis: int, ndim: int) -> tuple[np.ndarray, ...]:
    """Return the 1-D factors of an edge kernel, in double precision."""
    return tuple(map(np.asarray, known_in_double(lambda: kernels.edge_factors(name, axis=axis, ndim=ndim))))


@functools.cache
def _star(ndim: int) -> np.ndarray:
    """Return the kernel of the Laplacian, in double precision."""
    return np.asarray(known_in_double(lambda: kernels.laplacian(ndim=ndim)))


def roberts(
    input: ArrayLike, diagonal: int = 0, output: Output = None, mode: str = "reflect", cval: Value = 0.0
) -> jax.Array:
    """Subtract two diagonal neighbours of a plane image (Roberts' cross).

    Parameters
    ----------
    input : array (H, W), real
        The plane.
    diagonal : 0 or 1
        0 gives x[i + 1, j + 1] - x[i, j], 1 gives x[i + 1, j] - x[i, j + 1].
    output, mode, cval
        As for `jconv.ndimage.correlate`.

    Returns
    -------
    array (H, W)
        The differences.

    Raises
    ------
    ValueError
        For an image of another rank, or another `diagonal`.

    Notes
    -----
    Linear. scikit-image's `roberts_pos_diag` and `roberts_neg_diag`, which leave the border zero. Source:
    L. G. Roberts, *Machine perception of three-dimensional solids* (1963).

    Examples
    --------
    >>> roberts([[1.0, 2.0], [4.0, 8.0]])[0, 0].item()
    7.0
    """
    x = arguments.plane(input)
    if diagonal not in (0, 1):
        raise ValueError(f"`diagonal` must be 0 or 1, got {diagonal!r}; 0 is the main diagonal")
    weights = np.array([[1.0, 0.0], [0.0, -1.0]] if diagonal == 0 else [[0.0, 1.0], [-1.0, 0.0]])
    return convolve(x, weights, output, mode, cval)


def laplace(
    input: ArrayLike,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Sum the second differences [1, -2, 1] along all axes.

    .. math:: y[i] = \sum_a x[i + e_a] - 2 x[i] + x[i - e_a]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    axes : int or sequence of int, optional
        Axes to filter. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The Laplacian.

    Raises
    ------
    RuntimeError
        For an unknown mode, or modes of another number than `axes`.
    ValueError
        For an axis outside the image.

    Notes
    -----
    Linear. In floating point one sum of the star's five or seven samples, where the boundary rule is one for all axes.
    `scipy.ndimage.laplace`'s API.

    Examples
    --------
    >>> laplace([0.0, 0.0, 1.0, 0.0, 0.0]).tolist()
    [0.0, 1.0, -2.0, 1.0, 0.0]
    """

    def second(input: jax.Array, axis: int, output: Output, mode: str, cval: Value) -> jax.Array:
        return correlate1d(input, [1, -2, 1], axis, output, mode, cval)

    x = arguments.image(input)
    used = arguments.axes_of(axes, x.ndim)
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    if isinstance(mode, str) and len(used) in (2, 3) and jnp.issubdtype(dtype, jnp.floating):
        # In floating point one pass with the whole star is the same sum; whole numbers are stored axis by axis.
        return correlate(x, _star(len(used)), output, mode, cval, axes=used)
    return generic_laplace(x, second, output, mode, cval, axes=axes)
