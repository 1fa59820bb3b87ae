"""Convolution with kernels of its own for every sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import dtypes

from jconv._core import check
from jconv.engine import Plan, conv_general_dilated
from jconv.engine._planner import policy_of
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


def conv_per_sample(
    inputs,
    kernels,
    *,
    strides: int | Sequence[int] = 1,
    padding: pad.Padding = "SAME",
    padding_mode: str = "zeros",
    dilation: int | Sequence[int] = 1,
    feature_group_count: int = 1,
    precision: Any = None,
    algorithm: str | Plan = "auto",
) -> jax.Array:
    r"""Convolve every sample of a batch with a kernel of its own.

    .. math:: y[b, n, o] = \sum_{u, c} x[b, s\, n + d\, u - p,\; c]\; k[b, u, c, o]

    Parameters
    ----------
    inputs : array (N, *space, C)
    kernels : array (N, *taps, C // groups, C_out)
    strides, padding, padding_mode, dilation, feature_group_count, precision, algorithm
        As in `jconv.nn.Conv`; `dilation` is its `kernel_dilation`.

    Returns
    -------
    array (N, *out, C_out)

    Raises
    ------
    ValueError, TypeError
        When shapes or options do not fit.

    Notes
    -----
    The engine's convolution under `vmap`, which makes it one with groups. Gradients are those of the sum.

    Examples
    --------
    >>> x = jnp.ones((2, 4, 1))
    >>> conv_per_sample(x, jnp.array([1.0, 2.0]).reshape(2, 1, 1, 1))[..., 0]
    Array([[1., 1., 1., 1.],
           [2., 2., 2., 2.]], dtype=float...)
    """
    inputs, kernels = jnp.asarray(inputs), jnp.asarray(kernels)
    rank = kernels.ndim - 3
    if rank < 1 or inputs.ndim != rank + 2 or inputs.shape[0] != kernels.shape[0]:
        raise ValueError(
            "`inputs` must have shape (N, *space, C) and `kernels` (N, *taps, C // groups, C_out), got "
            f"{inputs.shape} and {kernels.shape}"
        )
    taps, share = kernels.shape[1:-2], kernels.shape[-2]
    if inputs.shape[-1] != share * check.positive_int("feature_group_count", feature_group_count):
        raise ValueError(
            f"`inputs` has {inputs.shape[-1]} channels, but `kernels` of shape {kernels.shape} with "
            f"feature_group_count={feature_group_count} takes {share * feature_group_count}"
        )
    _layer.divided("kernels.shape[-1]", kernels.shape[-1], feature_group_count)
    entries = pad.canonical(padding, rank)
    axes = pad.axes(taps, _layer.sizes("strides", strides, rank), _layer.sizes("dilation", dilation, rank))
    inputs, zeros = pad.extend(inputs, entries, axes, pad.padding_mode(padding_mode, entries))
    _layer.check_reach(inputs.shape[1:-1], zeros, axes)
    convolve = partial(
        conv_general_dilated,
        window_strides=[axis.stride for axis in axes],
        padding=zeros,
        rhs_dilation=[axis.dilation for axis in axes],
        dimension_numbers=_layer.channels_last(rank),
        feature_group_count=feature_group_count,
        precision=precision,
        algorithm=algorithm,
    )
    return jax.vmap(lambda x, k: convolve(x[None], k)[0])(inputs, kernels)


class DynamicConv(nnx.Module):
    r"""A convolution whose kernel is a mixture of several, which each sample chooses by attention.

    .. math:: k(x) = \sum_i \pi_i(x)\, k_i, \quad b(x) = \sum_i \pi_i(x)\, b_i, \quad
        \pi(x) = \mathrm{softmax}((W_2\, \mathrm{relu}(W_1\, \bar x) + c) / \tau)

    with x̄ the mean of the sample over space, and biases c.

    Parameters
    ----------
    in_features, out_features : int
    kernel_size, strides, padding, padding_mode, kernel_dilation, feature_group_count, use_bias, dtype, param_dtype,
    precision, kernel_init, bias_init, promote_dtype, algorithm, rngs
        As in `jconv.nn.Conv`.
    kernels : int
        How many are mixed.
    reduction : int
        The attention's hidden layer has in_features // reduction units, at least one.
    temperature : float
        τ; large values mix evenly, which helps the first steps of training.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where `temperature` is not positive.

    Notes
    -----
    Parameters `kernel` (kernels, *kernel_size, in_features // groups, out_features), `bias` (kernels, out_features);
    the parts `squeeze` and `excite`, dense layers. The gradient passes through the attention. Source: Chen et al.,
    "Dynamic convolution: attention over convolution kernels" (2020).

    Examples
    --------
    >>> layer = DynamicConv(4, 8, (3, 3), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 4))).shape
    (2, 16, 16, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        kernels: int = 4,
        reduction: int = 4,
        temperature: float = 1.0,
        padding: pad.Padding = "SAME",
        padding_mode: str = "zeros",
        kernel_dilation: int | Sequence[int] | None = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        precision: Any = None,
        kernel_init: Callable = _layer.KERNEL_INIT,
        bias_init: Callable = _layer.BIAS_INIT,
        promote_dtype: Callable = dtypes.promote_dtype,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ):
        self.in_features, self.out_features = _layer.features(in_features, out_features)
        self.kernel_size = _layer.kernel_sizes(kernel_size)
        rank, count = len(self.kernel_size), check.positive_int("kernels", kernels)
        self.strides = _layer.sizes("strides", strides, rank)
        self.kernel_dilation = _layer.sizes("kernel_dilation", kernel_dilation, rank)
        self.padding = pad.canonical(padding, rank)
        self.padding_mode = pad.padding_mode(padding_mode, self.padding)
        self.feature_group_count = check.positive_int("feature_group_count", feature_group_count)
        share, _ = _layer.in_groups(in_features, out_features, feature_group_count)
        if not temperature > 0:
            raise ValueError(f"`temperature` must be positive, got {temperature}; 1.0 is neutral")
        policy_of(algorithm)
        self.temperature, self.algorithm, self.precision = temperature, algorithm, precision
        self.dtype, self.param_dtype, self.promote_dtype = dtype, param_dtype, promote_dtype
        # One draw for each kernel: an initializer would take the axis of kernels for taps.
        keys = jax.random.split(rngs.params(), count)
        shape = (*self.kernel_size, share, out_features)
        self.kernel = nnx.Param(jnp.stack([kernel_init(key, shape, param_dtype) for key in keys]))
        self.bias: nnx.Param | None = _layer.bias(use_bias, bias_init, rngs, (count, out_features), param_dtype)
        hidden = max(in_features // check.positive_int("reduction", reduction), 1)
        options: dict[str, Any] = {"dtype": dtype, "param_dtype": param_dtype, "rngs": rngs}
        self.squeeze = nnx.Linear(in_features, hidden, use_bias=False, **options)
        self.excite = nnx.Linear(hidden, count, **options)

    def attention(self, inputs: jax.Array) -> jax.Array:
        """The shares (N, kernels) of the kernels for inputs (N, *space, in_features)."""
        mean = jnp.mean(inputs, tuple(range(1, inputs.ndim - 1)))
        return jax.nn.softmax(self.excite(jax.nn.relu(self.squeeze(mean))) / self.temperature)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to (…, *space, in_features), with any number of leading axes, also none."""
        rank = len(self.kernel_size)
        _layer.check_inputs(inputs, rank, self.in_features)
        bias = None if self.bias is None else self.bias[...]
        inputs, kernel, bias = self.promote_dtype((inputs, self.kernel[...], bias), dtype=self.dtype)

        def run(x):
            shares = self.attention(x).astype(x.dtype)
            y = conv_per_sample(
                x,
                jnp.tensordot(shares, kernel, 1),
                strides=self.strides,
                padding=self.padding,
                padding_mode=self.padding_mode,
                dilation=self.kernel_dilation,
                feature_group_count=self.feature_group_count,
                precision=self.precision,
                algorithm=self.algorithm,
            )
            return y if bias is None else y + (shares @ bias).reshape(len(x), *(1,) * rank, -1)

        return _layer.batched(run, inputs, rank)
