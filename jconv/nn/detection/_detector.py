"""A one-stage detector without anchors, on a pyramid of features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check
from jconv.engine import Plan
from jconv.nn.detection._boxes import non_max_suppression
from jconv.nn.layers import _dtypes
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_block import ConvBlock
from jconv.nn.layers._resize import upsample

_RARE = -math.log(99.0)  # scores begin at 0.01
_SIDE = math.log(3.0)  # boxes begin at three strides


class DetectorOutput(NamedTuple):
    """What a detector says at each of its L places, those of all levels of the pyramid in a row."""

    logits: jax.Array
    """(N, L, classes): the score of each class is their sigmoid."""
    boxes: jax.Array
    """(N, L, 4): first row, first column, last row, last column, in pixels of the picture."""


class Places(NamedTuple):
    """Where a detector looks."""

    centers: jax.Array
    """(L, 2): row and column of each place, in pixels of the picture."""
    strides: jax.Array
    """(L,): pixels from one place to the next on its level."""


class Detections(NamedTuple):
    """The boxes found in each picture, the surest first; rows beyond the last detection have score 0."""

    boxes: jax.Array
    """(N, most, 4): first row, first column, last row, last column, in pixels of the picture."""
    scores: jax.Array
    """(N, most), in [0, 1]."""
    labels: jax.Array
    """(N, most) int32: the class of each box."""


class Detector(nnx.Module):
    r"""Find objects in pictures by a convolutional pyramid, whose every place names a class and a box.

    The backbone halves the resolution at its stem and once more at each stage. A feature pyramid passes what the coarse
    stages know on to the fine ones. One head, shared by all levels, gives at the place :math:`p` of a level of stride
    :math:`s` a score for each class, and the middle and the sides of a box in units of the stride,

    .. math:: p + s\,r_{1:2}, \qquad s\,e^{r_{3:4}}

    with the exponents cut to [−4, 4].

    Parameters
    ----------
    in_features, classes : int
        Channels of the pictures, and number of classes.
    widths : sequence of int
        Channels of the stem (stride 2) and of each stage (strides 4, 8, …); every stage makes a level of the pyramid.
        Default (16, 32, 64, 128).
    pyramid : int
        Channels of the pyramid and of the head. Default 48.
    norm : "group", "batch" or "none"
        As in `jconv.nn.ConvBlock`. Default "group".
    algorithm : str or Plan
        As in `jconv.nn.Conv`. Default "auto".
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When the sides of a picture do not divide by the largest stride, or there are fewer than two `widths`.

    Notes
    -----
    With the defaults, 3 channels and 10 classes it has 350,286 parameters. Scores begin at about 0.01, so that the many
    empty places do not outweigh the few others. Boxes are (first row, first column, last row, last column). Sources:
    Z. Tian et al., *FCOS*, ICCV 2019; T.-Y. Lin et al., *Feature pyramid networks*, CVPR 2017; boxes as in Z. Ge et
    al., *YOLOX* (2021).

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
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        if len(widths) < 2:
            raise ValueError(f"`widths` must name a stem and at least one stage, got {tuple(widths)}")
        self.classes = check.positive_int("classes", classes)
        self.strides = tuple(2 ** (2 + level) for level in range(len(widths) - 1))
        options: dict[str, Any] = {"norm": norm, "algorithm": algorithm, "rngs": rngs}
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
        """Return scores and boxes at all places of pictures `x` (N, H, W, in_features); `train` as in `ConvBlock`."""
        places = self.places(x.shape[1:3])
        x = self.stem(x, train=train)
        features = []
        for (first, second), lateral in zip(self.stages, self.lateral):
            x = second(first(x, train=train), train=train)
            features.append(lateral(x))
        answers, above = [], None
        for level in reversed(features):
            above = level if above is None else level + upsample(above, (2, 2))
            y = self.tower(self.smooth(above, train=train), train=train)
            answers.append(self.head(y).reshape(len(x), -1, self.classes + 4))
        answer = jnp.concatenate(answers[::-1], axis=1)
        logits, middle, sides = jnp.split(answer, (self.classes, self.classes + 2), axis=-1)
        # Positions in pixels need float32, whatever the dtype of the network.
        dtype = _dtypes.widen_dtype(answer.dtype)
        middle, sides = middle.astype(dtype), sides.astype(dtype)
        strides = places.strides[None, :, None].astype(dtype)
        middle = places.centers[None].astype(dtype) + strides * middle
        half = strides / 2 * jnp.exp(jnp.clip(sides, -4, 4))
        return DetectorOutput(logits, jnp.concatenate([middle - half, middle + half], axis=-1))

    def places(self, size: Sequence[int]) -> Places:
        """Return where it looks in pictures of `size` (rows, columns)."""
        if any(n % self.strides[-1] or not n for n in size):
            raise ValueError(
                f"`x` must have rows and columns that divide by {self.strides[-1]}, got {tuple(size)}; pad the pictures"
            )
        centers, strides = [], []
        for stride in self.strides:
            axes = [stride * (jnp.arange(n // stride, dtype=jnp.float32) + 0.5) for n in size]
            grid = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
            centers.append(grid)
            strides.append(jnp.full(len(grid), stride, jnp.float32))
        return Places(jnp.concatenate(centers), jnp.concatenate(strides))


def detections(dense: DetectorOutput, *, most: int = 50, threshold: float = 0.6) -> Detections:
    """Take the surest (place, class) pairs of each picture, less those that overlap a surer one of their class.

    Parameters
    ----------
    dense : DetectorOutput
        What the detector says about N pictures.
    most : int
        The largest number of detections in a picture. Default 50.
    threshold : float
        As in `non_max_suppression`. Default 0.6.

    Returns
    -------
    Detections
        Boxes as first row, first column, last row, last column.

    Raises
    ------
    ValueError
        When `most` is below 1, or `threshold` outside [0, 1].

    Notes
    -----
    Suppression has no gradient; that of the scores is the sigmoid's.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> dense = DetectorOutput(jnp.array([[[2.0], [1.0]]]), jnp.array([[[0.0, 0, 4, 4], [0, 0, 4, 5]]]))
    >>> detections(dense, most=2).scores.round(2).tolist()
    [[0.8799..., 0.0]]
    """
    classes = dense.logits.shape[-1]
    most = min(check.positive_int("most", most), dense.logits[0].size)

    def detect(logits: jax.Array, boxes: jax.Array) -> Detections:
        scores, chosen = jax.lax.top_k(jax.nn.sigmoid(logits.ravel()), most)
        boxes, labels = boxes[chosen // classes], (chosen % classes).astype(jnp.int32)
        kept = non_max_suppression(boxes, scores, labels, threshold=threshold)
        scores = jnp.where(kept, scores, 0)
        order = jnp.argsort(-scores, stable=True)
        return Detections(boxes[order], scores[order], labels[order])

    return jax.vmap(detect)(*dense)
