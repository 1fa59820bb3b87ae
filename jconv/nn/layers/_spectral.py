"""Convolution by the lowest frequencies: the layer of Fourier neural operators."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import initializers
from jax.typing import DTypeLike

from jconv.nn.layers import _dtypes, _layer


class SpectralConv(nnx.Module):
    r"""Convolve circularly with a kernel as long as the input, given by the lowest frequencies of its transform.

    .. math:: \hat y[\omega, o] = \sum_c \hat x[\omega, c]\, R[\omega, c, o] \text{ for the lowest } |\omega|,
        \qquad 0 \text{ for the others}

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    modes : sequence of int
        Frequencies kept along each spatial axis: 0 … m − 1, and along all axes but the last also −m … −1.
    param_dtype : dtype
        Of the parameters, real. Default float32.
    kernel_init : callable (key, shape, dtype) -> array, optional
        Default: uniform in [0, 1) / (in_features · out_features), as in the paper's code.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError, TypeError
        When an input has another number of channels, or fewer samples than the frequencies need: 2 m along an axis, and
        along the last 2 (m − 1).

    Notes
    -----
    `kernel` has shape (2 m₁, …, m, in_features, out_features, 2): real and imaginary parts, so that every optimizer
    takes it; negative frequencies follow the others. The same parameters serve any resolution: frequencies count
    periods of the domain. Transforms are `norm="backward"`, in single precision at least. There is no bias. The
    gradient is that of the transforms and the product. Source: Li et al., "Fourier neural operator for parametric
    partial differential equations" (2021).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = SpectralConv(3, 8, (4, 4), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 32, 32, 3))).shape, layer(jnp.ones((64, 64, 3))).shape
    ((2, 32, 32, 8), (64, 64, 8))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        modes: Sequence[int],
        *,
        param_dtype: DTypeLike = jnp.float32,
        kernel_init: _layer.Initializer | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        self.in_features, self.out_features = _layer.check_features(in_features, out_features)
        self.modes = _layer.each_axis("modes", modes)
        init = initializers.uniform(1 / (in_features * out_features)) if kernel_init is None else kernel_init
        kept = (*(2 * m for m in self.modes[:-1]), self.modes[-1])
        self.kernel = _layer.parameter(init, rngs, (*kept, in_features, out_features, 2), param_dtype)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, *space, in_features), with any number of leading axes, also none."""
        rank = len(self.modes)
        _layer.check_inputs(inputs, rank, self.in_features)
        space = inputs.shape[-rank - 1 : -1]
        least = (*(2 * m for m in self.modes[:-1]), max(2 * (self.modes[-1] - 1), 1))
        if any(n < m for n, m in zip(space, least)):
            raise ValueError(
                f"`inputs` must have at least {least} samples for modes {self.modes}, got {space}; keep fewer modes"
            )
        kernel = self.kernel[...]
        out_dtype = _dtypes.promote(_dtypes.to_floating(inputs).dtype, kernel.dtype)
        dtype = _dtypes.widen_dtype(out_dtype)  # the FFT has no half precision
        weights = jax.lax.complex(kernel[..., 0].astype(dtype), kernel[..., 1].astype(dtype))

        def run(x: jax.Array) -> jax.Array:
            axes = tuple(range(1, rank + 1))
            spectrum = jnp.fft.rfftn(x.astype(dtype), axes=axes)
            low = _lowest(spectrum, self.modes)
            product = jnp.einsum("n...i,...io->n...o", low, weights)
            return jnp.fft.irfftn(_spread(product, self.modes, spectrum.shape[1:-1]), s=space, axes=axes)

        return _layer.map_batch(run, inputs, rank).astype(out_dtype)


def _lowest(spectrum: jax.Array, modes: Sequence[int]) -> jax.Array:
    """Return the frequencies that are kept, negative ones after the others."""
    for axis, m in enumerate(modes[:-1], start=1):
        n = spectrum.shape[axis]
        ends = [jax.lax.slice_in_dim(spectrum, lo, hi, axis=axis) for lo, hi in ((0, m), (n - m, n))]
        spectrum = jnp.concatenate(ends, axis=axis)
    return jax.lax.slice_in_dim(spectrum, 0, modes[-1], axis=len(modes))


def _spread(low: jax.Array, modes: Sequence[int], sizes: Sequence[int]) -> jax.Array:
    """Put the kept frequencies where they belong, with zeros between them."""
    widths = [(0, 0)] * low.ndim
    widths[len(modes)] = (0, sizes[-1] - modes[-1])
    low = jnp.pad(low, widths)
    for axis, (m, n) in enumerate(zip(modes[:-1], sizes[:-1]), start=1):
        shape = (*low.shape[:axis], n - 2 * m, *low.shape[axis + 1 :])
        ends = [jax.lax.slice_in_dim(low, lo, lo + m, axis=axis) for lo in (0, m)]
        low = jnp.concatenate([ends[0], jnp.zeros(shape, low.dtype), ends[1]], axis=axis)
    return low
