"""The convolution layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import DTypeLike

from jconv.engine import conv_general_dilated
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad
from jconv.nn.layers._conv_layer import ConvLayer

Sharding = jax.sharding.NamedSharding | jax.sharding.PartitionSpec


class Conv(ConvLayer):
    r"""Convolve in any number of dimensions, with the arguments and parameters of `flax.nnx.Conv`.

    .. math:: y[n, o] = b[o] + \sum_{u, c} x[s\, n + d\, u - p,\; c]\; k[u, c, o]

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size : int or sequence of int
        Taps along each spatial axis; an integer is one axis.
    strides : int or sequence of int
        s, the distance of neighbouring outputs along each axis. Default 1.
    padding : str, int, or for each axis a word, an int or a pair (before, after)
        "SAME" (default), "SAME_LOWER", "VALID", "CAUSAL", "CIRCULAR", "REFLECT" or "REPLICATE"; the page on layers has
        their table. An integer pads both sides, as in PyTorch. `("CAUSAL", "SAME", "SAME")` is causal along the first
        of three axes.
    padding_mode : "zeros", "circular", "reflect" or "replicate"
        What the padding holds, as in PyTorch. Default "zeros".
    input_dilation, kernel_dilation : int or sequence of int
        The distance of the input's samples, with zeros between them, and d, that of the taps. Default 1.
    feature_group_count : int
        Groups of channels; `in_features` makes a depthwise convolution. Default 1.
    use_bias : bool
        Whether b is a parameter; else it is 0. Default True.
    mask : array of the kernel's shape, optional
        Multiplied with the kernel.
    dtype, param_dtype : dtype
        Of the computation, by default that of input and parameters together, and of the parameters, float32.
    precision : as in `jax.lax.conv_general_dilated`
        Of the products.
    kernel_init, bias_init : callable (key, shape, dtype) -> array
        How the parameters are drawn. Default LeCun's normal distribution, and zeros.
    conv_general_dilated : callable, optional
        Called in place of jconv's own, as in Flax.
    promote_dtype : callable
        Brings (inputs, kernel, bias) to the dtype of the computation, as in Flax.
    preferred_element_type : dtype, optional
        Of the sums, as in `jax.lax.conv_general_dilated`.
    algorithm : str or Plan
        As in `jconv.conv_general_dilated`. Default "auto", the planner's choice.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.
    kernel_metadata, bias_metadata : mapping, optional
        Keyword arguments for `flax.nnx.Param`.

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, when an input has another number of channels or too few axes, or when the kernel
        is larger than the padded input.

    Notes
    -----
    `kernel` has shape (*kernel_size, in_features // feature_group_count, out_features), `bias` (out_features,): the
    same parameters as Flax's layer, drawn with the same keys, so that a program changes one import and its checkpoints
    stay. The gradients are those of the sum.

    A causal layer padded with zeros is causal to the last bit: the planner chooses among algorithms in which a sample,
    be it huge or NaN, changes no output before it. A named `algorithm`, such as "fft", is taken even if
    it spreads rounding errors over the sequence. A causal layer with stride 1 along its first axis also works piece by
    piece, by `init_cache` and `step`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from flax import nnx
    >>> layer = Conv(3, 8, (5, 5), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 32, 32, 3))).shape
    (2, 32, 32, 8)
    """

    def __call__(self, inputs: jax.Array, out_sharding: Sharding | None = None) -> jax.Array:
        """Apply the layer.

        Parameters
        ----------
        inputs : array (…, *space, in_features)
            With any number of leading axes, also none.
        out_sharding : sharding, optional
            Of the result; the convolution is then XLA's, which takes it.

        Returns
        -------
        array (…, *out, out_features)
        """
        return self._convolve(inputs, self.padding, out_sharding)

    def init_cache(
        self, batch: Sequence[int] = (), *, space: Sequence[int] = (), dtype: DTypeLike | None = None
    ) -> jax.Array:
        """Make the cache that stands before the first sample of a stream.

        Parameters
        ----------
        batch : sequence of int
            The leading axes of the pieces.
        space : sequence of int
            The sizes of the axes after the causal one.
        dtype : dtype, optional
            Of the pieces; by default `dtype` or `param_dtype` of the layer.

        Returns
        -------
        array (*batch, d (k − 1), *space, in_features) of zeros

        Raises
        ------
        ValueError
            When the layer cannot work piece by piece, or `space` does not fit.
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
        """Apply the layer to the next samples of a stream.

        Parameters
        ----------
        cache : array
            From `init_cache` or the last `step`.
        inputs : array (*batch, samples, *space, in_features)
            One sample or more.

        Returns
        -------
        cache, outputs : arrays
            The cache for the next step, and (*batch, samples, *out, out_features).

        Raises
        ------
        ValueError
            When the shape of `inputs` does not fit the cache.

        Notes
        -----
        Piece by piece the outputs are those of the whole sequence at once, to rounding: the sums are the same, but the
        planner may order them differently for another length.
        """
        expected = cache.shape[: cache.ndim - self.rank - 1], cache.shape[cache.ndim - self.rank :]
        time = inputs.ndim - self.rank - 1
        if time < 0 or (inputs.shape[:time], inputs.shape[time + 1 :]) != expected or not inputs.shape[time]:
            shape = (*expected[0], "samples", *expected[1])
            raise ValueError(f"`inputs` must have shape {shape}, got {inputs.shape}; see init_cache".replace("'", ""))
        known = jnp.concatenate([cache, inputs.astype(cache.dtype)], axis=time)
        outputs = self._convolve(known, ("VALID", *self.padding[1:]))
        return lax.slice_in_dim(known, known.shape[time] - cache.shape[time], None, axis=time), outputs

    def _convolve(
        self, inputs: jax.Array, padding: Sequence[str | pad.Pair], out_sharding: Sharding | None = None
    ) -> jax.Array:
        _layer.check_inputs(inputs, self.rank, self.in_features)
        inputs, kernel, bias = self._promote(inputs, self.effective_kernel())
        axes, convolve, options = self._axes(), self._engine(out_sharding), {}
        if self.preferred_element_type is not None:
            options["preferred_element_type"] = self.preferred_element_type
        if out_sharding is not None:
            options["out_sharding"] = out_sharding

        def run(x: jax.Array) -> jax.Array:
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

        return _layer.add_bias(_layer.map_batch(run, inputs, self.rank), bias)

    def _engine(self, out_sharding: NamedSharding | PartitionSpec | None) -> Callable[..., jax.Array]:
        """Return the function that convolves."""
        if self.conv_general_dilated is not None:
            return self.conv_general_dilated
        if out_sharding is not None:
            return lax.conv_general_dilated
        return partial(conv_general_dilated, algorithm=self.algorithm, finite_only=self._finite_only)
