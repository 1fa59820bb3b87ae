"""Every real parameter of every builder: traced, with its gradient, or refused with the reason; and its limits."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import kernels
from jconv._core.errors import InputError
from jconv.kernels._bessel import bessel_j1
from tests.kernels.tolerances import difference_quotient

pytestmark = pytest.mark.core
STEP = 1e-5

# builder, parameter, where it is looked at, and the options that it needs to be traced.
DIFFERENTIABLE = [
    (kernels.sharpen, "amount", 0.7, {}),
    (kernels.emboss, "strength", 0.7, {}),
    (kernels.gaussian, "sigma", 1.3, {"size": 7}),
    (kernels.gaussian, "sigma", (1.3, 0.8), {"size": 7}),
    (kernels.gaussian, "sigma", [1.3, 0.8], {"size": (7, 5), "order": (0, 1)}),
    (kernels.gaussian, "sigma", np.array([1.3, 0.8, 1.0]), {"size": 5, "form": "discrete"}),
    (kernels.gaussian1d, "sigma", 1.3, {"radius": 4}),
    (kernels.laplacian_of_gaussian, "sigma", 1.3, {"size": 7}),
    (kernels.laplacian_of_gaussian, "sigma", (1.3, 0.9), {"size": 7}),
    (kernels.steerable, "sigma", 1.3, {"size": 7, "order": 2}),
    (kernels.steerable, "theta", 0.4, {"size": 7}),
    (kernels.gabor, "frequency", 0.2, {"size": 9}),
    (kernels.gabor, "theta", 0.4, {"size": 9}),
    (kernels.gabor, "bandwidth", 1.2, {"size": 9}),
    (kernels.gabor, "sigma", 2.1, {"size": 9}),
    (kernels.gabor, "sigma", (2.1, 1.4), {"size": 9}),
    (kernels.gabor, "offset", 0.3, {"size": 9}),
    (kernels.gabor_bank, "frequencies", (0.2, 0.3), {"size": 9, "orientations": 2}),
    (kernels.gabor_bank, "frequencies", np.array([0.2, 0.3]), {"size": 9, "orientations": 2}),
    (kernels.gabor_bank, "bandwidth", 1.2, {"size": 9, "orientations": 2}),
    (kernels.log_gabor, "frequency", 0.2, {"size": 9}),
    (kernels.log_gabor, "theta", 0.4, {"size": 9}),
    (kernels.log_gabor, "bandwidth", 0.6, {"size": 9}),
    (kernels.log_gabor, "spread", 0.5, {"size": 9}),
    (kernels.log_gabor_bank, "frequencies", (0.2, 0.3), {"size": 9, "orientations": 2}),
    (kernels.motion, "angle", 0.7, {}),
    (kernels.motion, "length", 6.5, {"angle": 0.7}),
    (kernels.airy, "radius", 2.1, {"size": 9}),
    (kernels.airy, "radius", 0.3, {"size": 9, "mode": "integrate"}),
    (kernels.moffat, "gamma", 1.7, {"size": 9}),
    (kernels.moffat, "alpha", 2.2, {"size": 9}),
]
REFUSED = [
    (kernels.disk, "radius", 2.0, "`radius` must be known when the program is traced, since samples in or out"),
    (kernels.gaussian, "truncate", 3.0, "`truncate` must be known .* it decides the size"),
    (kernels.gaussian1d, "truncate", 3.0, "`truncate` must be known"),
    (kernels.laplacian_of_gaussian, "truncate", 3.0, "`truncate` must be known"),
    (kernels.steerable, "truncate", 3.0, "`truncate` must be known"),
    (kernels.gabor, "truncate", 3.0, "`truncate` must be known"),
]
NEEDS_SIZE = [
    (kernels.gaussian, "sigma", {"size": None}),
    (kernels.laplacian_of_gaussian, "sigma", {}),
    (kernels.steerable, "sigma", {}),
    (kernels.gabor, "frequency", {}),
    (kernels.gabor, "bandwidth", {}),
    (kernels.gabor_bank, "bandwidth", {}),
    (kernels.airy, "radius", {}),
    (kernels.moffat, "gamma", {}),
]


def name(row):
    return f"{row[0].__name__}-{row[1]}-{type(row[2]).__name__}"


def test_the_tables_hold_every_real_parameter():
    listed = {(row[0], row[1]) for row in (*DIFFERENTIABLE, *REFUSED)}
    builders = {*kernels.NAMES.values(), kernels.gaussian1d, kernels.gabor_bank, kernels.log_gabor_bank}
    for builder in builders:
        for parameter in inspect.signature(builder).parameters.values():
            if any(word in str(parameter.annotation) for word in ("float", "Real")):
                assert (builder, parameter.name) in listed, f"{builder.__name__}({parameter.name}=...)"


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=map(name, DIFFERENTIABLE))
def test_traced_with_its_gradient(row):
    builder, parameter, value, options = row
    first = (1.0,) if builder is kernels.gaussian1d and parameter != "sigma" else ()

    def build(v):
        return builder(*first, **{parameter: v, **options})

    leaves, tree = jax.tree.flatten(value)
    direction = [np.ones(np.shape(leaf)) / (1 + i) for i, leaf in enumerate(leaves)]
    at = lambda s: jax.tree.unflatten(tree, [leaf + s * d for leaf, d in zip(leaves, direction)])
    known = build(value)
    step = jnp.float64(0.0)
    np.testing.assert_allclose(jax.jit(lambda s: build(at(s)))(step), known, atol=1e-13)
    quotient = (build(at(STEP)) - build(at(-STEP))) / (2 * STEP)
    scale = 1 + float(np.abs(quotient).max())
    assert np.abs(quotient).max() > 0
    for mode in (jax.jacfwd, jax.jacrev):
        slope = jax.jit(mode(lambda s: build(at(s))))(step)
        np.testing.assert_allclose(slope, quotient, atol=difference_quotient(STEP, scale))


@pytest.mark.parametrize(("builder", "parameter", "value", "message"), REFUSED)
def test_refused_with_the_reason(builder, parameter, value, message):
    first = (1.0,) if builder is kernels.gaussian1d else ()
    with pytest.raises(TypeError, match=message):
        jax.jit(lambda v: builder(*first, **{parameter: v}))(value)


@pytest.mark.parametrize(("builder", "parameter", "options"), NEEDS_SIZE)
def test_a_size_that_follows_from_traced_parameters_is_asked_for(builder, parameter, options):
    with pytest.raises(TypeError, match=r"`size`.* must be given where .* traced; pass the largest you need"):
        jax.jit(lambda v: builder(**{parameter: v, **options}))(1.5)


def test_a_path_of_no_length_is_the_impulse():
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    for length in (0, 0.0, 1e-300, 0.4):
        np.testing.assert_allclose(kernels.motion(5, length=length, angle=0.3), impulse, rtol=2**-52)
    slope = jax.jacrev(lambda v: kernels.motion(5, length=v, angle=0.3))(0.0)
    np.testing.assert_array_equal(slope, 0)


def test_bessel_function_against_scipy():
    special = pytest.importorskip("scipy.special")
    x = np.concatenate([np.linspace(0, 40, 401), np.geomspace(40, 1e6, 50)])
    eps = float(np.finfo(np.float64).eps)
    np.testing.assert_allclose(bessel_j1(np, x), special.j1(x), atol=40 * eps)
    np.testing.assert_allclose(kernels.airy(1e-6, size=3).sum(), 1, rtol=40 * eps)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("`length` must not be negative, got -1", lambda: kernels.motion(length=-1)),
        ("`length` must not be negative, got nan", lambda: kernels.motion(length=float("nan"))),
        ("`radius` must be positive, got 0", lambda: kernels.airy(0, size=5)),
        ("`gamma` must be positive, got -1", lambda: kernels.moffat(-1, size=5)),
        ("`sigma` must be positive, got 0", lambda: kernels.gabor(sigma=0, size=5)),
        ("`sigma` must be given where `frequency` is 0", lambda: kernels.gabor(0.0)),
        ("`bandwidth` must be positive, got 0", lambda: kernels.gabor(bandwidth=0, size=5)),
        ("`bandwidth` must not be 1", lambda: kernels.log_gabor(bandwidth=1.0)),
        ("`frequency` must be positive, got 0", lambda: kernels.log_gabor(frequency=0)),
        ("`spread` must be positive, got 0", lambda: kernels.log_gabor(spread=0)),
        ("`order` must be at least 0, got -1", lambda: kernels.steerable(order=-1)),
        ("`degree` must be less than the size and >= 0, got -1", lambda: kernels.savitzky_golay(degree=-1)),
        ("`truncate` must not be negative, got inf", lambda: kernels.gaussian(None, truncate=float("inf"))),
        ("`factor` must be at most 1000", lambda: kernels.discretize(np.cos, 3, mode="integrate", factor=10**5)),
        ("`size` must be at most 1025 for 'sobel'", lambda: kernels.sobel(size=2001, ndim=1)),
    ],
)
def test_values_that_make_no_sense(message, call):
    with pytest.raises(ValueError, match=message):
        call()


HUGE = [
    lambda: kernels.identity(10**6),
    lambda: kernels.box(10**6),
    lambda: kernels.gaussian(100_001),
    lambda: kernels.gaussian(None, sigma=1e5),
    lambda: kernels.gaussian1d(1.0, radius=10**10),
    lambda: kernels.laplacian_of_gaussian(100_001),
    lambda: kernels.steerable(100_001),
    lambda: kernels.riesz(100_001),
    lambda: kernels.savitzky_golay(100_001),
    lambda: kernels.savitzky_golay(1001, degree=40),
    lambda: kernels.gabor(size=100_001),
    lambda: kernels.gabor(1e-6),
    lambda: kernels.gabor_bank((1e-6, 0.1)),
    lambda: kernels.gabor_bank(np.full(10**5, 0.2), size=101),
    lambda: kernels.log_gabor(10**6),
    lambda: kernels.log_gabor_bank(10**6),
    lambda: kernels.motion(100_001),
    lambda: kernels.disk(1e6),
    lambda: kernels.airy(1e6),
    lambda: kernels.moffat(1e6),
    lambda: kernels.laplacian(ndim=25),
    lambda: kernels.sobel(ndim=25),
    lambda: kernels.discretize(np.hypot, (10**6, 10**6)),
]


@pytest.mark.parametrize("call", HUGE)
def test_a_kernel_beyond_memory_is_refused_before_anything_is_made(call):
    with pytest.raises(InputError, match=r"a kernel of shape \(.*\) asks for .* of memory, and the limit is"):
        call()
