"""Sounds classified by their spectrograms: synthetic ones in noise, or any folder of WAV files by class."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv._core.paths import PyTree
from jconv.data import Sound, load_sound, save_sound, sound_folder
from jconv.nn import SpectrogramNet, mel_bands
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._own_data import TESTED as TESTED_SHARE
from jconv.tasks._own_data import split_by_class, warn_of_few
from jconv.tasks._recipe import learn, shuffle_indices
from jconv.tasks._saved import SavedModel, course, save_run, share_right
from jconv.tasks._settings import Settings, check_widths
from jconv.tasks._synthesis import KINDS, synthesise
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import Callback, Checkpoints, State, confusion_matrix, evaluate, functional

EACH, TESTED = 160, 50  # synthetic sounds of each class, for training and for testing


@document_fields
@dataclass(frozen=True)
class SpectrogramsSettings(Settings):
    """The settings of `train_spectrograms`."""

    steps: int = setting(1000, "training steps", least=1, most=2**31 - 1)
    data: str | None = setting(None, "a folder of WAV files by class; without it, ten kinds of sound are synthesised")
    skip_damaged: bool = setting(False, "leave out files of that folder that cannot be read")
    rate: int = setting(8000, "samples per second; files of other rates are resampled", least=1000)
    seconds: float = setting(
        1.0, "length of a piece; longer files are cut into several, shorter ones filled up", above=0
    )
    mels: int = setting(40, "bands of the mel scale", least=4)
    widths: tuple[int, ...] = setting((16, 32, 64), "channels of each stage of the network, multiples of 8", least=8)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_widths(self.widths)
        if self.length < 2 * self.window:
            raise InputError(
                f"`seconds` is {self.seconds}, which is {self.length} samples; use {2 * self.window} or more"
            )
        try:
            mel_bands(self.window, rate=self.rate, mels=self.mels)
        except ValueError as error:
            raise InputError(str(error)) from error

    @property
    def length(self) -> int:
        """Samples of a piece."""
        return round(self.rate * self.seconds)

    @property
    def window(self) -> int:
        """Samples of a frame of the spectrogram: the power of two nearest to 32 ms."""
        return 2 ** round(math.log2(0.032 * self.rate))


class Recordings(NamedTuple):
    """Recordings, cut into pieces of one length."""

    pieces: np.ndarray
    """(P, T) float32."""
    owners: np.ndarray
    """(P,): of which recording each piece is."""
    labels: np.ndarray
    """(recordings,): their classes."""


class SpectrogramsResult(NamedTuple):
    """A trained network and how it did on sounds that it never heard."""

    settings: SpectrogramsSettings
    """The settings of the run."""
    names: tuple[str, ...]
    """The names of the classes."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    confusion: np.ndarray
    """(classes, classes) counts of the test recordings: row is the truth, column the prediction."""
    examples: list[tuple[Sound, int, int]]
    """For each class a test recording's first piece, its class, and the predicted one."""
    skipped: tuple[str, ...]
    """One message for each file that was left out."""
    seconds: float
    """Wall-clock time of the whole run."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to keep in mind about the figures."""
        return warn_of_few(int(self.confusion.sum()), "sounds")

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        right, total = int(np.trace(self.confusion)), int(self.confusion.sum())
        return {
            **share_right(right, total),
            "classes": list(self.names),
            "confusion_matrix": self.confusion.tolist(),
            "skipped_files": list(self.skipped),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        metrics = self.metrics()
        low, high = metrics["test_accuracy_95_percent_interval"]
        return (
            f"{metrics['test_accuracy']:.2%} of {metrics['test_size']} unheard sounds right "
            f"(95 % interval {low:.1%} … {high:.1%}), {metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png`, `confusion.png`, `examples.png`, WAV files of those, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {"training loss": self.history["loss"], "training accuracy": self.history["accuracy"]}
        plotting.save(plotting.learning_curves(curves, title="Learning sounds"), folder / "curves.png")
        caption = f"{metrics['test_accuracy']:.1%} right of {metrics['test_size']} unheard sounds"
        plotting.save(plotting.confusion(self.confusion, self.names, title=caption), folder / "confusion.png")
        made = network(self.settings, len(self.names))
        pictures = [np.asarray(made.spectrogram(jnp.asarray(s.samples)[None]))[0].T[::-1] for s, _, _ in self.examples]
        titles = [
            self.names[truth] + ("" if found == truth else f", taken for {self.names[found]}")
            for _, truth, found in self.examples
        ]
        title = (
            "Log-mel spectrograms of unheard sounds (time to the right, pitch upwards; green where classified rightly)"
        )
        right = [truth == found for _, truth, found in self.examples]
        gallery = plotting.gallery(pictures, titles, right=right, cmap="magma", title=title)
        plotting.save(gallery, folder / "examples.png")
        for sound, truth, _ in self.examples:
            save_sound(output_folder(folder / "examples") / f"{self.names[truth].replace(' ', '_')}.wav", sound)
        about = {"classes": list(self.names)}
        save_run(folder, "spectrograms", self.settings, metrics, self.state.average, self.state.variables, about)


def network(settings: SpectrogramsSettings, classes: int) -> SpectrogramNet:
    """Return the network with random parameters."""
    return SpectrogramNet(
        classes,
        rate=settings.rate,
        window=settings.window,
        hop=settings.window // 2,
        mels=settings.mels,
        widths=settings.widths,
        rngs=nnx.Rngs(settings.seed),
    )


def train_spectrograms(
    settings: SpectrogramsSettings = SpectrogramsSettings(),
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> SpectrogramsResult:
    """Train on sounds of ten synthetic kinds in noise as strong as they are, or on four fifths of a folder of sounds.

    Parameters
    ----------
    settings : SpectrogramsSettings
        The seed decides the synthetic sounds or the split of the folder, the network's start, and the order of the
        sounds.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    SpectrogramsResult

    Raises
    ------
    InputError
        When a file in `data` cannot be used, there is one class only, or a class has fewer than two sounds.
    NonFiniteError
        When the loss or its gradient becomes NaN or infinite.

    Notes
    -----
    Each piece is moved in time (around its end) and made up to twice as loud or soft at random whenever it is drawn. A
    recording's class is that of the mean of its pieces' logits; the network that is tested is the exponential moving
    average of the one that is trained, and no piece of a test recording is trained on.

    Examples
    --------
    >>> settings = SpectrogramsSettings(data="my_sounds", seconds=2.0)
    >>> train_spectrograms(settings).summary()  # doctest: +SKIP
    '97.50% of 40 unheard sounds right (95 % interval 87.1% … 99.6%), 1000 steps, 35.0 s'
    """
    begin = time.perf_counter()
    train, test, names, skipped = _recordings(settings)
    apply, params, variables = functional(network(settings, len(names)), dtype=settings.dtype)

    def batch(data: tuple[jax.Array, ...], step: jax.Array) -> tuple[jax.Array, jax.Array]:
        pieces, labels, key = data
        chosen = shuffle_indices(key, step, count=len(pieces), batch_size=settings.batch_size)
        return pieces[chosen], labels[chosen]

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        pieces, labels = batch
        for_shift, for_gain = jax.random.split(key)
        shifts = jax.random.randint(for_shift, (len(pieces),), 0, pieces.shape[1])
        gains = jnp.exp2(jax.random.uniform(for_gain, (len(pieces), 1), pieces.dtype, -1.0, 1.0))
        # Slices of two copies behind one another: several times faster than jnp.roll by traced shifts.
        cut = lambda piece, shift: lax.dynamic_slice_in_dim(jnp.tile(piece, 2), shift, len(piece))
        logits, variables = apply(params, variables, jax.vmap(cut)(pieces, shifts) * gains)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, len(names), dtype=logits.dtype), 0.05)
        value = jnp.mean(optax.softmax_cross_entropy(logits, targets))
        return value, (variables, {"accuracy": jnp.mean(logits.argmax(-1) == labels)})

    data_key = jax.random.split(jax.random.key(settings.seed))[1]
    data = (jnp.asarray(train.pieces), jnp.asarray(train.labels[train.owners]), data_key)
    state, history = learn(settings, loss, params, variables, batch, data, callbacks=callbacks, checkpoints=checkpoints)
    logits = evaluate(lambda x: apply(state.average, state.variables, x)[0], jnp.asarray(test.pieces), batch_size=100)
    found = _by_recording(np.asarray(logits), test.owners).argmax(-1)
    first = [int(np.argmax(test.labels == label)) for label in range(len(names))]
    piece_of = lambda recording: test.pieces[np.argmax(test.owners == recording)]
    examples = [(Sound(piece_of(r), settings.rate), int(test.labels[r]), int(found[r])) for r in first]
    counts = confusion_matrix(found, test.labels, classes=len(names))
    return SpectrogramsResult(settings, names, state, history, counts, examples, skipped, time.perf_counter() - begin)


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that names the class of a sound."""
    settings, names = saved.settings_as(SpectrogramsSettings), saved.about["classes"]
    apply = saved.network(network(settings, len(names)))

    def predict(file: Path, name: str) -> Row:
        logits = np.asarray(apply(_pieces(load_sound(file), settings, str(file))))
        belief = np.asarray(jax.nn.softmax(logits.mean(axis=0)))
        return {"class": names[int(belief.argmax())], "probability": round(float(belief.max()), 4)}

    return predict


def _recordings(settings: SpectrogramsSettings) -> tuple[Recordings, Recordings, tuple[str, ...], tuple[str, ...]]:
    """For training and for testing, the names of the classes, and what was skipped."""
    rng = np.random.default_rng(settings.seed)
    if settings.data is None:
        drawn = [(synthesise(kind, rng, rate=settings.rate, seconds=settings.seconds), label)
                 for label, kind in enumerate(KINDS) for _ in range(EACH + TESTED)]  # fmt: skip
        sounds, labels, names, skipped = [s for s, _ in drawn], np.array([n for _, n in drawn]), KINDS, ()
        tested = TESTED / (EACH + TESTED)
    else:
        loaded = sound_folder(settings.data, skip_damaged=settings.skip_damaged)
        sounds, labels, names, skipped, tested = *loaded[:4], TESTED_SHARE
    chosen = split_by_class(labels, names, "sound", rng, tested)
    return _cut(sounds, labels, ~chosen, settings), _cut(sounds, labels, chosen, settings), names, skipped


def _cut(sounds: Sequence[Sound], labels: np.ndarray, chosen: np.ndarray, settings: SpectrogramsSettings) -> Recordings:
    pieces = [_pieces(sounds[i], settings, f"recording {i}") for i in np.flatnonzero(chosen).tolist()]
    owners = np.repeat(np.arange(len(pieces)), [len(p) for p in pieces])
    return Recordings(np.concatenate(pieces), owners, labels[chosen].astype(np.int32))


def _pieces(sound: Sound, settings: SpectrogramsSettings, what: str) -> np.ndarray:
    """(n, T): a recording at the settings' rate, cut into pieces; what is left over at its end is left out."""
    samples, length = sound.samples, settings.length
    if sound.rate != settings.rate:
        samples = needed("scipy.signal", "data").resample_poly(samples, settings.rate, sound.rate)
    if not np.ptp(samples) > 0:
        raise InputError(f"the sound {what!r} is silent; leave it out")
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    count = len(samples) // length
    return samples[: count * length].reshape(count, length).astype(np.float32)


def _by_recording(logits: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Return the mean logits (recordings, classes) of each recording's pieces."""
    sums = np.zeros((owners.max() + 1, logits.shape[1]))
    np.add.at(sums, owners, logits)
    return sums / np.bincount(owners)[:, None]


TASK = Task(
    name="spectrograms",
    summary="sounds by their spectrograms",
    description="Train a small CNN on log-mel spectrograms of sounds: of ten synthetic kinds in noise as strong as "
    "they are, or of a folder of WAV files by class. Leaves model.npz, config.toml, metrics.json, curves.png, "
    "confusion.png, examples.png and some WAV files in the output folder.",
    settings=SpectrogramsSettings,
    train=train_spectrograms,
    predictor=predictor,
    inputs="sounds (WAV, FLAC or Ogg)",
)
