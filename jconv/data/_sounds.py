"""Sounds in and out: WAV files to arrays in [−1, 1], and folders of them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import atomic
from jconv.data._labelled import class_folders, load_each

ENDINGS = (".wav", ".flac", ".ogg")


class Sound(NamedTuple):
    """One channel of sound."""

    samples: np.ndarray
    """(T,) float32 in [−1, 1]."""
    rate: int
    """Samples per second."""


class SoundFolder(NamedTuple):
    """Sounds with their classes; they may differ in length and rate."""

    sounds: list[Sound]
    labels: np.ndarray
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def load_sound(path: str | os.PathLike) -> Sound:
    """Read a WAV, FLAC or Ogg file; several channels are averaged.

    Raises an InputError for what is no sound, is cut off, is empty, or holds NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"cannot read the sound {str(path)!r}: no such file")
    content, library = path.read_bytes(), needed("soundfile", "data")
    # libsndfile reads what is there of a WAV file that was cut off, and says nothing.
    if content[:4] == b"RIFF" and int.from_bytes(content[4:8], "little") + 8 > len(content) + 1:
        raise InputError(f"cannot read {str(path)!r} as a sound: the file is cut off")
    try:
        samples, rate = library.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except library.LibsndfileError as error:
        raise InputError(f"cannot read {str(path)!r} as a sound: {error.error_string}") from error
    if not samples.size:
        raise InputError(f"the sound {str(path)!r} is empty; pass one with samples")
    if not np.isfinite(samples).all():
        raise InputError(f"the sound {str(path)!r} holds NaN or infinity; replace them first")
    return Sound(samples.mean(axis=1), int(rate))


def save_sound(path: str | os.PathLike, sound: Sound) -> None:
    """Write a WAV file of 16 bits, atomically; samples outside [−1, 1] are clipped."""
    library, file = needed("soundfile", "data"), io.BytesIO()
    library.write(file, np.clip(sound.samples, -1, 1), sound.rate, format="WAV", subtype="PCM_16")
    with atomic(path) as out:
        out.write(file.getvalue())


def sound_folder(folder: str | os.PathLike, *, skip_damaged: bool = False) -> SoundFolder:
    """Sounds from a folder with a folder for each class, whose name is that of the class.

    `skip_damaged` leaves out what cannot be read, and tells of it in `skipped`; without it, that is an InputError, as
    is a class without sounds.
    """
    files, labels, names = class_folders(folder, ENDINGS)
    sounds, kept, skipped = load_each(load_sound, files, skip_damaged=skip_damaged)
    found = np.asarray(labels, np.int32)[kept]
    if missing := [name for label, name in enumerate(names) if label not in found]:
        raise InputError(f"of the classes {', '.join(map(repr, missing))} no sound could be read; add some")
    return SoundFolder(sounds, found, names, tuple(skipped))
