"""Recover two decay times and the width of the instrument from a noisy, convolved signal, with uncertainties.

A sample that was excited by a short pulse glows with two decay times. The detector smears what it sees by a Gaussian.
The model is the convolution of the two, by quadrature (for these shapes `closed_forms.exponential_gaussian` would do as
well: the test compares them). Its gradient fits the parameters with Optax; the Hessian at the optimum tells how far to
trust them.

    python docs/examples/fitting_decay_times.py
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jconv.continuous import GaussLegendre, convolve

TRUE = {"amplitudes": (1.0, 0.6), "decay_times": (0.6, 3.0), "width": 0.25}


class Fit(NamedTuple):
    """Parameters (two amplitudes, two decay times, instrument width), their standard errors, χ² per point."""

    parameters: jax.Array
    standard_errors: jax.Array
    chi_squared: jax.Array


def signal(parameters: jax.Array, t: jax.Array) -> jax.Array:
    """Two decays, beginning at 0, seen through a Gaussian of standard deviation `width`."""
    a1, a2, tau1, tau2, width = parameters
    decay = lambda x: a1 * jnp.exp(-x / tau1) + a2 * jnp.exp(-x / tau2)
    instrument = lambda x: jnp.exp(-((x / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
    window = (-8.0 * width, 8.0 * width)
    return convolve(decay, instrument, t, support_f=(0, math.inf), support_g=window, rule=GaussLegendre(32)).value


def measured(key: jax.Array, t: jax.Array, noise: float) -> jax.Array:
    """What the detector reports: the signal plus white noise."""
    true = jnp.array([*TRUE["amplitudes"], *TRUE["decay_times"], TRUE["width"]])
    return signal(true, t) + noise * jax.random.normal(key, t.shape)


def fit(t: jax.Array, y: jax.Array, noise: float, start: jax.Array, *, steps: int = 60) -> Fit:
    """Maximum likelihood by L-BFGS, in the logarithms of the parameters, which keeps them positive."""
    loss = lambda logs: 0.5 * jnp.sum(((signal(jnp.exp(logs), t) - y) / noise) ** 2)
    optimiser = optax.lbfgs()

    def step(carry, _):
        logs, state = carry
        value, gradient = optax.value_and_grad_from_state(loss)(logs, state=state)
        updates, state = optimiser.update(gradient, state, logs, value=value, grad=gradient, value_fn=loss)
        return (optax.apply_updates(logs, updates), state), value

    @jax.jit
    def run(logs):
        (logs, _), _ = jax.lax.scan(step, (logs, optimiser.init(logs)), None, length=steps)
        # The inverse Hessian of the negative log-likelihood is the covariance of the logarithms.
        covariance = jnp.linalg.inv(jax.hessian(loss)(logs))
        parameters = jnp.exp(logs)
        return Fit(parameters, parameters * jnp.sqrt(jnp.diag(covariance)), 2 * loss(logs) / t.size)

    return run(jnp.log(start))


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    t, noise = jnp.linspace(-1.5, 12, 300), 0.01
    result = fit(t, measured(jax.random.key(0), t, noise), noise, jnp.array([0.7, 0.7, 0.3, 5.0, 0.5]))
    true = [*TRUE["amplitudes"], *TRUE["decay_times"], TRUE["width"]]
    names = ["amplitude 1", "amplitude 2", "decay time 1", "decay time 2", "width"]
    for name, value, error, exact in zip(names, result.parameters, result.standard_errors, true):
        print(f"{name:13s} {value:8.4f} ± {error:.4f}   true {exact}")
    print(f"χ² per point  {result.chi_squared:8.4f}")


if __name__ == "__main__":
    main()
