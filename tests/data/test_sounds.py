"""Sounds by class, from WAV files that the tests write."""

import numpy as np
import pytest

from jconv import InputError
from jconv.data import Sound, load_sound, save_sound, sound_folder

RNG = np.random.default_rng(0)


def wave(samples=400, rate=8000):
    return Sound(np.sin(np.arange(samples) * RNG.uniform(0.1, 1.0)).astype(np.float32) / 2, rate)


def test_sounds_come_back(tmp_path):
    sound = wave()
    save_sound(tmp_path / "a.wav", sound)
    found = load_sound(tmp_path / "a.wav")
    assert found.rate == 8000
    np.testing.assert_allclose(found.samples, sound.samples, atol=1 / 32000)
    import soundfile

    stereo = np.stack([sound.samples, -sound.samples / 2], axis=1)
    soundfile.write(tmp_path / "b.wav", stereo, 44100, subtype="FLOAT")
    found = load_sound(tmp_path / "b.wav")
    assert found.rate == 44100
    np.testing.assert_allclose(found.samples, stereo.mean(axis=1), atol=1e-6)


def test_a_folder_of_sounds_by_class_and_its_damaged_files(tmp_path):
    sounds = [wave(samples=100 + i) for i in range(4)]
    for i, sound in enumerate(sounds):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        save_sound(tmp_path / "ab"[i % 2] / f"{i}.wav", sound)
    found = sound_folder(tmp_path)
    assert [len(sound.samples) for sound in found.sounds] == [100, 102, 101, 103]
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert found.names == ("a", "b")
    whole = (tmp_path / "a" / "2.wav").read_bytes()
    (tmp_path / "a" / "2.wav").write_bytes(whole[:-40])
    with pytest.raises(InputError, match=r"cannot read '.*2.wav' as a sound: the file is cut off; repair or remove"):
        sound_folder(tmp_path)
    found = sound_folder(tmp_path, skip_damaged=True)
    assert found.labels.tolist() == [0, 1, 1]
    assert "2.wav" in found.skipped[0]
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match=r"the class folders 'c' hold no file that ends in .wav"):
        sound_folder(tmp_path)


def test_declared_lengths_are_bounded(tmp_path, monkeypatch):
    import soundfile

    soundfile.write(tmp_path / "a.flac", np.zeros(500_000, np.float32), 8000)  # a few kilobytes
    monkeypatch.setenv("JCONV_MAX_BYTES", "1000000")
    with pytest.raises(InputError, match=r"a.flac' asks for 2.0 MB of memory, and the limit is 1.0 MB"):
        load_sound(tmp_path / "a.flac")


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0, np.float32), "is empty"),
        (np.array([0, np.nan], np.float32), "holds NaN or infinity"),
    ],
)
def test_sounds_that_cannot_be_used(tmp_path, samples, message):
    import soundfile

    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(InputError, match=message):
        load_sound(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_text("no sound at all, but text")
    with pytest.raises(InputError, match=r"cannot read '.*a.wav' as a sound: "):
        load_sound(tmp_path / "a.wav")
    with pytest.raises(InputError, match="no such file"):
        load_sound(tmp_path / "gone.wav")
