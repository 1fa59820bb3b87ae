"""Deconvolution of noisy data, data with gaps, and the operator, against plain NumPy and astropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from astropy.convolution import convolve as astropy_convolve

from jconv import signal

rng = np.random.default_rng(5)
PSF = np.array([[0.05, 0.1, 0.05], [0.1, 0.4, 0.1], [0.05, 0.1, 0.05]])


def circulant(h, shape):
    """The matrix of circular convolution with h, its middle at (k - 1) // 2, as nested loops."""
    size = int(np.prod(shape))
    matrix = np.zeros((size, size), h.dtype)
    for column, j in enumerate(np.ndindex(*shape)):
        for k in np.ndindex(*h.shape):
            i = tuple((a + b - (c - 1) // 2) % n for a, b, c, n in zip(j, k, h.shape, shape))
            matrix[np.ravel_multi_index(i, shape), column] += h[k]
    return matrix


def test_wiener_and_tikhonov_solve_their_equations():
    shape = (5, 6)
    y, laplacian = rng.normal(size=shape), np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    H, D = circulant(PSF, shape), circulant(laplacian, shape)
    expected = np.linalg.solve(H.T @ H + 0.1 * np.eye(30), H.T @ y.ravel()).reshape(shape)
    np.testing.assert_allclose(signal.wiener_deconvolve(y, PSF, noise_to_signal=0.1), expected, atol=1e-13)
    np.testing.assert_allclose(signal.tikhonov_deconvolve(y, PSF, weight=0.1), expected, atol=1e-13)
    expected = np.linalg.solve(H.T @ H + 0.1 * D.T @ D, H.T @ y.ravel()).reshape(shape)
    got = signal.tikhonov_deconvolve(y, PSF, weight=0.1, penalty=laplacian)
    np.testing.assert_allclose(got, expected, atol=1e-13)


def test_richardson_lucy_is_the_em_algorithm():
    y, mask = rng.uniform(1, 2, size=(5, 6)), np.ones((5, 6))
    mask[2, 3] = 0
    y[2, 3] = np.nan
    H = circulant(PSF, (5, 6))
    m, counts = mask.ravel(), np.nan_to_num(y).ravel()
    x = np.full(30, counts.sum() / m.sum())
    seen = []
    for _ in range(4):
        x = x / (H.T @ m) * (H.T @ (m * counts / (H @ x)))
    got = signal.richardson_lucy(
        y, PSF, iterations=4, mask=mask, boundary="wrap", callback=lambda i, change: seen.append(int(i))
    )
    jax.effects_barrier()
    np.testing.assert_allclose(got.estimate.ravel(), x, rtol=1e-12)
    assert seen == [1, 2, 3, 4]


def test_richardson_lucy_stops_and_keeps_the_counts():
    truth = np.zeros(20)
    truth[[4, 11]] = 10.0
    y = signal.convolve(truth, [0.25, 0.5, 0.25], "same")
    got = signal.richardson_lucy(y, [0.25, 0.5, 0.25], iterations=500, tolerance=1e-3)
    assert 1 < int(got.iterations) < 500
    assert float(got.change) <= 1e-3
    np.testing.assert_allclose(got.estimate.sum(), y.sum(), rtol=1e-6)


@pytest.mark.core
@pytest.mark.filterwarnings("ignore:nan_treatment")
@pytest.mark.parametrize("treatment", ["interpolate", "fill"])
def test_gaps_equal_astropy(treatment):
    x = rng.normal(size=(9, 8))
    x[2, 3] = x[4:7, 5:8] = np.nan
    mask = rng.uniform(size=x.shape) < 0.1
    for ours, theirs in [("fill", "fill"), ("wrap", "wrap"), ("edge", "extend")]:
        for normalize in (True, False):
            got = signal.normalized_convolve(
                x, PSF * 2, mask=mask, nan_treatment=treatment, fill_value=0.5, normalize_kernel=normalize,
                boundary=ours, fillvalue=1.5, preserve_nan=normalize,
            )  # fmt: skip
            expected = astropy_convolve(
                x, PSF * 2, boundary=theirs, fill_value=1.5 if treatment == "interpolate" else 0.5,
                nan_treatment=treatment, normalize_kernel=normalize, mask=mask, preserve_nan=normalize,
            )  # fmt: skip
            if treatment == "fill" and ours == "fill":
                continue  # astropy has one number for both fillings
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def test_kernels_that_sum_to_zero_and_values_outside_that_are_missing():
    laplacian, x = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]), np.arange(25.0).reshape(5, 5)
    expected = astropy_convolve(x, laplacian, normalize_kernel=False)
    np.testing.assert_allclose(signal.normalized_convolve(x, laplacian, normalize_kernel=False), expected, atol=1e-13)
    got = signal.normalized_convolve(np.ones(5), np.ones(3), fillvalue=np.nan)
    np.testing.assert_allclose(got, astropy_convolve(np.ones(5), np.ones(3), fill_value=np.nan), rtol=1e-14)
    traced = jax.jit(lambda v: signal.normalized_convolve(np.ones(5), np.ones(3), fillvalue=v))
    np.testing.assert_allclose(traced(np.nan), np.ones(5), rtol=1e-14)
    np.testing.assert_allclose(traced(0.0), [2 / 3, 1, 1, 1, 2 / 3], rtol=1e-14)
    x[2, 2] = np.nan
    for options, remedy in [({}, "normalize_kernel=False"), ({"normalize_kernel": False}, "nan_treatment='fill'")]:
        with pytest.raises(ValueError, match=f"`kernel` sums to 0.*{remedy}"):
            signal.normalized_convolve(x, laplacian, **options)


