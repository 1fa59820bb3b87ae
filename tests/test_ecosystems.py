"""jconv inside Equinox, Haiku and Flax Linen: their own layers accelerated, and the examples as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen

import jconv

ROOT = Path(__file__).parents[1]


def equinox_layer():
    eqx = pytest.importorskip("equinox")
    layer = eqx.nn.Conv2d(16, 16, 7, padding=3, groups=16, key=jax.random.key(0), dtype=jnp.float32)
    params, static = eqx.partition(layer, eqx.is_array)
    return params, lambda params, x: jax.vmap(eqx.combine(params, static))(jnp.moveaxis(x, -1, 1))


def haiku_layer():
    hk = pytest.importorskip("haiku")
    layer = hk.without_apply_rng(hk.transform(lambda x: hk.DepthwiseConv2D(1, 7)(x)))
    return layer.init(jax.random.key(0), jnp.ones((1, 8, 8, 16), jnp.float32)), layer.apply


def linen_layer():
    layer = linen.Conv(16, (7, 7), feature_group_count=16)
    return layer.init(jax.random.key(0), jnp.ones((1, 8, 8, 16), jnp.float32)), layer.apply


@pytest.mark.parametrize("make", [equinox_layer, haiku_layer, linen_layer])
def test_their_own_layers_go_through_the_planner_and_give_the_same(make):
    params, apply = make()
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 24, 24, 16)), jnp.float32)
    run = jax.jit(jax.value_and_grad(lambda params, x: jnp.sum(jnp.sin(apply(params, x))), argnums=(0, 1)))
    before = run(params, x)
    assert "stablehlo.convolution" in run.lower(params, x).as_text()
    with jconv.accelerate():
        during = run(params, x)
        assert "stablehlo.convolution" not in run.lower(params, x).as_text()
    chex.assert_trees_all_close(during, before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["with_equinox", "with_haiku", "with_linen"])
def test_the_examples_learn(name):
    if name != "with_linen":
        pytest.importorskip(name.removeprefix("with_"))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert float(done.stdout.split("%")[0]) > 85
