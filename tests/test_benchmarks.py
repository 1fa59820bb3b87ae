"""Contenders of the benchmarks compute the same; the planner's constants cover the benchmarks' problems."""

import pytest
from flax import nnx

from benchmarks import contenders
from benchmarks.layers import LAYERS, MODEL_LAYERS
from benchmarks.single import SINGLES
from jconv import nn
from jconv.engine import _constants as constants
from jconv.engine.algorithms import ALGORITHMS


@pytest.mark.core
def test_every_feature_counts():
    # XLA's own has a rule for what it has no library for, and its products one for those that were not measured.
    anywhere = {"flops", "eigen_flops", "ynn_flops", *constants.DEFAULTS}
    problems = [p for layer in (*LAYERS, *MODEL_LAYERS, *SINGLES) for p in contenders.problems(layer).values()]
    for problem in [q for p in problems for q in (p, p.replace(portable=True))]:
        for name in ALGORITHMS.keys() - {"xla"}:
            if ALGORITHMS[name].supports(problem) is None:
                named = {feature for feature, amount in ALGORITHMS[name].features(problem).items() if amount}
                assert named <= constants.CONSTANTS[name].keys() | anywhere, (name, problem)


def test_a_program_is_that_of_lax_only_where_it_is_left_to_xla():
    layers = {"small 3×3 /2": True, "depthwise 3×3": False}
    for name, same in layers.items():
        layer = next(layer for layer in LAYERS if layer.name == name)
        arrays = contenders.data(layer)
        ours = contenders.by_jconv(layer, arrays, contenders.Forced("xla" if same else "direct"))
        assert contenders.same_program(contenders.by_lax(layer, arrays)["forward"], ours["forward"]) == same


def test_flaxs_layers_stand_for_jconvs_and_the_twin_is_one(monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is one of the contenders")
    from benchmarks import tasks

    small = tasks.CASES["CNN"]._replace(shape=(2, 8, 8, 1), shared={"widths": (4, 6), "hidden": 8})
    monkeypatch.setitem(tasks.CASES, "CNN", small)
    times, losses = tasks.measure("CNN", 0.01)
    assert times.keys() == losses.keys() == {"torch", "flax", "jconv"}
    assert max(losses.values()) - min(losses.values()) < 1e-5 * max(losses.values())
    model = nn.CNN(*small.arguments, **small.shared, rngs=nnx.Rngs(0))
    swapped = tasks.with_flax_convolutions(model)
    kinds = [{type(layer) for _, layer in nnx.iter_modules(one)} for one in (model, swapped)]
    assert nn.Conv in kinds[0]
    assert kinds[1] == kinds[0] - {nn.Conv} | {nnx.Conv}
