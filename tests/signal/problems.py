"""One literal table: every public function of `jconv.signal` as a function of its differentiable arrays.

The tests of jit, vmap and gradients run over it, and over nothing else, so that no function is forgotten.
"""

import jax.numpy as jnp
import numpy as np

from jconv import signal

_rng = np.random.default_rng(7)


def _x(*shape):
    return _rng.normal(size=shape)


def _positive(*shape):
    return _rng.uniform(0.5, 2, size=shape)


_SOS = np.array([[0.3, 0.2, 0.1, 1, -0.4, 0.2], [1.0, 0.5, 0, 1, 0.3, 0.1]])
_PSF = np.array([0.1, 0.2, 0.4, 0.3])
_RANKS = np.array([[3.0, 1, 7, 2, 9], [8, 4, 0, 6, 5], [2.5, 9.5, 3.5, 7.5, 0.5]])


def _sos(sections, x):
    """`sosfilt` with the fourth column held at 1."""
    return signal.sosfilt(jnp.concatenate([sections[:, :3], jnp.ones((2, 1)), sections[:, 4:]], axis=1), x)


def _streamed(kernel, x):
    state = signal.stream.init(kernel)
    state, first = signal.stream.step(state, x[:4])
    _, second = signal.stream.step(state, x[4:])
    return jnp.concatenate([first, second])


def _partitioned(kernel, x):
    state = signal.stream.partitioned_init(kernel, 4)
    outs = []
    for i in range(0, 12, 4):
        state, y = signal.stream.partitioned_step(state, x[i : i + 4])
        outs.append(y)
    return jnp.concatenate(outs)


def _operator(kernel, x):
    A = signal.ConvolutionOperator(kernel, (9,), boundary="symm")
    return A.adjoint(A.matvec(x))


def _operator_solve(kernel, y):
    A = signal.ConvolutionOperator(kernel, (9,), boundary="wrap")
    return A.solve(y, damping=0.1)


