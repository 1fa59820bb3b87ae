"""The loop: it learns, it is exactly repeatable, resumes to the same bits, and refuses what is not finite."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jconv.training import (
    CheckpointError,
    Checkpoints,
    NonFiniteError,
    ProgressBar,
    evaluate,
    fit,
    trainer,
)

TARGET = jnp.array([1.0, -2.0, 3.0])


def noisy_quadratic(params, variables, batch, key):
    noise = 0.1 * jax.random.normal(key, TARGET.shape)
    loss = jnp.sum((params["w"] - batch + noise) ** 2)
    return loss, ({"calls": variables["calls"] + 1}, {"distance": jnp.abs(params["w"] - TARGET).max()})


def start(optimizer=None, average=None, size=3, seed=0):
    pair = trainer(noisy_quadratic, optimizer or optax.adam(0.1), average=average)
    return pair, pair.init({"w": jnp.zeros(size)}, jax.random.key(seed), {"calls": jnp.zeros((), jnp.int32)})


def go(pair, state, steps, **options):
    return fit(pair, state, lambda data, step: data, TARGET, steps=steps, steps_per_call=7, **options)


def raw(state):
    return jax.tree.map(np.asarray, state._replace(key=jax.random.key_data(state.key)))


@pytest.mark.core
def test_learns_and_reports_every_step():
    reports = []
    state, history = go(*start(average=0.9), 200, callbacks=[reports.append])
    assert set(history) == {"loss", "gradient_norm", "distance"}
    assert all(len(values) == 200 for values in history.values())
    assert history["distance"][-1] < 0.3
    assert int(state.step) == 200
    assert int(state.variables["calls"]) == 200
    assert [r.done for r in reports] == [0, *range(7, 200, 7), 200]
    assert np.array_equal(np.concatenate([r.metrics["loss"] for r in reports[1:]]), history["loss"])


def test_same_seed_same_bits_other_seed_others():
    first, again = (go(*start(), 30)[0] for _ in range(2))
    chex.assert_trees_all_equal(raw(first), raw(again))
    other, _ = go(*start(seed=1), 30)
    assert not np.array_equal(first.params["w"], other.params["w"])


def test_average_follows_its_formula():
    pair, state = start(optax.sgd(0.05), average=0.5)
    wanted = np.zeros(3)
    for t in range(5):
        state, _ = pair.step(state, TARGET)
        wanted += (1 - min(0.5, (1 + t) / (10 + t))) * (np.asarray(state.params["w"]) - wanted)
    np.testing.assert_allclose(state.average["w"], wanted, rtol=1e-6)


def test_line_searches_get_what_they_need():
    _, history = go(*start(optax.lbfgs()), 20)
    assert history["distance"][-1] < 0.2


@pytest.mark.core
@pytest.mark.parametrize("stop", [7, 21, 26])
def test_resumes_to_the_same_bits(tmp_path, stop):
    pair, state = start(average=0.9)
    whole, whole_history = go(pair, state, 40)
    # An undisturbed run knows that it will take 40 steps; this one is cut off by a callback.
    cut = Checkpoints(tmp_path / "c", every=5)

    class Cut(Exception):
        pass

    def stopper(report):
        if report.done >= stop:
            raise Cut

    with pytest.raises(Cut):
        go(pair, state, 40, checkpoints=cut, callbacks=[stopper])
    assert cut.unfinished()
    resumed, history = go(pair, state, 40, checkpoints=Checkpoints(tmp_path / "c", every=5))
    chex.assert_trees_all_equal(raw(resumed), raw(whole))
    chex.assert_trees_all_equal(history, whole_history)
    assert not cut.unfinished()
    assert len(cut.steps()) == 2


def broken_at(step):
    def loss(params, variables, batch, key):
        value = jnp.sum(params["w"] ** 2)
        return jnp.where(batch == step, jnp.nan, value), (variables, {})

    pair = trainer(loss, optax.sgd(0.1))
    return pair, pair.init({"w": jnp.ones(2)}, jax.random.key(0))


def test_refuses_a_loss_that_is_not_finite_and_names_the_step(tmp_path):
    saved = Checkpoints(tmp_path / "c", every=10)
    with pytest.raises(NonFiniteError, match="the loss was nan at step 23") as caught:
        fit(*broken_at(23), lambda data, step: step, steps=40, steps_per_call=10, checkpoints=saved)
    assert caught.value.step == 23
    assert saved.steps() == [10, 20]


def test_refuses_a_gradient_that_is_not_finite():
    # The norm has a finite value at its target, and no gradient.
    norm = lambda params, variables, batch, key: (jnp.sqrt(jnp.sum((params - batch) ** 2)), (variables, {}))
    pair = trainer(norm, optax.sgd(0.1))
    with pytest.raises(NonFiniteError, match="the gradient norm was nan at step 0"):
        fit(pair, pair.init(jnp.ones(2), jax.random.key(0)), lambda data, step: data, jnp.ones(2), steps=3)


@pytest.fixture
def saved(tmp_path):
    pair, state = start()
    folder = Checkpoints(tmp_path / "c", settings={"rate": 1})
    go(pair, state, 7, checkpoints=folder)
    return folder, state


def test_checkpoint_of_another_model_or_setting_is_refused(saved):
    folder, state = saved
    with pytest.raises(CheckpointError, match=r"belongs to another run: its option rate is 1, here it is 2"):
        Checkpoints(folder.folder, settings={"rate": 2}).restore(state)
    with pytest.raises(CheckpointError, match=r"its array params.w is float\d+\[3\], here it is float\d+\[4\]"):
        folder.restore(start(size=4)[1])
    with pytest.raises(CheckpointError, match=r"its array .*absent"):
        folder.restore(start(optax.sgd(0.1, momentum=0.9))[1])


def test_damaged_checkpoints_are_refused_whichever_file_was_cut(saved):
    folder, state = saved
    files = [p for p in (folder.folder / "7").rglob("*") if p.is_file()]
    assert len(files) >= 5
    for path in [*files, folder.folder / "7.json"]:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CheckpointError, match=r"is damaged.*delete that folder"):
            folder.restore(state)
        path.write_bytes(whole)
    assert folder.restore(state) is not None
    files[0].unlink()
    with pytest.raises(CheckpointError, match="is damaged"):
        folder.restore(state)


def test_unfinished_checkpoints_do_not_count(saved):
    folder, state = saved
    (folder.folder / "14").mkdir()
    (folder.folder / "21.orbax-checkpoint-tmp").mkdir()
    assert folder.steps() == [7]
    assert int(folder.restore(state)[0].step) == 7
    folder.clear()
    assert folder.restore(state) is None
    assert not folder.unfinished()


def test_progress_bar_shows_on_request_and_is_silent_otherwise(capsys):
    go(*start(), 14, callbacks=[ProgressBar("quiet")])
    assert capsys.readouterr() == ("", "")
    go(*start(), 14, callbacks=[ProgressBar("loud", shown=True)])
    shown = capsys.readouterr().err
    assert "loud" in shown
    assert "14/14" in shown
    assert "loss=" in shown


def test_evaluate_joins_batches():
    x = jnp.arange(10.0)
    np.testing.assert_array_equal(evaluate(lambda x: 2 * x, x, batch_size=4), 2 * x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: trainer(noisy_quadratic, optax.sgd(1.0), average=1.0), ValueError, r"`average` must lie in \(0, 1\)"),
        (lambda: go(*start(), 0), ValueError, "`steps` must be at least 1"),
        (lambda: go(*start(), 1.5), TypeError, "`steps` must be an integer"),
        (lambda: Checkpoints("x", every=0), ValueError, "`every` must be at least 1"),
        (lambda: Checkpoints("x", keep=0), ValueError, "`keep` must be at least 1"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
