"""Generated cases: mode × origin × axes × rank × dtype × even kernels × kernels larger than the image, against SciPy.

A case is drawn from a seed. Each seed's cases share a few shapes, so that compiled programs are shared, too. The bulk
is marked slow; the first seeds run by default.
"""

import warnings

import jax
import numpy as np
import pytest
import scipy.ndimage

import jconv.ndimage
from jconv.engine.algorithms._parts import unpadded
from jconv.ndimage._frame import bordered as _bordered

filters = pytest.importorskip("scipy.ndimage._filters")
compiled = filters._nd_image

MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
SHAPES = {1: (11,), 2: (7, 6), 3: (4, 5, 3)}
DTYPES = ["float64", "float64", "float32", "int32", "uint8", "int16", "complex128"]
NAMES = [
    "correlate", "convolve", "correlate1d", "convolve1d", "gaussian_filter", "gaussian_filter1d", "gaussian_laplace",
    "gaussian_gradient_magnitude", "laplace", "sobel", "prewitt", "uniform_filter", "uniform_filter1d",
    "minimum_filter", "maximum_filter", "minimum_filter1d", "maximum_filter1d", "median_filter", "rank_filter",
    "percentile_filter",
]  # fmt: skip
RANKED = {"median_filter", "rank_filter", "percentile_filter"}
CASES_PER_SEED = 60
SEEDS = 52


