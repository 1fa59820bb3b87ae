"""Sounds in and out: WAV, FLAC and Ogg files to arrays in [−1, 1], and folders of them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import atomic
from jconv._core.limits import check_bytes
from jconv.data._labelled import check_classes, class_folders, load_each

ENDINGS = (".wav", ".flac", ".ogg")


class Sound(NamedTuple):
    """One channel of sound."""

    samples: np.ndarray
    """(T,) float32 in [−1, 1]."""
    rate: int
    """Samples per second (Hz)."""


class SoundFolder(NamedTuple):
    """Sounds with their classes; they may differ in length and rate."""

    sounds: list[Sound]
    """The samples of each file with their rate."""
    labels: np.ndarray
    """(N,) int32, counted from 0."""
    names: tuple[str, ...]
    """The names of the classes."""
    skipped: tuple[str, ...] = ()
    """One message for each file that could not be used and was left out, as asked."""
    files: tuple[Path, ...] = ()
    """The files that were read."""


def load_sound(path: str | os.PathLike[str]) -> Sound:
    """Read a sound file; several channels are averaged.

    Parameters
    ----------
    path : path
        A WAV, FLAC or Ogg file.

    Returns
    -------
    Sound
        Its samples (T,), float32, and its rate in Hz.

    Raises
    ------
    InputError
        When the file is not a sound, is cut off, is empty, holds NaN or infinity, or declares more bytes than
        `JCONV_MAX_BYTES` allows (2 GiB by default).

    Examples
    --------
    >>> load_sound("no_such_file.wav")
    Traceback (most recent call last):
    jconv.InputError: cannot read the sound 'no_such_file.wav': no such file
    """
    path = Path(path)
    if not path.is_file():
        why = "it is a folder; name a file in it" if path.is_dir() else "no such file"
        raise InputError(f"cannot read the sound {str(path)!r}: {why}")
    library, what = needed("soundfile", "data"), f"the sound {str(path)!r}"
    try:
        check_bytes(what, path.stat().st_size)
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {what}: {error.strerror or error}") from error
    # libsndfile reads what is there of a WAV file that was cut off, and says nothing.
    if content[:4] == b"RIFF" and int.from_bytes(content[4:8], "little") + 8 > len(content) + 1:
        raise InputError(f"cannot read {str(path)!r} as a sound: the file is cut off")
    try:
        with library.SoundFile(io.BytesIO(content)) as file:
            check_bytes(what, 4 * file.frames * file.channels)
            samples, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except library.LibsndfileError as error:
        raise InputError(f"cannot read {str(path)!r} as a sound: {error.error_string.rstrip('.')}") from error
    if not samples.size:
        raise InputError(f"{what} is empty; pass one with samples")
    if not np.isfinite(samples).all():
        raise InputError(f"{what} holds NaN or infinity; replace them first")
    return Sound(samples.mean(axis=1), int(rate))


def save_sound(path: str | os.PathLike[str], sound: Sound) -> None:
    """Write a WAV file of 16 bits, whole or not at all.

    Parameters
    ----------
    path : path
        The file to write.
    sound : Sound
        Samples outside [−1, 1] are clipped.

    Raises
    ------
    InputError
        When soundfile, of the extra `data`, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_sound(f"{folder}/a.wav", Sound(np.array([0.0, 0.5, -0.5], np.float32), 8000))
    ...     load_sound(f"{folder}/a.wav")
    Sound(samples=array([ 0. ,  0.5, -0.5], dtype=float32), rate=8000)
    """
    library, file = needed("soundfile", "data"), io.BytesIO()
    library.write(file, np.clip(sound.samples, -1, 1), sound.rate, format="WAV", subtype="PCM_16")
    with atomic(path) as out:
        out.write(file.getvalue())


def sound_folder(folder: str | os.PathLike[str], *, skip_damaged: bool = False) -> SoundFolder:
    """Read sounds from a folder with a folder for each class, whose name is that of the class.

    Parameters
    ----------
    folder : path
        Holds a folder for each class, with WAV, FLAC or Ogg files in it or below it.
    skip_damaged : bool
        Leave out what cannot be read, and list it in `skipped`. Default False.

    Returns
    -------
    SoundFolder

    Raises
    ------
    InputError
        When a file cannot be read (without `skip_damaged`), or a class has no sound.

    Examples
    --------
    >>> sound_folder("no_such_folder")
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """
    files, labels, names = class_folders(folder, ENDINGS)
    sounds, indices, skipped = load_each(load_sound, files, skip_damaged=skip_damaged)
    loaded = np.asarray(labels, np.int32)[indices]
    check_classes(loaded, names, "sound")
    return SoundFolder(sounds, loaded, names, tuple(skipped), tuple(files[i] for i in indices))
