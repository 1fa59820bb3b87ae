"""SpectralConv against the layer of its paper, written with PyTorch's transforms."""

import random

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import SpectralConv
from tests.nn import parity


def configurations():
    draw = random.Random(14)
    for i in range(32):
        rank = (2, 1, 3)[i % 3]
        modes = parity.per_axis(draw, rank, 3)
        space = tuple(2 * m + draw.randint(0, 3) for m in modes)
        yield modes, ((2,), (), (2, 2))[i % 3], space


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations()), quick=4))
def test_torch(configuration):
    torch = parity.torch()
    modes, batch, space = configuration
    rank = len(modes)
    layer = parity.build(lambda rngs: SpectralConv(2, 3, modes, param_dtype=jnp.float64, rngs=rngs))

    def reference(p, x):
        x = x.reshape(-1, *x.shape[len(batch) :])
        weights = torch.view_as_complex(p["kernel"])
        axes = tuple(range(1, rank + 1))
        spectrum = torch.fft.rfftn(x, dim=axes)
        out = torch.zeros(*spectrum.shape[:-1], 3, dtype=spectrum.dtype)
        for corner in np.ndindex(*(2,) * (rank - 1)):  # the low frequencies of either sign along all axes but the last
            at = tuple(slice(-m, None) if c else slice(0, m) for c, m in zip(corner, modes))
            part = tuple(slice(m, None) if c else slice(0, m) for c, m in zip(corner, modes))
            where = (slice(None), *at, slice(0, modes[-1]))
            out[where] = torch.einsum("n...i,...io->n...o", spectrum[where], weights[part])
        y = torch.fft.irfftn(out, s=space, dim=axes)
        return y.reshape(*batch, *y.shape[1:])

    parity.check_layer(layer, reference, parity.normal((*batch, *space, 2)))


def test_it_is_a_circular_convolution_at_any_resolution():
    layer = SpectralConv(1, 1, (3,), rngs=nnx.Rngs(0))
    t = np.arange(64) / 64
    wave = (1 + np.cos(2 * np.pi * t) - 2 * np.sin(4 * np.pi * t)).astype(np.float32)[:, None]
    parity.assert_same(layer(wave)[::4], layer(wave[::4]))
    parity.assert_same(layer(np.roll(wave, 5, 0)), jnp.roll(layer(wave), 5, 0))
    assert layer(wave.astype(jnp.bfloat16)).dtype == jnp.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: SpectralConv(2, 3, 4, rngs=r), TypeError, "`modes` must hold one number for each axis"),
        (lambda r: SpectralConv(2, 3, (4, 4), rngs=r)(np.ones((8, 4, 2))), ValueError, r"at least \(8, 6\) samples"),
        (lambda r: SpectralConv(2, 3, (4,), rngs=r)(np.ones((8, 3))), ValueError, "`inputs` must have shape"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        parity.trace(call)
