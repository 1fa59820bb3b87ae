"""The engine with the API of `jax.lax`: same arguments, same results."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import ArrayLike, DTypeLike

from jconv.engine._canonical import canonicalize, lax_arguments
from jconv.engine._plan import Plan
from jconv.engine._policy import policy_of
from jconv.engine._primitive import convolve, is_left_to_lax


def conv_general_dilated(
    lhs: ArrayLike,
    rhs: ArrayLike,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
    out_sharding: NamedSharding | PartitionSpec | None = None,
    *,
    algorithm: str | Plan = "auto",
    memory_budget: int | None = None,
    finite_only: bool | None = None,
) -> jax.Array:
    r"""Convolve in any number of dimensions, as `jax.lax.conv_general_dilated`, by the fastest algorithm.

    .. math:: y[b, o, j] = \sum_{k, i} x[b, s\,o + d\,k - p, i]\; w[k, i, j]

    with `x` zero-stuffed by `lhs_dilation` and zero outside (a correlation: the kernel is not reversed).

    Parameters
    ----------
    lhs : array of rank n + 2
        The input, with axes as `dimension_numbers` says; by default (N, C, *space).
    rhs : array of rank n + 2
        The kernel; by default (O, I, *taps).
    window_strides : sequence of int
        Distance between neighbouring outputs along each spatial axis, in samples.
    padding : "SAME", "SAME_LOWER", "VALID" or sequence of (int, int)
        Zeros before and after each spatial axis; negative numbers crop.
    lhs_dilation, rhs_dilation : sequence of int, optional
        Distance between neighbouring samples of the input, and between neighbouring taps of the kernel.
    dimension_numbers : as in `jax.lax`, optional
        Three strings such as `("NHWC", "HWIO", "NHWC")`, or a `jax.lax.ConvDimensionNumbers`.
    feature_group_count, batch_group_count : int
        Into how many groups the channels, or the images, fall.
    precision : as in `jax.lax`, optional
        On a CPU all products are in full precision; "highest" also asks for the direct sum's accuracy.
    preferred_element_type : dtype, optional
        The dtype in which sums are taken and returned.
    out_sharding : as in `jax.lax`, optional
        With it `jax.lax` itself computes.
    algorithm : str or Plan
        "auto", the name of an algorithm, or a `Plan` that `jconv.plan` made for these arrays.
    memory_budget : int, optional
        Bytes of extra memory that the algorithm may use. Default four times input plus kernel plus output.
    finite_only : bool, optional
        Whether algorithms may be used that spread rounding errors, and a NaN or inf, over outputs whose sum does not
        contain the sample, as an FFT does. By default they may where channels are mixed; a signal or an image of one
        channel keeps the componentwise error of the sum, `|error| ≤ K u Σ |x| |w|` at each output.

    Returns
    -------
    array of rank n + 2
        The result of `jax.lax.conv_general_dilated`, to rounding: its normwise error is at most 8 times that of the
        direct sum, or not above it with `precision="highest"`.

    Raises
    ------
    TypeError, ValueError
        What `jax.lax` raises for these arguments; ValueError where a named algorithm cannot do the problem.

    Notes
    -----
    The gradient is that of the sum; the adjoints are convolutions and are planned on their own. A named algorithm
    computes the forward convolution, and its adjoints too where it is "xla" or "direct". Symbolic shapes and arrays of
    explicit sharding go to `jax.lax` as they are. The API is that of `jax.lax.conv_general_dilated`.

    Examples
    --------
    >>> x = jnp.arange(5.0).reshape(1, 1, 5)
    >>> w = jnp.array([[[1.0, 2.0]]])
    >>> conv_general_dilated(x, w, (1,), "VALID")
    Array([[[ 2.,  5.,  8., 11.]]], dtype=float...)
    """
    lhs, rhs = jnp.asarray(lhs), jnp.asarray(rhs)
    window = (window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count,
              batch_group_count)  # fmt: skip
    # lax states the contract, and its errors: an abstract call checks the arguments and tells the result's dtype.
    reference = lambda x, w: lax.conv_general_dilated(x, w, *window, precision, preferred_element_type)
    out = jax.eval_shape(reference, lhs, rhs)
    policy = policy_of(algorithm, memory_budget, finite_only)
    if out_sharding is not None or is_left_to_lax(lhs, rhs):
        policy.require_lax()
        return lax.conv_general_dilated(lhs, rhs, *window, precision, preferred_element_type, out_sharding)
    canonical = canonicalize(lax_arguments(lhs.shape, rhs.shape, *window), lhs.shape, rhs.shape)
    if 0 in canonical.out_shape:
        return jnp.zeros(canonical.out_shape, out.dtype)
    name = precision_name(precision)
    result = convolve(*canonical.into(lhs, rhs), canonical.geometry, precision=name, out_dtype=out.dtype, policy=policy)
    return canonical.back(result)


def precision_name(precision: lax.PrecisionLike) -> str:
    """Return the highest of "default", "high", "highest" for which an operand asks; None is JAX's default for products.

    High and highest mean products in full precision, as all are on a CPU, and highest only algorithms as accurate as
    the direct sum.
    """
    values = precision if isinstance(precision, tuple | list) else (precision,)
    default = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
    names = {str(default if value is None else value).lower() for value in values}
    if names & {"highest", "float32"}:
        return "highest"
    return "high" if names & {"high", "bfloat16_3x", "tensorfloat32"} else "default"


def conv_transpose(
    lhs: ArrayLike,
    rhs: ArrayLike,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers = None,
    transpose_kernel: bool = False,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
    use_consistent_padding: bool = False,
    *,
    algorithm: str | Plan = "auto",
    memory_budget: int | None = None,
    finite_only: bool | None = None,
) -> jax.Array:
    r"""Convolve an input with zeros between its samples, as `jax.lax.conv_transpose`.

    .. math:: y[b, o, j] = \sum_{k, i} x_s[b, o + d\,k - p, i]\; w[k, i, j]

    with `x_s` the input zero-stuffed by `strides`. With `transpose_kernel` it is the adjoint, in its input, of the
    convolution with this kernel.

    Parameters
    ----------
    lhs : array of rank n + 2
        The input; by default (N, *space, C).
    rhs : array of rank n + 2
        The kernel; by default (*taps, I, O).
    strides : sequence of int
        Distance between neighbouring samples of the stuffed input.
    padding : "SAME", "VALID" or sequence of (int, int)
        "SAME" gives stride · n outputs, "VALID" as many as see a sample. Numbers pad the stuffed input, or with
        `use_consistent_padding` are the padding of the convolution whose adjoint this is.
    rhs_dilation : sequence of int, optional
        Distance between neighbouring taps.
    dimension_numbers : as in `jax.lax`, optional
    transpose_kernel : bool
        Whether to reverse the kernel and exchange its channel axes.
    precision, preferred_element_type : as in `jax.lax`, optional
    use_consistent_padding : bool
    algorithm, memory_budget, finite_only
        As for `conv_general_dilated`.

    Returns
    -------
    array of rank n + 2
        The result of `jax.lax.conv_transpose`.

    Raises
    ------
    TypeError, ValueError
        What `jax.lax` raises for these arguments; ValueError where `dimension_numbers` has no default.

    Notes
    -----
    No inserted zero is multiplied (`jconv.engine.algorithms.polyphase`). The gradient is that of the sum. The API is
    that of `jax.lax.conv_transpose`.

    Examples
    --------
    >>> conv_transpose(jnp.ones((1, 3, 1)), jnp.ones((2, 1, 1)), (2,), "VALID")[0, :, 0]
    Array([1., 1., 1., 1., 1., 1.], dtype=float...)
    """
    lhs, rhs = jnp.asarray(lhs), jnp.asarray(rhs)
    n = lhs.ndim - 2
    if dimension_numbers is None:
        spatial = "DHW"[3 - n :]
        if not 0 <= n <= 3:
            raise ValueError(
                f"`dimension_numbers` has no default for {n} spatial axes, `lhs` having shape {lhs.shape}; pass them"
            )
        dimension_numbers = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    # lax checks the arguments; the padding follows its rule.
    arguments = (strides, padding, rhs_dilation, dimension_numbers, transpose_kernel, precision, preferred_element_type,
                 use_consistent_padding)  # fmt: skip
    jax.eval_shape(lambda x, w: lax.conv_transpose(x, w, *arguments), lhs, rhs)
    numbers = lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    rhs_dilation = tuple(rhs_dilation or (1,) * n)
    taps = [(rhs.shape[i] - 1) * d + 1 for i, d in zip(numbers.rhs_spec[2:], rhs_dilation)]
    if isinstance(padding, str) and padding in ("SAME", "VALID"):
        padding = [transpose_padding(k, s, padding) for k, s in zip(taps, strides)]
    elif use_consistent_padding and not isinstance(padding, str):
        padding = [(k - 1 - before, k - 1 - after) for k, (before, after) in zip(taps, padding)]
    if transpose_kernel:
        rhs = jnp.flip(rhs, numbers.rhs_spec[2:])
        rhs = jnp.swapaxes(rhs, numbers.rhs_spec[0], numbers.rhs_spec[1])
    return conv_general_dilated(
        lhs,
        rhs,
        (1,) * n,
        padding,
        tuple(strides),
        rhs_dilation,
        numbers,
        precision=precision,
        preferred_element_type=preferred_element_type,
        algorithm=algorithm,
        memory_budget=memory_budget,
        finite_only=finite_only,
    )


def transpose_padding(taps: int, stride: int, padding: str) -> tuple[int, int]:
    """Return the zeros around a stuffed input for a transposed convolution.

    Parameters
    ----------
    taps : int
        Extent of the dilated kernel along the axis.
    stride : int
        Distance between the samples of the stuffed input.
    padding : {"SAME", "VALID"}
        "SAME" leads to stride · n outputs, "VALID" to stride · n + max(taps − stride, 0).

    Returns
    -------
    (int, int)
        Zeros before and after.

    Examples
    --------
    >>> transpose_padding(4, 2, "SAME"), transpose_padding(4, 2, "VALID")
    ((2, 2), (3, 3))
    """
    if padding == "SAME":
        total = taps + stride - 2
        before = taps - 1 if stride > taps - 1 else -(-total // 2)
    else:
        total = taps + stride - 2 + max(taps - stride, 0)
        before = taps - 1
    return before, total - before
