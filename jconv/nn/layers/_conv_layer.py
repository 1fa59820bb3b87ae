"""What all convolution layers share: one constructor that checks the options and draws kernel and bias.

A layer that derives from `ConvLayer` names what differs: the words of `padding` that it knows (`PADDINGS`), the options
that mean nothing to it (`UNUSED`), the shapes of its parameters, and how the kernel is made. It sets the options of its
own that those depend on, and then calls this constructor with all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import dtypes
from jax.lax import PrecisionLike
from jax.typing import DTypeLike

from jconv._core import check
from jconv.engine import Plan, check_algorithm
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


class ConvOptions(TypedDict, total=False):
    """The keyword arguments of `ConvLayer` but `rngs`: types for the layers that hand them on."""

    padding: pad.Padding
    padding_mode: str
    input_dilation: int | Sequence[int] | None
    kernel_dilation: int | Sequence[int] | None
    feature_group_count: int
    use_bias: bool
    mask: jax.Array | None
    dtype: DTypeLike | None
    param_dtype: DTypeLike
    precision: PrecisionLike
    kernel_init: _layer.Initializer
    bias_init: _layer.Initializer
    conv_general_dilated: Callable[..., jax.Array] | None
    promote_dtype: Callable[..., tuple[Any, ...]]
    preferred_element_type: DTypeLike | None
    algorithm: str | Plan
    kernel_metadata: Mapping[str, Any] | None
    bias_metadata: Mapping[str, Any] | None


class ConvLayer(nnx.Module):
    """The base of the convolution layers; `jconv.nn.Conv` documents the options."""

    PADDINGS: ClassVar[tuple[str, ...]] = pad.WORDS
    UNUSED: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        padding: pad.Padding = "SAME",
        padding_mode: str = "zeros",
        input_dilation: int | Sequence[int] | None = 1,
        kernel_dilation: int | Sequence[int] | None = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        mask: jax.Array | None = None,
        dtype: DTypeLike | None = None,
        param_dtype: DTypeLike = jnp.float32,
        precision: PrecisionLike = None,
        kernel_init: _layer.Initializer = _layer.KERNEL_INIT,
        bias_init: _layer.Initializer = _layer.BIAS_INIT,
        conv_general_dilated: Callable[..., jax.Array] | None = None,
        promote_dtype: Callable[..., tuple[Any, ...]] = dtypes.promote_dtype,
        preferred_element_type: DTypeLike | None = None,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
        kernel_metadata: Mapping[str, Any] | None = None,
        bias_metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.in_features, self.out_features = _layer.check_features(in_features, out_features)
        self.kernel_size = _layer.kernel_sizes(kernel_size)
        self.strides = _layer.sizes("strides", strides, self.rank)
        self.input_dilation = _layer.sizes("input_dilation", input_dilation, self.rank)
        self.kernel_dilation = _layer.sizes("kernel_dilation", kernel_dilation, self.rank)
        self.padding = pad.canonicalize(padding, self.rank, self.PADDINGS)
        self.padding_mode = pad.check_mode(padding_mode, self.padding)
        self.feature_group_count = check.positive_int("feature_group_count", feature_group_count)
        _layer.split_features("in_features", self.in_features, self.feature_group_count)
        _layer.split_features("out_features", self.out_features, self.feature_group_count)
        check_algorithm(algorithm)  # refuses an unknown name here, not at the first call
        self.algorithm = algorithm
        self.use_bias, self.dtype, self.param_dtype, self.precision = use_bias, dtype, param_dtype, precision
        self.conv_general_dilated, self.promote_dtype = conv_general_dilated, promote_dtype
        self.preferred_element_type = preferred_element_type
        self.kernel_shape = self._kernel_shape()
        self.mask = _layer.check_mask(mask, self.kernel_shape)
        self._make_kernel(kernel_init, kernel_metadata, rngs)
        self.bias: nnx.Param | None = nnx.data(None)  # what Flax keeps where there is no bias
        if use_bias:
            self.bias = _layer.parameter(bias_init, rngs, self._bias_shape(), param_dtype, bias_metadata)

    @classmethod
    def _check_options(cls, options: Mapping[str, Any]) -> None:
        """Raise a TypeError for an option of `Conv` that this layer would ignore."""
        for name in cls.UNUSED:
            if name in options:
                raise TypeError(f"`{name}` has no use here in {cls.__name__}; leave it out, or use Conv")

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.kernel_size)

    def _kernel_shape(self) -> tuple[int, ...]:
        return (*self.kernel_size, self.in_features // self.feature_group_count, self.out_features)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.out_features,)

    def _make_kernel(self, init: _layer.Initializer, metadata: Mapping[str, Any] | None, rngs: nnx.Rngs) -> None:
        self.kernel = _layer.parameter(init, rngs, self.kernel_shape, self.param_dtype, metadata)

    def effective_kernel(self) -> jax.Array:
        """Return the kernel that is convolved with: the parameter, masked."""
        return _layer.apply_mask(self.kernel[...], self.mask)

    def _axes(self) -> list[pad.Axis]:
        return pad.axes(self.kernel_size, self.strides, self.kernel_dilation, self.input_dilation)

    @property
    def _finite_only(self) -> bool | None:
        """The engine's option: algorithms that spread NaN would spread rounding errors of later samples, too."""
        return False if "CAUSAL" in self.padding else None

    def _promote(self, inputs: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        """Convert inputs, kernel and bias to the dtype of the computation."""
        bias = None if self.bias is None else self.bias[...]
        inputs, kernel, bias = self.promote_dtype((inputs, kernel, bias), dtype=self.dtype)
        return inputs, kernel, bias