# name of the public function: [(function of arrays, arrays), …]
PROBLEMS = {
    "convolve": [
        (lambda x, h: signal.convolve(x, h, "same"), (_x(8), _x(4))),
        (lambda x, h: signal.convolve(x, h, method="fft"), (_x(5, 4), _x(2, 3))),
        (lambda x, h, v: signal.convolve(x, h, boundary="fill", fillvalue=v), (_x(5, 4), _x(2, 3), _x(1)[0])),
        (lambda x, h: signal.convolve(x, h, "valid", boundary="reflect"), (_x(7), _x(3) + 1j * _x(3))),
    ],
    "correlate": [(lambda x, h: signal.correlate(x, h), (_x(6), _x(3)))],
    "fftconvolve": [(lambda x, h: signal.fftconvolve(x, h, "same", axes=1), (_x(3, 8), _x(1, 5)))],
    "oaconvolve": [(lambda x, h: signal.oaconvolve(x, h), (_x(300), _x(5)))],
    "convolve2d": [(lambda x, h: signal.convolve2d(x, h, "same", "symm"), (_x(5, 4), _x(3, 2)))],
    "correlate2d": [(lambda x, h: signal.correlate2d(x, h, "full", "wrap"), (_x(5, 4), _x(3, 2)))],
    "sepfir2d": [(signal.sepfir2d, (_x(5, 4), _x(3), _x(3)))],
    "upfirdn": [(lambda h, x: signal.upfirdn(h, x, 3, 2, mode="antireflect"), (_x(7), _x(2, 9)))],
    "resample_poly": [(lambda x: signal.resample_poly(x, 2, 3, padtype="mean"), (_x(12),))],
    "decimate": [
        (lambda x: signal.decimate(x, 2, ftype="fir"), (_x(30),)),
        (lambda x: signal.decimate(x, 3, 4), (_x(40),)),
    ],
    "firwin": [
        (lambda f: signal.firwin(9, f, pass_zero=False), (np.array([0.2, 0.5]),)),
        (lambda f, w: signal.firwin(9, f, width=w), (np.array(0.4), np.array(0.8))),
    ],
    "firwin2": [(lambda g: signal.firwin2(8, [0, 0.3, 1], jnp.append(g, 0.0)), (_x(2),))],
    "get_window": [
        (lambda b: signal.get_window(("kaiser", b), 7), (np.array(3.0),)),
        (lambda a: signal.get_window(("tukey", a), 9), (np.array(0.7),)),
    ],
    "kaiser_beta": [(signal.kaiser_beta, (np.array([10.0, 30.0, 70.0]),))],
    "kaiser_atten": [(lambda w: signal.kaiser_atten(11, w), (np.array(0.2),))],
    "savgol_coeffs": [(lambda d: signal.savgol_coeffs(5, 2, 1, d), (np.array(0.5),))],
    "savgol_filter": [(lambda x: signal.savgol_filter(x, 5, 2), (_x(2, 9),))],
    "lfilter": [
        (lambda b, x: signal.lfilter(b, [2.0], x), (_x(3), _x(2, 9))),
        (lambda b, a, x: signal.lfilter(b, a, x), (_x(3), np.array([1, -0.5, 0.2]), _x(40))),
        (lambda b, a, x, z: signal.lfilter(b, a, x, zi=z), (_x(4), np.array([1, 0.3, 0.2, -0.1]), _x(9), _x(3))),
    ],
    "lfilter_zi": [(signal.lfilter_zi, (_x(3), np.array([1, -0.5, 0.2])))],
    "lfiltic": [(signal.lfiltic, (_x(3), np.array([1, -0.5, 0.2]), _x(2), _x(3)))],
    "sosfilt": [(_sos, (_SOS, _x(40)))],
    "sosfilt_zi": [(lambda b: signal.sosfilt_zi(jnp.concatenate([b, _SOS[:, 3:]], axis=1)), (_SOS[:, :3],))],
    "filtfilt": [
        (lambda b, x: signal.filtfilt(b, [1, -0.4, 0.1], x), (_x(3), _x(15))),
        (lambda x: signal.filtfilt([0.5, 0.2], [1, -0.4], x, method="gust"), (_x(15),)),
    ],
    "sosfiltfilt": [(lambda x: signal.sosfiltfilt(_SOS, x), (_x(25),))],
    "wiener": [(lambda x: signal.wiener(x, 3, 0.1), (_x(4, 5),))],
    "deconvolve": [(signal.deconvolve, (_x(6), np.array([2.0, 0.5, 0.1])))],
    "medfilt": [(lambda x: signal.medfilt(x, 3), (_RANKS,))],
    "medfilt2d": [(lambda x: signal.medfilt2d(x, (1, 3)), (_RANKS,))],
    "order_filter": [(lambda x: signal.order_filter(x, np.eye(3), 1), (_RANKS,))],
    "wiener_deconvolve": [
        (lambda y, h, n: signal.wiener_deconvolve(y, h, noise_to_signal=n), (_x(7), _PSF, np.array(0.1)))
    ],
    "tikhonov_deconvolve": [
        (lambda y, h: signal.tikhonov_deconvolve(y, h, weight=0.1, penalty=[1.0, -1.0]), (_x(7), _PSF))
    ],
    "richardson_lucy": [
        (lambda y, h: signal.richardson_lucy(y, h, iterations=3).estimate, (_positive(8), _PSF)),
        (
            lambda y, h: signal.richardson_lucy(y, h, iterations=2, mask=[1, 1, 0, 1, 1, 1, 1, 1]).estimate,
            (_positive(8), _PSF),
        ),
    ],
    "normalized_convolve": [
        (
            lambda x, h: signal.normalized_convolve(x, h, mask=[0, 1, 0, 0, 0, 0], boundary="edge"),
            (_x(6), _positive(3)),
        )
    ],
    "long_convolve": [
        (
            lambda x, h, b, g: signal.long_convolve(x, h, backward=b, gate_in=g, gate_out=g, skip=[1.0, 2.0]),
            (_x(2, 6, 2), _x(6, 2), _x(3, 2), _x(2, 6, 2)),
        )
    ],
    "ConvolutionOperator": [
        (_operator, (_PSF, _x(9))),
        (_operator_solve, (_PSF, _x(9))),
        (lambda h: signal.ConvolutionOperator(h, (9,), boundary="wrap").singular_values(), (_PSF,)),
    ],
    "stream": [(_streamed, (_x(3), _x(9))), (_partitioned, (_x(6), _x(12)))],
}

# What has no gradient: answers of static facts only.
STATIC = {"choose_conv_method", "correlation_lags", "kaiserord", "RichardsonLucy"}
