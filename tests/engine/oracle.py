"""The convolution sum in float64 NumPy, tap by tap: what every algorithm is held against."""

import itertools

import numpy as np


def _wide(array):
    kind = np.asarray(array).dtype.kind
    return np.asarray(array).astype({"i": np.int64, "u": np.int64, "c": np.complex128}.get(kind, np.float64))


def _places(size, padding, dilation):
    """Where the samples of an axis stand in the zero-stuffed, padded or cropped one, and how long that is."""
    extent = (size - 1) * dilation + 1 if size else 0
    return np.arange(size) * dilation + padding[0], max(0, extent + sum(padding))


def _taps(x, taps, strides, rhs_dilation):
    """Each tap with the samples of the padded input that it meets, one for each output."""
    out = [max(0, (n - d * (k - 1) - 1) // s + 1) for n, k, s, d in zip(x.shape[1:-1], taps, strides, rhs_dilation)]
    for tap in itertools.product(*map(range, taps)):
        window = tuple(
            slice(d * t, d * t + s * (o - 1) + 1, s) if o else slice(0, 0)
            for d, t, s, o in zip(rhs_dilation, tap, strides, out)
        )
        yield tap, (slice(None), *window)


def _padded(lhs, padding, lhs_dilation):
    for axis, (pair, dilation) in enumerate(zip(padding, lhs_dilation), start=1):
        places, extent = _places(lhs.shape[axis], pair, dilation)
        kept = (places >= 0) & (places < extent)
        wide = np.zeros((*lhs.shape[:axis], extent, *lhs.shape[axis + 1 :]), lhs.dtype)
        wide[(slice(None),) * axis + (places[kept],)] = np.compress(kept, lhs, axis)
        lhs = wide
    return lhs


def _grouped(array, groups):
    """The channels, last, as (groups, 1, channels of a group)."""
    return array.reshape(*array.shape[:-1], groups, 1, array.shape[-1] // groups)


def convolution(lhs, rhs, *, strides, padding, lhs_dilation, rhs_dilation, groups):
    """Channels-last sum; `lhs` (N, *space, G·I), `rhs` (*taps, I, G·m). Negative paddings crop."""
    rhs = _wide(rhs)
    x = _padded(_wide(lhs), padding, lhs_dilation)
    y = 0
    for tap, window in _taps(x, rhs.shape[:-2], strides, rhs_dilation):
        kernel = np.swapaxes(rhs[tap].reshape(rhs.shape[-2], groups, -1), 0, 1)
        y = y + _grouped(x[window], groups) @ kernel
    return y.reshape(*y.shape[:-3], rhs.shape[-1])


def gradients(lhs, rhs, ct, *, strides, padding, lhs_dilation, rhs_dilation, groups):
    """(x̄, w̄): each product of the sum read backwards."""
    rhs, lhs, ct = _wide(rhs), _wide(lhs), _wide(ct)
    x = _padded(lhs, padding, lhs_dilation)
    dx, dw = np.zeros(x.shape, np.result_type(ct, rhs)), np.zeros(rhs.shape, np.result_type(ct, lhs))
    for tap, window in _taps(x, rhs.shape[:-2], strides, rhs_dilation):
        kernel = np.swapaxes(rhs[tap].reshape(rhs.shape[-2], groups, -1), 0, 1)
        dx[window] += (_grouped(ct, groups) @ np.swapaxes(kernel, -1, -2)).reshape(dx[window].shape)
        samples, weights = (_grouped(a, groups).reshape(-1, groups, a.shape[-1] // groups) for a in (x[window], ct))
        dw[tap] = np.einsum("pgi,pgm->igm", samples, weights).reshape(rhs.shape[-2:])
    for axis, (pair, dilation) in enumerate(zip(padding, lhs_dilation), start=1):
        places, extent = _places(lhs.shape[axis], pair, dilation)
        kept = (places >= 0) & (places < extent)
        samples = np.zeros((*dx.shape[:axis], lhs.shape[axis], *dx.shape[axis + 1 :]), dx.dtype)
        samples[(slice(None),) * axis + (np.flatnonzero(kept),)] = np.take(dx, places[kept], axis)
        dx = samples
    return dx, dw
