"""Objects show themselves as small tables and curves in a notebook, and as one line elsewhere."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jconv
from jconv.continuous import Delta, Function, PeriodicFunction
from jconv.kernels import describe, factor, sobel
from jconv.signal import ConvolutionOperator


def parsed(thing):
    """The page of an object, which must be well formed."""
    return ElementTree.fromstring(f"<div>{thing._repr_html_()}</div>")


def rows(table):
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


def test_a_plan_is_a_table_with_the_chosen_algorithm_in_bold():
    x, w = jax.ShapeDtypeStruct((1, 1, 64, 64), jnp.float32), jax.ShapeDtypeStruct((1, 1, 5, 5), jnp.float32)
    plan = jconv.plan(x, w, (1, 1), "SAME")
    page = parsed(plan)
    usable = sorted((c for c in plan.candidates if c.refused is None), key=lambda c: c.seconds)
    first, refused = page.iter("table")
    header, *lines = rows(first)
    assert header == ["algorithm", "estimated", "GFLOP", "extra MiB", "accuracy"]
    assert [line[0] for line in lines] == [c.algorithm for c in usable]
    assert lines[0][1] == f"{1e3 * usable[0].seconds:.3f} ms"
    (bold,) = [row for row in first.iter("tr") if "bold" in row.get("style", "")]
    assert "".join(bold[0].itertext()) == plan.algorithm
    assert rows(refused) == [[c.algorithm, c.refused] for c in plan.candidates if c.refused is not None]


def test_a_function_is_a_curve_with_a_line_for_each_piece():
    f = Function.fit(lambda x: jnp.where(x < 1, 0.0, x), (0, 2), breaks=(1,), degree=3)
    assert re.fullmatch(r"Function on \[0, 2\]: 2 pieces, degree 3, error \d\.\de-\d+", repr(f))
    axis, left, right = parsed(f).iter("polyline")
    ends = [[tuple(map(float, p.split(","))) for p in line.get("points").split()] for line in (axis, left, right)]
    assert [ends[0][0], ends[0][-1]] == [(6.0, 114.0), (314.0, 114.0)]  # zero is drawn
    assert [ends[1][0], ends[1][-1]] == [(6.0, 114.0), (160.0, 114.0)]
    assert [ends[2][0], ends[2][-1]] == [(160.0, 60.0), (314.0, 6.0)]  # from 1 to 2
    both = Function.fit(lambda x: jnp.stack([x, -x]), (0, 1), degree=1)
    assert "channels (2,)" in repr(both)
    assert len(list(parsed(both).iter("polyline"))) == 3


def test_functions_show_themselves_while_they_are_traced_and_mapped():
    f = Function.fit(jnp.exp, (0, 1), degree=3)
    seen = []
    jax.jit(lambda g: seen.append((repr(g), g._repr_html_())) or g.integral())(f)
    jax.vmap(lambda g: seen.append((repr(g), g._repr_html_())) or g.integral())(
        jax.tree.map(lambda v: jnp.stack([jnp.asarray(v)] * 2), f)
    )
    assert all(text.startswith("Function(breaks=") for text, _ in seen)
    assert repr(jax.tree.map(lambda _: object(), f)).startswith("Function(breaks=<object")


def test_periodic_functions_and_deltas():
    wave = PeriodicFunction.fit(lambda x: 1 + jnp.cos(x), 2 * jnp.pi, degree=3)
    assert repr(wave).startswith("PeriodicFunction of period 6.28319: degree 3, error ")
    _, line = parsed(wave).iter("polyline")
    points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
    assert points[0] == (6.0, 6.0)
    assert max(down for _, down in points) == pytest.approx(114, abs=0.1)
    edges = Delta(0.0, order=1) @ Function.fit(jnp.ones_like, (0, 2), degree=0)
    *_, table = parsed(edges).iter("table")
    assert rows(table) == [["delta at", "weight", "order"], ["0.0", "1.0", "0"], ["2.0", "-1.0", "0"]]


def test_an_operator_shows_its_kernel_and_shapes():
    operator = ConvolutionOperator(np.array([[1.0, -0.5]]), (4, 6), mode="full")
    assert repr(operator) == "ConvolutionOperator(kernel 1 × 2, shape=(4, 6), mode='full', boundary='fill')"
    facts, kernel = parsed(operator).iter("table")
    assert ["output", "(4, 7)"] in rows(facts)
    assert rows(kernel) == [["1", "-0.5"]]
    positive, negative = kernel.iter("td")
    assert "213,94,0,0.75" in positive.get("style")
    assert "0,114,178,0.38" in negative.get("style")
    jax.jit(lambda a: a._repr_html_() and a.matvec(jnp.ones((4, 6))))(operator)


def test_kernels_are_described_by_their_facts_and_factors():
    facts = dict(rows(parsed(describe(sobel()))))
    assert facts["shape"] == "(3, 3)"
    assert facts["separable"] == "True"
    outer = next(table for table in parsed(factor(sobel())).iter("table") if table.find(".//table") is not None)
    assert len(outer.findall("tbody/tr")) == 1
    assert len(outer.findall("tbody/tr/td")) == 2


def test_a_receptive_field_is_a_row_for_each_axis():
    field = jconv.nn.receptive_field(lambda x: jconv.nn.max_pool(x, (2, 3), strides=(2, 3)), (1, 8, 9, 1))
    assert rows(parsed(field))[1:] == [
        [str(axis), *map(str, row)] for axis, row in enumerate(zip(field.start, field.size, field.stride))
    ]


def test_words_are_escaped_and_large_kernels_left_out():
    from jconv._core import html

    assert "&lt;script&gt;" in html.table([("<script>",)], ("<b>",), caption="<i>")
    assert "<i>" not in html.table([], caption="<i>")
    assert html.cells(np.ones((30, 30))) == html.cells(np.ones((2, 2), complex)) == ""
    assert html.curve([(np.arange(2.0), np.full((2, 1), np.nan))], "") == ""


def test_showing_loads_nothing_heavy():
    code = (
        "import sys, jax, jax.numpy as jnp; before = set(sys.modules); import jconv; "
        "x = jax.ShapeDtypeStruct((1, 1, 9, 9), jnp.float32); jconv.plan(x, x, (1, 1), 'SAME')._repr_html_(); "
        "jconv.continuous.Function.fit(jnp.ones_like, (0, 1), degree=0)._repr_html_(); "
        "jconv.signal.ConvolutionOperator(jnp.ones(3), (5,))._repr_html_(); "
        "print(sorted({'flax', 'optax', 'matplotlib', 'IPython', 'PIL', 'skimage'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
