"""The algorithms for large images of one channel, on small ones: their blocks are made small instead."""

import functools

import jax
import numpy as np
import pytest

from jconv.engine import _onednn_probe as onednn_probe
from jconv.engine import correlate
from jconv.engine._planner import default_planner
from jconv.engine._policy import Policy
from jconv.engine._primitive import convolve
from jconv.engine.algorithms import ALGORITHMS, banded, overlap_save
from jconv.engine.algorithms._parts import unpadded
from tests.engine import oracle
from tests.engine.helpers import problem_of
from tests.tolerances import tolerance


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Thresholds at which the algorithms cut an image, lowered; nothing planned or compiled before or after is used."""
    monkeypatch.setattr(unpadded, "LEAST_OUTPUTS", 0)
    monkeypatch.setattr(overlap_save, "WINDOW_SAMPLES", 600)
    monkeypatch.setattr(overlap_save, "TILE_SAMPLES", 300)
    monkeypatch.setattr(overlap_save, "LEAST_LENGTH", {2: 8, 3: 8})
    monkeypatch.setattr(banded, "BAND_SAMPLES", 900)
    monkeypatch.setattr(banded, "_block", lambda problem: 8)
    _forget()
    yield
    _forget()


def _forget():
    jax.clear_caches()
    default_planner().forget_plans()
    overlap_save._cut.cache_clear()


def draw(seed):
    """An image, a kernel, paddings and dilations."""
    rng = np.random.default_rng(seed)
    ndim = int(rng.choice([2, 2, 3]))
    largest = {2: (40, 6), 3: (14, 4)}[ndim]
    space, taps = (tuple(int(v) for v in rng.integers(low, high, ndim)) for low, high in zip((6, 1), largest))
    dilation = tuple(int(d) for d in rng.integers(1, 3, ndim))
    padding = [tuple(int(p) for p in rng.integers(0, min(4, n), 2)) for n in space]
    dtype = ["float32", "float64", "complex64", "int32"][seed % 4]
    values = lambda shape: (8 * (rng.standard_normal(shape) + (1j if "c" in dtype else 0))).astype(dtype)
    return values((int(rng.integers(1, 3)), *space)), values(taps), padding, dilation


def wanted(image, kernel, padding, dilation):
    ones = (1,) * kernel.ndim
    geometry = {"strides": ones, "padding": padding, "lhs_dilation": ones, "rhs_dilation": dilation, "groups": 1}
    return oracle.convolution(image[..., None], kernel[..., None, None], **geometry)[..., 0]


def holds(algorithm, image, kernel, padding, dilation):
    """Whether the algorithm takes the problem; then its result must be the sum."""
    run = functools.partial(correlate, padding=padding, dilation=dilation, algorithm=algorithm)
    if ALGORITHMS[algorithm].refusal(image_problem(image, kernel, padding, dilation)) is not None:
        return False
    got = np.asarray(jax.jit(run)(image, kernel))
    want = wanted(image, kernel, padding, dilation)
    assert got.shape == want.shape
    scale = np.linalg.norm(wanted(abs(image), abs(kernel), padding, dilation).ravel())
    real = {"complex64": "float32"}.get(str(image.dtype), image.dtype)
    accuracy = "fft" if algorithm == "overlap_save" else "direct"
    error = np.linalg.norm((got.astype(want.dtype) - want).ravel())
    assert error <= tolerance(real, kernel.size, accuracy) * scale, (algorithm, image.shape, kernel.shape, padding)
    return True


def outputs(image, kernel, padding, dilation):
    return [n + sum(pair) - d * (k - 1) for n, pair, k, d in zip(image.shape[1:], padding, kernel.shape, dilation)]


def image_problem(image, kernel, padding, dilation):
    ones, shapes = (1,) * kernel.ndim, ((*image.shape, 1), (*kernel.shape, 1, 1))
    return problem_of(*shapes, ones, tuple(padding), ones, tuple(dilation), 1, image.dtype)


def test_the_direct_sum_without_a_padded_copy():
    tried = 0
    for seed in range(80):
        case = draw(seed)
        if min(outputs(*case)) > 0 and unpadded.fits(image_problem(*case)):
            tried += holds("direct", *case)
    assert tried > 15


def test_overlap_save():
    tried = sum(holds("overlap_save", *case) for case in map(draw, range(60)) if min(outputs(*case)) > 0)
    assert tried > 10


def test_lines_in_rows():
    if reason := onednn_probe.refusal():
        pytest.skip(f"images' lines go to oneDNN alone: {reason}")
    tried = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shape = (int(rng.integers(1, 3)), int(rng.integers(1, 12)), int(rng.integers(129, 260)))
        taps = (int(rng.integers(1, 6)), int(rng.integers(1, 60)))
        padding = [tuple(int(p) for p in rng.integers(0, k, 2)) for k in taps]
        image, kernel = (rng.standard_normal(s).astype(np.float32) for s in (shape, taps))
        if min(outputs(image, kernel, padding, (1, 1))) > 0:
            tried += holds("toeplitz", image, kernel, padding, (1, 1))
    assert tried > 20


@pytest.mark.parametrize("shape", [(41, 6, 5), (5, 37, 6), (6, 5, 45), (43, 7), (7, 43)])
def test_kernels_along_one_axis(shape):
    rng = np.random.default_rng(0)
    axis = int(np.argmax(shape))
    for taps, padding in (
        (3, (1, 1)),
        (6, (0, 0)),
        (9, (8, 0)),
        (9, (0, 8)),
        (14, (12, 3)),
        (14, (20, 3)),
        (21, (3, 17)),
    ):
        along = lambda value, rest: [value if a == axis else rest for a in range(len(shape))]
        image, kernel = rng.standard_normal((2, *shape)), rng.standard_normal(along(taps, 1))
        assert holds("banded", image, kernel, along(padding, (0, 0)), along(1, 1))
        before_the_last = axis < len(shape) - 1
        assert holds("columns", image, kernel, along(padding, (0, 0)), along(1, 1)) == before_the_last


def test_free_borders_leave_all_other_outputs_as_they_are():
    tried = 0
    for seed in range(60):
        image, kernel, padding, dilation = draw(seed)
        lines = [tuple(n + 1 if n else 0 for n in pair) for pair in padding]
        inside = tuple(slice(lo, size - hi) for (lo, hi), size in zip(lines, outputs(image, kernel, padding, dilation)))
        problem = image_problem(image, kernel, padding, dilation).replace(free_borders=True)
        if any(s.stop <= s.start for s in inside) or not unpadded.fits(problem) or not unpadded.is_free(problem):
            continue
        zero = correlate(image, kernel, padding=padding, dilation=dilation, algorithm="direct")
        policy = Policy("direct", finite_only=True, free_borders=True)
        free = convolve(image[..., None], kernel[..., None, None], problem.geometry, policy=policy)[..., 0]
        np.testing.assert_array_equal(np.asarray(free)[:, *inside], np.asarray(zero)[:, *inside])
        tried += 1
    assert tried > 5


def test_what_a_tap_reads_across_a_lines_end_does_not_count_even_if_it_is_not_finite():
    image = np.zeros((1, 12, 10), np.float32)
    image[0, 5, 0], image[0, 7, 9] = np.nan, np.inf
    got = np.asarray(correlate(image, np.ones((3, 3), np.float32), padding=[(1, 1)] * 2, algorithm="direct"))[0]
    assert np.isfinite(got[:, 3:7]).all()
    assert np.isnan(got[4:7, :2]).all()
    assert np.isinf(got[6:9, 8:]).all()
    assert np.isfinite(got[4:6, 8:]).all()
    assert np.isfinite(got[7:9, :2]).all()
