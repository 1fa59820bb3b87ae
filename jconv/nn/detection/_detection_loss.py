"""What a detector learns from: which place answers for which box, and how wrong it is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from jconv.nn.detection._boxes import box_area, box_iou, generalized_iou
from jconv.nn.detection._detector import DetectorOutput, Places

_RADIUS, _REACH = 1.5, 5.0


def assign_boxes(places: Places, boxes: jax.Array, present: jax.Array) -> jax.Array:
    """Which box each place answers for; -1 for none.

    A box belongs to the level of the pyramid whose stride is between a fifth and two fifths of its longer side (the
    finest and the coarsest level take what is smaller and larger), there to the places up to 1.5 strides from its
    middle along each axis. A place that two boxes claim answers for the smaller one.

    Parameters
    ----------
    places : Places
    boxes : array (M, 4)
    present : bool array (M,)
        Which of the rows are boxes.

    Returns
    -------
    int32 array (L,)

    Notes
    -----
    Sampling around the middle: Z. Tian et al., FCOS, IEEE TPAMI 44 (2022).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> places = Places(jnp.array([[2.0, 2], [2, 6], [2, 30]]), jnp.array([4.0, 4, 4]))
    >>> assign_boxes(places, jnp.array([[0.0, 0, 6, 6]]), jnp.array([True])).tolist()
    [0, 0, -1]
    """
    strides, finest, coarsest = places.strides[:, None], places.strides.min(), places.strides.max()
    sides = boxes[:, 2:] - boxes[:, :2]
    longer = sides.max(axis=-1)
    fits = (longer < _REACH * strides) | (strides == coarsest)
    fits &= (longer >= _REACH * strides / 2) | (strides == finest)
    away = jnp.abs(places.centres[:, None] - (boxes[:, :2] + sides / 2))
    claims = fits & (away <= _RADIUS * strides[..., None]).all(axis=-1) & present
    area = jnp.where(claims, box_area(boxes), jnp.inf)
    return jnp.where(claims.any(axis=-1), area.argmin(axis=-1), -1).astype(jnp.int32)


def detection_loss(dense: DetectorOutput, places: Places, boxes: jax.Array, labels: jax.Array) -> dict[str, jax.Array]:
    r"""The quality focal loss of the scores, the cross-entropy of the classes, the generalized-IoU loss of the boxes.

    .. math:: \frac1P \sum |\sigma - q|^2 \, \mathrm{BCE}(\sigma, q), \qquad
        -\frac1P \sum_{\text{answering}} \log \mathrm{softmax}(z)_y, \qquad
        \frac1P \sum_{\text{answering}} (1 - \mathrm{GIoU})

    where σ is the sigmoid of the logits z. The wanted score q is the box's IoU with the truth for the class y of an
    answering place, and 0 elsewhere; P is the number of answering places. A score thus learns to say how good its box
    is, by which detections are ranked. That alone is slow to tell the classes apart: the second term asks which class,
    given that there is something.

    Parameters
    ----------
    dense : DetectorOutput
        What the detector said about N pictures.
    places : Places
    boxes : array (N, M, 4)
    labels : int array (N, M)
        -1 where there is no box.

    Returns
    -------
    dict
        "score_loss", "class_loss" and "box_loss"; "iou", the mean over the answering places.

    Notes
    -----
    X. Li et al., Generalized Focal Loss, NeurIPS 2020; H. Rezatofighi et al., CVPR 2019.
    """
    present = labels >= 0
    owner = jax.vmap(lambda b, p: assign_boxes(places, b, p))(boxes, present)
    answers = owner >= 0
    chosen = jnp.maximum(owner, 0)
    truth = jnp.take_along_axis(boxes, chosen[..., None], axis=1)
    label = jnp.take_along_axis(labels, chosen, axis=1)
    count = jnp.maximum(answers.sum(), 1)
    over_answers = lambda values: jnp.where(answers, values, 0).sum() / count
    quality = jax.lax.stop_gradient(box_iou(dense.boxes, truth))
    wanted = jax.nn.one_hot(jnp.where(answers, label, -1), dense.logits.shape[-1], dtype=quality.dtype)
    wanted = wanted * quality[..., None]
    which = optax.softmax_cross_entropy_with_integer_labels(dense.logits, jnp.maximum(label, 0))
    error = optax.sigmoid_binary_cross_entropy(dense.logits, wanted)
    return {
        "score_loss": (jnp.square(jax.nn.sigmoid(dense.logits) - wanted) * error).sum() / count,
        "class_loss": over_answers(which),
        "box_loss": over_answers(1 - generalized_iou(dense.boxes, truth)),
        "iou": over_answers(quality),
    }
