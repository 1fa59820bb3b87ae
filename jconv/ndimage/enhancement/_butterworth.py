"""Maximally flat filters in the frequency domain: `butterworth`."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.arrays import ArrayLike
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.output import Output


def butterworth(
    input: ArrayLike,
    cutoff_frequency_ratio: Number = 0.005,
    high_pass: bool = True,
    order: Number = 2.0,
    output: Output = None,
    *,
    squared_butterworth: bool = True,
    npad: int = 0,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Filter in the frequency domain with Butterworth's maximally flat response.

    .. math:: H(\nu) = \frac{1}{1 + (|\nu| / c)^{2n}} \quad\text{(low-pass)}

    Parameters
    ----------
    input : array of any rank, real
        The image.
    cutoff_frequency_ratio : number
        c, in cycles per sample, above 0 and up to 0.5. Default 0.005.
    high_pass : bool
        Whether to keep what is above c. Default True.
    order : number
        n, above zero. Default 2.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: that of floating images, JAX's default float for whole
        numbers, for the results have both signs.
    squared_butterworth : bool
        Whether H is as above, or its square root (Butterworth's own definition). Default True.
    npad : int
        Samples by which to extend each axis with its edge values, against wrapping around. Default 0.
    axes : int or sequence of int, optional
        Axes to filter. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The filtered image.

    Raises
    ------
    ValueError
        For a cut-off outside (0, 0.5], an order that is not positive, or a negative `npad`.

    Notes
    -----
    Every output depends on every sample, a NaN included. Differentiable in the image, the cut-off and the order.
    scikit-image's `butterworth`. Source: S. Butterworth, Experimental Wireless 7 (1930).

    Examples
    --------
    >>> butterworth([3.0, 3.0, 3.0, 3.0], 0.1).round(3).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    x, dtype = _output.floating(arguments.image(input, real=True), output)
    used = arguments.axes_of(axes, x.ndim)
    if not is_traced(cutoff_frequency_ratio) and not 0 < float(cutoff_frequency_ratio) <= 0.5:
        raise ValueError(
            f"`cutoff_frequency_ratio` must lie above 0 and up to 0.5, got {cutoff_frequency_ratio}; "
            "pass cycles per sample"
        )
    arguments.positive("order", order, "the order of the filter")
    if not hasattr(npad, "__index__") or npad < 0:
        raise ValueError(f"`npad` must be at least 0, got {npad}; pass a number of samples")
    if not x.size or not used:
        return _output.deliver(_output.store(x, dtype), output)
    padded = jnp.pad(x, [(npad, npad) if a in used else (0, 0) for a in range(x.ndim)], mode="edge")
    squares = _squared_frequencies(padded.shape, used)
    # A power of zero has no derivative with respect to its exponent: the constant is put in by hand.
    ratio = jnp.where(squares == 0, 1, squares) / cutoff_frequency_ratio**2
    if high_pass:  # each response in the form whose power does not overflow where the other's would be one
        response = jnp.where(squares == 0, 0, 1 / (1 + ratio ** (-order)))
    else:
        response = jnp.where(squares == 0, 1, 1 / (1 + ratio**order))
    if not squared_butterworth:
        response = jnp.where(response > 0, jnp.sqrt(jnp.where(response > 0, response, 1)), 0)
    spectrum = jnp.fft.rfftn(padded, axes=used) * response.astype(padded.dtype)
    filtered = jnp.fft.irfftn(spectrum, s=[padded.shape[a] for a in used], axes=used)
    inner = tuple(slice(npad, npad + x.shape[a]) if a in used else slice(None) for a in range(x.ndim))
    return _output.deliver(_output.store(filtered[inner], dtype), output)


def _squared_frequencies(shape: Sequence[int], axes: Sequence[int]) -> np.ndarray:
    """|ν|² on the frequencies of a real transform along `axes`, broadcast over the others."""
    squares = np.zeros([1] * len(shape))
    for a in axes:
        nu = np.fft.rfftfreq(shape[a]) if a == axes[-1] else np.fft.fftfreq(shape[a])
        squares = squares + (nu**2).reshape([-1 if b == a else 1 for b in range(len(shape))])
    return squares
