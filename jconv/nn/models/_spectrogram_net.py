"""A network that classifies sounds by their log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import initializers
from jax.typing import DTypeLike

from jconv.engine import Plan
from jconv.nn.layers import _dtypes
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._log_mel import log_mel


class SpectrogramNet(nnx.Module):
    """Classify sounds by a log-mel spectrogram, stages of 3×3 convolutions with stride 2, and the mean over all places.

    Parameters
    ----------
    classes : int
        Number of classes.
    rate : float
        Samples per second.
    window, hop, mels : int
        As in `jconv.nn.log_mel`.
    widths : sequence of int
        Channels of each stage, multiples of 8: convolution, group normalisation (groups of 8 channels), ReLU. Default
        (16, 32, 64).
    dtype : dtype, optional
        Of the computation after the spectrogram. By default that of sounds and parameters together.
    algorithm : str or Plan
        As in `jconv.nn.Conv`. Default "auto".
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When a sound is shorter than the window, or `log_mel` refuses the options.

    Notes
    -----
    Spectrograms have mean 0 and variance 1, so that loudness does not matter. Kernels are drawn from He's normal
    distribution.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> SpectrogramNet(10, rate=8000, rngs=nnx.Rngs(0))(jnp.ones((2, 8000))).shape
    (2, 10)
    """

    def __init__(
        self,
        classes: int,
        *,
        rate: float,
        window: int = 256,
        hop: int = 128,
        mels: int = 40,
        widths: Sequence[int] = (16, 32, 64),
        dtype: DTypeLike | None = None,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        self.rate, self.window, self.hop, self.mels = rate, window, hop, mels
        self.stages, features = nnx.List(), 1
        for width in widths:
            conv = Conv(
                features,
                width,
                (3, 3),
                strides=2,
                dtype=dtype,
                kernel_init=initializers.he_normal(),
                algorithm=algorithm,
                rngs=rngs,
            )
            norm = nnx.GroupNorm(width, num_groups=None, group_size=8, dtype=dtype, rngs=rngs)
            self.stages.append(nnx.List([conv, norm]))
            features = width
        self.classes = nnx.Linear(features, classes, dtype=dtype, rngs=rngs)

    def spectrogram(self, samples: jax.Array) -> jax.Array:
        """Return log-mel spectrograms (N, frames, mels) of sounds (N, T), each with mean 0 and variance 1."""
        x = log_mel(samples, rate=self.rate, window=self.window, hop=self.hop, mels=self.mels)
        x = x - x.mean(axis=(-2, -1), keepdims=True)
        return x / jnp.sqrt(jnp.mean(x**2, axis=(-2, -1), keepdims=True) + 1e-6)

    @_dtypes.with_standard_promotion
    def __call__(self, samples: jax.Array) -> jax.Array:
        """Return logits (N, classes) of sounds (N, T)."""
        x = self.spectrogram(samples)[..., None]
        for conv, norm in self.stages:
            x = nnx.relu(norm(conv(x)))
        return self.classes(x.mean(axis=(1, 2)))
