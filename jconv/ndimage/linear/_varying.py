"""Kernels that vary over the image: `correlate_varying`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

import jax

from jconv._core.arrays import ArrayLike, as_array, as_numpy
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage.linear._linear import correlate


def correlate_varying(
    input: ArrayLike,
    basis: ArrayLike,
    weights: ArrayLike,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Correlate with a kernel that varies over the image: at each sample a mixture of a few basis kernels.

    .. math:: y[i] = \sum_r w_r[i] \sum_k b_r[k]\, x[i + k - \lfloor n/2 \rfloor]

    Parameters
    ----------
    input : array of any rank
        The image.
    basis : array (R, \*taps)
        Kernels, each with one dimension for each filtered axis.
    weights : array (R, \*shape of `input`)
        The shares of the kernels, or whatever broadcasts to that shape.
    output, mode, cval, axes
        As for `jconv.ndimage.correlate`.

    Returns
    -------
    array, in the shape of `input`
        The filtered image.

    Raises
    ------
    ValueError
        Where `basis` and `weights` hold a different number of kernels, or none.
    RuntimeError
        As `jconv.ndimage.correlate`.

    Notes
    -----
    R filters, each by the engine's best algorithm. Linear in the image, in the basis and in the weights.

    Examples
    --------
    >>> sharp, blurred = [0, 1, 0], [1 / 3, 1 / 3, 1 / 3]
    >>> shares = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    >>> [round(v, 3) for v in correlate_varying([0.0, 3.0, 3.0, 0.0], [sharp, blurred], shares).tolist()]
    [0.0, 3.0, 2.0, 1.0]
    """
    x = arguments.image(input)
    dtype = _output.dtype_of(output, x)
    x = x.astype(_output.working_dtype(x.dtype, dtype))
    kernels = as_array("basis", basis) if is_traced(basis) else as_numpy("basis", basis)
    shares = as_array("weights", weights)
    if kernels.shape[:1] != shares.shape[:1] or 0 in kernels.shape[:1]:
        raise ValueError(
            f"`basis` and `weights` must agree in their first axis, got {kernels.shape} and {shares.shape}; pass one "
            "array of weights for each kernel"
        )
    terms = [w * correlate(x, b, mode=mode, cval=cval, axes=axes) for b, w in zip(kernels, shares)]
    return _output.deliver(_output.store(reduce(operator.add, terms), dtype), output)
