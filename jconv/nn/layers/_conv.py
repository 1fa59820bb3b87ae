"""The convolution layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import dtypes
from jax import lax

from jconv._core import check
from jconv.engine import Plan, conv_general_dilated
from jconv.engine._planner import policy_of
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


class Conv(nnx.Module):
    r"""A convolution layer in any number of dimensions, with the arguments and parameters of `flax.nnx.Conv`.

    .. math:: y[n, o] = b[o] + \sum_{u, c} x[s\, n + d\, u - p,\; c]\; k[u, c, o]

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size : int or sequence of int
        Taps along each spatial axis; an integer is one axis.
    strides, input_dilation, kernel_dilation : int or sequence of int
    padding : str, int, or for each axis a word, an int or a pair (before, after)
        "SAME", "SAME_LOWER", "VALID", "CAUSAL", "CIRCULAR", "REFLECT" or "REPLICATE": see `jconv.nn.padding`. An
        integer pads both sides, as in PyTorch. `("CAUSAL", "SAME", "SAME")` is causal along the first of three axes.
    padding_mode : "zeros", "circular", "reflect" or "replicate"
        What the padding holds, as in PyTorch.
    feature_group_count : int
        Groups of channels; `in_features` makes a depthwise convolution.
    use_bias : bool
    mask : array of the kernel's shape, optional
        Multiplied with the kernel.
    dtype, param_dtype : dtype
        Of the computation (by default that of the input and the parameters together), and of the parameters.
    precision, preferred_element_type : as in `jax.lax.conv_general_dilated`.
    kernel_init, bias_init : callable (key, shape, dtype) -> array
    conv_general_dilated : callable, optional
        To be called in place of jconv's own, as in Flax.
    promote_dtype : callable
        Brings (inputs, kernel, bias) to the dtype of the computation, as in Flax.
    algorithm : str or Plan
        As in `jconv.conv_general_dilated`; "auto" is the planner's choice.
    kernel_metadata, bias_metadata : mapping
        Handed to `flax.nnx.Param`.
    rngs : nnx.Rngs

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, when an input has another number of channels or too few axes, or when the kernel
        is larger than the padded input.

    Notes
    -----
    `kernel` has shape (*kernel_size, in_features // feature_group_count, out_features), `bias` (out_features,): the
    same parameters as Flax's layer, drawn with the same keys, so that one import changes and checkpoints stay. The
    gradients are those of the sum.

    A layer that is causal along its first axis, with stride 1, also works piece by piece: `init_cache` and `step`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = Conv(3, 8, (5, 5), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 32, 32, 3))).shape
    (2, 32, 32, 8)
    """

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
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        precision: Any = None,
        kernel_init: Callable = _layer.KERNEL_INIT,
        bias_init: Callable = _layer.BIAS_INIT,
        conv_general_dilated: Callable | None = None,
        promote_dtype: Callable = dtypes.promote_dtype,
        preferred_element_type: Any = None,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
        kernel_metadata: Mapping[str, Any] | None = None,
        bias_metadata: Mapping[str, Any] | None = None,
    ):
        self.in_features, self.out_features = _layer.features(in_features, out_features)
        self.kernel_size = _layer.kernel_sizes(kernel_size)
        rank = len(self.kernel_size)
        self.strides = _layer.sizes("strides", strides, rank)
        self.input_dilation = _layer.sizes("input_dilation", input_dilation, rank)
        self.kernel_dilation = _layer.sizes("kernel_dilation", kernel_dilation, rank)
        self.padding = pad.canonical(padding, rank)
        self.padding_mode = pad.padding_mode(padding_mode, self.padding)
        self.feature_group_count = check.positive_int("feature_group_count", feature_group_count)
        inputs, _ = _layer.in_groups(in_features, out_features, feature_group_count)
        policy_of(algorithm)  # refuses an unknown name here, not at the first call
        self.algorithm = algorithm
        self.kernel_shape = (*self.kernel_size, inputs, out_features)
        self.mask = _layer.check_mask(mask, self.kernel_shape)
        self.use_bias, self.dtype, self.param_dtype, self.precision = use_bias, dtype, param_dtype, precision
        self.conv_general_dilated, self.promote_dtype = conv_general_dilated, promote_dtype
        self.preferred_element_type = preferred_element_type
        self._make_kernel(kernel_init, kernel_metadata, rngs)
        self.bias: nnx.Param | None = _layer.bias(
            use_bias, bias_init, rngs, (out_features,), param_dtype, bias_metadata
        )

    @property
    def rank(self) -> int:
        """Spatial axes."""
        return len(self.kernel_size)

    def _make_kernel(self, init: Callable, metadata: Any, rngs: nnx.Rngs) -> None:
        self.kernel = _layer.parameter(init, rngs, self.kernel_shape, self.param_dtype, metadata)

    def effective_kernel(self) -> jax.Array:
        """The kernel that is convolved with: the parameter, masked."""
        return _layer.masked(self.kernel[...], self.mask)

    def __call__(self, inputs: jax.Array, out_sharding: Any = None) -> jax.Array:
        """Apply the layer to (…, *space, in_features), with any number of leading axes, also none.

        With an `out_sharding` the convolution is XLA's, which takes it.
        """
        return self._convolve(inputs, self.padding, out_sharding)

    def init_cache(self, batch: Sequence[int] = (), *, space: Sequence[int] = (), dtype: Any = None) -> jax.Array:
        """What stands before the first sample: zeros (*batch, d (k − 1), *space, in_features).

        `space` holds the sizes of the axes after the causal one, `dtype` that of the chunks, by default `dtype` or
        `param_dtype` of the layer. A ValueError where the layer cannot work piece by piece.
        """
        causal, rest = self.padding[0], self.padding[1:]
        if causal != "CAUSAL" or self.padding_mode != "zeros" or self.strides[0] != 1 or self.input_dilation[0] != 1:
            raise ValueError(
                "only a layer with padding='CAUSAL', zeros and stride 1 along its first axis works piece by piece; got "
                f"padding={self.padding!r}, padding_mode={self.padding_mode!r}, strides={self.strides}, "
                f"input_dilation={self.input_dilation}"
            )
        if len(space) != len(rest):
            raise ValueError(f"`space` must hold the sizes of {len(rest)} axes after the causal one, got {space!r}")
        past = self.kernel_dilation[0] * (self.kernel_size[0] - 1)
        return jnp.zeros((*batch, past, *space, self.in_features), dtype or self.dtype or self.param_dtype)

    def step(self, cache: jax.Array, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The cache after, and the outputs for, the next samples (*batch, samples, *space, in_features), one or more.

        Piece by piece the outputs are those of the whole sequence at once, to rounding: the sums are the same, but the
        planner may order them differently for another length.
        """
        expected = cache.shape[: cache.ndim - self.rank - 1], cache.shape[cache.ndim - self.rank :]
        time = inputs.ndim - self.rank - 1
        if time < 0 or (inputs.shape[:time], inputs.shape[time + 1 :]) != expected or not inputs.shape[time]:
            wanted = (*expected[0], "samples", *expected[1])
            raise ValueError(f"`inputs` must have shape {wanted}, got {inputs.shape}; see init_cache".replace("'", ""))
        known = jnp.concatenate([cache, inputs.astype(cache.dtype)], axis=time)
        outputs = self._convolve(known, ("VALID", *self.padding[1:]))
        return lax.slice_in_dim(known, known.shape[time] - cache.shape[time], None, axis=time), outputs

    def _convolve(self, inputs: jax.Array, padding, out_sharding: Any = None) -> jax.Array:
        _layer.check_inputs(inputs, self.rank, self.in_features)
        bias = None if self.bias is None else self.bias[...]
        inputs, kernel, bias = self.promote_dtype((inputs, self.effective_kernel(), bias), dtype=self.dtype)
        axes = pad.axes(self.kernel_size, self.strides, self.kernel_dilation, self.input_dilation)
        options = {} if self.preferred_element_type is None else {"preferred_element_type": self.preferred_element_type}
        if self.conv_general_dilated is not None:
            convolve = self.conv_general_dilated
        elif out_sharding is not None:
            convolve = lax.conv_general_dilated
        else:
            convolve = partial(conv_general_dilated, algorithm=self.algorithm)
        if out_sharding is not None:
            options["out_sharding"] = out_sharding

        def run(x):
            x, zeros = pad.extend(x, padding, axes, self.padding_mode)
            _layer.check_reach(x.shape[1:-1], zeros, axes)
            return convolve(
                x,
                kernel,
                self.strides,
                zeros,
                lhs_dilation=self.input_dilation,
                rhs_dilation=self.kernel_dilation,
                dimension_numbers=_layer.channels_last(self.rank),
                feature_group_count=self.feature_group_count,
                precision=self.precision,
                **options,
            )

        outputs = _layer.batched(run, inputs, self.rank)
        return outputs if bias is None else outputs + bias
