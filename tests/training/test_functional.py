"""A module as a pure function, also where a call writes into the module."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv.training import functional


def test_running_averages_come_back_and_the_module_stays_as_it_is():
    model = nnx.BatchNorm(2, momentum=0.5, rngs=nnx.Rngs(0))
    apply, params, variables = functional(model)
    x = jnp.array([[1.0, 2.0], [3.0, 6.0]], jnp.float32)

    def loss(params, variables):
        output, variables = apply(params, variables, x)
        return jnp.sum(output**2), variables

    def step(variables, _):
        return jax.grad(loss, has_aux=True)(params, variables)[1], None

    after, _ = jax.jit(lambda v: jax.lax.scan(step, v, length=2))(variables)
    np.testing.assert_allclose(after["mean"][...], [1.5, 3.0])  # two steps from 0 half way to 2 and 4
    for held in (model.mean, variables["mean"]):
        np.testing.assert_array_equal(held[...], 0)
