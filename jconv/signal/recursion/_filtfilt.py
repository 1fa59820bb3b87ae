"""`filtfilt` and `sosfiltfilt`: forwards and backwards, so that the phase is zero."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import as_array, result_type
from jconv.signal._extend import extend
from jconv.signal.recursion._lfilter import check_signal, lfilter, lfilter_zi
from jconv.signal.recursion._sosfilt import check_sos, sosfilt, sosfilt_zi

_PADTYPES = {"odd": "antireflect", "even": "reflect", "constant": "edge"}


def filtfilt(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: int | None = None,
) -> jax.Array:
    r"""Filter forwards, then backwards: zero phase and the squared gain.

    .. math:: Y(\omega) = |H(\omega)|^2\, X(\omega)

    Parameters
    ----------
    b, a : array_like, 1-D
    x : array_like
    axis : int
    padtype : {"odd", "even", "constant", None}
        How `x` continues at its ends before it is filtered.
    padlen : int, optional
        By how many samples; 3 max(len(a), len(b)) by default.
    method : {"pad", "gust"}
        Extend the signal, or choose the states so that both orders of filtering agree (Gustafsson).
    irlen : int, optional
        Under "gust", the length of the impulse response beyond which it counts as zero.

    Returns
    -------
    Array of the shape of `x`.

    Raises
    ------
    ValueError
        If a word is unknown or `x` is not longer than `padlen`.

    Notes
    -----
    Differentiable in `b`, `a` and `x`. Mirrors `scipy.signal.filtfilt`. Source of "gust": F. Gustafsson, IEEE Trans.
    Signal Processing 44 (1996).

    >>> filtfilt([0.5, 0.5], [1.0], [1.0, 1, 1, 1, 1, 1, 1, 1])
    Array([1., 1., 1., 1., 1., 1., 1., 1.], dtype=float...)
    """
    b, a, x = jnp.atleast_1d(as_array("b", b)), jnp.atleast_1d(as_array("a", a)), check_signal(as_array("x", x))
    if method not in ("pad", "gust"):
        raise ValueError(f"method must be 'pad' or 'gust', got {method!r}")
    axis = check.axis("axis", axis, x.ndim)
    rows = jnp.moveaxis(x, axis, -1)
    if method == "gust":
        return jnp.moveaxis(_gustafsson(b, a, rows, irlen), -1, axis)
    edge = _padding(padtype, padlen, rows.shape[-1], 3 * max(a.size, b.size))
    zi = lfilter_zi(b, a)

    def run(y: jax.Array) -> jax.Array:
        return lfilter(b, a, y, zi=zi * y[..., :1])[0]

    return jnp.moveaxis(_both_ways(run, rows, padtype, edge), -1, axis)


def sosfiltfilt(sos: Any, x: Any, axis: int = -1, padtype: str | None = "odd", padlen: int | None = None) -> jax.Array:
    r"""Filter with second-order sections forwards, then backwards.

    .. math:: Y(\omega) = |H(\omega)|^2\, X(\omega)

    Parameters
    ----------
    sos : array_like, shape (sections, 6)
    x, axis, padtype
        As in `filtfilt`.
    padlen : int, optional
        3 (2 · sections + 1 - the zeros or poles at the origin) by default.

    Returns
    -------
    Array of the shape of `x`.

    Raises
    ------
    ValueError
        As `filtfilt` and `sosfilt`.

    Notes
    -----
    Differentiable in `sos` and `x`; a traced `sos` counts no zeros or poles at the origin. Mirrors
    `scipy.signal.sosfiltfilt`.

    >>> sosfiltfilt([[0.5, 0.5, 0, 1, 0, 0]], [1.0, 1, 1, 1, 1, 1, 1, 1])
    Array([1., 1., 1., 1., 1., 1., 1., 1.], dtype=float...)
    """
    sos, x = check_sos(sos), check_signal(as_array("x", x))
    axis = check.axis("axis", axis, x.ndim)
    rows = jnp.moveaxis(x, axis, -1)
    taps = 2 * sos.shape[0] + 1
    if not is_traced(sos):
        taps -= int(min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum()))
    edge = _padding(padtype, padlen, rows.shape[-1], 3 * taps)
    zi = sosfilt_zi(sos)
    zi = zi.reshape(zi.shape[0], *(1,) * (rows.ndim - 1), 2)

    def run(y: jax.Array) -> jax.Array:
        return sosfilt(sos, y, zi=zi * y[..., :1])[0]

    return jnp.moveaxis(_both_ways(run, rows, padtype, edge), -1, axis)


def _both_ways(run: Any, rows: jax.Array, padtype: str | None, edge: int) -> jax.Array:
    rows = rows if padtype is None else extend(rows, edge, edge, _PADTYPES[padtype])
    y = jnp.flip(run(jnp.flip(run(rows), -1)), -1)
    return y[..., edge : y.shape[-1] - edge]


def _padding(padtype: str | None, padlen: int | None, n: int, default: int) -> int:
    if padtype is not None and padtype not in _PADTYPES:
        raise ValueError(
            f"Unknown value '{padtype}' given to padtype. padtype must be 'even', 'odd', 'constant', or None."
        )
    edge = 0 if padtype is None else default if padlen is None else padlen
    if n <= edge:
        raise ValueError(
            f"The length of the input vector x must be greater than padlen, which is {edge}; got {n} samples; "
            "pass a smaller `padlen`"
        )
    return edge


def _gustafsson(b: jax.Array, a: jax.Array, x: jax.Array, irlen: int | None) -> jax.Array:
    """The states x0, x1 that make forwards-backwards equal to backwards-forwards in the least-squares sense.

    With the observability matrix O and S = O filtered backwards, (S_r - O) x0 + (O_r - S) x1 equals the difference of
    the two orders without states; _r means reversed in time.
    """
    order = max(b.size, a.size) - 1
    if order == 0:
        return (b[0] / a[0]) ** 2 * x
    n = x.shape[-1]
    m = n if irlen is None or n <= 2 * irlen else irlen
    dtype = result_type(b, a, x)
    unit = jnp.zeros(order, dtype).at[0].set(1)
    first = lfilter(b, a, jnp.zeros(m, dtype), zi=unit)[0]
    lag = jnp.arange(m)[:, None] - jnp.arange(order)
    observe = jnp.where(lag >= 0, first[jnp.clip(lag, 0)], 0)
    back = lfilter(b, a, observe[::-1], axis=0)

    forward = lfilter(b, a, x)
    forward_back = jnp.flip(lfilter(b, a, jnp.flip(forward, -1)), -1)
    back_forward = lfilter(b, a, jnp.flip(lfilter(b, a, jnp.flip(x, -1)), -1))
    difference = back_forward - forward_back

    left, right = back[::-1] - observe, observe[::-1] - back
    if m == n:
        matrix, weights = jnp.hstack([left, right]), jnp.hstack([back[::-1], observe[::-1]])
    else:
        difference = jnp.concatenate([difference[..., :m], difference[..., -m:]], axis=-1)
        none = jnp.zeros_like(left)
        matrix = jnp.block([[left, none], [none, right]])
        weights = jnp.block([[back[::-1], none], [none, observe[::-1]]])
    states = jnp.matmul(difference, jnp.linalg.pinv(matrix).T, precision="highest")
    correction = jnp.matmul(states, weights.T, precision="highest")
    if m == n:
        return forward_back + correction
    return forward_back.at[..., :m].add(correction[..., :m]).at[..., -m:].add(correction[..., -m:])
