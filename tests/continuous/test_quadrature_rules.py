"""Rules against the exact integrals of powers, and against published tables."""

import numpy as np
import pytest

from jconv.continuous import ClenshawCurtis, GaussKronrod, GaussLegendre, TanhSinh
from jconv.continuous._nodes import watched_first
from tests.continuous.tolerances import rounding

EXACT_TO = [
    (GaussLegendre(2), 3),
    (GaussLegendre(7), 13),
    (GaussLegendre(40), 79),
    (GaussLegendre(96), 191),
    (GaussKronrod(3), 5),
    (GaussKronrod(5), 7),
    (GaussKronrod(15), 22),
    (GaussKronrod(21), 31),
    (GaussKronrod(31), 46),
    (GaussKronrod(61), 91),
    (GaussKronrod(101), 151),
    (ClenshawCurtis(3), 3),
    (ClenshawCurtis(33), 33),
    (ClenshawCurtis(129), 129),
]


@pytest.mark.core
@pytest.mark.parametrize(("rule", "degree"), EXACT_TO, ids=str)
def test_exact_to_its_degree_and_not_beyond(rule, degree):
    table = rule.table(np.float64)
    x = table.left - table.right
    moment = lambda k: table.weights @ x**k - (k % 2 == 0) / (k + 1)
    assert max(abs(moment(k)) for k in range(degree + 1)) < rounding(np.float64, rule.n)
    if degree < 40:  # above, the defect of the next power drowns in rounding
        beyond = degree + 1 + (degree % 2 == 0)
        assert abs(moment(beyond)) > 10 * rounding(np.float64, rule.n) * 2.0**-degree


@pytest.mark.parametrize("rule", [r for r, _ in EXACT_TO] + [TanhSinh(101), TanhSinh(161)], ids=str)
def test_nodes_are_symmetric_and_weights_sum_to_one(rule):
    table = rule.table(np.float64)
    left, right, weights, null = table.left, table.right, table.weights, table.null
    assert len(left) == rule.n
    assert np.all(np.diff(left) >= 0)
    np.testing.assert_allclose(left, right[::-1], rtol=1e-13, atol=0)
    np.testing.assert_allclose(weights.sum(), 1, rtol=rounding(np.float64, rule.n))
    assert np.abs(null.sum(axis=1)).max() < 1e-12 * rule.n or isinstance(rule, TanhSinh)


@pytest.mark.parametrize("rule", [GaussLegendre(3), GaussLegendre(97), GaussKronrod(61), TanhSinh(161)], ids=str)
def test_watched_nodes_come_first_and_nothing_else_changes(rule):
    table = rule.table(np.float64)
    moved = watched_first(table)
    front = moved.left[: moved.watched]
    assert max(min(rule.n, 16), rule.n / 4) <= moved.watched < max(32, rule.n / 4 + 1)
    assert np.all(np.diff(front) >= 0)
    assert (front[0], front[-1]) == (table.left[0], table.left[-1])
    order = np.lexsort((-moved.right, moved.left))
    for name in ("left", "right", "weights", "null"):
        np.testing.assert_array_equal(getattr(table, name), getattr(moved, name)[..., order])


def test_kronrod_is_quadpacks():
    # QUADPACK qk15: the outermost abscissa and weight, and those at the centre.
    table = GaussKronrod(15).table(np.float64)
    np.testing.assert_allclose(table.right[-1], (1 - 0.991455371120812639206854697526329) / 2, rtol=1e-13)
    np.testing.assert_allclose(2 * table.weights[0], 0.022935322010529224963732008058970, rtol=1e-13)
    np.testing.assert_allclose(2 * table.weights[7], 0.209482141084727828012999174891714, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [-0.5, -0.25, 0.3, 1.7])
def test_tanh_sinh_integrates_endpoint_powers(dtype, power):
    table = TanhSinh(161).table(dtype)
    got = table.weights @ table.left**power
    assert abs(got * (power + 1) - 1) < rounding(dtype, 100)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussLegendre(0), "`GaussLegendre.n` must be at least 1"),
        (lambda: GaussLegendre(1), "`GaussLegendre.n` must be at least 2, got 1"),
        (lambda: GaussKronrod(20), "`GaussKronrod.n` must be odd, got 20; pass 21"),
        (lambda: ClenshawCurtis(64), "`ClenshawCurtis.n` must be odd"),
        (lambda: TanhSinh(4), "at least 5"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_refused_type():
    with pytest.raises(TypeError, match=r"`GaussLegendre.n` must be an integer, got 9.5"):
        GaussLegendre(9.5)