def test_richardson_lucy_of_data_that_are_no_counts():
    truth = np.zeros(20)
    truth[[4, 11]] = 10.0
    h = np.array([0.25, 0.5, 0.25])
    y = np.asarray(signal.convolve(truth, h, "same"))
    clean = signal.richardson_lucy(y, h, iterations=10).estimate
    spoiled, mask = y.copy(), np.ones(20)
    spoiled[7], mask[7] = np.nan, 0
    with pytest.raises(ValueError, match=r"NaN in 1 samples.*mask_nan=True"):
        signal.richardson_lucy(spoiled, h)
    got = signal.richardson_lucy(spoiled, h, iterations=10, mask_nan=True).estimate
    np.testing.assert_allclose(got, signal.richardson_lucy(y, h, iterations=10, mask=mask).estimate, rtol=1e-12)
    negative = np.where(y == 0, -0.1, y)
    with pytest.raises(ValueError, match=r"got -0\.1 among them; pass clip=True"):
        signal.richardson_lucy(negative, h)
    np.testing.assert_allclose(
        signal.richardson_lucy(negative, h, iterations=10, clip=True).estimate, clean, rtol=1e-12
    )
    with pytest.raises(ValueError, match="`kernel` must not be negative"):
        signal.richardson_lucy(y, -h)
    # An instrument that loses half of the light: the source is twice as bright, unless the kernel is normalized.
    lossy = signal.richardson_lucy(y, h / 2, iterations=10).estimate
    np.testing.assert_allclose(lossy.sum(), 2 * clean.sum(), rtol=1e-6)
    np.testing.assert_allclose(
        signal.richardson_lucy(y, h / 2, iterations=10, normalize=True).estimate, clean, rtol=1e-12
    )


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
def test_operator(boundary):
    h = rng.normal(size=(3, 2)) + (1j * rng.normal(size=(3, 2)) if boundary == "wrap" else 0)
    A = signal.ConvolutionOperator(h, (5, 4), boundary=boundary)
    matrix = np.stack([np.asarray(A.matvec(e.reshape(5, 4))).ravel() for e in np.eye(20)], axis=1)
    y = rng.normal(size=(5, 4))
    np.testing.assert_allclose(A.adjoint(y).ravel(), matrix.conj().T @ y.ravel(), atol=1e-13)
    lower, upper = A.norm_bounds()
    norm = np.linalg.norm(matrix, 2)
    assert 0.9 * norm < lower <= norm * (1 + 1e-12)
    assert norm * (1 - 1e-12) <= upper < 1.8 * norm
    expected = np.linalg.solve(matrix.conj().T @ matrix + 0.3 * np.eye(20), matrix.conj().T @ y.ravel())
    np.testing.assert_allclose(A.solve(y, damping=0.3, tolerance=1e-12).ravel(), expected, atol=1e-9)
    if boundary == "wrap":
        expected = np.linalg.svd(matrix, compute_uv=False)
        np.testing.assert_allclose(np.sort(A.singular_values().ravel()), np.sort(expected), atol=1e-12)
    else:
        with pytest.raises(ValueError, match="norm_bounds"):
            A.singular_values()


def test_operator_speaks_lineax():
    lineax = pytest.importorskip("lineax")
    A = signal.ConvolutionOperator([0.5, 2.0, 0.5], (8,)).as_lineax()
    y = jnp.asarray(rng.normal(size=8))
    x = lineax.linear_solve(A, y, lineax.GMRES(rtol=1e-10, atol=1e-10), throw=False).value
    np.testing.assert_allclose(A.mv(x), y, atol=1e-6)


def test_errors():
    x = np.ones((4, 4))
    for call, words in [
        (lambda: signal.wiener_deconvolve(x[0], PSF, noise_to_signal=1), r"rank 1 to 1.*\(3, 3\)"),
        (lambda: signal.tikhonov_deconvolve(x[:2], PSF, weight=1), r"larger than `signal` of shape \(2, 4\)"),
        (lambda: signal.richardson_lucy(x, PSF[0]), r"`kernel` must have rank 2"),
        (lambda: signal.richardson_lucy(x * 1j, PSF), "must be real"),
        (lambda: signal.richardson_lucy(x, PSF, iterations=0), "at least 1, got 0"),
        (lambda: signal.normalized_convolve(x, PSF, nan_treatment="interp"), "did you mean 'interpolate'"),
        (lambda: signal.ConvolutionOperator(PSF, (4,)), "`kernel` must have rank 1"),
        (lambda: signal.ConvolutionOperator(PSF, (4, 4)).matvec(x[0]), r"shape \(4, 4\), got \(4,\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
