"""Learning on scenes that are made while one learns: what segmentation and detection have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx

from jconv._core.paths import PyTree
from jconv.tasks._augment import random_colours
from jconv.tasks._recipe import learn, recompute_statistics
from jconv.tasks._scenes import Scene, SceneOptions, materials, scenes
from jconv.tasks._settings import Settings
from jconv.training import Callback, Checkpoints, State, evaluate, functional

TESTED = 400


class Learned(NamedTuple):
    """A trained network, test scenes, and what it says of them."""

    state: State
    history: dict[str, np.ndarray]
    test: Scene
    """400 scenes of digits and photographs that training never saw."""
    found: PyTree
    """The network's outputs on them, as `read` makes something of them."""


def learn_scenes(
    settings: Settings,
    model: nnx.Module,
    loss: Callable[[PyTree, Scene], tuple[jax.Array, dict[str, jax.Array]]],
    read: Callable[[PyTree], PyTree],
    options: SceneOptions,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> Learned:
    """Train a network on scenes of its own at every step, and apply it to scenes of other digits and photographs.

    Parameters
    ----------
    settings : Settings
        The seed decides the stratified split of the digits and the scenes.
    model : nnx.Module
        From pictures (N, size, size, 3) to an output; called with ``train=True`` in training.
    loss : callable (output, scenes) -> (loss, metrics)
    read : callable (output) -> result
        What is made of the output on test scenes.
    options : SceneOptions
        Handed to `scene`.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Notes
    -----
    In training, the colours, the contrast and the brightness of every scene are changed at random. The network that is
    tested is the exponential moving average of the one that is trained, with running means and variances of training
    scenes as they are (`recompute_statistics`). Training sees nothing of the test scenes.
    """
    train, test = materials(settings.seed)
    apply, params, variables = functional(model, dtype=settings.dtype)

    def batch(data: PyTree, step: jax.Array) -> Scene:
        train, key = data
        return scenes(jax.random.fold_in(key, step), train, settings.batch_size, **options)

    def of_batch(params: PyTree, variables: PyTree, batch: Scene, key: jax.Array) -> tuple[jax.Array, Any]:
        output, variables = apply(params, variables, random_colours(key, batch.image), train=True)
        value, metrics = loss(output, batch)
        return value, (variables, metrics)

    for_train, for_test = jax.random.split(jax.random.fold_in(jax.random.key(settings.seed), 1))
    data = (train, for_train)
    state, history = learn(
        settings, of_batch, params, variables, batch, data, callbacks=callbacks, checkpoints=checkpoints
    )
    through = lambda params, variables, step: apply(params, variables, batch(data, step).image, train=True)[1]
    state = recompute_statistics(state, through)
    truth = jax.jit(lambda: scenes(for_test, test, TESTED, **options))()
    found = evaluate(lambda x: read(apply(state.average, state.variables, x)[0]), truth.image, batch_size=80)
    return Learned(state, history, truth, found)
