"""What the tasks that train a network have in common."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jconv.tasks._recipe import recompute_statistics, schedule
from jconv.training import functional, trainer


def test_settled_statistics_are_those_of_the_averaged_parameters():
    """A linear layer and a batch normalisation, trained a little and then measured on normal numbers."""

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.linear = nnx.Linear(3, 2, rngs=rngs)
            self.norm = nnx.BatchNorm(2, momentum=0.9, rngs=rngs)

        def __call__(self, x, *, train=False):
            return self.norm(self.linear(x), use_running_average=not train)

    apply, params, variables = functional(Net(nnx.Rngs(0)))
    batch = lambda step: 5 + 2 * jax.random.normal(jax.random.key(step), (4096, 3), jnp.float32)

    def loss(params, variables, x, key):
        out, variables = apply(params, variables, x, train=True)
        return jnp.mean((out - 1) ** 2), (variables, {})

    pair = trainer(loss, optax.sgd(0.1), average=0.9)
    state = pair.init(params, jax.random.key(0), variables)
    for step in range(5):
        state, _ = jax.jit(pair.step)(state, batch(step))
    found = recompute_statistics(
        state, lambda params, variables, step: apply(params, variables, batch(step), train=True)[1]
    )
    kernel = np.asarray(state.average["linear"]["kernel"][...])
    np.testing.assert_allclose(
        found.variables["norm"]["mean"][...], 5 * kernel.sum(axis=0) + state.average["linear"]["bias"][...], atol=0.05
    )
    np.testing.assert_allclose(found.variables["norm"]["var"][...], 4 * (kernel**2).sum(axis=0), rtol=0.05)
    np.testing.assert_array_equal(found.average["linear"]["kernel"][...], kernel)
    assert found.step == 5


def test_the_rate_rises_and_falls_for_any_number_of_steps():
    np.testing.assert_allclose([schedule(2.0, 100)(n) for n in (0, 1, 5, 100)], [0, 0.4, 2, 0], atol=1e-6)
    assert schedule(2.0, 1)(0) == 2
    assert schedule(2.0, 19)(0) == 2
