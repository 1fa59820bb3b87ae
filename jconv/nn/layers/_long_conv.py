"""Long convolution of sequences: kernels as long as the sequence, given by a small network, and gates between them."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers._depthwise import DepthwiseConv
from jconv.nn.layers._kernel_network import Siren
from jconv.signal import long_convolve


class LongConv(nnx.Module):
    r"""Convolve causally with gated, implicit kernels as long as the sequence: the Hyena operator.

    .. math:: (v, g_1, \ldots, g_n) = \mathrm{short}(x W), \quad z_0 = v, \quad
        z_i = g_i\, (h_i * z_{i - 1} + d_i\, z_{i - 1}), \quad y = z_n W'

    with :math:`h_i(t) = f_i(t)\, e^{-\alpha_i t}` for each channel, and a depthwise convolution `short` of a few taps.

    Parameters
    ----------
    features : int
        Channels of input and output.
    max_length : int
        The longest sequence; kernels are functions of t = sample / `max_length`.
    order : int
        Gates n; 1 is one gated convolution. Default 2.
    short_size : int
        Taps of the depthwise convolution. Default 3.
    hidden, depth : int
        Of the network f, a `jconv.nn.Siren`. Default 64 and 3.
    bands : int
        Frequencies 1 … bands whose cosines and sines f sees in addition to t. Default 8.
    omega : float
        Of the network. Default 1.
    param_dtype : dtype
        Of the parameters. Default float32.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, or an input is longer than `max_length` or has another number of channels.

    Notes
    -----
    Parts `project`, `short`, `network`, `combine`; parameters `log_decay` and `skip` (order, features). O(L log L) by
    the FFT of `jconv.signal.long_convolve`. It is therefore causal only to rounding, unlike `jconv.nn.Conv` with
    padding="CAUSAL": earlier outputs change by about the unit roundoff of the largest later sample, and a NaN makes the
    whole sequence NaN. The decay falls to 1 % within 0.3 to 1.5 of `max_length` at first, over the channels. The
    gradient is that of the formula. Source: Poli et al., "Hyena hierarchy: towards larger convolutional language
    models" (2023).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = LongConv(8, 128, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 100, 8))).shape
    (2, 100, 8)
    """

    def __init__(
        self,
        features: int,
        max_length: int,
        *,
        order: int = 2,
        short_size: int = 3,
        hidden: int = 64,
        depth: int = 3,
        bands: int = 8,
        omega: float = 1.0,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        self.features = check.positive_int("features", features)
        self.max_length = check.positive_int("max_length", max_length)
        self.order, self.bands = check.positive_int("order", order), check.integer("bands", bands)
        if bands < 0:
            raise ValueError(f"`bands` must not be negative, got {bands}; 0 leaves f the time alone")
        width = (order + 1) * features
        options: dict[str, Any] = {"param_dtype": param_dtype, "rngs": rngs}
        self.project = nnx.Linear(features, width, **options)
        self.short = DepthwiseConv(width, short_size, padding="CAUSAL", **options)
        self.network = Siren(
            1 + 2 * bands,
            order * features,
            hidden=hidden,
            depth=depth,
            omega=omega,
            scale=1 / math.sqrt(max_length),
            **options,
        )
        decay = np.geomspace(math.log(100) / 1.5, math.log(100) / 0.3, features)
        self.log_decay = nnx.Param(jnp.asarray(np.broadcast_to(np.log(decay), (order, features)), param_dtype))
        self.skip = nnx.Param(jax.random.normal(rngs.params(), (order, features), param_dtype))
        self.combine = nnx.Linear(features, features, **options)

    def kernels(self, length: int) -> jax.Array:
        """Return the first `length` samples of the kernels: (order, length, features), float32 at least."""
        t = np.arange(length)[:, None] / self.max_length
        angles = 2 * np.pi * t * np.arange(1, self.bands + 1)
        dtype = _dtypes.widen_dtype(self.log_decay[...].dtype)
        seen = jnp.asarray(np.concatenate([t, np.cos(angles), np.sin(angles)], axis=1), dtype)
        values = self.network(seen).reshape(length, self.order, self.features)
        window = jnp.exp(-jnp.asarray(t, dtype)[..., None] * jnp.exp(self.log_decay[...].astype(dtype))[None])
        return jnp.moveaxis(values * window, 0, 1)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, length, features), with any number of leading axes, also none."""
        _layer.check_inputs(inputs, 1, self.features)
        length = inputs.shape[-2]
        if length > self.max_length:
            raise ValueError(
                f"`inputs` must have at most `max_length` = {self.max_length} samples, got {length}; "
                "make the layer longer"
            )
        z, *gates = jnp.split(self.short(self.project(inputs)), self.order + 1, axis=-1)
        for kernel, skip, gate in zip(self.kernels(length), self.skip[...], gates):
            z = long_convolve(z, kernel.astype(z.dtype), skip=skip.astype(z.dtype), gate_out=gate)
        return self.combine(z)
