"""The loop: many steps in one jitted call, with a guard against losses that are not finite."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv.training.checkpoint import Checkpoints
from jconv.training.trainer import State, Trainer

PyTree = Any
History = dict[str, np.ndarray]


class NonFiniteError(FloatingPointError):
    """The loss or its gradient became NaN or infinite. `step` is the first step at which it was so."""

    def __init__(self, name: str, value: float, step: int):
        super().__init__(
            f"the {name} was {value} at step {step}; nothing after it was kept. "
            "Lower the learning rate, or look for NaN in the data"
        )
        self.step = step


class Report(NamedTuple):
    """What a callback learns after each call of the jitted loop."""

    state: State
    metrics: History
    """The metrics of the steps since the last report, one array each."""
    done: int
    """Steps done in all."""
    steps: int
    """Steps to do in all."""
    seconds: float
    """Wall-clock seconds since `fit` began."""


class Callback(Protocol):
    """Called with a Report when training begins (with empty metrics) and after each call of the jitted loop."""

    def __call__(self, report: Report) -> None: ...


def fit(
    trainer: Trainer,
    state: State,
    batch: Callable[[PyTree, jax.Array], PyTree],
    data: PyTree = (),
    *,
    steps: int,
    steps_per_call: int = 50,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> tuple[State, History]:
    """Train until `state.step` is `steps`, `steps_per_call` steps to each jitted call (`lax.scan`).

    Parameters
    ----------
    trainer : Trainer
    state : State
        Where to begin: `trainer.init(…)`. When `checkpoints` holds a newer state of the same model, that one goes on.
    batch : callable (data, step) -> batch
        The batch of a step as a pure, traceable function of the data and of the number of the step, so that a resumed
        run sees the batches that it would have seen.
    data : pytree of arrays
        Handed to `batch`; stays on the device.
    steps, steps_per_call : int
    callbacks : sequence of callables (Report) -> None
    checkpoints : Checkpoints, optional
        Where states are saved, at the ends of calls.

    Returns
    -------
    (State, dict of arrays)
        The last state, and each metric at each step from the very first.

    Raises
    ------
    NonFiniteError
        At the first step whose loss or gradient is not finite; nothing of that call is saved.
    CheckpointError
        When `checkpoints` belongs to another model or is damaged.

    Notes
    -----
    A run that was interrupted anywhere and resumed ends in the same bits as an undisturbed one on the same machine:
    states are saved only where calls end, so that both are the same sequence of the same compiled programs.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, optax
    >>> from jconv.training import trainer
    >>> square = lambda params, variables, batch, key: (jnp.sum((params - batch) ** 2), (variables, {}))
    >>> pair = trainer(square, optax.sgd(0.25))
    >>> start = pair.init(jnp.zeros(()), jax.random.key(0))
    >>> state, history = fit(pair, start, lambda data, step: data, jnp.float32(1), steps=3)
    >>> history["loss"]
    array([1.    , 0.25  , 0.0625], dtype=float32)
    """
    steps, steps_per_call = check.positive_int("steps", steps), check.positive_int("steps_per_call", steps_per_call)
    parts: list[History] = []
    saved = checkpoints.restore(state) if checkpoints else None
    if saved is not None:
        state, before = saved
        parts.append(before)

    def many(state: State, data: PyTree, count: int):
        body = lambda state, _: trainer.step(state, batch(data, state.step))
        return lax.scan(body, state, None, length=count)

    call = jax.jit(many, static_argnums=2)
    begin = time.perf_counter()
    done = int(state.step)
    for callback in callbacks:
        callback(Report(state, {}, done, steps, 0.0))
    while done < steps:
        # Calls end at multiples of steps_per_call, wherever the run began.
        count = min(steps_per_call - done % steps_per_call, steps - done)
        state, metrics = call(state, data, count)
        metrics = {name: np.asarray(values) for name, values in metrics.items()}
        _refuse_non_finite(metrics, done)
        done += count
        parts.append(metrics)
        if checkpoints and (checkpoints.due(done, count) or done == steps):
            checkpoints.save(state, _join(parts), final=done == steps)
        for callback in callbacks:
            callback(Report(state, metrics, done, steps, time.perf_counter() - begin))
    return state, _join(parts)


def _refuse_non_finite(metrics: History, done: int) -> None:
    bad = {name: ~np.isfinite(metrics[name]) for name in ("loss", "gradient_norm")}
    if any(b.any() for b in bad.values()):
        name, first = min(((n, int(b.argmax())) for n, b in bad.items() if b.any()), key=lambda pair: pair[1])
        raise NonFiniteError(name.replace("_", " "), float(metrics[name][first]), done + first)


def _join(parts: list[History]) -> History:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[-1]} if parts else {}


def evaluate(apply: Callable[[PyTree], PyTree], inputs: PyTree, *, batch_size: int = 1024) -> PyTree:
    """`apply` on all `inputs`, `batch_size` at a time along the first axis, jitted; the outputs joined."""
    size = len(jax.tree.leaves(inputs)[0])
    jitted = jax.jit(apply)
    piece = lambda start: jitted(jax.tree.map(lambda a: a[start : start + batch_size], inputs))
    return jax.tree.map(lambda *p: jnp.concatenate(p), *map(piece, range(0, size, batch_size)))
