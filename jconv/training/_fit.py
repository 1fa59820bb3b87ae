"""The loop: many steps in one jitted call, with a guard against losses that are not finite."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.paths import PyTree
from jconv.training._checkpoint import Checkpoints
from jconv.training._early_stopping import EarlyStopping
from jconv.training._parallel import Device, batch_size_of, placement
from jconv.training._trainer import State, Trainer

History = dict[str, np.ndarray]
VALIDATION = "validation_"


class NonFiniteError(FloatingPointError):
    """The loss or its gradient became NaN or infinite. `step` is the first step at which it was so."""

    def __init__(self, name: str, value: float, step: int) -> None:
        super().__init__(
            f"the {name} was {value} at step {step}; nothing after it was kept. "
            "Lower the learning rate, or look for NaN in the data"
        )
        self.step = step


class Report(NamedTuple):
    """What a callback is handed after each call of the jitted loop."""

    state: State
    """The state after the last step."""
    metrics: History
    """The metrics of the steps since the last report, one array each; those of a validation have one entry."""
    done: int
    """Steps done in all."""
    steps: int
    """Steps to do in all."""
    seconds: float
    """Wall-clock seconds since `fit` began."""
    samples: int | None = None
    """Examples in the batch of a step, where its arrays share a first axis."""
    last: bool = False
    """Whether training ends here."""


class Callback(Protocol):
    """Called with a Report when training begins (with empty metrics) and after each call of the jitted loop."""

    def __call__(self, report: Report) -> None: ...


class Indexed(Protocol):
    """Batches on the host by number, such as a `grain.MapDataset`."""

    def __getitem__(self, step: int, /) -> PyTree: ...


def fit(
    trainer: Trainer,
    state: State,
    batch: Callable[[PyTree, jax.Array], PyTree] | Indexed,
    data: PyTree = (),
    *,
    steps: int,
    steps_per_call: int = 50,
    validate: Callable[[State], Mapping[str, Any]] | None = None,
    validate_every: int | None = None,
    stop: EarlyStopping | None = None,
    devices: Sequence[Device] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> tuple[State, History]:
    """Train until `state.step` is `steps`, `steps_per_call` steps to each jitted call (`lax.scan`).

    Parameters
    ----------
    trainer : Trainer
        From `jconv.training.trainer`.
    state : State
        Where to begin: `trainer.init(…)`. When `checkpoints` holds states of the same model, its newest goes on.
    batch : callable (data, step) -> batch, or an object with batch[step]
        The batch of a step as a pure, traceable function of the data and of the number of the step, so that a resumed
        run sees the batches that it would have seen; or, for data too large for the device, batches of NumPy arrays by
        number (such as a shuffled, batched `grain.MapDataset`), which are loaded while the device computes.
    data : pytree of arrays
        Handed to a callable `batch`; stays on the device.
    steps : int
        The step at which training ends.
    steps_per_call : int
        Steps in each jitted call. Default 50.
    validate : callable (State) -> dict of numbers, optional
        Called where calls end, when `validate_every` steps have passed, and at the end. Its numbers join the history as
        `validation_NAME`, and the steps as `validation_step`.
    validate_every : int, optional
        By default after each call.
    stop : EarlyStopping, optional
        Ends the training by one of the numbers of `validate`; the best state is returned.
    devices : sequence of devices, optional
        Spread each batch over these (such as `jax.local_devices()`); the state is the same on each. The result is that
        of one device, to rounding.
    callbacks : sequence of callables (Report) -> None
        Called when training begins and after each call of the jitted loop.
    checkpoints : Checkpoints, optional
        Where states are saved, at the ends of calls.

    Returns
    -------
    (State, dict of arrays)
        The last state, or the best where `stop` is given, and each metric at each step from the very first.

    Raises
    ------
    NonFiniteError
        At the first step whose loss or gradient is not finite; nothing of that call is saved.
    CheckpointError
        When `checkpoints` belongs to another model or other settings, or is damaged.
    ValueError
        When the batch cannot be spread over the devices, `stop` is given without `validate`, or names a metric that
        it does not return.

    Notes
    -----
    A run that was interrupted anywhere and resumed ends in the same bits as an undisturbed one on the same machine and
    cores: states are saved only where calls end, so that both are the same sequence of the same compiled programs.

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
    every = check.positive_int("validate_every", steps_per_call if validate_every is None else validate_every)
    if stop is not None and validate is None:
        raise ValueError("`stop` needs `validate`; pass a function of the state that returns its metric")
    parts: list[History] = []
    best: State | None = None
    if checkpoints and (saved := checkpoints.restore(state)):
        state, best = saved.state, saved.best
        parts.append(saved.history)
    begin, done = time.perf_counter(), int(state.step)
    count_at = lambda done: max(0, min(steps_per_call - done % steps_per_call, steps - done))
    ended = lambda: done >= steps or (stop is not None and stop.ends(_series(parts, VALIDATION + stop.metric)))

    traced, draw = callable(batch), cast(Any, batch)
    first = jax.eval_shape(draw, data, state.step) if traced else draw[done] if done < steps else ()
    samples = batch_size_of(first)
    place = placement(devices, samples) if done < steps else placement(None, None)
    state, data = place.replicate((state, data))

    def many(state: State, inputs: PyTree, count: int) -> tuple[State, dict[str, jax.Array]]:
        def body(state: State, drawn: PyTree) -> tuple[State, dict[str, jax.Array]]:
            drawn = draw(inputs, state.step) if traced else drawn
            state, metrics = trainer.step(state, place.split(drawn))
            return place.together(state), metrics

        return lax.scan(body, state, None if traced else inputs, length=count)

    def inputs_at(done: int) -> PyTree:
        """Return what the call that begins after `done` steps gets: the data, or its batches, one behind the other."""
        if traced or not (count := count_at(done)):
            return data
        return jax.tree.map(lambda *arrays: np.stack(arrays), *(draw[step] for step in range(done, done + count)))

    call = jax.jit(many, static_argnums=2)
    for callback in callbacks:
        callback(Report(state, {}, done, steps, 0.0, samples, ended()))
    inputs = inputs_at(done)
    while not ended():
        count = count_at(done)  # calls end at multiples of steps_per_call, wherever the run began
        state, metrics = call(state, inputs, count)
        inputs = inputs_at(done + count)  # the host loads while the device computes
        metrics = {name: np.asarray(values) for name, values in metrics.items()}
        _refuse_non_finite(metrics, done)
        done += count
        if validate is not None and (done // every > (done - count) // every or done == steps):
            metrics |= _validation(validate, state, done)
        parts.append(metrics)
        if stop is not None and VALIDATION + "step" in metrics and _newest_is_best(parts, stop):
            best = state
        if checkpoints and (checkpoints.due(done, count) or ended()):
            checkpoints.save(state, _join(parts), best=best, final=ended())
        for callback in callbacks:
            callback(Report(state, metrics, done, steps, time.perf_counter() - begin, samples, ended()))
    return (state if best is None else best), _join(parts)


def _validation(validate: Callable[[State], Mapping[str, Any]], state: State, done: int) -> History:
    found = {"step": done, **validate(state)}
    return {VALIDATION + name: np.asarray(value)[None] for name, value in found.items()}


def _newest_is_best(parts: list[History], stop: EarlyStopping) -> bool:
    values = _series(parts, VALIDATION + stop.metric)
    if len(values) < len(_series(parts, VALIDATION + "step")):
        raise ValueError(f"`stop` watches {stop.metric!r}, which `validate` did not return; name one of its metrics")
    return stop.best(values) == len(values) - 1


def _refuse_non_finite(metrics: History, done: int) -> None:
    bad = {name: ~np.isfinite(metrics[name]) for name in ("loss", "gradient_norm")}
    if any(b.any() for b in bad.values()):
        name, first = min(((n, int(b.argmax())) for n, b in bad.items() if b.any()), key=lambda pair: pair[1])
        raise NonFiniteError(name.replace("_", " "), float(metrics[name][first]), done + first)


def _series(parts: list[History], name: str) -> np.ndarray:
    """One metric from the first step on."""
    found = [part[name] for part in parts if name in part]
    return np.concatenate(found) if found else np.zeros(0)


def _join(parts: list[History]) -> History:
    return {name: _series(parts, name) for name in dict.fromkeys(name for part in parts for name in part)}


def evaluate(apply: Callable[[PyTree], PyTree], inputs: PyTree, *, batch_size: int = 1024) -> PyTree:
    """Apply a function to all inputs, some at a time, and join the outputs.

    Parameters
    ----------
    apply : callable (inputs) -> outputs
        Pure; it is jitted.
    inputs : pytree of arrays (N, ...)
        What it is applied to.
    batch_size : int
        How many along the first axis at a time. Default 1024.

    Returns
    -------
    pytree of arrays (N, ...)

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> evaluate(lambda x: 2 * x, jnp.arange(3.0), batch_size=2)
    Array([0., 2., 4.], dtype=float32)
    """
    size = len(jax.tree.leaves(inputs)[0])
    jitted = jax.jit(apply)
    piece = lambda start: jitted(jax.tree.map(lambda a: a[start : start + batch_size], inputs))
    return jax.tree.map(lambda *p: jnp.concatenate(p), *map(piece, range(0, size, batch_size)))
