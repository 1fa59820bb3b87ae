"""What the algorithms by Fourier transforms share."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

MAX_FFT_AXES = 3
"""XLA transforms up to three axes at once."""


def correlation_spectrum(weights: jax.Array, axes: Sequence[int]) -> jax.Array:
    """The spectrum with which a signal's is multiplied to correlate the signal with `weights`.

    It is the transform of the reversed kernel, F(w reversed) = conj(F(conj(w))), over half of the frequencies where the
    kernel is real.
    """
    if jnp.iscomplexobj(weights):
        return jnp.conj(jnp.fft.fftn(jnp.conj(weights), axes=axes))
    return jnp.conj(jnp.fft.rfftn(weights, axes=axes))
