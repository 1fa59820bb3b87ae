"""The transposed convolution layer, in Flax's dialect and in PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import dtypes

from jconv._core import check
from jconv.engine import Plan, conv_general_dilated
from jconv.engine._api.lax import transpose_padding
from jconv.engine._planner import policy_of
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad

WORDS = ("SAME", "VALID", "CAUSAL", "CIRCULAR")


class ConvTranspose(nnx.Module):
    r"""A transposed (fractionally strided) convolution, with the arguments and parameters of `flax.nnx.ConvTranspose`.

    .. math:: y[n, o] = b[o] + \sum_{u, c} x'[n + d\, u - p,\; c]\; k[u, c, o]

    where x' is the input with s − 1 zeros between its samples.

    Parameters
    ----------
    in_features, out_features, kernel_size, strides, kernel_dilation, use_bias, mask, dtype, param_dtype, precision,
    kernel_init, bias_init, promote_dtype, preferred_element_type, kernel_metadata, bias_metadata, rngs
        As in `jconv.nn.Conv`.
    padding : str, int, or for each axis an int or a pair (before, after)
        "SAME" makes s·n samples of n, "VALID" s·n + max(d (k − 1) + 1 − s, 0), "CAUSAL" s·n of which none sees a later
        sample, "CIRCULAR" s·n periodically. Numbers pad x', as in Flax.
    transpose_kernel : bool
        The adjoint in its input of a convolution: the kernel is reversed, and has shape (*kernel_size, out_features //
        feature_group_count, in_features).
    torch_padding : int or sequence of int, optional
        PyTorch's `padding`, instead of `padding`: so many samples are cut from both sides of the full result, which
        makes (n − 1) s − 2 p + d (k − 1) + 1 + `output_padding`.
    output_padding : int or sequence of int
        PyTorch's: samples that the result is longer at its end; only with `torch_padding`.
    feature_group_count : int
    algorithm : str or Plan
        As in `jconv.conv_general_dilated`. No inserted zero is multiplied by the faster ones.

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, or when an input has another number of channels or too few axes.

    Notes
    -----
    PyTorch's layer is this one with `transpose_kernel=True` and `torch_padding`; its weight (in, out // groups, *taps)
    has the axes of `kernel` in the order (−1, −2, 0, 1, …). Without `transpose_kernel` the kernel has shape
    (*kernel_size, in_features // feature_group_count, out_features). The gradients are those of the sum.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = ConvTranspose(3, 8, (4, 4), 2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 3))).shape
    (2, 32, 32, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        *,
        padding: pad.Padding = "SAME",
        kernel_dilation: int | Sequence[int] | None = None,
        use_bias: bool = True,
        mask: jax.Array | None = None,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        precision: Any = None,
        kernel_init: Callable = _layer.KERNEL_INIT,
        bias_init: Callable = _layer.BIAS_INIT,
        transpose_kernel: bool = False,
        promote_dtype: Callable = dtypes.promote_dtype,
        preferred_element_type: Any = None,
        torch_padding: int | Sequence[int] | None = None,
        output_padding: int | Sequence[int] = 0,
        feature_group_count: int = 1,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
        kernel_metadata: Mapping[str, Any] | None = None,
        bias_metadata: Mapping[str, Any] | None = None,
    ):
        self.in_features, self.out_features = _layer.features(in_features, out_features)
        self.kernel_size = _layer.kernel_sizes(kernel_size)
        rank = len(self.kernel_size)
        self.strides = _layer.sizes("strides", strides, rank)
        self.kernel_dilation = _layer.sizes("kernel_dilation", kernel_dilation, rank)
        self.feature_group_count = groups = check.positive_int("feature_group_count", feature_group_count)
        inputs, outputs = _layer.in_groups(in_features, out_features, groups)
        self.padding = pad.canonical(padding, rank, WORDS)
        if len(set(self.padding)) > 1 and any(isinstance(entry, str) for entry in self.padding):
            raise ValueError(f"`padding` must be one word for all axes, or numbers, got {padding!r}")
        self.output_padding = check.per_axis("output_padding", output_padding, rank)
        self.torch_padding = None if torch_padding is None else check.per_axis("torch_padding", torch_padding, rank)
        self._check_torch(padding)
        policy_of(algorithm)
        self.algorithm, self.transpose_kernel = algorithm, transpose_kernel
        self.kernel_shape = (
            (*self.kernel_size, outputs, in_features) if transpose_kernel else (*self.kernel_size, inputs, out_features)
        )
        self.mask = _layer.check_mask(mask, self.kernel_shape)
        self.use_bias, self.dtype, self.param_dtype, self.precision = use_bias, dtype, param_dtype, precision
        self.promote_dtype, self.preferred_element_type = promote_dtype, preferred_element_type
        self.kernel = _layer.parameter(kernel_init, rngs, self.kernel_shape, param_dtype, kernel_metadata)
        self.bias: nnx.Param | None = _layer.bias(
            use_bias, bias_init, rngs, (out_features,), param_dtype, bias_metadata
        )

    def _check_torch(self, padding) -> None:
        if self.torch_padding is None:
            if any(self.output_padding):
                raise ValueError(
                    f"`output_padding` is PyTorch's and needs `torch_padding`, got {self.output_padding} without it"
                )
            return
        if padding != "SAME":
            raise ValueError(f"`padding` and `torch_padding` exclude each other, got {padding!r} beside the latter")
        if min(self.torch_padding) < 0:
            raise ValueError(f"`torch_padding` must not be negative, got {self.torch_padding}; use `padding` to extend")
        for extra, stride, dilation in zip(self.output_padding, self.strides, self.kernel_dilation):
            if not 0 <= extra < max(stride, dilation):
                raise ValueError(
                    f"`output_padding` must be smaller than the stride or the dilation, and not negative, got "
                    f"{self.output_padding} for strides {self.strides} and dilation {self.kernel_dilation}"
                )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to (…, *space, in_features), with any number of leading axes, also none."""
        rank = len(self.kernel_size)
        _layer.check_inputs(inputs, rank, self.in_features)
        kernel = _layer.masked(self.kernel[...], self.mask)
        bias = None if self.bias is None else self.bias[...]
        inputs, kernel, bias = self.promote_dtype((inputs, kernel, bias), dtype=self.dtype)
        if self.transpose_kernel:
            kernel = _adjoint_kernel(kernel, rank, self.feature_group_count)
        circular = self.torch_padding is None and self.padding[0] == "CIRCULAR"

        def run(x):
            y = conv_general_dilated(
                x,
                kernel,
                (1,) * rank,
                self._widths(),
                self.strides,
                self.kernel_dilation,
                _layer.channels_last(rank),
                self.feature_group_count,
                precision=self.precision,
                preferred_element_type=self.preferred_element_type,
                algorithm=self.algorithm,
            )
            return _wrapped(y, x.shape, self.strides, self.transpose_kernel) if circular else y

        outputs = _layer.batched(run, inputs, rank)
        return outputs if bias is None else outputs + bias

    def _widths(self) -> list[tuple[int, int]]:
        """Zeros around the stuffed input."""
        reaches = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.kernel_dilation)]
        if self.torch_padding is not None:
            return [
                (reach - 1 - p, reach - 1 - p + extra)
                for reach, p, extra in zip(reaches, self.torch_padding, self.output_padding)
            ]
        return [_width(entry, reach, s) for entry, reach, s in zip(self.padding, reaches, self.strides)]


def _width(entry: str | pad.Pair, reach: int, stride: int) -> pad.Pair:
    if not isinstance(entry, str):
        return entry
    if entry == "CAUSAL":
        return reach - 1, stride - 1
    return transpose_padding(reach, stride, "SAME" if entry == "SAME" else "VALID")


def _adjoint_kernel(kernel: jax.Array, rank: int, groups: int) -> jax.Array:
    """The kernel reversed, its input and output channels exchanged within each group."""
    *taps, outputs, inputs = kernel.shape
    grouped = jnp.flip(kernel, range(rank)).reshape(*taps, outputs, groups, inputs // groups)
    return jnp.swapaxes(grouped, -1, -3).reshape(*taps, inputs // groups, groups * outputs)


def _wrapped(y: jax.Array, shape: Sequence[int], strides: Sequence[int], mirrored: bool) -> jax.Array:
    """Sum `y` (N, *full, C) periodically into s·n samples an axis.

    The full result starts before the first period and ends after the last; it is set so that the kernel's centre
    falls on its sample, the odd sample of an even kernel before it, or after it where the kernel is mirrored.
    """
    for axis, stride in enumerate(strides, start=1):
        period = shape[axis] * stride
        missing = -(y.shape[axis] - period) % (2 * period)
        before = missing // 2 if mirrored else (missing + 1) // 2
        widths = [(0, 0)] * y.ndim
        widths[axis] = (before, missing - before)
        y = jnp.pad(y, widths)
        y = y.reshape(*y.shape[:axis], -1, period, *y.shape[axis + 1 :]).sum(axis)
    return y
