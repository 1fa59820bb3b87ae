"""A network that restores what a camera spoiled, with the camera's kernel among its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from jconv.nn import UNet
from jconv.signal import wiener_deconvolve
from jconv.tasks._camera import SUPPORT

_DAMPING = (1e-3, 1e-2, 1e-1)


class Restorer(nnx.Module):
    """Wiener filters of a learned kernel, and a U-Net that corrects what they leave.

    Parameters
    ----------
    widths : sequence of int
        Of the U-Net.
    rngs : nnx.Rngs
    """

    def __init__(self, widths: Sequence[int] = (16, 32, 64), *, rngs: nnx.Rngs) -> None:
        self.logits = nnx.Param(jax.random.normal(rngs.params(), (SUPPORT, SUPPORT), jnp.float32))
        self.damping = nnx.Param(jnp.log(jnp.array(_DAMPING, jnp.float32)))
        self.unet = UNet(1 + len(_DAMPING), 1, widths=widths, norm="none", rngs=rngs)

    @property
    def kernel(self) -> jax.Array:
        """(17, 17), from nonnegative numbers that sum to one."""
        return kernel_of(self.logits[...])

    def __call__(self, blurred: jax.Array) -> jax.Array:
        """Restore blurred planes (N, H, W)."""
        wide = jnp.pad(blurred, [(0, 0), *[(2 * SUPPORT, 2 * SUPPORT)] * 2], mode="symmetric")
        middle = (slice(None), *[slice(2 * SUPPORT, -2 * SUPPORT)] * 2)
        sharp = [wiener_deconvolve(wide, self.kernel, noise_to_signal=jnp.exp(d))[middle] for d in self.damping[...]]
        return sharp[1] + self.unet(jnp.stack([blurred, *sharp], axis=-1))[..., 0]


def kernel_of(logits: jax.Array) -> jax.Array:
    """Return the point of the simplex that logits (kh, kw) stand for."""
    return jax.nn.softmax(logits.ravel()).reshape(logits.shape)
