"""Boxes against counting cells, and suppression against a loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jconv.nn import box_area, box_iou, generalized_iou, non_max_suppression


def random_boxes(rng, count, size=12):
    low = rng.integers(0, size - 1, (count, 2))
    return np.concatenate([low, low + rng.integers(1, size, (count, 2)) % (size - low) + 1], axis=1).astype(np.float32)


def cells(box, size=32):
    """The unit squares of a box with whole corners, as a set."""
    top, left, bottom, right = map(int, box)
    return {(i, j) for i in range(top, bottom) for j in range(left, right)}


def test_overlap_is_that_of_counted_cells():
    rng = np.random.default_rng(0)
    first, second = random_boxes(rng, 200), random_boxes(rng, 200)
    iou, giou = jax.jit(lambda a, b: (box_iou(a, b), generalized_iou(a, b)))(first, second)
    for index, (a, b) in enumerate(zip(first, second)):
        union, both = cells(a) | cells(b), cells(a) & cells(b)
        hull = cells([*np.minimum(a, b)[:2], *np.maximum(a, b)[2:]])
        np.testing.assert_allclose(iou[index], len(both) / len(union), rtol=1e-6)
        wanted = len(both) / len(union) - len(hull - union) / len(hull)
        np.testing.assert_allclose(giou[index], wanted, rtol=1e-6, atol=1e-6)
    assert 0.1 < np.mean(iou > 0) < 0.9
    assert box_iou(first[:, None], second).shape == (200, 200)
    np.testing.assert_array_equal(box_iou(first, first), 1)


def test_empty_boxes_have_no_overlap_and_no_bad_gradient():
    empty, other = jnp.zeros(4, jnp.float32), jnp.array([1.0, 1, 3, 2], jnp.float32)
    assert box_area(other[jnp.array([2, 3, 0, 1])]) == 0
    for measure in (box_iou, generalized_iou):
        slope = jax.jit(jax.grad(measure))
        assert measure(empty, empty) == 0
        for pair in ((empty, empty), (empty, other), (other, other)):
            assert np.isfinite(slope(*pair)).all()


def test_generalized_overlap_draws_disjoint_boxes_together():
    a, b = jnp.array([0.0, 0, 2, 2]), jnp.array([5.0, 5, 7, 7])
    assert (jax.grad(box_iou)(a, b) == 0).all()
    step = a + 0.5 * jax.grad(generalized_iou)(a, b)
    assert generalized_iou(step, b) > generalized_iou(a, b)
    check_grads(lambda a: generalized_iou(a, b), (jnp.array([0.3, 0.2, 5.9, 6.2]),), order=1, atol=1e-3, rtol=1e-3)


def loop(boxes, scores, labels, threshold):
    kept, overlap = [], np.asarray(jax.jit(box_iou)(boxes[:, None], boxes[None]))
    for index in np.argsort(-scores, kind="stable"):
        rivals = [k for k in kept if labels is None or labels[k] == labels[index]]
        if all(overlap[index, k] <= threshold for k in rivals):
            kept.append(index)
    return sorted(kept)


@pytest.mark.parametrize(("threshold", "classes"), [(0.3, 1), (0.6, 3), (0.0, 2), (1.0, 1)])
def test_suppression_is_that_of_a_loop(threshold, classes):
    rng = np.random.default_rng(classes)
    boxes, labels = random_boxes(rng, 40), rng.integers(0, classes, 40)
    scores = np.round(rng.random(40), 1).astype(np.float32)  # with ties
    suppress = jax.jit(non_max_suppression, static_argnames="threshold")
    kept = suppress(boxes, scores, labels, threshold=threshold)
    assert np.flatnonzero(kept).tolist() == loop(boxes, scores, labels, threshold)
    if classes == 1:
        np.testing.assert_array_equal(suppress(boxes, scores, threshold=threshold), kept)


def test_suppression_of_a_batch_and_of_none():
    rng = np.random.default_rng(5)
    boxes, scores = np.stack([random_boxes(rng, 9) for _ in range(3)]), rng.random((3, 9)).astype(np.float32)
    together = jax.jit(jax.vmap(non_max_suppression))(boxes, scores)
    alone = jax.jit(non_max_suppression)
    for b, s, kept in zip(boxes, scores, together):
        np.testing.assert_array_equal(alone(b, s), kept)
    assert non_max_suppression(jnp.zeros((0, 4)), jnp.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: box_iou(jnp.ones(3), jnp.ones(4)), r"`first` must have shape \(..., 4\), got \(3,\)"),
        (lambda: generalized_iou(jnp.ones(4), jnp.ones((4, 2))), r"`second` must have shape"),
        (lambda: non_max_suppression(jnp.ones(4), jnp.ones(1)), "`boxes` must have rank 2"),
        (lambda: non_max_suppression(jnp.ones((2, 4)), jnp.ones(3)), r"`scores` must have shape \(2,\)"),
        (lambda: non_max_suppression(jnp.ones((2, 4)), jnp.ones(2), jnp.ones(1)), "`labels` must have shape"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
