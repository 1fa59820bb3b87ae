"""The log-mel front end against the Fourier transform of NumPy, and the networks for sounds and videos."""

import functools

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
from flax import nnx

from jconv.nn import SpectrogramNet, VideoNet, log_mel, mel_bands, parameter_count
from tests.nn import parity

EPS = float(jnp.finfo(jnp.float32).eps)


def plain(samples, rate, window, hop, mels, floor):
    """The definition, frame by frame."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = [samples[at : at + window] * hann for at in range(0, len(samples) - window + 1, hop)]
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), mels + 2)
    edges = 700 * (10 ** (edges / 2595) - 1)
    rows = [np.interp(np.fft.rfftfreq(window, 1 / rate), edges[m : m + 3], [0, 1, 0]) for m in range(mels)]
    return np.log(power @ np.transpose(rows) + floor)


@pytest.mark.parametrize(
    ("rate", "window", "hop", "mels"), [(8000, 256, 128, 40), (16000, 400, 160, 20), (1000, 64, 7, 8)]
)
def test_log_mel_is_its_definition(rate, window, hop, mels):
    sound = np.random.default_rng(0).normal(size=(2, 3, 1111)).astype(np.float32)
    options = {"rate": rate, "window": window, "hop": hop, "mels": mels, "floor": 1e-3}
    found = jax.jit(functools.partial(log_mel, **options))(jnp.asarray(sound))
    wanted = np.stack([[plain(s.astype(float), rate, window, hop, mels, 1e-3) for s in row] for row in sound])
    assert found.shape == wanted.shape
    assert found.dtype == jnp.float32
    # the logarithm turns the relative error of an energy, a sum of `window` terms squared, into an absolute one
    np.testing.assert_allclose(found, wanted, atol=20 * EPS * window)


def test_a_tone_lights_the_band_of_its_frequency():
    t = jnp.arange(4000) / 8000.0
    for hertz in (300.0, 1000.0, 3000.0):
        found = np.asarray(log_mel(jnp.sin(2 * jnp.pi * hertz * t), rate=8000.0)).mean(axis=0)
        bands = mel_bands(256, rate=8000.0)
        assert bands[round(hertz / (8000 / 256)), found.argmax()] > 0.4


def test_bands_are_shared_and_cannot_be_written_to():
    bands = mel_bands(256, rate=8000)
    assert bands is mel_bands(256, rate=8000.0, mels=40)
    with pytest.raises(ValueError, match="read-only"):
        bands[0, 0] = 1


def test_whole_numbers_are_heard_as_floats():
    sound = np.random.default_rng(0).integers(-(2**15), 2**15, 999).astype(np.int16)
    np.testing.assert_array_equal(log_mel(sound, rate=8000.0), log_mel(sound.astype(np.float32), rate=8000.0))


def test_log_mel_has_a_gradient():
    sound = jnp.asarray(np.random.default_rng(0).normal(size=80))
    function = jax.jit(lambda s: log_mel(s, rate=1000.0, window=64, hop=8, mels=4))
    jax.test_util.check_grads(function, (sound,), order=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_mel(jnp.ones(100), rate=8000), "`samples` must have at least 256 samples"),
        (lambda: log_mel(jnp.ones(999), rate=8000, mels=99), "`mels` 99 are too many for a window of 256"),
        (lambda: mel_bands(256, rate=0), "`rate` must be positive, got 0"),
        (lambda: log_mel(jnp.ones(999), rate=8000, hop=0), "`hop` must be at least 1"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def size(model):
    return parameter_count(model)


def test_networks_have_the_parameters_that_their_layers_say():
    # kernels, biases, and two vectors of each normalisation
    sounds = nnx.eval_shape(lambda: SpectrogramNet(10, rate=8000, rngs=nnx.Rngs(0)))
    assert size(sounds) == sum(9 * a * b + 3 * b for a, b in ((1, 16), (16, 32), (32, 64))) + 65 * 10
    videos = nnx.eval_shape(lambda: VideoNet(1, (10, 8), rngs=nnx.Rngs(0)))
    stage = lambda a, b: 9 * a * b + 3 * b * b + 6 * b
    assert size(videos) == stage(1, 16) + stage(16, 32) + stage(32, 64) + stage(64, 64) + 65 * 18


def test_the_sound_network_hears_no_loudness():
    options = {"rate": 1000.0, "window": 64, "hop": 32, "mels": 8, "widths": (8,)}
    model = parity.build(lambda rngs: SpectrogramNet(3, **options, rngs=rngs))
    apply = jax.jit(lambda x: (model(x), model.spectrogram(x)))
    sounds = jnp.asarray(np.random.default_rng(0).normal(size=(2, 500)), jnp.float32)
    logits, shape = apply(sounds)
    np.testing.assert_allclose(logits, apply(10 * sounds)[0], atol=1e3 * EPS)
    np.testing.assert_allclose(shape.mean(axis=(1, 2)), 0, atol=1e2 * EPS)
    np.testing.assert_allclose(shape.var(axis=(1, 2)), 1, atol=1e2 * EPS)


def test_the_video_network_sees_the_order_of_frames():
    model = parity.build(lambda rngs: VideoNet(1, (2, 3), widths=(8, 8), rngs=rngs))
    apply = jax.jit(lambda x: model(x))
    videos = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 6, 6, 1)), jnp.float32)
    first, second = apply(videos)
    assert first.shape == (2, 2)
    assert second.shape == (2, 3)
    backwards, _ = apply(videos[:, ::-1])
    assert np.abs(first - backwards).max() > 1e-3
