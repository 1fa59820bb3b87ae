"""What training can do besides: accumulation, mixed precision, early stopping, batches from the host, devices, logs."""

import json
import os
import subprocess
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jconv import InputError
from jconv.nn import Conv
from jconv.training import (
    Checkpoints,
    EarlyStopping,
    JSONLines,
    ProgressBar,
    Report,
    TensorBoard,
    bootstrap_interval,
    fit,
    functional,
    trainer,
    wilson_interval,
)

INPUTS = jax.random.normal(jax.random.key(1), (24, 6), jnp.float32)
TARGETS = jnp.tanh(INPUTS @ jnp.arange(-3.0, 3.0, dtype=jnp.float32))
ROUNDING = 100 * float(jnp.finfo(jnp.float32).eps)


def regression(params, variables, batch, key):
    inputs, targets = batch
    errors = inputs @ params["w"] + params["b"] - targets
    return jnp.mean(errors**2), ({"seen": variables["seen"] + len(inputs)}, {"worst": jnp.mean(jnp.abs(errors))})


def begin(optimizer=None, **options):
    pair = trainer(regression, optimizer or optax.adam(0.03), **options)
    params = {"w": jnp.zeros(6, jnp.float32), "b": jnp.zeros((), jnp.float32)}
    return pair, pair.init(params, jax.random.key(0), {"seen": jnp.zeros((), jnp.int32)})


def rows(data, step):
    inputs, targets = data
    return inputs[(8 * step + jnp.arange(8)) % 24], targets[(8 * step + jnp.arange(8)) % 24]


def go(pair, state, steps=20, **options):
    return fit(pair, state, rows, (INPUTS, TARGETS), steps=steps, steps_per_call=5, **options)


def raw(state):
    return jax.tree.map(np.asarray, state._replace(key=jax.random.key_data(state.key)))


@pytest.mark.parametrize("optimizer", [optax.adam(0.03), optax.lbfgs()], ids=["adam", "lbfgs"])
def test_accumulated_parts_make_the_step_of_the_whole_batch(optimizer):
    whole, history = go(*begin(optimizer))
    parts, in_parts = go(*begin(optimizer, accumulate=4))
    chex.assert_trees_all_close(raw(parts).params, raw(whole).params, rtol=ROUNDING * 10)
    np.testing.assert_allclose(in_parts["worst"], history["worst"], rtol=ROUNDING * 10)
    assert int(parts.variables["seen"]) == int(whole.variables["seen"]) == 20 * 8


def test_accumulation_hands_each_part_its_own_key():
    def noise(params, variables, batch, key):
        return jnp.sum(params * batch) + jax.random.normal(key), (variables, {})

    pair = trainer(noise, optax.sgd(0.0), accumulate=2)
    state = pair.init(jnp.ones(()), jax.random.key(3))
    key = jax.random.fold_in(state.key, 0)
    _, metrics = pair.step(state, jnp.zeros(4))
    wanted = np.mean([jax.random.normal(jax.random.fold_in(key, part)) for part in range(2)])
    np.testing.assert_allclose(metrics["loss"], wanted)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32():
    class Model(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.conv = Conv(1, 4, (3, 3), rngs=rngs)
            self.norm = nnx.BatchNorm(4, rngs=rngs)
            self.seen = nnx.Variable(jnp.zeros((), jnp.int32))

        def __call__(self, x):
            self.seen[...] += 1
            for layer in (self.conv, self.norm):
                x = layer(x)
                assert x.dtype == (jnp.bfloat16 if Model.mixed else jnp.float32)
            return x.mean(axis=(1, 2))

    images = jax.random.normal(jax.random.key(0), (3, 8, 8, 1), jnp.float32)
    outputs, gradients = {}, {}
    for dtype in (None, jnp.bfloat16):
        Model.mixed = dtype is not None
        apply, params, variables = functional(Model(), dtype=dtype)
        assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}
        outputs[dtype], after = apply(params, variables, images)
        assert int(jax.tree.leaves(variables["seen"])[0]) == 0
        assert outputs[dtype].dtype == jnp.float32
        chex.assert_trees_all_equal_dtypes(after, variables)
        assert int(jax.tree.leaves(after["seen"])[0]) == 1
        square = lambda p, v, apply: jnp.sum(apply(p, v, images)[0] ** 2)
        gradients[dtype] = jax.grad(square)(params, variables, apply)
        chex.assert_trees_all_equal_dtypes(gradients[dtype], params)
    coarse = 8 * float(jnp.finfo(jnp.bfloat16).eps)
    np.testing.assert_allclose(outputs[jnp.bfloat16], outputs[None], atol=coarse)
    assert not np.array_equal(outputs[jnp.bfloat16], outputs[None])
    largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradients[None]))
    chex.assert_trees_all_close(gradients[jnp.bfloat16], gradients[None], atol=coarse * largest)


