"""Receptive fields against what really has an influence, and against published ones; saliency against its formula."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

from jconv import nn
from jconv.nn import MobileNetV2, ResNet, effective_receptive_field, receptive_field, saliency
from tests.nn import parity

ONES = nnx.initializers.constant(0.5)


def layer(kind, features, out, size, **options):
    return kind(features, out, size, kernel_init=ONES, rngs=nnx.Rngs(0), **options)


def skip(x):
    """Down and up again beside a short way, as in a U-Net."""
    low = nn.avg_pool(x, (2, 2), 2)
    low = layer(nn.Conv, 1, 2, (3, 3))(low)
    return jnp.concatenate([x, jnp.repeat(jnp.repeat(low, 2, 1), 2, 2)], axis=-1)


def shuffled(x):
    return nn.pixel_shuffle(layer(nn.Conv, 1, 4, (3, 1), padding="VALID")(x), (2, 2))


def channels_first(x):
    x = lax.conv_general_dilated(jnp.moveaxis(x, -1, 1), jnp.ones((2, 1, 3, 2)), (2, 1), [(1, 0), (0, 3)])
    return jnp.moveaxis(x[:, ::-1, 1:], 1, -1)


def twice(x):
    y = layer(nn.Conv, 1, 1, (3, 3), kernel_dilation=2)(x)
    return jax.checkpoint(lambda v: nnx.relu(y + v))(layer(nn.Conv, 1, 1, (5, 1))(x))


CASES = {
    "convolution": layer(nn.Conv, 1, 2, (3, 4), strides=(2, 1), padding=((0, 2), (1, 1))),
    "dilated": layer(nn.Conv, 1, 2, (3, 2), kernel_dilation=(3, 2), padding="VALID"),
    "reflecting": layer(nn.Conv, 1, 1, (3, 3), padding="VALID"),
    "Flax's": layer(nnx.Conv, 1, 2, (5, 3), strides=2),
    "transposed": layer(nn.ConvTranspose, 1, 2, (3, 5), strides=(2, 3)),
    "pooling": lambda x: nn.avg_pool(x, (3, 2), (2, 1), padding="SAME"),
    "Flax's pooling": lambda x: nnx.avg_pool(x, (3, 2), (2, 2)),
    "channels first": channels_first,
    "two ways": twice,
    "skip": skip,
    "shuffled": shuffled,
    "mean of rows": lambda x: x.mean(1, keepdims=True) * jnp.ones((1, 4, 1, 1)),
    "linear map": lambda x: jnp.flip(x, 2)[:, 3:] @ jnp.ones((1, 3)),
    "padded, split": lambda x: jnp.split(jnp.pad(x, ((0, 0), (2, 0), (0, 0), (0, 0))), [5, 9], axis=2)[1],
    "interpolated": lambda x: nn.upsample(x, (2, 3), "linear"),
    "cumulated": lambda x: jnp.cumsum(x, 1),  # without a rule
}


@pytest.mark.parametrize("name", CASES)
def test_field_is_where_the_gradient_is(name):
    apply, shape = jax.jit(lambda x: CASES[name](x)), (2, 16, 18, 1)
    images = jnp.ones(shape)
    space = jax.eval_shape(apply, images).shape[1:-1]
    for position in {tuple(n // 2 for n in space), (0, 0), (space[0] - 1, space[1] // 3)}:
        field = receptive_field(apply, shape, position=position)
        seen = np.argwhere(effective_receptive_field(apply, images, position=position) > 0)
        low = np.maximum(field.start, 0)
        high = np.minimum(np.add(field.start, field.size), shape[1:-1]) - 1
        if name == "cumulated":
            assert (low == 0).all()
            assert (high == np.subtract(shape[1:-1], 1)).all()
            continue
        if not len(seen):  # all of it is padding
            assert (high < low).any()
            continue
        np.testing.assert_array_equal([low, high], [seen.min(0), seen.max(0)], err_msg=str(position))


@pytest.mark.parametrize(
    ("build", "size"),
    [  # A. Araujo et al., Distill 2019, whose code gives these for torchvision's networks
        (functools.partial(ResNet, depth=18, width=4), 435),
        pytest.param(functools.partial(ResNet, depth=50, width=4), 427, marks=pytest.mark.slow),
        (functools.partial(MobileNetV2, width=0.1), 491),
    ],
)
def test_published_fields(build, size):
    model = parity.build(lambda rngs: build(3, 10, rngs=rngs))
    model.eval()
    features = lambda images: model.features(images)[-1]

    field = receptive_field(features, (1, 224, 224, 3))
    assert field.size == (size, size)
    assert field.stride == (32, 32)


def test_saliency_is_the_gradient_and_smooth_saliency_its_mean():
    rng = np.random.default_rng(0)
    weights = jnp.asarray(rng.normal(size=(4, 5, 2, 3)))
    images = jnp.asarray(rng.normal(size=(6, 4, 5, 2)))
    apply = jax.jit(lambda x: jnp.einsum("nijc,ijck->nk", x**3, weights))
    labels = jnp.array([0, 1, 2, 0, 1, 2])
    gradient = lambda x: 3 * x**2 * jnp.moveaxis(weights, -1, 0)[labels]
    plain = jax.jit(lambda x, labels: saliency(apply, x, labels))
    np.testing.assert_allclose(plain(images, labels), jnp.abs(gradient(images)).max(-1), rtol=1e-12)
    key = jax.random.key(1)
    sigma = 0.1 * (images.max((1, 2, 3)) - images.min((1, 2, 3)))[:, None, None, None]
    noisy = jax.jit(lambda k: gradient(images + sigma * jax.random.normal(k, images.shape)))
    total = sum(noisy(k) for k in jax.random.split(key, 7))
    smooth = jax.jit(lambda x: saliency(apply, x, labels, noise=0.1, samples=7, key=key))(images)
    np.testing.assert_allclose(smooth, jnp.abs(total / 7).max(-1), rtol=1e-12)
    best = apply(images).argmax(-1)
    np.testing.assert_array_equal(jax.jit(lambda x: saliency(apply, x))(images), plain(images, best))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: receptive_field(lambda x: x.mean((1, 2)), (1, 4, 4, 1)), r"must map one array \(N, \*space, C\)"),
        (lambda: receptive_field(lambda x: x, (1, 4, 1), position=(4,)), r"`position` must lie in .*\(4,\) positions"),
        (lambda: effective_receptive_field(lambda x: x, jnp.ones((1, 4, 1)), position=(-1,)), "`position` must lie in"),
        (lambda: saliency(lambda x: x[:, :, 0], jnp.ones((2, 3, 1)), noise=0.1), "`noise` needs a random `key`"),
        (lambda: saliency(lambda x: x[:, :, 0], jnp.ones((2, 3, 1)), noise=-1), "`noise` must not be negative"),
        (
            lambda: saliency(lambda x: x[:, :, 0], jnp.ones((2, 3, 1)), jnp.array([0])),
            r"`labels` must have shape \(2,\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