def origins(rng, sizes):
    return [int(rng.integers(-(s // 2), (s - 1) // 2 + 1)) for s in sizes]


def draw(rng):
    """One call: name, image, positional arguments, keywords."""
    name = NAMES[rng.integers(len(NAMES))]
    ndim = int(rng.integers(1, 4))
    dtype = DTYPES[rng.integers(len(DTYPES))]
    if dtype == "complex128" and (name in RANKED or "imum" in name or "gaussian" in name):
        dtype = "float64"
    shape = SHAPES[ndim]
    x = rng.standard_normal(shape) * 40 + (1j * rng.standard_normal(shape) if dtype == "complex128" else 60)
    x = x.astype(dtype)
    mode = MODES[rng.integers(len(MODES))]
    keywords = {"mode": mode, "cval": float(rng.integers(0, 9))}
    count = int(rng.integers(1, ndim + 1))
    axes = tuple(int(a) for a in sorted(rng.permutation(ndim)[:count]))
    several = lambda: [MODES[rng.integers(len(MODES))] for _ in range(count)]
    sizes = [int(s) for s in rng.choice([1, 2, 3, 4, 5, 12], count, p=[0.1, 0.2, 0.3, 0.15, 0.15, 0.1])]
    if ndim == 3:
        sizes = [min(s, 5) for s in sizes]
    if name in ("correlate", "convolve"):
        weights = rng.standard_normal(sizes)
        if rng.random() < 0.3:
            weights = np.ones(sizes)
        return name, x, (weights,), keywords | {"axes": axes, "origin": origins(rng, sizes)}
    if name.endswith("1d") and not name.startswith("gaussian"):
        axis = int(rng.integers(-ndim, ndim))
        size = int(rng.choice([1, 2, 3, 6, 25]))
        first = rng.standard_normal(size) if name.startswith("c") else size
        return name, x, (first, axis), keywords | {"origin": origins(rng, [size])[0]}
    if name == "gaussian_filter1d":
        return name, x, (float(rng.uniform(0.3, 4)), int(rng.integers(-ndim, ndim)), int(rng.integers(3))), keywords
    if name == "gaussian_filter":
        sigma = [float(s) for s in rng.uniform(0, 3, count)]
        keywords |= {"axes": axes, "order": [int(o) for o in rng.integers(0, 3, count)], "mode": several()}
        return name, x, (sigma,), keywords | ({"radius": 2} if rng.random() < 0.3 else {"truncate": 3.0})
    if name in ("gaussian_laplace", "gaussian_gradient_magnitude"):
        return name, x, (float(rng.uniform(0.5, 2)),), keywords
    if name == "laplace":
        return name, x, (), keywords | {"axes": axes, "mode": several() if rng.random() < 0.5 else mode}
    if name in ("sobel", "prewitt"):
        return name, x, (int(rng.integers(-ndim, ndim)),), keywords
    if name == "uniform_filter":
        return name, x, (sizes,), keywords | {"axes": axes, "origin": origins(rng, sizes), "mode": several()}
    keywords |= {"axes": axes, "origin": origins(rng, sizes)}
    if rng.random() < 0.4:
        footprint = rng.random(sizes) < 0.6
        footprint.flat[rng.integers(footprint.size)] = True
        keywords["footprint"], samples = footprint, int(footprint.sum())
    else:
        keywords["size"], samples = sizes, int(np.prod(sizes))
    if name == "rank_filter":
        return name, x, (int(rng.integers(-samples, samples)),), keywords
    if name == "percentile_filter":
        return name, x, (float(rng.integers(-100, 101)),), keywords
    if "size" in keywords and name not in RANKED:
        keywords["mode"] = several()
    return name, x, (), keywords


def scipys(name, x, positional, keywords):
    """SciPy's result.

    Its rank filters of one axis (since 1.16) read a sparse footprint as a full one, and shifted windows amiss at the
    borders; those of two axes do not, so a line is filtered as a plane of one row.
    """
    if name in RANKED and x.ndim == 1:
        keywords = keywords | {"axes": (0, 1), "origin": [0, *keywords["origin"]]}
        if "footprint" in keywords:
            keywords["footprint"] = keywords["footprint"][None]
        else:
            keywords["size"] = [1, *keywords["size"]]
        return getattr(scipy.ndimage, name)(x[None], *positional, **keywords)[0]
    return getattr(scipy.ndimage, name)(x, *positional, **keywords)


class Snapping:
    """SciPy's compiled linear filters, with a value that is meant to be a whole number stored as that number.

    SciPy cuts 2.9999999999999996 to 2; which of the two a sum becomes depends on the order of its terms and on the
    processor's fused multiply-add. jconv says 3: the rest of SciPy's rounding is to be met to the unit.

    Random weights bring hardly any value so close to a whole number that is not meant to be one. The distance is
    wide beside the rounding that jconv allows for, so that both too much and too little of it are noticed.
    """

    meant = 1e-9

    def __getattr__(self, name):
        return getattr(compiled, name)

    def _store(self, output, call):
        if output.dtype.kind not in "iub":
            return call(output)
        values = np.empty(output.shape)
        call(values)
        whole = np.round(values)
        values = np.where(np.abs(values - whole) < self.meant * np.maximum(np.abs(values), 1), whole, values)
        output[...] = np.trunc(values).astype(np.int64).astype(output.dtype)

    def correlate1d(self, input, weights, axis, output, *rest):
        self._store(output, lambda out: compiled.correlate1d(input, weights, axis, out, *rest))

    def uniform_filter1d(self, input, size, axis, output, *rest):
        self._store(output, lambda out: compiled.uniform_filter1d(input, size, axis, out, *rest))

    def correlate(self, input, weights, output, *rest):
        self._store(output, lambda out: compiled.correlate(input, weights, out, *rest))


def tolerance(dtype, magnitude):
    """Rounding of a sum of some hundred terms of this magnitude."""
    return 200 * np.finfo(dtype).eps * max(magnitude, 1)


def check(case):
    name, x, positional, keywords = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of possible overflow
        ours = np.asarray(getattr(jconv.ndimage, name)(x, *positional, **keywords))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "_nd_image", Snapping())
        theirs = scipys(*case)
    assert ours.dtype == theirs.dtype, case
    assert ours.shape == theirs.shape, case
    if np.issubdtype(theirs.dtype, np.inexact):
        scale = np.abs(theirs).max() if theirs.size else 0
        weights = np.abs(positional[0]).sum() if name.startswith(("c", "C")) else 10
        bound = tolerance(theirs.dtype, max(scale, weights * np.abs(x).max()))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound, err_msg=repr(case))
        return
    np.testing.assert_array_equal(ours, theirs, err_msg=repr(case))


@pytest.mark.parametrize("seed", [pytest.param(s, marks=[] if s < 2 else pytest.mark.slow) for s in range(SEEDS)])
def test_generated_cases_equal_scipy(seed, monkeypatch):
    if seed % 2:  # every other seed by the way that large images take
        jax.clear_caches()
        monkeypatch.setattr(_bordered, "LEAST_SAMPLES", 0)
        monkeypatch.setattr(unpadded, "LEAST_OUTPUTS", 0)
    rng = np.random.default_rng(seed)
    for _ in range(CASES_PER_SEED):
        check(draw(rng))


def test_the_sweep_has_three_thousand_cases_of_every_kind():
    drawn = [draw(np.random.default_rng(seed)) for seed in range(500)]
    assert SEEDS * CASES_PER_SEED >= 3000
    assert {name for name, *_ in drawn} == set(NAMES)
    assert {x.ndim for _, x, _, _ in drawn} == {1, 2, 3}
    assert {str(x.dtype) for _, x, _, _ in drawn} == set(DTYPES)
