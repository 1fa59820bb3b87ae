"""The contenders of the benchmark of training steps compute the same."""

import pytest
from flax import nnx

from jconv import nn


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
