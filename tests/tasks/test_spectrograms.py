"""Sounds classified: synthetic ones, folders of WAV files, predictions for new files."""

import json

import numpy as np
import pytest

from jconv import InputError
from jconv.data import Sound, load_sound, save_sound
from jconv.tasks import SpectrogramsSettings, predict, synthesise, train_spectrograms
from jconv.tasks._synthesis import _SIGNALS, KINDS


@pytest.mark.slow
def test_synthetic_sounds_reach_their_accuracy():
    found = [train_spectrograms(SpectrogramsSettings(seed=seed)).metrics() for seed in range(3)]
    print([(row["test_accuracy"], row["seconds"]) for row in found])
    assert np.mean([row["test_accuracy"] for row in found]) >= 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_is_as_strong_as_asked(kind):
    """The same seed draws the same signal and noise at every ratio, so that two mixtures tell both apart."""
    mixed = [synthesise(kind, np.random.default_rng(5), decibels=d).samples.astype(float) for d in (0.0, 200.0)]
    signal = _SIGNALS[kind](np.random.default_rng(5), np.arange(8000) / 8000)
    assert all(np.abs(m).max() == pytest.approx(0.9, abs=2**-15) for m in mixed)
    clean = mixed[1] / np.sqrt(np.mean(mixed[1] ** 2))
    np.testing.assert_allclose(clean, signal / np.sqrt(np.mean(signal**2)), atol=1e-3)
    share = np.mean(mixed[0] * clean)  # of the mixture along the signal
    noise = np.mean((mixed[0] - share * clean) ** 2)
    assert 10 * np.log10(share**2 / noise) == pytest.approx(0, abs=0.5)


def test_sounds_are_what_a_wav_file_holds(tmp_path):
    sound = synthesise("vibrato", np.random.default_rng(0))
    save_sound(tmp_path / "a.wav", sound)
    np.testing.assert_array_equal(load_sound(tmp_path / "a.wav").samples, sound.samples)


@pytest.fixture
def folder(tmp_path):
    """Low and high tones in noise, of several lengths and rates."""
    rng = np.random.default_rng(0)
    for name, hertz in (("low", 200.0), ("high", 900.0)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for index in range(10):
            rate = (2000, 4000)[index % 2]
            t = np.arange(round(rate * (0.3 + 0.3 * index))) / rate
            samples = 0.3 * np.sin(2 * np.pi * hertz * t + index) + 0.1 * rng.normal(size=len(t))
            save_sound(tmp_path / "sounds" / name / f"{index}.wav", Sound(samples.astype(np.float32), rate))
    return tmp_path / "sounds"


SMALL = {"rate": 2000, "seconds": 0.5, "mels": 10, "widths": (8, 8), "batch_size": 8}


def test_a_folder_of_wav_files_is_learned_and_new_files_are_classified(folder, tmp_path):
    result = train_spectrograms(SpectrogramsSettings(steps=60, data=str(folder), **SMALL))
    metrics = result.metrics()
    assert metrics["classes"] == ["high", "low"]
    assert metrics["test_size"] == 4
    assert metrics["test_accuracy"] == 1
    result.save(tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    pictures = {"curves.png", "confusion.png", "examples.png", "examples"}
    assert names == {"model.npz", "config.toml", "metrics.json"} | pictures
    files = [folder / "low" / "9.wav", folder / "high" / "0.wav", tmp_path / "run" / "examples" / "low.wav"]
    rows = predict(tmp_path / "run", files, tmp_path / "new")
    assert [row["class"] for row in rows] == ["low", "high", "low"]
    assert all(0.5 < row["probability"] <= 1 for row in rows)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["skipped_files"] == []


def test_what_is_wrong_with_a_folder_is_told(folder, tmp_path):
    whole = (folder / "low" / "3.wav").read_bytes()
    (folder / "low" / "3.wav").write_bytes(whole[:300])
    with pytest.raises(
        InputError, match=r"3.wav' as a sound: the file is cut off; repair or remove it, or ask to skip"
    ):
        train_spectrograms(SpectrogramsSettings(data=str(folder), **SMALL))
    settings = SpectrogramsSettings(data=str(folder), steps=2, skip_damaged=True, **SMALL)
    (message,) = train_spectrograms(settings).metrics()["skipped_files"]
    assert "3.wav" in message
    for path in (folder / "low").glob("[1-9].wav"):
        path.unlink()
    with pytest.raises(InputError, match="the class 'low' has one sound; it takes two"):
        train_spectrograms(settings)
    save_sound(folder / "low" / "silent.wav", Sound(np.zeros(2000, np.float32), 2000))
    with pytest.raises(InputError, match=r"is silent; leave it out"):
        train_spectrograms(settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0.01}, "`seconds` is 0.01, which is 80 samples; use 512 or more"),
        ({"mels": 200}, "`mels` 200 are too many for a window of 256"),
        ({"widths": (12,)}, "`widths` must be multiples of 8, got 12"),
        (
            {"batch_size": 65, "accumulate": 2},
            "`batch_size` is 65; make it a multiple of `devices` times `accumulate`, 2",
        ),
        ({"devices": 99}, "`devices` is 99, but there are only"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder, options, message):
    with pytest.raises(InputError, match=message):
        train_spectrograms(SpectrogramsSettings(data=str(folder) if "batch_size" in options else None, **options))
