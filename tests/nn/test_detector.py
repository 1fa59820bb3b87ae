"""The detector: where it looks, what it learns from, what it says."""

import functools
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.test_util import check_grads

from jconv.nn import Detector, DetectorOutput, assign_boxes, detection_loss, detections
from tests.nn import parity

SMALL = {"widths": (4, 6, 8), "pyramid": 8}


def model(norm="none"):
    return Detector(3, 2, **SMALL, norm=norm, rngs=nnx.Rngs(0))


NET = functools.cache(model)
"""A detector that no test changes."""


def test_size_and_parameters():
    # Stem, two convolutions for each stage, laterals, smoothing and tower, head; normalisations of two a channel.
    widths, pyramid, classes = (16, 32, 64, 128), 48, 10
    stem = 9 * 3 * 16 + 2 * 16
    stages = sum(9 * (b * w + w * w) + 4 * w for b, w in pairwise(widths))
    rest = sum((w + 1) * pyramid for w in widths[1:]) + 2 * (9 * pyramid**2 + 2 * pyramid)
    wanted = stem + stages + rest + (9 * pyramid + 1) * (classes + 4)
    assert parity.count_parameters(lambda rngs: Detector(3, 10, rngs=rngs)) == wanted == 350_286


def test_places_are_the_middles_of_its_cells():
    places = NET().places((16, 24))
    assert len(places.centers) == len(places.strides) == 4 * 6 + 2 * 3
    np.testing.assert_array_equal(places.centers[:7], [[2, 2], [2, 6], [2, 10], [2, 14], [2, 18], [2, 22], [6, 2]])
    np.testing.assert_array_equal(places.centers[24:], [[4, 4], [4, 12], [4, 20], [12, 4], [12, 12], [12, 20]])
    np.testing.assert_array_equal(places.strides, [4] * 24 + [8] * 6)


def test_boxes_stand_around_their_places():
    net = NET()
    said = jax.jit(lambda x: net(x))(jnp.zeros((1, 16, 16, 3), jnp.float32))  # of which all hidden units are zero
    places = net.places((16, 16))
    np.testing.assert_allclose(jax.nn.sigmoid(said.logits), 0.01, rtol=1e-5)
    half = 1.5 * places.strides[:, None]
    wanted = jnp.concatenate([places.centers - half, places.centers + half], axis=-1)
    np.testing.assert_allclose(said.boxes[0], wanted, rtol=1e-5)


def assigned(places, boxes, present):
    """The rule as plain loops."""
    owners = []
    for (row, col), stride in zip(np.asarray(places.centers), np.asarray(places.strides)):
        best, area = -1, np.inf
        for index, (top, left, bottom, right) in enumerate(boxes):
            longer = max(bottom - top, right - left)
            low = 0 if stride == places.strides.min() else 2.5 * stride
            high = np.inf if stride == places.strides.max() else 5 * stride
            near = max(abs(row - (top + bottom) / 2), abs(col - (left + right) / 2)) <= 1.5 * stride
            if present[index] and low <= longer < high and near and (bottom - top) * (right - left) < area:
                best, area = index, (bottom - top) * (right - left)
        owners.append(best)
    return owners


def test_assignment_is_that_of_loops():
    rng = np.random.default_rng(0)
    places = NET().places((48, 48))
    low = rng.uniform(0, 40, (30, 2))
    boxes = np.concatenate([low, low + rng.uniform(3, 40, (30, 2))], axis=1).astype(np.float32)
    present = rng.random(30) < 0.8
    found = jax.jit(assign_boxes)(places, jnp.asarray(boxes), jnp.asarray(present)).tolist()
    assert found == assigned(places, boxes, present)
    assert set(np.flatnonzero(present)) & set(found)
    assert not set(np.flatnonzero(~present)) & set(found)


def scene():
    boxes = jnp.array([[[2.0, 2, 12, 14], [0, 0, 0, 0]], [[1, 1, 30, 29], [20, 4, 28, 9]]], jnp.float32)
    return boxes, jnp.array([[1, -1], [0, 1]])


