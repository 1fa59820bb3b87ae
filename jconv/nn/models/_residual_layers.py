"""Square convolutions and normalisations of the residual networks, padded and normalised as torchvision's are."""

from __future__ import annotations

from collections.abc import Callable

from flax import nnx
from flax.nnx.nn import initializers

_INIT = initializers.variance_scaling(2.0, "fan_out", "truncated_normal")


class ResidualLayers:
    """Layers with the options that all of a network's layers share."""

    def __init__(self, conv: Callable[..., nnx.Module], rngs: nnx.Rngs) -> None:
        self._conv, self._rngs = conv, rngs

    def conv(self, features: int, width: int, size: int, stride: int = 1, groups: int = 1) -> nnx.Module:
        """Make a square convolution without bias."""
        pad = (size - 1) // 2  # on both sides at every stride, as the originals have it; SAME would differ at stride 2
        options = {"strides": stride, "padding": ((pad, pad), (pad, pad)), "feature_group_count": groups}
        return self._conv(features, width, (size, size), use_bias=False, kernel_init=_INIT, **options, rngs=self._rngs)

    def norm(self, width: int) -> nnx.BatchNorm:
        """Make the batch normalisation after it."""
        return nnx.BatchNorm(width, momentum=0.9, epsilon=1e-5, rngs=self._rngs)
