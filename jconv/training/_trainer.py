"""One step of learning, as a pair of pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jconv._core import check
from jconv._core.paths import PyTree
from jconv.training._accumulation import in_parts

# loss(params, variables, batch, key) -> (loss, (variables, metrics))
Loss = Callable[[PyTree, PyTree, PyTree, jax.Array], tuple[jax.Array, tuple[PyTree, dict[str, jax.Array]]]]


class State(NamedTuple):
    """All that a step reads and writes: with the same state and the same batches, training goes on to the same bits."""

    step: jax.Array
    """int32: steps done."""
    params: PyTree
    """What the optimizer changes."""
    variables: PyTree
    """What the model itself changes, such as running means; may be empty."""
    average: PyTree
    """Exponential moving average of `params`; empty when none is kept."""
    opt_state: PyTree
    """The optimizer's own state."""
    key: jax.Array
    """The random key from which every step derives its own."""


class Trainer(NamedTuple):
    """A pair of pure functions, in the manner of Optax."""

    init: Callable[..., State]
    """(params, key, variables=()) -> state"""
    step: Callable[[State, PyTree], tuple[State, dict[str, jax.Array]]]
    """(state, batch) -> (state, metrics), with "loss" and "gradient_norm" among the metrics"""


def trainer(
    loss: Loss, optimizer: optax.GradientTransformation, *, average: float | None = None, accumulate: int = 1
) -> Trainer:
    r"""Make the functions `init` and `step` that minimise a loss with an Optax optimizer.

    .. math:: p_{t+1} = p_t + u(\nabla L(p_t; b_t)), \qquad a_{t+1} = a_t + (1 - \delta_t)(p_{t+1} - a_t)

    Parameters
    ----------
    loss : callable (params, variables, batch, key) -> (loss, (variables, metrics))
        A pure function; `metrics` is a dictionary of scalars, `variables` what the model changed in itself.
    optimizer : optax.GradientTransformation
        Any of Optax; one with a line search gets the value and the gradient that it needs.
    average : float in (0, 1), optional
        Decay of an exponential moving average of the parameters. It starts low and rises to this value,
        :math:`\delta_t = \min(\mathrm{average}, (1 + t) / (10 + t))`, so that the first steps are soon forgotten.
    accumulate : int
        Work through each batch in this many parts, one after the other, and follow the mean of their gradients: memory
        for one part only. Where the loss is a mean over examples, the step is that of the whole batch, to rounding.
        Metrics are averaged, `variables` handed on from part to part.

    Returns
    -------
    Trainer

    Raises
    ------
    ValueError
        When `average` lies outside (0, 1), or a batch cannot be split into `accumulate` equal parts.

    Notes
    -----
    The key of a step is `fold_in(state.key, state.step)`: randomness depends on the step alone, not on the way there.
    Part i of a batch takes every `accumulate`-th example from i on, and the key `fold_in(key of the step, i)`.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, optax
    >>> square = lambda params, variables, batch, key: (jnp.sum((params - batch) ** 2), (variables, {}))
    >>> pair = trainer(square, optax.sgd(0.5))
    >>> state, metrics = jax.jit(pair.step)(pair.init(jnp.zeros(2), jax.random.key(0)), jnp.ones(2))
    >>> state.params, metrics["loss"]
    (Array([1., 1.], dtype=float32), Array(2., dtype=float32))
    """
    if average is not None and not 0 < average < 1:
        raise ValueError(f"`average` must lie in (0, 1), got {average}; pass None for no average")
    accumulate = check.positive_int("accumulate", accumulate)
    optimizer = optax.with_extra_args_support(optimizer)

    def value(params: PyTree, variables: PyTree, batch: PyTree, key: jax.Array) -> tuple[PyTree, jax.Array]:
        value, (variables, _) = loss(params, variables, batch, key)
        return variables, value

    def gradient(params: PyTree, variables: PyTree, batch: PyTree, key: jax.Array) -> tuple[PyTree, Any]:
        gradient_of = jax.value_and_grad(loss, has_aux=True)
        (value, (variables, metrics)), gradient = gradient_of(params, variables, batch, key)
        return variables, (value, metrics, gradient)

    mean_value, mean_gradient = in_parts(value, accumulate), in_parts(gradient, accumulate)

    def init(params: PyTree, key: jax.Array, variables: PyTree = ()) -> State:
        # The average is a copy, so that a jitted loop may take both buffers over.
        copy = () if average is None else jax.tree.map(jnp.array, params)
        return State(jnp.zeros((), jnp.int32), params, variables, copy, optimizer.init(params), key)

    def step(state: State, batch: PyTree) -> tuple[State, dict[str, jax.Array]]:
        key = jax.random.fold_in(state.key, state.step)
        variables, (value, metrics, gradient) = mean_gradient(state.params, state.variables, batch, key)
        # Line searches ask for these; other optimizers ignore them.
        again = {
            "value": value,
            "grad": gradient,
            "value_fn": lambda params: mean_value(params, state.variables, batch, key)[1],
        }
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params, **again)
        params: PyTree = optax.apply_updates(state.params, updates)
        mean = state.average
        if average is not None:
            t = state.step.astype(jnp.float32)
            decay = jnp.minimum(average, (1 + t) / (10 + t))
            mean = jax.tree.map(lambda a, p: a + (1 - decay).astype(p.dtype) * (p - a), mean, params)
        metrics = {"loss": value, "gradient_norm": optax.tree.norm(gradient), **metrics}
        return State(state.step + 1, params, variables, mean, opt_state, state.key), metrics

    return Trainer(init, step)
