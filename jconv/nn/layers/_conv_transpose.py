"""The transposed convolution layer, with the arguments of Flax's and of PyTorch's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check
from jconv.engine import conv_general_dilated, transpose_padding
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad
from jconv.nn.layers._conv_layer import ConvLayer, ConvOptions


class ConvTranspose(ConvLayer):
    r"""Convolve transposed (fractionally strided), with the arguments and parameters of `flax.nnx.ConvTranspose`.

    .. math:: y[n, o] = b[o] + \sum_{u, c} x'[n + d\, u - p,\; c]\; k[u, c, o]

    where x' is the input with s − 1 zeros between its samples.

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`; s outputs for each sample. Default stride 1.
    transpose_kernel : bool
        Whether to apply the adjoint in its input of a convolution: the kernel is reversed, and has shape
        (*kernel_size, out_features // feature_group_count, in_features). Default False.
    torch_padding : int or sequence of int, optional
        PyTorch's `padding`, instead of `padding`: this many samples are cut from both sides of the full result, which
        leaves (n − 1) s − 2 p + d (k − 1) + 1 + `output_padding`.
    output_padding : int or sequence of int
        PyTorch's: samples by which the result is longer at its end; only with `torch_padding`. Default 0.
    rngs, **options
        As in `jconv.nn.Conv`, without `padding_mode`, `input_dilation` and `conv_general_dilated`. `padding` is a word,
        or numbers, which pad x' as in Flax: "SAME" (default) makes s·n samples of n, "VALID" s·n + max(d (k − 1) + 1
        − s, 0), "CAUSAL" s·n of which none sees a later sample, "CIRCULAR" s·n periodically.

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, or when an input has another number of channels or too few axes.

    Notes
    -----
    PyTorch's layer is this one with `transpose_kernel=True` and `torch_padding`; its weight (in, out // groups, *taps)
    has the axes of `kernel` in the order (−1, −2, 0, 1, …). Without `transpose_kernel` the kernel has shape
    (*kernel_size, in_features // feature_group_count, out_features). The faster algorithms multiply none of the
    inserted zeros. The gradients are those of the sum. "CAUSAL" is causal to the last bit, as in `jconv.nn.Conv`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = ConvTranspose(3, 8, (4, 4), 2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 3))).shape
    (2, 32, 32, 8)
    """

    PADDINGS = ("SAME", "VALID", "CAUSAL", "CIRCULAR")
    UNUSED = ("padding_mode", "input_dilation", "conv_general_dilated")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        *,
        transpose_kernel: bool = False,
        torch_padding: int | Sequence[int] | None = None,
        output_padding: int | Sequence[int] = 0,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        self._check_options(options)
        self.transpose_kernel = transpose_kernel
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)
        if len(set(self.padding)) > 1 and any(isinstance(entry, str) for entry in self.padding):
            raise ValueError(f"`padding` must be one word for all axes, or numbers, got {self.padding!r}")
        self.output_padding = check.per_axis("output_padding", output_padding, self.rank)
        self.torch_padding = (
            None if torch_padding is None else check.per_axis("torch_padding", torch_padding, self.rank)
        )
        self._check_torch()

    def _kernel_shape(self) -> tuple[int, ...]:
        if self.transpose_kernel:
            return (*self.kernel_size, self.out_features // self.feature_group_count, self.in_features)
        return super()._kernel_shape()

    def _check_torch(self) -> None:
        if self.torch_padding is None:
            if any(self.output_padding):
                raise ValueError(
                    f"`output_padding` is PyTorch's and needs `torch_padding`, got {self.output_padding} without it"
                )
            return
        if set(self.padding) != {"SAME"}:
            raise ValueError(
                f"`padding` and `torch_padding` exclude each other, got {self.padding!r} and {self.torch_padding!r}"
            )
        if min(self.torch_padding) < 0:
            raise ValueError(f"`torch_padding` must not be negative, got {self.torch_padding}; use `padding` to extend")
        for extra, stride, dilation in zip(self.output_padding, self.strides, self.kernel_dilation):
            if not 0 <= extra < max(stride, dilation):
                raise ValueError(
                    f"`output_padding` must be smaller than the stride or the dilation, and not negative, got "
                    f"{self.output_padding} for strides {self.strides} and dilation {self.kernel_dilation}"
                )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, *space, in_features), with any number of leading axes, also none."""
        _layer.check_inputs(inputs, self.rank, self.in_features)
        inputs, kernel, bias = self._promote(inputs, self.effective_kernel())
        if self.transpose_kernel:
            kernel = _adjoint_kernel(kernel, self.rank, self.feature_group_count)
        circular = self.torch_padding is None and self.padding[0] == "CIRCULAR"

        def run(x: jax.Array) -> jax.Array:
            y = conv_general_dilated(
                x,
                kernel,
                (1,) * self.rank,
                self._widths(),
                self.strides,
                self.kernel_dilation,
                _layer.channels_last(self.rank),
                self.feature_group_count,
                precision=self.precision,
                preferred_element_type=self.preferred_element_type,
                algorithm=self.algorithm,
                finite_only=self._finite_only,
            )
            return _sum_periods(y, x.shape, self.strides, self.transpose_kernel) if circular else y

        return _layer.add_bias(_layer.map_batch(run, inputs, self.rank), bias)

    def _widths(self) -> list[pad.Pair]:
        """Return the zeros before and after the stuffed input."""
        reaches = [axis.reach for axis in self._axes()]
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
    """Reverse the kernel, and exchange its input and output channels within each group."""
    *taps, outputs, inputs = kernel.shape
    grouped = jnp.flip(kernel, range(rank)).reshape(*taps, outputs, groups, inputs // groups)
    return jnp.swapaxes(grouped, -1, -3).reshape(*taps, inputs // groups, groups * outputs)


def _sum_periods(y: jax.Array, shape: Sequence[int], strides: Sequence[int], mirrored: bool) -> jax.Array:
    """Sum `y` (N, *full, C) periodically into s·n samples an axis.

    The full result starts before the first period and ends after the last; it is placed so that the kernel's centre
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
