"""Every real-valued parameter is traced with a gradient, or refused with the reason; and what makes no sense raises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jconv.ndimage as ndi
from tests.ndimage.calls import FILTERS, first_difference, real_parameters

X = np.random.default_rng(5).random((11, 12))
VOLUME = X * np.arange(3.0)[:, None, None] ** 2
NAN = float("nan")

# function: (parameter, a call of its value, a value)
TRACED = {
    "correlate": [("cval", lambda v: ndi.correlate(X, np.ones((3, 4)), mode="constant", cval=v), 0.3)],
    "convolve": [("cval", lambda v: ndi.convolve(X, np.ones((3, 4)), mode="constant", cval=v), 0.3)],
    "correlate1d": [("cval", lambda v: ndi.correlate1d(X, [1.0, 2.0, 4.0], mode="constant", cval=v), 0.3)],
    "convolve1d": [("cval", lambda v: ndi.convolve1d(X, [1.0, 2.0, 4.0], mode="constant", cval=v), 0.3)],
    "gaussian_filter": [
        ("sigma", lambda v: ndi.gaussian_filter(X, (v, 2 * v), radius=3), 0.7),
        ("sigma", lambda v: ndi.gaussian_filter(X, jnp.array([v, 1.0]), (0, 1), radius=3), 0.7),
        ("cval", lambda v: ndi.gaussian_filter(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "gaussian_filter1d": [
        ("sigma", lambda v: ndi.gaussian_filter1d(X, v, radius=3), 0.7),
        ("cval", lambda v: ndi.gaussian_filter1d(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "gaussian_laplace": [
        ("sigma", lambda v: ndi.gaussian_laplace(X, (v, 1.0), radius=3), 0.7),
        ("cval", lambda v: ndi.gaussian_laplace(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "gaussian_gradient_magnitude": [
        ("sigma", lambda v: ndi.gaussian_gradient_magnitude(X, (v, v), radius=3), 0.7),
        ("cval", lambda v: ndi.gaussian_gradient_magnitude(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "uniform_filter": [("cval", lambda v: ndi.uniform_filter(X, 3, mode="constant", cval=v), 0.3)],
    "uniform_filter1d": [("cval", lambda v: ndi.uniform_filter1d(X, 3, mode="constant", cval=v), 0.3)],
    "sobel": [("cval", lambda v: ndi.sobel(X, mode="constant", cval=v), 0.3)],
    "prewitt": [("cval", lambda v: ndi.prewitt(X, mode="constant", cval=v), 0.3)],
    "scharr": [("cval", lambda v: ndi.scharr(X, mode="constant", cval=v), 0.3)],
    "farid": [("cval", lambda v: ndi.farid(X, mode="constant", cval=v), 0.3)],
    "roberts": [("cval", lambda v: ndi.roberts(X, mode="constant", cval=v), 0.3)],
    "laplace": [("cval", lambda v: ndi.laplace(X, mode="constant", cval=v), 0.3)],
    "generic_laplace": [
        (
            "cval",
            lambda v: ndi.generic_laplace(X, lambda x, a, o, m, c: ndi.sobel(x, a, o, m, c), None, "constant", v),
            0.3,
        )
    ],
    "generic_gradient_magnitude": [
        ("cval", lambda v: ndi.generic_gradient_magnitude(X, first_difference, None, "constant", v), 0.3),
    ],
    "generic_filter": [("cval", lambda v: ndi.generic_filter(X, jnp.prod, 3, mode="constant", cval=v), 0.3)],
    "generic_filter1d": [
        ("cval", lambda v: ndi.generic_filter1d(X, lambda a: a[1:-1] * a[2:], 3, mode="constant", cval=v), 0.3)
    ],
    "vectorized_filter": [("cval", lambda v: ndi.vectorized_filter(X, jnp.var, size=3, mode="constant", cval=v), 0.3)],
    "unsharp_mask": [
        ("radius", lambda v: ndi.unsharp_mask(X, v, kernel_radius=3), 0.7),
        ("amount", lambda v: ndi.unsharp_mask(X, 1.0, v), 0.7),
        ("cval", lambda v: ndi.unsharp_mask(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "difference_of_gaussians": [
        ("low_sigma", lambda v: ndi.difference_of_gaussians(X, v, 3.0, radius=4), 0.7),
        ("low_sigma", lambda v: ndi.difference_of_gaussians(X, (v, v), radius=4), 0.7),
        ("high_sigma", lambda v: ndi.difference_of_gaussians(X, 0.5, v, radius=4), 0.7),
        ("cval", lambda v: ndi.difference_of_gaussians(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "local_normalize": [
        ("sigma", lambda v: ndi.local_normalize(X, v, radius=4), 1.1),
        ("epsilon", lambda v: ndi.local_normalize(X, 1.0, epsilon=v), 0.1),
        ("cval", lambda v: ndi.local_normalize(X, 1.0, mode="constant", cval=v), 0.3),
    ],
    "butterworth": [
        ("cutoff_frequency_ratio", lambda v: ndi.butterworth(X, v), 0.2),
        ("order", lambda v: ndi.butterworth(X, 0.2, False, v), 2.0),
    ],
    "gabor": [
        ("frequency", lambda v: ndi.gabor(X, v, size=7)[0], 0.2),
        ("theta", lambda v: ndi.gabor(X, 0.2, v, size=7)[1], 0.4),
        ("bandwidth", lambda v: ndi.gabor(X, 0.2, 0.4, v, size=7)[1], 1.2),
        ("sigma_x", lambda v: ndi.gabor(X, 0.2, 0.4, 1.0, v, size=7)[1], 1.2),
        ("sigma_y", lambda v: ndi.gabor(X, 0.2, 0.4, 1.0, 1.0, v, size=7)[1], 1.2),
        ("offset", lambda v: ndi.gabor(X, 0.2, offset=v, size=7)[1], 0.3),
        ("cval", lambda v: ndi.gabor(X, 0.2, mode="constant", cval=v)[0], 0.3),
    ],
    "bilateral": [
        ("sigma_color", lambda v: ndi.bilateral(X, v, 1.0), 0.5),
        ("sigma_space", lambda v: ndi.bilateral(X, 0.5, v, 5), 0.7),
        ("cval", lambda v: ndi.bilateral(X, 0.5, 1.0, mode="constant", cval=v), 0.3),
    ],
    "joint_bilateral": [
        ("sigma_color", lambda v: ndi.joint_bilateral(X, X[::-1], v, 1.0), 0.5),
        ("sigma_space", lambda v: ndi.joint_bilateral(X, X[::-1], 0.5, v, 5), 0.7),
        ("cval", lambda v: ndi.joint_bilateral(X, X[::-1], 0.5, 1.0, mode="constant", cval=v), 0.3),
    ],
    "guided": [
        ("eps", lambda v: ndi.guided(X, X[::-1], 2, v), 0.1),
        ("cval", lambda v: ndi.guided(X, X[::-1], 2, 0.1, mode="constant", cval=v), 0.3),
    ],
    "motion_blur": [
        ("angle", lambda v: ndi.motion_blur(X, 5, v), 0.4),
        ("length", lambda v: ndi.motion_blur(X, 5, 0.4, length=v), 3.3),
        ("cval", lambda v: ndi.motion_blur(X, 5, 0.4, mode="constant", cval=v), 0.3),
    ],
    "blur_pool": [("cval", lambda v: ndi.blur_pool(X, mode="constant", cval=v), 0.3)],
    "correlate_varying": [
        ("cval", lambda v: ndi.correlate_varying(X, np.ones((1, 3, 3)), X[None], mode="constant", cval=v), 0.3)
    ],
    "structure_tensor": [
        ("sigma", lambda v: ndi.structure_tensor(X, v, radius=3), 0.7),
        ("cval", lambda v: ndi.structure_tensor(X, cval=v), 0.3),
    ],
    "hessian_matrix": [
        ("sigma", lambda v: ndi.hessian_matrix(X, (v, 1.0), radius=4), 1.2),
        ("cval", lambda v: ndi.hessian_matrix(X, 1.2, "constant", v), 0.3),
    ],
    "frangi": [
        ("sigmas", lambda v: ndi.frangi(X, [v], gamma=0.5, radius=5), 1.5),
        ("beta", lambda v: ndi.frangi(X, [1.5], beta=v), 0.4),
        (
            "alpha",
            lambda v: ndi.frangi(VOLUME, [1.5], v, radius=2),
            0.4,
        ),
        ("gamma", lambda v: ndi.frangi(X, [1.5], gamma=v), 0.4),
        ("cval", lambda v: ndi.frangi(X, [1.5], gamma=0.5, mode="constant", cval=v), 0.3),
    ],
    "hessian": [
        ("sigmas", lambda v: ndi.hessian(X, [v], gamma=0.5, radius=5), 1.5),
        ("beta", lambda v: ndi.hessian(X, [1.5], beta=v), 0.4),
        (
            "alpha",
            lambda v: ndi.hessian(VOLUME, [1.5], v, radius=2),
            0.4,
        ),
        ("gamma", lambda v: ndi.hessian(X, [1.5], gamma=v), 0.4),
        ("cval", lambda v: ndi.hessian(X, [1.5], gamma=0.5, mode="constant", cval=v), 0.3),
    ],
    "sato": [
        ("sigmas", lambda v: ndi.sato(X, v, radius=5), 1.5),
        ("cval", lambda v: ndi.sato(X, [1.5], mode="constant", cval=v), 0.3),
    ],
    "meijering": [
        ("sigmas", lambda v: ndi.meijering(X, [v], radius=5), 1.5),
        ("alpha", lambda v: ndi.meijering(X, [1.5], v), 0.3),
        ("cval", lambda v: ndi.meijering(X, [1.5], mode="constant", cval=v), 0.3),
    ],
}

# function, parameter, a call of its traced value, why it is refused
REFUSED = [
    ("gaussian_filter", "sigma", lambda v: ndi.gaussian_filter(X, v), "`radius` .*given where `sigma` is traced"),
    ("gaussian_filter", "truncate", lambda v: ndi.gaussian_filter(X, 1.0, truncate=v), "`truncate` sets the size"),
    ("gaussian_filter1d", "truncate", lambda v: ndi.gaussian_filter1d(X, 1.0, truncate=v), "`truncate` sets the size"),
    ("difference_of_gaussians", "truncate", lambda v: ndi.difference_of_gaussians(X, 1, truncate=v), "sets the size"),
    ("difference_of_gaussians", "low_sigma", lambda v: ndi.difference_of_gaussians(X, v), "`radius` must be given"),
    ("unsharp_mask", "radius", lambda v: ndi.unsharp_mask(X, v), "`kernel_radius` must be given"),
    ("local_normalize", "sigma", lambda v: ndi.local_normalize(X, v), "`radius` must be given"),
    ("canny", "sigma", lambda v: ndi.canny(X, v), "`radius` must be given"),
    ("structure_tensor", "sigma", lambda v: ndi.structure_tensor(X, v), "`radius` must be given"),
    ("hessian_matrix", "sigma", lambda v: ndi.hessian_matrix(X, v), "`radius` must be given"),
    ("frangi", "sigmas", lambda v: ndi.frangi(X, [v]), "`radius` must be given"),
    ("gabor", "n_stds", lambda v: ndi.gabor(X, 0.2, n_stds=v), "`n_stds` sets the size"),
    ("gabor", "theta", lambda v: ndi.gabor(X, 0.2, v), "`size` must be given where the parameters are traced"),
    ("bilateral", "sigma_space", lambda v: ndi.bilateral(X, 1.0, v), "`size` must be given where `sigma_space`"),
    (
        "vectorized_filter",
        "batch_memory",
        lambda v: ndi.vectorized_filter(X, jnp.var, size=3, batch_memory=v),
        "`batch_memory` sets the size",
    ),
]

# Results without a derivative: the parameters may be traced all the same.
STEPS = {
    "canny": [
        ("sigma", lambda v: ndi.canny(X, v, radius=3), 0.7),
        ("low_threshold", lambda v: ndi.canny(X, 1.0, v), 0.1),
        ("high_threshold", lambda v: ndi.canny(X, 1.0, 0.1, v, use_quantiles=True), 0.5),
        ("cval", lambda v: ndi.canny(X, cval=v), 0.3),
    ],
}

# The value outside of order filters is a sample: their own tests hold its gradient.
ORDER = ("minimum", "maximum", "median", "rank", "percentile")


USUAL = {"correlate", "uniform_filter", "gaussian_filter1d", "unsharp_mask", "butterworth", "guided"}
ROWS = [
    pytest.param(name, i, marks=[] if name in USUAL else pytest.mark.slow, id=f"{name}-{row[0]}-{i}")
    for name, rows in TRACED.items()
    for i, row in enumerate(rows)
]


@pytest.mark.parametrize(("name", "index"), ROWS)
def test_traced_parameters_have_the_gradient_of_the_difference(name, index):
    _, call, value = TRACED[name][index]
    weights = np.random.default_rng(1).standard_normal(np.shape(call(value)))
    loss = lambda v: (weights * call(v)).sum()
    slope = jax.jit(jax.grad(loss))(value)
    step = 1e-5
    compiled = jax.jit(loss)
    difference = (compiled(value + step) - compiled(value - step)) / (2 * step)
    assert slope != 0
    np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(compiled(value), loss(value), rtol=1e-10)


@pytest.mark.parametrize(("name", "index"), [(name, i) for name, rows in STEPS.items() for i in range(len(rows))])
def test_traced_parameters_of_sets(name, index):
    _, call, value = STEPS[name][index]
    np.testing.assert_array_equal(jax.jit(call)(value), call(value))


@pytest.mark.parametrize("row", REFUSED, ids=[f"{name}-{p}" for name, p, *_ in REFUSED])
def test_what_sets_a_shape_is_refused_with_the_reason(row):
    _, _, call, reason = row
    with pytest.raises(TypeError, match=reason):
        jax.jit(call)(0.7)


def test_every_real_parameter_is_here():
    listed = {(name, row[0]) for table in (TRACED, STEPS) for name, rows in table.items() for row in rows}
    listed |= {(name, parameter) for name, parameter, *_ in REFUSED}
    missing = [
        (name, p)
        for name in FILTERS
        for p in real_parameters(name)
        if (name, p) not in listed and not name.startswith(ORDER)
    ]
    assert not missing


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("`cutoff_frequency_ratio` must lie above 0 and up to 0.5, got 0.6", lambda: ndi.butterworth(X, 0.6)),
        ("`cutoff_frequency_ratio` must lie above 0 and up to 0.5, got 0", lambda: ndi.butterworth(X, 0)),
        ("`cutoff_frequency_ratio` must lie above 0 and up to 0.5, got nan", lambda: ndi.butterworth(X, NAN)),
        ("`order` must be positive, got 0", lambda: ndi.butterworth(X, 0.1, order=0)),
        ("`low_threshold` must not exceed `high_threshold`, got 0.3 and 0.1", lambda: ndi.canny(X, 1, 0.3, 0.1)),
        ("`low_threshold` must not exceed `high_threshold`, got nan", lambda: ndi.canny(X, 1, NAN, 0.1)),
        ("`high_threshold` must lie in 0 … 1 with use_quantiles, got 80", lambda: ndi.canny(X, 1, 0, 80, None, True)),
        ("`sigma` must not be negative, got nan", lambda: ndi.gaussian_filter(X, NAN)),
        ("`sigma` must not be negative, got inf", lambda: ndi.gaussian_filter(X, float("inf"), radius=2)),
        ("`low_sigma` must not exceed `high_sigma`, got 3", lambda: ndi.difference_of_gaussians(X, 3, 1)),
        ("`epsilon` must be positive, got 0", lambda: ndi.local_normalize(X, epsilon=0)),
        ("`eps` must not be negative, got nan", lambda: ndi.guided(X, X, 2, NAN)),
        ("`eps` must not be negative, got -1", lambda: ndi.guided(X, X, 2, -1)),
        ("`radius` must be a nonnegative integer, got 1.5", lambda: ndi.guided(X, X, 1.5)),
        ("`length` must be positive, got 0", lambda: ndi.motion_blur(X, 5, 0.0, length=0)),
        ("`frequency` must be positive, got 0", lambda: ndi.gabor(X, 0)),
        ("`bandwidth` must be positive, got 0", lambda: ndi.gabor(X, 0.1, bandwidth=0)),
        ("`sigma_x` must be positive, got -1", lambda: ndi.gabor(X, 0.1, sigma_x=-1)),
        ("`sigma_space` must be positive, got nan", lambda: ndi.bilateral(X, 1, NAN)),
        ("`sigmas` must be positive", lambda: ndi.frangi(X, [NAN])),
        ("`beta` must be positive, got 0", lambda: ndi.frangi(X, beta=0)),
        ("`gamma` must be positive, got -1", lambda: ndi.frangi(X, gamma=-1)),
        ("`sigma` must be positive, got 0", lambda: ndi.hessian_matrix(X, 0)),
    ],
)
def test_values_that_make_no_sense_raise(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_canny_takes_integer_quantiles():
    everything = ndi.canny(X, 1.0, 0, 0, use_quantiles=True)
    assert (ndi.canny(X, 1.0, 0, 1, use_quantiles=True) <= everything).all()
    np.testing.assert_array_equal(everything, ndi.canny(X, 1.0, 0.0, 0.0, use_quantiles=True))