def test_a_perfect_answer_costs_nothing():
    places = NET().places((32, 32))
    boxes, labels = scene()
    owner = jax.vmap(lambda b, l: assign_boxes(places, b, l >= 0))(boxes, labels)
    truth = jnp.take_along_axis(boxes, jnp.maximum(owner, 0)[..., None], axis=1)
    label = jnp.where(owner >= 0, jnp.take_along_axis(labels, jnp.maximum(owner, 0), axis=1), -1)
    logits = jnp.where(jax.nn.one_hot(label, 2) > 0, 30.0, -30.0)
    losses = jax.jit(detection_loss)
    parts = losses(DetectorOutput(logits, truth), places, boxes, labels)
    assert parts["score_loss"] < 1e-6
    assert parts["class_loss"] < 1e-6
    assert abs(parts["box_loss"]) < 1e-6
    assert abs(parts["iou"] - 1) < 1e-6
    wrong = losses(DetectorOutput(-logits, truth), places, boxes, labels)
    assert wrong["score_loss"] > 1
    nothing = losses(DetectorOutput(logits, truth), places, boxes, jnp.full_like(labels, -1))
    assert np.isfinite(list(nothing.values())).all()


def test_gradients_of_the_loss():
    places = NET().places((16, 16))
    boxes, labels = scene()
    logits = jax.random.normal(jax.random.key(0), (2, len(places.strides), 2))
    found = jnp.concatenate([places.centers - 4.3, places.centers + 5.1], axis=-1) + 0 * boxes[:, :1]

    def loss(logits, found):
        parts = detection_loss(DetectorOutput(logits, found), places, boxes, labels)
        return parts["score_loss"] + parts["class_loss"], parts["box_loss"]

    check_grads(jax.jit(lambda l: loss(l, found)[0]), (logits,), order=1)
    check_grads(jax.jit(lambda b: loss(logits, b)[1]), (found,), order=1, modes=["rev"], atol=1e-3, rtol=1e-3)
    # The wanted score is a measurement: boxes must not learn to be bad where scores are low.
    assert (jax.jit(jax.grad(lambda b: loss(logits, b)[0]))(found) == 0).all()


@pytest.mark.parametrize("norm", ["group", pytest.param("batch", marks=pytest.mark.slow)])
def test_one_picture_is_learned_by_heart(norm):
    net = model(norm)
    places = net.places((32, 32))
    boxes, labels = scene()
    images = jax.random.uniform(jax.random.key(1), (2, 32, 32, 3), jnp.float32)

    def loss(net):
        parts = detection_loss(net(images, train=True), places, boxes, labels)
        return parts["score_loss"] + parts["class_loss"] + parts["box_loss"]

    @nnx.jit
    def step(net):
        value, gradient = nnx.value_and_grad(loss)(net)
        params = nnx.state(net, nnx.Param)
        nnx.update(net, jax.tree.map(lambda p, g: p - 0.05 * g / (1e-3 + jnp.linalg.norm(g)), params, gradient))
        return value

    values = [float(step(net)) for _ in range(60)]
    assert values[-1] < 0.5 * values[0]


def test_detections_are_ranked_and_suppressed():
    logits = jnp.array([[[2.0, -9], [1.0, -9], [-9, 3.0], [0.0, -9]]])
    boxes = jnp.array([[[0.0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 10], [20, 20, 30, 30]]])
    found = jax.jit(functools.partial(detections, most=5))(DetectorOutput(logits, boxes))
    assert found.scores.shape == (1, 5)
    np.testing.assert_allclose(found.scores[0, :3], jax.nn.sigmoid(jnp.array([3.0, 2, 0])), rtol=1e-6)
    assert found.labels[0, :3].tolist() == [1, 0, 0]
    np.testing.assert_array_equal(found.boxes[0, :3], boxes[0, jnp.array([2, 0, 3])])
    assert found.scores[0, 3] < 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Detector(3, 2, widths=(4,), rngs=nnx.Rngs(0)), "`widths` must name a stem and at least one stage"),
        (lambda: Detector(3, 0, rngs=nnx.Rngs(0)), "`classes` must be at least 1"),
        (lambda: NET()(jnp.ones((1, 16, 12, 3))), r"divide by 8, got \(16, 12\); pad"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