def wandering(state):
    """A validation loss that falls until step 20 and rises after."""
    return {"loss": abs(int(state.step) - 20), "score": jnp.float32(-abs(int(state.step) - 20))}


@pytest.mark.parametrize("stop", [EarlyStopping("loss", 3), EarlyStopping("score", 3, "higher")], ids=str)
def test_early_stopping_returns_the_best_state_and_resumes_to_the_same(tmp_path, stop):
    options = {"validate": wandering, "validate_every": 5, "stop": stop}
    whole, history = go(*begin(), 100, **options)
    assert int(whole.step) == 20
    assert list(history["validation_step"]) == [5, 10, 15, 20, 25, 30, 35]
    assert list(history["validation_loss"]) == [15, 10, 5, 0, 5, 10, 15]
    assert len(history["loss"]) == 35
    unstopped, _ = go(*begin(), 20)
    chex.assert_trees_all_equal(raw(whole), raw(unstopped))

    class Cut(Exception):
        pass

    def cut(report):
        if report.done == 30:
            raise Cut

    saved = lambda: Checkpoints(tmp_path / "c", every=5)
    with pytest.raises(Cut):
        go(*begin(), 100, **options, checkpoints=saved(), callbacks=[cut])
    reports = []
    resumed, again = go(*begin(), 100, **options, checkpoints=saved(), callbacks=[reports.append])
    chex.assert_trees_all_equal(raw(resumed), raw(whole))
    chex.assert_trees_all_equal(again, history)
    assert [(r.done, r.last) for r in reports] == [(30, False), (35, True)]
    assert not saved().unfinished()
    finished, _ = go(*begin(), 100, **options, checkpoints=saved())  # nothing is left to do
    chex.assert_trees_all_equal(raw(finished), raw(whole))


def test_small_gains_do_not_count():
    values = [5.0, 4.9, 4.8, 3.0, 2.9]
    assert EarlyStopping("loss", least=0.5).best(values) == 3
    assert EarlyStopping("loss").best(values) == 4
    assert EarlyStopping("loss", patience=2, least=0.5).ends(values[:3])
    assert not EarlyStopping("loss", patience=2, least=0.5).ends(values)
    assert not EarlyStopping("loss").ends([])
    assert EarlyStopping("loss", patience=1).ends([1.0, float("nan")])


def test_batches_from_the_host_are_those_of_the_device(tmp_path):
    asked = []

    class Host:
        def __getitem__(self, step):
            asked.append(step)
            return jax.tree.map(np.asarray, rows((INPUTS, TARGETS), step))

    traced, history = go(*begin())
    indexed, found = fit(*begin(), Host(), steps=20, steps_per_call=5)
    chex.assert_trees_all_close(raw(indexed), raw(traced), rtol=ROUNDING)
    chex.assert_trees_all_close(found, history, rtol=ROUNDING)
    assert set(asked) == set(range(20))


