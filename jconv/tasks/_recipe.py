"""What the tasks that train a network have in common: the optimizer, the order of the examples, the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jconv._core.errors import InputError
from jconv._core.paths import PyTree
from jconv.tasks._settings import Settings
from jconv.training import Callback, Checkpoints, Loss, State, fit, trainer


def learn(
    settings: Settings,
    loss: Loss,
    params: PyTree,
    variables: PyTree,
    batch: Callable[[PyTree, jax.Array], PyTree],
    data: PyTree,
    *,
    optimizer: optax.GradientTransformation | None = None,
    steps_per_call: int = 20,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> tuple[State, dict[str, np.ndarray]]:
    """Train as the settings say, by default with AdamW, a warm-up and a cosine; an average of the parameters is kept.

    The network to test and to save is `state.average` with `state.variables`.
    """
    pair = trainer(loss, optimizer or adamw(settings), average=0.99, accumulate=settings.accumulate)
    devices = jax.local_devices()
    if settings.devices > len(devices):
        raise InputError(f"`devices` is {settings.devices}, but there are only {len(devices)} here; ask for fewer")
    if settings.batch_size % (settings.devices * settings.accumulate):
        raise InputError(
            f"`batch_size` is {settings.batch_size}; make it a multiple of `devices` times `accumulate`, "
            f"{settings.devices * settings.accumulate}"
        )
    start = pair.init(params, jax.random.split(jax.random.key(settings.seed))[0], variables)
    return fit(
        pair,
        start,
        batch,
        data,
        steps=settings.steps,
        steps_per_call=checkpoints.steps_per_call(steps_per_call) if checkpoints else steps_per_call,
        devices=devices[: settings.devices] if settings.devices > 1 else None,
        callbacks=callbacks,
        checkpoints=checkpoints,
    )


def recompute_statistics(
    state: State, forward: Callable[[PyTree, PyTree, jax.Array], PyTree], *, batches: int = 80
) -> State:
    """Measure the running means and variances of batch normalisations again, with the parameters as they are.

    Parameters
    ----------
    state : State
        After training.
    forward : callable (params, variables, step) -> variables
        Hands a batch of training material through the network, in its training mode.
    batches : int
        How many; their numbers follow those of the training steps.

    Notes
    -----
    What training leaves belongs to parameters that still moved and to pictures that were changed at random; the network
    to test is the average of the parameters, on pictures as they are. Y. Wu, J. Johnson, Rethinking "Batch" in
    BatchNorm, 2021.
    """
    once = lambda variables, step: (forward(state.average, variables, step), None)
    steps = state.step + jnp.arange(batches)
    return state._replace(variables=jax.jit(lambda start: lax.scan(once, start, steps)[0])(state.variables))


def adamw(settings: Settings, *, weight_decay: float = 1e-2) -> optax.GradientTransformation:
    """AdamW with the rate of `schedule`."""
    return optax.adamw(schedule(settings.learning_rate, settings.steps), weight_decay=weight_decay)


def schedule(peak: float, steps: int) -> optax.Schedule:
    """Return a rate that rises for a twentieth of the steps and then falls to zero along a cosine."""
    return optax.warmup_cosine_decay_schedule(0.0, peak, steps // 20, steps)


def shuffle_indices(key: jax.Array, step: jax.Array, *, count: int, batch_size: int) -> jax.Array:
    """Return the indices (batch_size,) of a step's examples: each epoch has its own order, and sees each example once.

    A pure function of the key and of the number of the step; what is left over at the end of an epoch is left out.
    """
    if batch_size > count:
        raise InputError(f"`batch_size` is {batch_size}, but there are only {count} training examples; make it smaller")
    per_epoch = count // batch_size
    order = jax.random.permutation(jax.random.fold_in(key, step // per_epoch), count)
    return lax.dynamic_slice_in_dim(order, step % per_epoch * batch_size, batch_size)
