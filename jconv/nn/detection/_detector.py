"""A one-stage detector without anchors, on a pyramid of features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check
from jconv.nn.detection._boxes import non_max_suppression
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_block import ConvBlock

_RARE = -math.log(99.0)  # scores begin at 0.01
_SIDE = math.log(3.0)  # boxes begin at three strides


class DetectorOutput(NamedTuple):
    """What a detector says at each of its L places, those of all levels of the pyramid in a row."""

    logits: jax.Array
    """(N, L, classes): whose sigmoid is the score of each class."""
    boxes: jax.Array
    """(N, L, 4): first row, first column, last row, last column, in pixels of the picture."""


class Places(NamedTuple):
    """Where a detector looks."""

    centres: jax.Array
    """(L, 2): row and column of each place, in pixels of the picture."""
    strides: jax.Array
    """(L,): pixels from one place to the next on its level."""


class Detections(NamedTuple):
    """The boxes found in each picture, the surest first; rows beyond the last found have score 0."""

    boxes: jax.Array
    """(N, most, 4)"""
    scores: jax.Array
    """(N, most)"""
    labels: jax.Array
    """(N, most) int32"""


class Detector(nnx.Module):
    r"""From pictures to boxes: a convolutional pyramid, whose every place names a class and the sides of a box.

    The backbone halves the resolution at its stem and once more at each stage. A feature pyramid hands what the coarse
    stages know down to the fine ones. One head, shared by all levels, gives at the place :math:`p` of a level of stride
    :math:`s` a score for each class, and the middle and the sides of a box in units of the stride,

    .. math:: p + s\,r_{1:2}, \qquad s\,e^{r_{3:4}}

    with the exponents cut to [−4, 4].

    Parameters
    ----------
    in_features, classes : int
    widths : sequence of int
        Channels of the stem (stride 2) and of each stage (strides 4, 8, …); every stage makes a level of the pyramid.
    pyramid : int
        Channels of the pyramid and of the head.
    norm : "group", "batch" or "none"
        As in `ConvBlock`.
    algorithm : str
        Handed to `Conv`.
    rngs : nnx.Rngs

    Raises
    ------
    ValueError
        When the sides of a picture do not divide by the largest stride, or there are fewer than two `widths`.

    Notes
    -----
    With the defaults, 3 channels and 10 classes it has 350,286 parameters. Scores begin at about 0.01, so that
    the many empty places do not drown the few others.
    Z. Tian et al., FCOS, ICCV 2019; T.-Y. Lin et al., Feature Pyramid Networks, CVPR 2017; boxes as in Z. Ge et al.,
    YOLOX (2021).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> model = Detector(3, 10, rngs=nnx.Rngs(0))
    >>> dense = model(jnp.ones((2, 64, 64, 3)))
    >>> dense.logits.shape, dense.boxes.shape
    ((2, 336, 10), (2, 336, 4))
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        *,
        widths: Sequence[int] = (16, 32, 64, 128),
        pyramid: int = 48,
        norm: str = "group",
        algorithm: str = "auto",
        rngs: nnx.Rngs,
    ):
        if len(widths) < 2:
            raise ValueError(f"`widths` must name a stem and at least one stage, got {tuple(widths)}")
        self.classes = check.positive_int("classes", classes)
        self.strides = tuple(2 ** (2 + level) for level in range(len(widths) - 1))
        options = {"norm": norm, "algorithm": algorithm, "rngs": rngs}
        self.stem = ConvBlock(in_features, widths[0], (3, 3), 2, **options)
        self.stages, self.lateral = nnx.List(), nnx.List()
        for before, width in pairwise(widths):
            self.stages.append(
                nnx.List([ConvBlock(before, width, (3, 3), 2, **options), ConvBlock(width, width, (3, 3), **options)])
            )
            self.lateral.append(Conv(width, pyramid, (1, 1), algorithm=algorithm, rngs=rngs))
        self.smooth = ConvBlock(pyramid, pyramid, (3, 3), **options)
        self.tower = ConvBlock(pyramid, pyramid, (3, 3), **options)
        start = lambda key, shape, dtype: jnp.array([_RARE] * classes + [0.0, 0.0, _SIDE, _SIDE], dtype)
        self.head = Conv(pyramid, classes + 4, (3, 3), bias_init=start, algorithm=algorithm, rngs=rngs)

    def __call__(self, x: jax.Array, *, train: bool = False) -> DetectorOutput:
        """Scores and boxes at all places of pictures `x` (N, H, W, in_features)."""
        places = self.places(x.shape[1:3])
        x = self.stem(x, train=train)
        features = []
        for (first, second), lateral in zip(self.stages, self.lateral):
            x = second(first(x, train=train), train=train)
            features.append(lateral(x))
        said, above = [], None
        for level in reversed(features):
            above = level if above is None else level + _doubled(above)
            y = self.tower(self.smooth(above, train=train), train=train)
            said.append(self.head(y).reshape(len(x), -1, self.classes + 4))
        said = jnp.concatenate(said[::-1], axis=1)
        logits, middle, sides = jnp.split(said, (self.classes, self.classes + 2), axis=-1)
        strides = places.strides[:, None]
        middle = places.centres + strides * middle
        half = strides / 2 * jnp.exp(jnp.clip(sides, -4, 4))
        return DetectorOutput(logits, jnp.concatenate([middle - half, middle + half], axis=-1))

    def places(self, size: Sequence[int]) -> Places:
        """Where it looks in pictures of `size` (rows, columns)."""
        if any(n % self.strides[-1] or not n for n in size):
            raise ValueError(
                f"`x` must have rows and columns that divide by {self.strides[-1]}, got {tuple(size)}; pad the pictures"
            )
        centres, strides = [], []
        for stride in self.strides:
            axes = [stride * (jnp.arange(n // stride, dtype=jnp.float32) + 0.5) for n in size]
            grid = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
            centres.append(grid)
            strides.append(jnp.full(len(grid), stride, jnp.float32))
        return Places(jnp.concatenate(centres), jnp.concatenate(strides))


def detections(dense: DetectorOutput, *, most: int = 50, threshold: float = 0.6) -> Detections:
    """The `most` surest (place, class) pairs of each picture, less those that overlap a surer one of their class.

    `threshold` is handed to `non_max_suppression`.

    Suppression has no gradient; that of the scores is the sigmoid's.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> dense = DetectorOutput(jnp.array([[[2.0], [1.0]]]), jnp.array([[[0.0, 0, 4, 4], [0, 0, 4, 5]]]))
    >>> detections(dense, most=2).scores.round(2).tolist()
    [[0.8799..., 0.0]]
    """
    classes = dense.logits.shape[-1]
    most = min(most, dense.logits[0].size)

    def one(logits, boxes):
        scores, chosen = jax.lax.top_k(jax.nn.sigmoid(logits.ravel()), most)
        boxes, labels = boxes[chosen // classes], (chosen % classes).astype(jnp.int32)
        kept = non_max_suppression(boxes, scores, labels, threshold=threshold)
        scores = jnp.where(kept, scores, 0)
        order = jnp.argsort(-scores, stable=True)
        return Detections(boxes[order], scores[order], labels[order])

    return jax.vmap(one)(*dense)


def _doubled(x: jax.Array) -> jax.Array:
    """Each pixel twice along rows and columns."""
    n, h, w, c = x.shape
    return jnp.broadcast_to(x[:, :, None, :, None], (n, h, 2, w, 2, c)).reshape(n, 2 * h, 2 * w, c)