def test_batches_of_grain_are_repeatable(tmp_path):
    grain = pytest.importorskip("grain", reason="grain, of the extra `stream`, is not installed")
    source = [(np.asarray(x), np.asarray(t)) for x, t in zip(INPUTS, TARGETS)]
    batches = grain.MapDataset.source(source).seed(3).shuffle().repeat().batch(8)
    whole, history = fit(*begin(), batches, steps=20, steps_per_call=5)
    fit(*begin(), batches, steps=10, steps_per_call=5, checkpoints=Checkpoints(tmp_path / "c", every=5))
    resumed, again = fit(*begin(), batches, steps=20, steps_per_call=5, checkpoints=Checkpoints(tmp_path / "c"))
    chex.assert_trees_all_equal(raw(resumed), raw(whole))
    chex.assert_trees_all_equal(again, history)


TWO_DEVICES = """
import jax, json, sys
import numpy as np
from flax import nnx
import jax.numpy as jnp, optax
from jconv.nn import CNN
from jconv.training import fit, functional, trainer

model = CNN(1, 10, (8, 8), widths=(4,), hidden=8, algorithm=sys.argv[1], rngs=nnx.Rngs(0))
apply, params, variables = functional(model)
images = jax.random.normal(jax.random.key(0), (32, 8, 8, 1))
labels = jnp.arange(32) % 10
seen = []

def loss(params, variables, batch, key):
    x, y = batch
    jax.debug.inspect_array_sharding(x, callback=lambda s: seen.append(len(s.device_set)))
    logits, variables = apply(params, variables, x, key=key)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), (variables, {})

batch = lambda data, step: jax.tree.map(lambda a: jnp.roll(a, step, axis=0)[:16], data)
ends = []
for devices in (None, jax.local_devices()):
    for accumulate in (1, 2):
        pair = trainer(loss, optax.sgd(0.1, momentum=0.9), accumulate=accumulate)
        state, history = fit(pair, pair.init(params, jax.random.key(1), variables), batch, (images, labels), steps=6,
                             steps_per_call=3, devices=devices)
        ends.append((np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(state.params)]), history["loss"]))
        used = {len(leaf.sharding.device_set) for leaf in jax.tree.leaves(state.params)}
        assert used == {1 if devices is None else 2}, used
for one, two in zip(ends[:2], ends[2:]):
    print(json.dumps([float(np.abs(a - b).max() / np.abs(a).max()) for a, b in zip(one, two)]))
print(json.dumps(sorted(set(seen))))
try:
    fit(pair, pair.init(params, jax.random.key(1), variables), lambda data, step: (data[0][:15], data[1][:15]),
        (images, labels), steps=2, devices=jax.local_devices())
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("algorithm", ["auto", "xla"])
def test_two_devices_make_the_steps_of_one(algorithm):
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES, algorithm],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second, devices, refused = done.stdout.splitlines()
    assert max(json.loads(first) + json.loads(second)) < ROUNDING
    assert 2 in json.loads(devices)
    assert "`devices` are 2 and the batch holds 15 examples; make its size a multiple of that" in refused


def test_json_lines_of_a_resumed_run_are_those_of_an_undisturbed_one(tmp_path):
    options = {"validate": wandering, "validate_every": 10}
    go(*begin(), callbacks=[JSONLines(tmp_path / "whole" / "log.jsonl")], **options)
    checkpoints = lambda: Checkpoints(tmp_path / "c", every=10)

    def cut(report):
        if report.done == 15:
            raise KeyboardInterrupt

    log = tmp_path / "cut.jsonl"
    with pytest.raises(KeyboardInterrupt):
        go(*begin(), callbacks=[JSONLines(log), cut], checkpoints=checkpoints(), **options)
    log.write_text(log.read_text() + '{"step": 20, "lo')  # as a killed process leaves it
    go(*begin(), callbacks=[JSONLines(log)], checkpoints=checkpoints(), **options)
    timeless = lambda path: [
        {k: v for k, v in json.loads(line).items() if not k.startswith("s") or k == "step"}
        for line in path.read_text().splitlines()
    ]
    lines = timeless(log)
    assert lines == timeless(tmp_path / "whole" / "log.jsonl")
    assert [line["step"] for line in lines] == [5, 10, 15, 20]
    assert [line.get("validation_loss") for line in lines] == [None, 10, None, 0]
    assert {"loss", "gradient_norm", "worst"} <= set(lines[0])
    assert json.loads(log.read_text().splitlines()[-1])["samples_per_second"] > 0


def tensorboard_events(folder):
    from tensorboardX.proto.event_pb2 import Event

    (file,) = folder.iterdir()
    data = file.read_bytes()
    while data:  # records of TFRecord: length, its checksum, content, its checksum
        length = int.from_bytes(data[:8], "little")
        yield Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]


@pytest.mark.parametrize("done", [0, 10])
def test_tensorboard_hides_the_points_after_where_a_run_begins(tmp_path, done):
    pytest.importorskip("tensorboardX", reason="tensorboardX, of the extra `log`, is not installed")
    TensorBoard(tmp_path / "tb")(Report(begin()[1], {}, done, 20, 0.0, last=True))
    purged = [event.step for event in tensorboard_events(tmp_path / "tb") if event.HasField("session_log")]
    assert purged == [done + 1]  # the first step that is hidden


def test_tensorboard_files_hold_the_metrics(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX, of the extra `log`, is not installed")
    _, history = go(*begin(), callbacks=[TensorBoard(tmp_path / "tb")])
    found = {(value.tag, event.step): value.simple_value
             for event in tensorboard_events(tmp_path / "tb") for value in event.summary.value}  # fmt: skip
    for at in (5, 10, 15, 20):
        np.testing.assert_allclose(found["loss", at], history["loss"][at - 5 : at].mean(), rtol=ROUNDING)
        assert found["samples_per_second", at] > 0


def test_what_tensorboard_needs_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(InputError, match=r"install it with: pip install 'jconv\[log\]'"):
        TensorBoard(tmp_path)


def test_progress_bar_tells_losses_and_speed(capsys):
    go(*begin(), validate=wandering, validate_every=10, callbacks=[ProgressBar("bar", shown=True)])
    shown = capsys.readouterr().err
    for told in ("20/20", "loss=", "worst=", "validation_loss=0", "samples/s="):
        assert told in shown


def test_bootstrap_of_a_share_is_near_wilsons_interval():
    right = np.repeat([1.0, 0.0], [80, 20])
    found = bootstrap_interval(lambda chosen: right[chosen].mean(), 100)
    np.testing.assert_allclose(found, wilson_interval(80, 100), atol=0.02)
    assert found == bootstrap_interval(lambda chosen: right[chosen].mean(), 100)
    narrow = bootstrap_interval(lambda chosen: right[chosen].mean(), 100, level=0.5)
    assert found[0] < narrow[0] < 0.8 < narrow[1] < found[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: begin(accumulate=0), "`accumulate` must be at least 1"),
        (lambda: go(*begin(accumulate=3)), r"`accumulate` is 3, and an array of the batch has shape \(8, 6\)"),
        (lambda: go(*begin(), stop=EarlyStopping("loss")), "`stop` needs `validate`"),
        (
            lambda: go(*begin(), stop=EarlyStopping("iou"), validate=wandering),
            "`stop` watches 'iou', which `validate` did not return",
        ),
        (
            lambda: go(*begin(), stop=EarlyStopping("loss", better="up"), validate=wandering),
            "`better` must be one of 'lower', 'higher'",
        ),
        (lambda: go(*begin(), validate=wandering, validate_every=0), "`validate_every` must be at least 1"),
        (lambda: bootstrap_interval(np.mean, 0), "`count` must be at least 1"),
        (lambda: bootstrap_interval(np.mean, 5, level=95), r"`level` must lie in \(0, 1\)"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(ValueError, match=message):
        call()
