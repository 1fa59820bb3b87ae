"""Scenes: the truth that they state is that of the picture that they show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv.tasks._photographs import TEST, TRAIN, photographs
from jconv.tasks._scenes import Materials, materials, scene, scenes

OPTIONS = {"size": 48, "most": 4, "smallest": 14.0, "largest": 30.0}


@pytest.fixture(scope="module")
def parts():
    return materials(0, variants=2)


@pytest.fixture(scope="module")
def made(parts):
    return jax.tree.map(np.asarray, jax.jit(lambda key: scenes(key, parts[0], 200, **OPTIONS))(jax.random.key(3)))


def test_learned_and_tested_materials_have_nothing_in_common(parts):
    train, test = parts
    assert train.digits.shape == (2 * 1437, 20, 20)
    assert test.digits.shape == (360, 20, 20)
    assert set(np.bincount(test.labels)) <= {35, 36, 37}
    assert not set(TRAIN) & set(TEST)
    assert train.photographs.shape == (5 * len(TRAIN), 256, 256, 3)
    assert test.photographs.shape == (5 * len(TEST), 256, 256, 3)
    assert train.digits.min() >= 0
    assert train.digits.max() <= 1
    edge = np.concatenate([np.asarray(train.digits)[:, 0], np.asarray(train.digits)[:, :, -1]])
    assert edge.max() < 0.4  # the margin holds no ink


def test_boxes_are_those_of_the_mask(made):
    shown = 0
    for mask, boxes, labels in zip(made.mask, made.boxes, made.labels):
        present = labels >= 0
        assert not boxes[~present].any()
        for (top, left, bottom, right), label in zip(boxes[present].astype(int), labels[present]):
            inside = mask[top:bottom, left:right] == 1 + label
            assert inside[[0, -1]].any(axis=1).all()
            assert inside[:, [0, -1]].any(axis=0).all()
            shown += 1
        owned = np.zeros(mask.shape, bool)
        for top, left, bottom, right in boxes[present].astype(int):
            assert not owned[top:bottom, left:right].any()  # none on another
            owned[top:bottom, left:right] = True
        assert not mask[~owned].any()
        assert set(np.unique(mask)) <= {0, *(1 + labels[present])}
    assert shown > 300
    assert {1, 2, 3} <= {int((labels >= 0).sum()) for labels in made.labels} <= {1, 2, 3, 4}


def test_the_photograph_shows_where_there_is_no_ink(parts):
    one = lambda key, digits: scene(key, parts[0]._replace(digits=digits), **OPTIONS)
    drawn = jax.jit(jax.vmap(one, (0, None)))
    keys = jax.random.split(jax.random.key(1), 30)
    with_ink, without = (drawn(keys, parts[0].digits * share) for share in (1, 0))
    assert not without.mask.any()
    assert (without.labels == -1).all()
    difference = np.abs(np.asarray(with_ink.image) - np.asarray(without.image)).max(axis=-1)
    assert (difference[np.asarray(with_ink.mask) > 0] > 0.02).mean() > 0.99
    assert (difference[np.asarray(with_ink.mask) == 0] == 0).mean() > 0.85
    for image in np.asarray(without.image)[:3]:
        piece = np.rint(image * 255).astype(np.uint8)
        assert is_within(piece, np.asarray(parts[0].photographs))


def is_within(piece, photographs):
    """Whether a piece, as it is, mirrored or turned, lies somewhere in one of the photographs."""
    count = photographs.shape[1] - len(piece) + 1
    for photo in photographs:
        for turned in (piece, piece.swapaxes(0, 1)):
            for p in (turned, turned[:, ::-1], turned[::-1], turned[::-1, ::-1]):
                fits = np.ones((count, count), bool)
                for i, j in np.random.default_rng(0).integers(0, len(p), (6, 2)):
                    fits &= (photo[i : i + count, j : j + count] == p[i, j]).all(axis=-1)
                if any((photo[i : i + len(p), j : j + len(p)] == p).all() for i, j in np.argwhere(fits)[:50]):
                    return True
    return False


def test_composition_is_exact():
    """All ink on black: the picture is cover times ink, the mask where the cover exceeds a half."""
    digit = jnp.zeros((1, 20, 20)).at[:, 4:16, 6:14].set(1)
    source = Materials(digit.astype(jnp.float32), jnp.array([7]), jnp.zeros((1, 64, 64, 3), jnp.uint8))
    made = jax.jit(lambda key: scenes(key, source, 40, size=32, most=1, smallest=20.0, largest=20.0))(jax.random.key(0))
    boxes, labels = np.asarray(made.boxes)[:, 0], np.asarray(made.labels)[:, 0]
    for image, mask, (top, left, bottom, right), label in zip(*map(np.asarray, made[:2]), boxes, labels):
        assert label == 7
        assert set(np.unique(mask)) == {0, 8}
        ink = image[(mask > 0)].max(axis=0)
        assert np.linalg.norm(ink) > 0.6  # plain to see on black
        cover = image.max(axis=-1) / ink.max()
        np.testing.assert_array_equal(mask > 0, cover > 0.5)
        # Twelve by eight samples at one pixel a sample, and where grey exceeds 0.4 just outside.
        assert abs(bottom - top - 12.2) < 1.1
        assert abs(right - left - 8.2) < 1.1


def test_same_key_same_scene_other_key_other_scene(parts, made):
    again = scenes(jax.random.key(3), parts[0], 2, **OPTIONS)
    other = scenes(jax.random.key(4), parts[0], 2, **OPTIONS)
    # Keys of a batch depend on its length; one scene depends on its own key alone.
    key = jax.random.split(jax.random.key(3), 200)[5]
    np.testing.assert_allclose(scene(key, parts[0], **OPTIONS).image, made.image[5], atol=1e-6)
    assert np.abs(np.asarray(again.image) - np.asarray(other.image)).max() > 0.1


def test_bad_parts():
    with pytest.raises(ValueError, match="`part` must be one of 'train', 'test'; got 'tests'; did you mean 'test'"):
        photographs("tests")
    with pytest.raises(ValueError, match="`size` must be at least 1"):
        photographs("test", size=0)
