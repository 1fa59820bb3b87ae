"""The classification models: their size, their shapes, that they learn, and that the layer class can be given."""

import functools
import re
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jconv.nn import ConvNeXt, MobileNetV2, ResNet, parameter_count, to_torch
from jconv.training import functional, trainer
from tests.nn import parity

SMALL = {
    "resnet": functools.partial(ResNet, width=8, stem="small"),
    "mobilenet": functools.partial(MobileNetV2, width=0.1, stem="small"),
    "convnext": functools.partial(ConvNeXt, depths=(1, 1, 1), widths=(8, 12, 16), patch=1, kernel_size=3),
}


@pytest.mark.core
@pytest.mark.parametrize(
    ("build", "count"),
    [  # from the papers' own or torchvision's or timm's models, counted there
        (functools.partial(ResNet, depth=18), 11_689_512),
        (functools.partial(ResNet, depth=34), 21_797_672),
        (functools.partial(ResNet, depth=50), 25_557_032),
        (MobileNetV2, 3_504_872),
        (functools.partial(ConvNeXt, variant="atto"), 3_695_520),
        (ConvNeXt, 28_589_128),
    ],
)
def test_as_many_parameters_as_the_original(build, count):
    model = nnx.eval_shape(lambda: build(3, 1000, rngs=nnx.Rngs(0)))
    assert parameter_count(model) == count


@pytest.mark.parametrize(
    ("build", "strides"),
    [
        pytest.param(functools.partial(ResNet, width=8, depth=50), (4, 8, 16, 32), marks=pytest.mark.slow),
        (functools.partial(ResNet, width=8, stem="small"), (1, 2, 4, 8)),
        (MobileNetV2, (2, 4, 8, 16, 32)),
        pytest.param(functools.partial(MobileNetV2, stem="small"), (1, 2, 4, 8), marks=pytest.mark.slow),
        pytest.param(functools.partial(ConvNeXt, variant="atto"), (4, 8, 16, 32), marks=pytest.mark.slow),
        (functools.partial(ConvNeXt, variant="atto", patch=2), (2, 4, 8, 16)),
    ],
)
def test_stages_shrink_the_image(build, strides):
    graph, state = nnx.split(nnx.eval_shape(lambda: build(1, 7, rngs=nnx.Rngs(0))))

    def outputs(state, images):
        model = nnx.merge(graph, state)
        return model.features(images), model(images)

    features, logits = jax.eval_shape(outputs, state, jax.ShapeDtypeStruct((2, 64, 32, 1), jnp.float32))
    assert [f.shape[1:3] for f in features] == [(64 // s, 32 // s) for s in strides]
    assert logits.shape == (2, 7)
    assert logits.dtype == jnp.float32


def images_of_two_kinds():
    """Stripes that run down or across, at random phases, with noise: told apart only by a kernel."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    waves = np.sin(np.pi / 2 * np.arange(8) + rng.uniform(0, 6.28, (64, 1)))
    images = np.where(labels[:, None, None], waves[:, :, None], waves[:, None, :]) + 0.3 * rng.normal(size=(64, 8, 8))
    return jnp.asarray(images[..., None], jnp.float32), jnp.asarray(labels)


@pytest.mark.parametrize(
    "name",
    [pytest.param("resnet", marks=pytest.mark.slow), pytest.param("mobilenet", marks=pytest.mark.slow), "convnext"],
)
def test_learns_small_images_and_is_right_with_running_averages(name):
    images, labels = images_of_two_kinds()
    model = SMALL[name](1, 2, rngs=nnx.Rngs(0))
    apply, params, variables = functional(model)

    def loss(params, variables, batch, key):
        logits, variables = apply(params, variables, batch)
        value = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
        return value, (variables, {})

    pair = trainer(loss, optax.adam(1e-2))
    state = pair.init(params, jax.random.key(0), variables)
    many = jax.jit(lambda state: jax.lax.scan(lambda s, _: pair.step(s, images), state, length=80))
    state, metrics = many(state)
    assert metrics["loss"][-1] < 0.01 * metrics["loss"][0]
    nnx.update(model, state.params, state.variables)
    model.eval()
    infer = jax.jit(lambda x: model(x))
    logits = infer(images)
    assert (logits.argmax(-1) == labels).mean() > 0.95
    # In evaluation an image's logits do not depend on the images beside it.
    alone = infer(jnp.repeat(images[:1], len(images), axis=0))[0]
    np.testing.assert_allclose(alone, logits[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["resnet", pytest.param("mobilenet", marks=pytest.mark.slow), "convnext"])
def test_the_same_network_with_flaxs_layers(name):
    ours, theirs = (SMALL[name](1, 2, **more, rngs=nnx.Rngs(0)) for more in ({}, {"conv": nnx.Conv}))
    chex.assert_trees_all_equal(nnx.to_pure_dict(nnx.state(ours)), nnx.to_pure_dict(nnx.state(theirs)))
    ours.eval()
    theirs.eval()
    images = images_of_two_kinds()[0][:4]
    found, wanted = (nnx.jit(lambda model, x: model(x))(model, images) for model in (ours, theirs))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "build",
    [
        functools.partial(ConvNeXt, depths=(1, 2), widths=(4, 4), patch=2, drop_path=0.5, layer_scale=1.0),
        pytest.param(functools.partial(MobileNetV2, width=0.1, stem="small", dropout=0.5), marks=pytest.mark.slow),
    ],
)
def test_a_key_turns_dropout_and_stochastic_depth_on(build):
    model = parity.build(lambda rngs: build(1, 2, rngs=rngs))
    model.eval()
    images = jnp.repeat(images_of_two_kinds()[0][:1], 16, axis=0)
    call = nnx.jit(lambda model, key: model(images, key=key))
    plain = call(model, None)
    first, again, other = (call(model, jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, plain)
    assert not np.array_equal(first, other)
    assert len(np.unique(first[:, 0])) > 1  # each image draws its own


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (functools.partial(ResNet, depth=20), "`depth` must be one of 18, 34, 50, 101, 152, got 20"),
        (functools.partial(ResNet, stem="smal"), "`stem` must be one of 'large', 'small'; got 'smal'; did you mean"),
        (functools.partial(MobileNetV2, width=0), "`width` must be positive, got 0"),
        (functools.partial(ConvNeXt, variant="tinny"), "did you mean 'tiny'"),
        (functools.partial(ConvNeXt, depths=(1, 1)), "`depths` and `widths` must be equally long"),
        (functools.partial(ConvNeXt, kernel_size=4), "`kernel_size` must be odd, got 4"),
        (functools.partial(ConvNeXt, drop_path=1), r"`drop_path` must lie in \[0, 1\), got 1"),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(ValueError, match=message):
        build(3, 10, rngs=nnx.Rngs(0))


@pytest.mark.slow
def test_the_pages_python_runs():
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope: dict = {}
    for block in blocks:
        exec(block, scope)
    count = int(re.search(r"print\(parameter_count\(model\)\)  # ([\d,]+)", text)[1].replace(",", ""))
    assert count == parameter_count(scope["model"])
    for name, array in scope["weights"].items():
        np.testing.assert_array_equal(to_torch(scope["again"])[name], array)
    assert scope["logits"].shape == (1, 10)
