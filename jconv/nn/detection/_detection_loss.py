"""What a detector learns from: which place is responsible for which box, and how wrong its answer is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike

from jconv.nn.detection._boxes import box_area, box_iou, generalized_iou
from jconv.nn.detection._detector import DetectorOutput, Places
from jconv.nn.layers import _dtypes

_RADIUS, _REACH = 1.5, 5.0
"""In strides: how far a place may be from the middle of its box, and the longest side of a box on a level."""


def assign_boxes(places: Places, boxes: ArrayLike, present: ArrayLike) -> jax.Array:
    """Find the box for which each place is responsible.

    A box belongs to the level of the pyramid whose stride is between a fifth and two fifths of its longer side (the
    finest and the coarsest level take what is smaller and larger), there to the places up to 1.5 strides from its
    middle along each axis. A place in reach of two boxes is responsible for the smaller one.

    Parameters
    ----------
    places : Places
        From `Detector.places`.
    boxes : array (M, 4)
        First row, first column, last row, last column.
    present : array (M,) of bool
        Which of the rows are boxes.

    Returns
    -------
    array (L,) of int32
        The number of the box, −1 for none.

    Notes
    -----
    There is no gradient: the result is a choice. Sampling around the middle: Z. Tian et al., FCOS, IEEE TPAMI 44
    (2022).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> places = Places(jnp.array([[2.0, 2], [2, 6], [2, 30]]), jnp.array([4.0, 4, 4]))
    >>> assign_boxes(places, jnp.array([[0.0, 0, 6, 6]]), jnp.array([True])).tolist()
    [0, 0, -1]
    """
    boxes, present = _dtypes.widen(_dtypes.to_floating(jnp.asarray(boxes))), jnp.asarray(present)
    places = Places(*(array.astype(boxes.dtype) for array in places))
    strides, finest, coarsest = places.strides[:, None], places.strides.min(), places.strides.max()
    sides = boxes[:, 2:] - boxes[:, :2]
    longer = sides.max(axis=-1)[None]
    fits = (longer < _REACH * strides) | (strides == coarsest)
    fits &= (longer >= _REACH * strides / 2) | (strides == finest)
    away = jnp.abs(places.centers[:, None] - (boxes[:, :2] + sides / 2)[None])
    claims = fits & (away <= _RADIUS * strides[..., None]).all(axis=-1) & present[None]
    area = jnp.where(claims, box_area(boxes)[None], jnp.inf)
    return jnp.where(claims.any(axis=-1), area.argmin(axis=-1), -1).astype(jnp.int32)


def detection_loss(dense: DetectorOutput, places: Places, boxes: ArrayLike, labels: ArrayLike) -> dict[str, jax.Array]:
    r"""Compute the losses of scores (quality focal), classes (cross-entropy) and boxes (generalized IoU).

    .. math:: \frac1P \sum |\sigma - q|^2 \, \mathrm{BCE}(\sigma, q), \qquad
        -\frac1P \sum_{\text{responsible}} \log \mathrm{softmax}(z)_y, \qquad
        \frac1P \sum_{\text{responsible}} (1 - \mathrm{GIoU})

    where σ is the sigmoid of the logits z. The target q of a score is the box's IoU with the truth for the class y of a
    responsible place, and 0 elsewhere; P is the number of responsible places. A score thus learns how good its box is,
    by which detections are ranked. That alone is slow to separate the classes: the second term asks which class it is,
    given that there is something.

    Parameters
    ----------
    dense : DetectorOutput
        What the detector says about N pictures.
    places : Places
        From `Detector.places`.
    boxes : array (N, M, 4)
        The truth: first row, first column, last row, last column.
    labels : array (N, M) of int
        The class of each box, −1 where there is no box.

    Returns
    -------
    dict
        "score_loss", "class_loss" and "box_loss"; "iou", the mean over the responsible places. Float32 for half
        precision.

    Notes
    -----
    Differentiable in `dense`; the target q is held constant. Sources: X. Li et al., *Generalized focal loss*, NeurIPS
    2020; H. Rezatofighi et al., CVPR 2019.

    Examples
    --------
    >>> places = Places(jnp.array([[2.0, 2]]), jnp.array([4.0]))
    >>> dense = DetectorOutput(jnp.array([[[9.0, -9.0]]]), jnp.array([[[0.0, 0, 4, 4]]]))
    >>> losses = detection_loss(dense, places, jnp.array([[[0.0, 0, 4, 4]]]), jnp.array([[0]]))
    >>> {name: round(float(value), 3) for name, value in losses.items()}
    {'score_loss': 0.0, 'class_loss': 0.0, 'box_loss': 0.0, 'iou': 1.0}
    """
    boxes, labels = _dtypes.widen(_dtypes.to_floating(jnp.asarray(boxes))), jnp.asarray(labels)
    dense = DetectorOutput(*(_dtypes.widen(array) for array in dense))
    present = labels >= 0
    owner = jax.vmap(lambda b, p: assign_boxes(places, b, p))(boxes, present)
    responsible = owner >= 0
    chosen = jnp.maximum(owner, 0)
    truth = jnp.take_along_axis(boxes, chosen[..., None], axis=1)
    label = jnp.take_along_axis(labels, chosen, axis=1)
    count = jnp.maximum(responsible.sum(), 1).astype(dense.logits.dtype)
    average = lambda values: jnp.where(responsible, values, 0).sum() / count
    quality = jax.lax.stop_gradient(box_iou(dense.boxes, truth))
    target = jax.nn.one_hot(jnp.where(responsible, label, -1), dense.logits.shape[-1], dtype=dense.logits.dtype)
    target = target * quality[..., None].astype(target.dtype)
    class_error = optax.softmax_cross_entropy_with_integer_labels(dense.logits, jnp.maximum(label, 0))
    score_error = optax.sigmoid_binary_cross_entropy(dense.logits, target)
    return {
        "score_loss": (jnp.square(jax.nn.sigmoid(dense.logits) - target) * score_error).sum() / count,
        "class_loss": average(class_error),
        "box_loss": average(1 - generalized_iou(dense.boxes, truth)),
        "iou": average(quality),
    }
