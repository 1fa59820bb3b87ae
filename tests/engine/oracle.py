"""The convolution sum in float64 NumPy, tap by tap: what every algorithm is held against."""

import itertools

import numpy as np


def convolution(lhs, rhs, *, strides, padding, lhs_dilation, rhs_dilation, groups):
    """Channels-last sum; `lhs` (N, *space, G·I), `rhs` (*taps, I, G·m). Negative paddings crop."""
    wide = {"i": np.int64, "u": np.int64, "c": np.complex128}.get(lhs.dtype.kind, np.float64)
    lhs, rhs = np.asarray(lhs).astype(wide), np.asarray(rhs).astype(wide)
    taps, inputs, outputs = rhs.shape[:-2], rhs.shape[-2], rhs.shape[-1]
    stuffed = [(n - 1) * l + 1 if n else 0 for n, l in zip(lhs.shape[1:-1], lhs_dilation)]
    x = np.zeros((lhs.shape[0], *stuffed, lhs.shape[-1]), wide)
    x[(slice(None), *(slice(None, None, l) for l in lhs_dilation))] = lhs
    for axis, (lo, hi) in enumerate(padding, start=1):
        places = np.arange(x.shape[axis] + lo + hi) - lo
        inside = (places >= 0) & (places < x.shape[axis])
        keep = inside.reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        x = np.where(keep, np.take(x, np.where(inside, places, 0), axis=axis), 0)
    out = [max(0, (n - d * (k - 1) - 1) // s + 1) for n, k, s, d in zip(x.shape[1:-1], taps, strides, rhs_dilation)]
    y = np.zeros((x.shape[0], *out, outputs), wide)
    m = outputs // groups
    for tap in itertools.product(*map(range, taps)):
        window = tuple(
            slice(d * t, d * t + s * (o - 1) + 1, s) if o else slice(0, 0)
            for d, t, s, o in zip(rhs_dilation, tap, strides, out)
        )
        for g in range(groups):
            samples = x[(slice(None), *window, slice(g * inputs, (g + 1) * inputs))]
            y[..., g * m : (g + 1) * m] += samples @ rhs[tap][:, g * m : (g + 1) * m]
    return y


def gradients(lhs, rhs, ct, **geometry):
    """(x̄, w̄) by the definition of an adjoint: the sum probed with every unit vector would be slow, so by taps again."""
    taps, inputs = rhs.shape[:-2], rhs.shape[-2]
    strides, padding = geometry["strides"], geometry["padding"]
    lhs_dilation, rhs_dilation, groups = geometry["lhs_dilation"], geometry["rhs_dilation"], geometry["groups"]
    wide = np.result_type(lhs, np.float64)
    dx, dw = np.zeros(lhs.shape, wide), np.zeros(rhs.shape, wide)
    m = rhs.shape[-1] // groups
    for position in itertools.product(*map(range, ct.shape[1:-1])):
        for tap in itertools.product(*map(range, taps)):
            index = []
            for o, t, s, d, (lo, _), l, n in zip(
                position, tap, strides, rhs_dilation, padding, lhs_dilation, lhs.shape[1:-1]
            ):
                at = s * o + d * t - lo
                index.append(at // l if at % l == 0 and 0 <= at // l < n else None)
            if None in index:
                continue
            if any(
                s * o + d * t - lo > (n - 1) * l + min(hi, 0)
                for o, t, s, d, (lo, hi), l, n in zip(
                    position, tap, strides, rhs_dilation, padding, lhs_dilation, lhs.shape[1:-1]
                )
            ):
                continue
            for g in range(groups):
                i, j = slice(g * inputs, (g + 1) * inputs), slice(g * m, (g + 1) * m)
                where = (slice(None), *index)
                dx[where][:, i] += ct[(slice(None), *position)][:, j] @ rhs[tap][:, j].T
                dw[tap][:, j] += lhs[where][:, i].T @ ct[(slice(None), *position)][:, j]
    return dx, dw
