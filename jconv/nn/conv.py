"""The convolution layer."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.engine.conv2d import Padding, conv2d

_KERNEL_INIT, _BIAS_INIT = initializers.lecun_normal(), initializers.zeros_init()  # Flax's defaults


class Conv(nnx.Module):
    r"""A 2-D convolution layer with learned kernels, with the arguments of `flax.nnx.Conv`.

    .. math:: y[i, j, o] = b[o] + \sum_{u, v, c} x[s_1 i + d_1 u - p_1,\; s_2 j + d_2 v - p_2,\; c]\; k[u, v, c, o]

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size : (int, int)
    strides, kernel_dilation : int or (int, int)
    padding : "SAME", "VALID", int, (int, int) or ((top, bottom), (left, right))
    feature_group_count : int
        Groups of channels; `in_features` makes a depthwise convolution.
    use_bias : bool
    dtype, param_dtype : dtype
        Of the computation (by default that of the input and the parameters together), and of the parameters.
    kernel_init, bias_init : callable (key, shape, dtype) -> array
    algorithm : str
        Handed to `jconv.conv2d`.
    rngs : nnx.Rngs

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, or when an input has another number of channels.

    Notes
    -----
    `kernel` has shape (kh, kw, in_features // feature_group_count, out_features), `bias` (out_features,): the same
    parameters as Flax's layer, so that one import changes and checkpoints stay.

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
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: Padding = "SAME",
        kernel_dilation: int | Sequence[int] = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        dtype=None,
        param_dtype=jnp.float32,
        kernel_init=_KERNEL_INIT,
        bias_init=_BIAS_INIT,
        algorithm: str = "xla",
        rngs: nnx.Rngs,
    ):
        self.in_features = check.positive_int("in_features", in_features)
        self.out_features = check.positive_int("out_features", out_features)
        if hasattr(kernel_size, "__index__"):
            raise TypeError(f"`kernel_size` must be a pair, got {kernel_size!r}; pass ({kernel_size}, {kernel_size})")
        self.kernel_size = tuple(
            check.positive_int("kernel_size", k) for k in check.per_axis("kernel_size", kernel_size, 2)
        )
        self.feature_group_count = check.positive_int("feature_group_count", feature_group_count)
        for name, features in (("in_features", in_features), ("out_features", out_features)):
            if features % feature_group_count:
                raise ValueError(
                    f"`feature_group_count` must divide `{name}`, got {feature_group_count} for {features} features"
                )
        self.strides, self.kernel_dilation, self.padding = strides, kernel_dilation, padding
        self.dtype, self.algorithm = dtype, algorithm
        shape = (*self.kernel_size, in_features // feature_group_count, out_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, param_dtype))
        self.bias = nnx.Param(bias_init(rngs.params(), (out_features,), param_dtype)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Apply the layer to `x` of shape (..., H, W, in_features)."""
        if x.ndim < 3 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"`x` must have shape (..., H, W, {self.in_features}), got {x.shape}; channels stand on the last axis"
            )
        kernel, bias = self.kernel[...], None if self.bias is None else self.bias[...]
        if self.dtype is not None:
            x, kernel = x.astype(self.dtype), kernel.astype(self.dtype)
            bias = None if bias is None else bias.astype(self.dtype)
        y = conv2d(
            x,
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation=self.kernel_dilation,
            groups=self.feature_group_count,
            algorithm=self.algorithm,
        )
        return y if bias is None else y + bias
