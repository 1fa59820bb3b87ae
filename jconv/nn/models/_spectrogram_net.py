"""A network that classifies sounds by their log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import initializers

from jconv.nn.layers._conv import Conv
from jconv.nn.layers._log_mel import log_mel


class SpectrogramNet(nnx.Module):
    """Sound to classes: a log-mel spectrogram, stages of 3×3 convolutions with stride 2, the mean, and the classes.

    Parameters
    ----------
    classes : int
    rate : float
        Samples per second.
    window, hop, mels
        As in `log_mel`.
    widths : sequence of int
        Channels of each stage, multiples of 8: convolution, group normalisation (groups of 8 channels), ReLU.
    dtype : dtype, optional
        Of the computation after the spectrogram.
    algorithm : str
        As in `Conv`.
    rngs : nnx.Rngs

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
        dtype: Any = None,
        algorithm: str = "auto",
        rngs: nnx.Rngs,
    ):
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
        """(N, frames, mels) of sounds (N, T): their log-mel spectrograms, each with mean 0 and variance 1."""
        x = log_mel(samples, rate=self.rate, window=self.window, hop=self.hop, mels=self.mels)
        x = x - x.mean(axis=(-2, -1), keepdims=True)
        return x / jnp.sqrt(jnp.mean(x**2, axis=(-2, -1), keepdims=True) + 1e-6)

    def __call__(self, samples: jax.Array) -> jax.Array:
        """Logits (N, classes) of sounds (N, T)."""
        x = self.spectrogram(samples)[..., None]
        for conv, norm in self.stages:
            x = nnx.relu(norm(conv(x)))
        return self.classes(x.mean(axis=(1, 2)))
