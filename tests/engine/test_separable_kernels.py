"""Kernels of known numbers as sums of separable ones."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jconv._core import separable
from jconv.engine import correlate
from jconv.engine._costs import CostTable
from jconv.engine._planner import Planner, default_planner, use_planner
from jconv.engine._separable_kernel import decompose
from tests.engine import oracle
from tests.engine.helpers import normwise
from tests.tolerances import tolerance

rng = np.random.default_rng(0)


def gaussian(n, sigma):
    return np.exp(-((np.arange(n) - n // 2) ** 2) / (2 * sigma**2))


def total(terms, shape):
    return sum(map(separable.outer, terms), np.zeros(shape))


KERNELS = {
    "gaussian": (np.outer(gaussian(21, 3), gaussian(15, 2)), 1),
    "difference of gaussians": (sum(c * np.outer(gaussian(25, s), gaussian(25, s)) for c, s in ((1, 2), (-1, 4))), 2),
    "box in three dimensions": (np.ones((7, 6, 5)), 1),
    "laplacian of a gaussian": (
        np.add.outer(np.arange(-10, 11) ** 2 / 9 - 1, np.arange(-10, 11) ** 2 / 9 - 1)
        * np.outer(gaussian(21, 3), gaussian(21, 3)),
        2,
    ),
    "complex wave": (np.exp(1j * np.add.outer(np.arange(9), 2 * np.arange(8))), 1),
    "zeros": (np.zeros((4, 5)), 0),
    "noise": (rng.standard_normal((6, 9)), 6),
}  # fmt: skip


@pytest.mark.parametrize(("kernel", "rank"), KERNELS.values(), ids=KERNELS)
def test_the_rank_is_found(kernel, rank):
    terms = separable.within(kernel, 1e-14)
    assert len(terms) == rank
    assert np.linalg.norm(total(terms, kernel.shape) - kernel) <= 1e-14 * np.linalg.norm(kernel)


@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    error=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
    decay=st.floats(0, 4),
)
@settings(deadline=None, max_examples=100)
def test_the_error_is_bounded(shape, error, seed, decay):
    kernel = np.random.default_rng(seed).standard_normal(shape)
    for axis, size in enumerate(shape):
        kernel *= np.exp(-decay * np.arange(size)).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    left = np.linalg.norm(total(separable.within(kernel, error), shape) - kernel)
    assert left <= (error + 1e-13) * np.linalg.norm(kernel)


def test_no_shorter_sum_is_as_near():
    """Eckart and Young: one term less misses the bound."""
    kernel = rng.standard_normal((8, 11))
    for error in (0.3, 0.6, 0.9):
        terms = separable.within(kernel, error)
        singular = np.linalg.svd(kernel, compute_uv=False)
        assert np.linalg.norm(singular[len(terms) - 1 :]) > error * np.linalg.norm(kernel)


class Counting(Planner):
    """The planner, which counts the terms of the sums that it takes; with `always` they cost nothing."""

    def __init__(self, always=False):
        costs = CostTable.load()
        if always:
            cpu = {**costs.platforms["cpu"], "separable": {"calls": 0.0, "parts": 0.0, "depthwise_parts": 0.0}}
            costs = CostTable({**costs.platforms, "cpu": cpu}, spreading=0.0)
        super().__init__(costs)
        self.terms = []

    def apply(self, name, problem, *args):
        if name == "separable":
            self.terms.append(len(problem.separable.terms))
        return super().apply(name, problem, *args)


def terms_of(call, *arrays):
    """How many terms a correlation is computed in; None where the kernel is taken whole."""
    planner = default_planner()
    planner.terms.clear()
    jax.clear_caches()
    call(*arrays)
    return planner.terms[0] if planner.terms else None


@pytest.fixture
def estimated():
    with use_planner(Counting()):
        yield


@pytest.fixture
def always():
    """Passes are taken wherever they can be, however long they are estimated to take."""
    with use_planner(Counting(always=True)):
        yield


def test_passes_are_taken_where_they_are_faster(estimated):
    gaussian_kernel, image = KERNELS["gaussian"][0], np.zeros((1000, 1000))
    assert terms_of(jax.jit(lambda x: correlate(x, gaussian_kernel)).lower, image) == 1
    assert terms_of(jax.jit(lambda x: correlate(x, rng.standard_normal((21, 21)))).lower, image) is None
    assert terms_of(jax.jit(lambda x: correlate(x, gaussian_kernel[9:12, 6:9])).lower, image) is None


@pytest.mark.parametrize("name", ["difference of gaussians", "complex wave"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_correlate_by_passes_gives_the_sum(name, dtype, always):
    kernel = KERNELS[name][0]
    x = rng.standard_normal((2, 60, 70)).astype(dtype)
    complex_dtype = {"float32": "complex64", "float64": "complex128"}[dtype]
    kernel = kernel.astype(complex_dtype if np.iscomplexobj(kernel) else dtype)
    options = {"padding": [(5, -2), (3, 4)], "strides": (1, 2), "dilation": (2, 1), "kernel_error": 0.0}
    f = jax.jit(lambda x: correlate(x, kernel, **options))
    assert terms_of(f.lower, x) == KERNELS[name][1]
    geometry = {"padding": ((5, -2), (3, 4)), "strides": (1, 2), "rhs_dilation": (2, 1), "lhs_dilation": (1, 1)}
    want = oracle.convolution(x[..., None], kernel[..., None, None], **geometry, groups=1)[..., 0]
    got = f(x)
    assert got.dtype == kernel.dtype
    assert normwise(got, want) <= tolerance(dtype, kernel.size)
    # Linear in x still, in both modes; the kernel is a constant.
    ct = rng.standard_normal(got.shape).astype(got.dtype)
    _, pull = jax.vjp(f, x.astype(got.dtype))
    want = oracle.gradients(
        x[..., None].astype(got.dtype), kernel[..., None, None], ct[..., None], **geometry, groups=1
    )
    assert normwise(pull(ct)[0], want[0][..., 0]) <= tolerance(dtype, 4 * kernel.size)
    mapped = jax.vmap(f)(np.stack([x, 2 * x]))
    assert normwise(mapped, np.stack([got, 2 * got])) <= tolerance(dtype, kernel.size)


def test_the_kernel_s_gradient_is_that_of_the_whole_kernel(always):
    """Differentiated in the kernel, the kernel is no constant."""
    kernel = KERNELS["gaussian"][0]
    x = rng.standard_normal((40, 30))
    gradient = jax.grad(lambda k: (correlate(x, k) ** 2).sum())(kernel)
    y = np.asarray(correlate(x, kernel, algorithm="direct"))
    one = oracle.gradients(
        x[None, ..., None], kernel[..., None, None], 2 * y[None, ..., None],
        padding=((0, 0), (0, 0)), strides=(1, 1), rhs_dilation=(1, 1), lhs_dilation=(1, 1), groups=1,
    )[1]  # fmt: skip
    assert normwise(gradient, one[..., 0, 0]) <= tolerance("float64", x.size)


@pytest.mark.parametrize(
    "options",
    [{"algorithm": "fft"}, {"precision": "highest"}],
    ids=lambda o: next(iter(o)),
)
def test_a_wish_for_the_whole_kernel_is_obeyed(options, always):
    kernel, x = KERNELS["gaussian"][0], rng.standard_normal((60, 60))
    assert terms_of(lambda: correlate(x, kernel)) == 1
    assert terms_of(lambda: correlate(x, kernel, **options)) is None


def test_integers_and_traced_kernels_are_taken_whole(always):
    x = rng.standard_normal((60, 60))
    assert terms_of(lambda: correlate((9 * x).astype(int), np.ones((9, 9), int))) is None
    assert terms_of(jax.jit(correlate).lower, x, np.ones((9, 9))) is None


def test_an_error_that_is_asked_for_buys_speed(always):
    """A kernel of numerically full rank, by three terms to a thousandth."""
    axis = np.linspace(-1, 1, 31)
    kernel = np.exp(-2 * np.add.outer(axis**2, axis**2) - np.multiply.outer(axis, axis))
    x = rng.standard_normal((80, 90))
    assert len(separable.within(kernel, 1e-14)) > 8
    assert terms_of(lambda: correlate(x, kernel, kernel_error=1e-3)) == len(separable.within(kernel, 1e-3)) <= 4
    exact = np.asarray(correlate(x, kernel, algorithm="direct"))
    assert 1e-6 < normwise(correlate(x, kernel, kernel_error=1e-3), exact) < 1e-2
    # The bound itself: at every output the missing kernel times the norm of the samples under it.
    left = np.linalg.norm(total(separable.within(kernel, 1e-3), kernel.shape) - kernel)
    under = np.sqrt(np.asarray(correlate(x**2, np.ones_like(kernel), algorithm="direct")))
    assert (np.abs(correlate(x, kernel, kernel_error=1e-3) - exact) <= left * under * (1 + 1e-9) + 1e-12).all()


def test_a_negative_error_is_refused():
    with pytest.raises(ValueError, match=r"`kernel_error` must not be negative, got -0\.1"):
        correlate(np.ones((20, 20)), np.ones((9, 9)), kernel_error=-0.1)


def test_equal_kernels_are_one_and_others_are_not():
    first, same, twice = (
        decompose(k, "float64") for k in (np.ones((21, 21)), np.ones((21, 21)), 2 * np.ones((21, 21)))
    )
    assert first == same
    assert hash(first) == hash(same)
    assert first != twice
    np.testing.assert_allclose(2 * separable.outer(first.terms[0]), separable.outer(twice.terms[0]))


def test_several_terms_are_taken_only_where_an_error_is_allowed(always):
    """Terms that cancel would lose the digits of a faint sample beside a bright one."""
    kernel, _ = KERNELS["difference of gaussians"]
    x = rng.standard_normal((60, 60))
    assert terms_of(lambda: correlate(x, kernel)) is None
    assert terms_of(lambda: correlate(x, kernel, kernel_error=0.0)) == 2
    assert terms_of(lambda: correlate(x, kernel, kernel_error=0.0, finite_only=False)) is None


def test_one_term_keeps_every_entry():
    """The far tail of a Gaussian keeps its digits and its sign; noise on one entry is no outer product."""
    factor = np.exp(-((np.arange(31) - 15) ** 2) / 4.0)  # down to 4e-25
    kernel = np.outer(factor, factor)
    factors = separable.factor_exactly(kernel, 1e-15)
    assert factors is not None
    np.testing.assert_allclose(np.outer(*factors), kernel, rtol=1e-15)
    kernel[0, 0] *= 1 + 1e-9
    assert separable.factor_exactly(kernel, 1e-15) is None
    assert separable.factor_exactly(np.zeros((4, 5)), 1e-15) is None


@pytest.mark.parametrize("mode", ["reflect", "wrap", "constant"])
def test_ndimage_takes_outer_products_by_passes(mode):
    from scipy import ndimage as scipy_ndimage

    from jconv import ndimage

    x = rng.standard_normal((40, 50))
    for kernel in (KERNELS["gaussian"][0], KERNELS["laplacian of a gaussian"][0], np.zeros((9, 9))):
        for weights, origin in ((kernel, 0), (kernel[:-1], (1, -2))):
            got = ndimage.correlate(x, weights, mode=mode, origin=origin)
            want = scipy_ndimage.correlate(x, weights, mode=mode, origin=origin)
            assert np.linalg.norm(got - want) <= tolerance("float64", kernel.size) * max(np.linalg.norm(want), 1e-300)
