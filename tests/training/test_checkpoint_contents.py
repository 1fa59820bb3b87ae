"""Checkpoints hold each value under a name of its own, and are bounded before they are read."""

import warnings
from collections import OrderedDict

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import InputError
from jconv._core.paths import name_leaves
from jconv.training import Checkpoints, State

TREES = [
    {"a.b": 1.0, "a": {"b": 2.0}},
    {"a": {"b.c": 1.0, "b": {"c": 2.0}}, "a.b": {"c": 3.0}, "a.b.c": 4.0},
    {"a%2Eb": 1.0, "a.b": 2.0, "a": {"b": 3.0}},
    {"a/b": 1.0, "a": {"b": 2.0}, "a\\b": 3.0},
    {"x": [1.0, 2.0], "y": {"0": 3.0, "1": 4.0}, "x.0": 5.0},
    OrderedDict({1: 1.0, "1": 2.0, "-1": 3.0, -1: 4.0}),
]


def state_of(params, step=3):
    params = jax.tree.map(jnp.asarray, params)
    return State(jnp.int32(step), params, (), (), (), jax.random.key(0))


@pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
def test_values_come_back_under_their_own_paths(tmp_path, tree):
    state = state_of(tree)
    Checkpoints(tmp_path / "c").save(state, {"loss": np.arange(3.0)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = Checkpoints(tmp_path / "c").restore(jax.tree.map(jnp.zeros_like, state)).state
    assert jax.tree.structure(restored.params) == jax.tree.structure(state.params)
    assert jax.tree.leaves(restored.params) == jax.tree.leaves(state.params)


@pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
def test_names_are_as_many_as_leaves(tree):
    assert len(name_leaves(tree)) == len(jax.tree.leaves(tree))


def test_keys_that_print_alike_are_refused():
    class Node:
        pass

    keys = (jax.tree_util.DictKey(None), jax.tree_util.DictKey("None"))
    jax.tree_util.register_pytree_with_keys(Node, lambda n: (zip(keys, (1, 2)), None), lambda _, c: Node())
    with pytest.raises(ValueError, match="two leaves of the tree have the path 'None'"):
        name_leaves(Node())


def test_a_checkpoint_that_would_swell_is_refused(tmp_path, monkeypatch):
    state = state_of({"w": jnp.zeros(3)})
    Checkpoints(tmp_path / "c").save(state, {"loss": np.zeros(100_000)})  # which Orbax stores in a few bytes
    monkeypatch.setenv("JCONV_MAX_BYTES", "100000")
    with pytest.raises(InputError, match=r"the checkpoint .* asks for 800.0 kB of memory"):
        Checkpoints(tmp_path / "c").restore(state)


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    saved = Checkpoints(tmp_path / "c", keep=1)
    (tmp_path / "c" / "160").mkdir(parents=True)
    (tmp_path / "c" / "460.orbax-checkpoint-tmp").mkdir()
    saved.save(state_of({"w": jnp.zeros(3)}, 1), {})
    saved.save(state_of({"w": jnp.zeros(3)}, 2), {})
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"2", "2.json"}


def test_calls_end_where_states_are_saved():
    calls = {every: Checkpoints("c", every=every).steps_per_call(20) for every in (20, 50, 7, 53, 100, 30)}
    assert calls == {20: 20, 50: 10, 7: 7, 53: 20, 100: 20, 30: 15}


def test_how_often_a_run_saved_is_known_afterwards(tmp_path):
    assert Checkpoints(tmp_path / "c").saved_every() is None
    Checkpoints(tmp_path / "c", every=30).save(state_of({"w": jnp.zeros(3)}), {})
    assert Checkpoints(tmp_path / "c").saved_every() == 30
