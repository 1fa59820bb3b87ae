"""Contenders of the benchmarks compute the same."""

import re
from pathlib import Path

import pytest
from flax import nnx

from benchmarks import __main__ as runner
from benchmarks import against, contenders, quick
from benchmarks.layer_calls import data
from benchmarks.layers import LAYERS, label
from benchmarks.single import SINGLES
from jconv import nn

ROOT = Path(__file__).parents[1]


@pytest.mark.optimized  # transpositions that cancel are removed by the optimizer
def test_a_program_is_that_of_lax_only_where_it_is_left_to_xla():
    layers = {"small 3×3 /2": True, "depthwise 3×3": False}
    for name, same in layers.items():
        layer = next(layer for layer in LAYERS if layer.name == name)
        arrays = data(layer)
        ours = contenders.by_jconv(layer, arrays, contenders.Forced("xla" if same else "direct"))
        assert contenders.same_program(contenders.by_lax(layer, arrays)["forward"], ours["forward"]) == same


def test_the_quick_rows_exist_and_are_unique():
    names = [label(layer) for layer in LAYERS]
    assert set(quick.QUICK_LAYERS) <= set(names)
    assert set(quick.QUICK_SINGLES) <= {layer.name for layer in SINGLES}
    assert [n for n in quick.rows() if n.startswith("signal.lfilter")]


def test_two_checkouts_are_compared(capsys):
    text = against.compare(ROOT, "outside jit")
    assert "could not be timed" not in text
    assert "norms" not in text
    assert re.search(r"over 2 rows: geometric mean [0-9.]+", text)
    assert re.search(r"choices of the planner: 0 of \d{3} differ", text)
    with pytest.raises(SystemExit, match=r"no jconv/__init__\.py; pass the root of a checkout"):
        against.compare(ROOT / "docs")


def test_options_that_contradict_each_other_are_refused(monkeypatch, capsys, tmp_path):
    for words, message in (
        (["--against", str(ROOT)], "pass --quick too"),
        (["--only", "3×3", "--out", str(tmp_path / "b.md")], "--out writes whole sections"),
        (["layer"], "unknown section 'layer'"),
    ):
        monkeypatch.setattr("sys.argv", ["benchmarks", *words])
        with pytest.raises(SystemExit):
            runner.main()
        assert message in capsys.readouterr().err


def test_flaxs_layers_stand_for_jconvs_and_the_twin_is_one(monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is one of the contenders")
    from benchmarks import model_steps

    small = model_steps.CASES["CNN"]._replace(shape=(2, 8, 8, 1), shared={"widths": (4, 6), "hidden": 8})
    monkeypatch.setitem(model_steps.CASES, "CNN", small)
    times, losses = model_steps.measure("CNN", 0.01)
    assert times.keys() == losses.keys() == {"torch", "flax", "jconv"}
    assert max(losses.values()) - min(losses.values()) < 1e-5 * max(losses.values())
    model = nn.CNN(*small.arguments, **small.shared, rngs=nnx.Rngs(0))
    swapped = model_steps.with_flax_convolutions(model)
    kinds = [{type(layer) for _, layer in nnx.iter_modules(one)} for one in (model, swapped)]
    assert nn.Conv in kinds[0]
    assert kinds[1] == kinds[0] - {nn.Conv} | {nnx.Conv}
