"""Videos of moving digits: which digit it is, and which way it moves."""

from __future__ import annotations

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

from jconv import ndimage
from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv._core.paths import PyTree
from jconv.nn import VideoNet
from jconv.tasks._augment import random_affine
from jconv.tasks._digits import split_digits
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._recipe import learn, shuffle_indices
from jconv.tasks._saved import SavedModel, course, save_run, share_right
from jconv.tasks._settings import Settings, check_widths
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import Callback, Checkpoints, State, confusion_matrix, evaluate, functional

FRAMES, SIDE = 8, 16
# Rows count downwards.
DIRECTIONS = {
    "up": (-1, 0),
    "up right": (-1, 1),
    "right": (0, 1),
    "down right": (1, 1),
    "down": (1, 0),
    "down left": (1, -1),
    "left": (0, -1),
    "up left": (-1, -1),
}
DIGITS, WAYS = tuple(map(str, range(10))), tuple(DIRECTIONS)
_EXAMPLES = 8


@document_fields
@dataclass(frozen=True)
class VideoSettings(Settings):
    """The settings of `train_video`."""

    steps: int = setting(3000, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(32, "videos in each step", least=1)
    noise: float = setting(0.1, "standard deviation of the noise in each pixel; a digit is as bright as 1", least=0)
    widths: tuple[int, ...] = setting(
        (16, 32, 64, 64), "channels of each stage of the network, multiples of 8", least=8
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_widths(self.widths)


class VideoResult(NamedTuple):
    """A trained network and how it did on videos of digits that it never saw."""

    settings: VideoSettings
    """The settings of the run."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    truth: np.ndarray
    """(N, 2): digit and direction of each test video."""
    found: np.ndarray
    """(N, 2): the predicted ones."""
    examples: np.ndarray
    """(n, T, H, W): the first test videos."""
    seconds: float
    """Wall-clock time of the whole run."""

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        right = self.truth == self.found
        return {
            **share_right(int(right.all(axis=1).sum()), len(right)),
            "digit_accuracy": float(right[:, 0].mean()),
            "direction_accuracy": float(right[:, 1].mean()),
            "digit_confusion_matrix": self._confusion(0).tolist(),
            "direction_confusion_matrix": self._confusion(1).tolist(),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        metrics = self.metrics()
        low, high = metrics["test_accuracy_95_percent_interval"]
        return (
            f"digit and direction right in {metrics['test_accuracy']:.2%} of {metrics['test_size']} videos of unseen "
            f"digits (95 % interval {low:.1%} … {high:.1%}), {metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write curves, digits, directions and examples as PNG, GIFs of the last, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {
            "training loss": self.history["loss"],
            "training digits": self.history["digit_accuracy"],
            "training directions": self.history["direction_accuracy"],
        }
        plotting.save(plotting.learning_curves(curves, title="Learning moving digits"), folder / "curves.png")
        for part, (name, names) in enumerate({"digits": DIGITS, "directions": WAYS}.items()):
            caption = f"{(self.truth == self.found)[:, part].mean():.1%} of the {name} right"
            plotting.save(plotting.confusion(self._confusion(part), names, title=caption), folder / f"{name}.png")
        describe = lambda pair: f"{DIGITS[pair[0]]} {WAYS[pair[1]]}"
        pairs = list(zip(self.truth, self.found))[:_EXAMPLES]
        right = [bool((a == b).all()) for a, b in pairs]
        titles = [describe(a) if r else f"{describe(a)}, taken for {describe(b)}" for (a, b), r in zip(pairs, right)]
        apart = lambda video: np.pad(
            video, ((0, 0), (0, 0), (0, 1)), constant_values=video.max()
        )  # white lines between
        strips = [np.concatenate(list(apart(video)), axis=1) for video in self.examples]
        title = "Videos of unseen digits, frame by frame (green where digit and direction were found)"
        made = plotting.gallery(strips, titles, right=right, columns=2, width=5.5, title=title)
        plotting.save(made, folder / "examples.png")
        for index, video in enumerate(self.examples):
            name = describe(self.truth[index]).replace(" ", "_")
            ndimage.write_video(output_folder(folder / "examples") / f"{name}.gif", np.clip(video, 0, 1), fps=8)
        save_run(folder, "video", self.settings, metrics, self.state.average, self.state.variables)

    def _confusion(self, part: int) -> np.ndarray:
        classes = (len(DIGITS), len(WAYS))[part]
        return confusion_matrix(self.found[:, part], self.truth[:, part], classes=classes)


def network(settings: VideoSettings) -> VideoNet:
    """Return the network with random parameters."""
    kinds = (len(DIGITS), len(WAYS))
    # Patches and matrix products are the fastest for such small pictures inside a training loop.
    return VideoNet(1, kinds, widths=settings.widths, algorithm="im2col", rngs=nnx.Rngs(settings.seed))


def moving(key: jax.Array, images: jax.Array, *, noise: float = 0.0) -> tuple[jax.Array, jax.Array]:
    """Videos (N, 8, 16, 16, 1) of images (N, h, w, 1), each moving in a direction of its own; and these (N,).

    Each moves at its own speed, between 0.6 pixels a frame and as fast as it goes without leaving the frame, from a
    start of its own; between pixels it is interpolated linearly.
    """
    n, h, w, _ = images.shape
    for_way, for_speed, for_start, for_noise = jax.random.split(key, 4)
    ways = jax.random.randint(for_way, (n,), 0, len(WAYS))
    free = jnp.array([SIDE - h, SIDE - w], images.dtype)
    fastest = float(min(SIDE - h, SIDE - w)) / (FRAMES - 1)
    speed = jax.random.uniform(for_speed, (n, 1), images.dtype, 0.6, fastest)
    path = jnp.array(list(DIRECTIONS.values()), images.dtype)[ways] * speed * (FRAMES - 1)
    start = jnp.maximum(-path, 0) + jax.random.uniform(for_start, (n, 2), images.dtype) * (free - jnp.abs(path))
    corner = start[:, None] + path[:, None] * jnp.linspace(0, 1, FRAMES, dtype=images.dtype)[:, None]  # (N, T, 2)
    spots = jnp.arange(SIDE, dtype=images.dtype)
    hat = lambda at, size: jnp.maximum(0, 1 - jnp.abs(spots[:, None] - at[..., None, None] - jnp.arange(size)))
    rows, cols = hat(corner[..., 0], h), hat(corner[..., 1], w)  # (N, T, SIDE, size)
    videos = jnp.einsum("ntia,nabc,ntjb->ntijc", rows, images, cols)
    return videos + noise * jax.random.normal(for_noise, videos.shape, videos.dtype), ways


def train_video(
    settings: VideoSettings = VideoSettings(),
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> VideoResult:
    """Train on moving digits of four fifths of those that scikit-learn carries, and test on the others.

    Parameters
    ----------
    settings : VideoSettings
        The seed decides the split of the digits, all movements and noise, the network's start, and the order.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    VideoResult

    Raises
    ------
    InputError
        When `devices` or `batch_size` do not fit, or a package of the extra `data` is missing.
    NonFiniteError
        When the loss or its gradient becomes NaN or infinite.

    Notes
    -----
    Each video is made when it is drawn: a digit, turned and resized a little, moves in one of eight directions. The
    test videos show each held-out digit twice; a video counts as right when digit and direction are. The network that
    is tested is the exponential moving average of the one that is trained.

    Examples
    --------
    >>> settings = VideoSettings(noise=0.2)
    >>> train_video(settings).summary()  # doctest: +SKIP
    'digit and direction right in 97.50% of 720 videos of unseen digits …'
    """
    begin = time.perf_counter()
    images, labels, test_images, test_labels = split_digits(settings.seed)
    apply, params, variables = functional(network(settings), dtype=settings.dtype)

    def batch(data: tuple[jax.Array, ...], step: jax.Array) -> tuple[jax.Array, jax.Array]:
        images, labels, key = data
        chosen = shuffle_indices(key, step, count=len(images), batch_size=settings.batch_size)
        return images[chosen], labels[chosen]

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        images, digits = batch
        for_affine, for_video = jax.random.split(key)
        images = random_affine(for_affine, images, degrees=10, scale=0.1)
        videos, ways = moving(for_video, images, noise=settings.noise)
        logits, variables = apply(params, variables, videos)
        metrics, value = {}, jnp.zeros((), videos.dtype)
        for name, found, truth in zip(("digit", "direction"), logits, (digits, ways)):
            targets = optax.smooth_labels(jax.nn.one_hot(truth, found.shape[-1], dtype=found.dtype), 0.05)
            metrics[f"{name}_loss"] = jnp.mean(optax.softmax_cross_entropy(found, targets))
            metrics[f"{name}_accuracy"] = jnp.mean(found.argmax(-1) == truth)
            value += metrics[f"{name}_loss"]
        return value, (variables, metrics)

    data = (images, labels, jax.random.split(jax.random.key(settings.seed))[1])
    state, history = learn(settings, loss, params, variables, batch, data, callbacks=callbacks, checkpoints=checkpoints)
    test_key = jax.random.fold_in(jax.random.key(settings.seed), 1)
    twice = jnp.concatenate([test_images, test_images])
    videos, ways = jax.jit(moving)(test_key, twice, noise=settings.noise)
    logits = evaluate(lambda x: apply(state.average, state.variables, x)[0], videos, batch_size=120)
    found = np.stack([np.asarray(part.argmax(-1)) for part in logits], axis=1)
    truth = np.stack([np.asarray(jnp.concatenate([test_labels, test_labels])), np.asarray(ways)], axis=1)
    examples = np.asarray(videos[:_EXAMPLES, ..., 0])
    return VideoResult(settings, state, history, truth, found, examples, time.perf_counter() - begin)


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that names the digit and the direction in a video."""
    apply = saved.network(network(saved.settings_as(VideoSettings)))

    def predict(file: Path, name: str) -> Row:
        digit, way = (np.asarray(jax.nn.softmax(part[0])) for part in apply(_as_video(file)))
        belief = float(digit.max() * way.max())
        return {"digit": int(digit.argmax()), "direction": WAYS[way.argmax()], "probability": round(belief, 4)}

    return predict


def _as_video(file: Path) -> np.ndarray:
    """Read a video file as (1, T, 16, 16, 1), bright on dark."""
    try:
        frames = ndimage.read_video(file, dtype=np.float32)
    except (ValueError, ImportError) as error:
        raise InputError(f"cannot read {str(file)!r} as a video: {error}") from error
    grey = frames[..., :3].mean(axis=-1) if frames.ndim == 4 else frames
    if len(grey) < 2:
        raise InputError(f"the video {str(file)!r} has one frame; a direction takes at least two")
    if np.median(grey) > 0.5:
        grey = 1 - grey
    return np.asarray(jax.image.resize(grey, (len(grey), SIDE, SIDE), "linear"))[None, ..., None]


TASK = Task(
    name="video",
    summary="videos of moving digits: which digit, and which way",
    description="Train a small (2+1)-D network on videos of handwritten digits that move in one of eight directions. "
    "Leaves model.npz, config.toml, metrics.json, curves.png, digits.png, directions.png, examples.png and some GIFs "
    "in the output folder.",
    settings=VideoSettings,
    train=train_video,
    predictor=predictor,
    inputs="videos (animated GIF or PNG, pages of a TIFF)",
)
