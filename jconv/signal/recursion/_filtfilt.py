"""`filtfilt` and `sosfiltfilt`: forwards and backwards, so that the phase is zero."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal._extend import extend
from jconv.signal.recursion._along_axis import filter_along
from jconv.signal.recursion._coefficients import Coefficients, coefficients
from jconv.signal.recursion._gustafsson import gustafsson
from jconv.signal.recursion._lfilter import check_leading, check_signal, lfilter, plan_lfilter
from jconv.signal.recursion._plan import Plan
from jconv.signal.recursion._sosfilt import check_sos, even_gains, plan_sos
from jconv.signal.recursion._states import check_steady, lfilter_zi

_PADTYPES = {"odd": "antireflect", "even": "reflect", "constant": "edge"}


def filtfilt(
    b: ArrayLike,
    a: ArrayLike,
    x: ArrayLike,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: int | None = None,
    *,
    conjugate: bool = False,
) -> jax.Array:
    r"""Filter forwards, then backwards: zero phase and the squared gain.

    .. math:: Y(\omega) = |H(\omega)|^2\, X(\omega)

    Parameters
    ----------
    b, a : array (K,), array (M,)
        Numerator and denominator.
    x : array (..., n, ...)
        The signals.
    axis : int
        The axis of time. Default -1.
    padtype : {"odd", "even", "constant", None}
        How `x` continues at its ends before it is filtered. Default "odd".
    padlen : int, optional
        By how many samples. Default 3 max(K, M).
    method : {"pad", "gust"}
        Extend the signal, or choose the states so that both orders of filtering agree (Gustafsson). Default "pad".
    irlen : int, optional
        Under "gust", the length of the impulse response beyond which it counts as zero. Default all samples.
    conjugate : bool
        Whether the way back takes the conjugate coefficients, which makes the formula true for complex ones. Default
        False, as in SciPy: complex coefficients then give H(ω) conj(H(-ω)) X(ω), which may be next to nothing.

    Returns
    -------
    y : array of the shape of `x`

    Raises
    ------
    ValueError
        If a word is unknown, `x` is not longer than `padlen`, or the filter has a pole at z = 1 and `method` is "pad".

    Notes
    -----
    Twice the cost and with the accuracy of `lfilter`; the states with which each way begins are formed in double
    precision. Differentiable in `b`, `a` and `x`. Follows `scipy.signal.filtfilt`.

    Examples
    --------
    >>> filtfilt([0.5, 0.5], [1.0], [1.0, 1, 1, 1, 1, 1, 1, 1])
    Array([1., 1., 1., 1., 1., 1., 1., 1.], dtype=float...)
    """
    b, a, x = coefficients("b", b), coefficients("a", a), check_signal(as_array("x", x))
    check.choice("method", method, ("pad", "gust"))
    axis = check.axis("axis", axis, x.ndim)
    if method == "gust":
        if conjugate:
            raise ValueError("`conjugate` is for method='pad', got method='gust'; leave it out")
        return jnp.moveaxis(gustafsson(b, a, jnp.moveaxis(x, axis, -1), irlen), -1, axis)
    edge = _padding(padtype, padlen, x.shape[axis], 3 * max(a.size, b.size))
    check_leading(a)
    check_steady(a)
    dtype = _floating_type(b, a, x)
    x = x.astype(dtype)
    if a.size == 1 or (isinstance(a, np.ndarray) and not a[1:].any()):
        return _both_ways_without_poles(b, a, x, axis, edge, padtype, conjugate)
    length = x.shape[axis] + 2 * edge
    forth = back = plan_lfilter(b, a, dtype, length)
    if conjugate:
        back = plan_lfilter(b.conj(), a.conj(), dtype, length)
    return _both_ways(x, *forth[:2], *back[:2], plan=forth[2], axis=axis, edge=edge, padtype=padtype)


def sosfiltfilt(
    sos: ArrayLike, x: ArrayLike, axis: int = -1, padtype: str | None = "odd", padlen: int | None = None
) -> jax.Array:
    r"""Filter with second-order sections forwards, then backwards.

    .. math:: Y(\omega) = |H(\omega)|^2\, X(\omega)

    Parameters
    ----------
    sos : array (S, 6)
        Second-order sections, rows b0, b1, b2, 1, a1, a2.
    x : array (..., n, ...)
        The signals.
    axis : int
        The axis of time. Default -1.
    padtype : {"odd", "even", "constant", None}
        How `x` continues at its ends before it is filtered. Default "odd".
    padlen : int, optional
        By how many samples. Default 3 (2 S + 1 - the zeros or poles at the origin).

    Returns
    -------
    y : array of the shape of `x`

    Raises
    ------
    ValueError
        If `sos` has another shape, a word is unknown, `x` is not longer than `padlen`, or a section has a pole at
        z = 1.

    Notes
    -----
    Twice the cost and with the accuracy of `sosfilt`; the states with which each way begins are formed in double
    precision. Differentiable in `sos` and `x`; a traced `sos` counts no zeros or poles at the origin. Follows
    `scipy.signal.sosfiltfilt`.

    Examples
    --------
    >>> sosfiltfilt([[0.5, 0.5, 0, 1, 0, 0]], [1.0, 1, 1, 1, 1, 1, 1, 1])
    Array([1., 1., 1., 1., 1., 1., 1., 1.], dtype=float...)
    """
    sections, x = check_sos(sos), check_signal(as_array("x", x))
    axis = check.axis("axis", axis, x.ndim)
    taps = 2 * sections.shape[0] + 1
    if isinstance(sections, np.ndarray):
        taps -= int(min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum()))
        for row in sections:
            check_steady(row[3:])
    edge = _padding(padtype, padlen, x.shape[axis], 3 * taps)
    dtype = _floating_type(sections, x)
    c, h, plan = plan_sos(even_gains(sections), dtype, x.shape[axis] + 2 * edge)
    return _both_ways(x.astype(dtype), c, h, c, h, plan=plan, axis=axis, edge=edge, padtype=padtype)


def _both_ways_without_poles(
    b: Coefficients, a: Coefficients, x: jax.Array, axis: int, edge: int, padtype: str | None, conjugate: bool
) -> jax.Array:
    rows = _extended(jnp.moveaxis(x, axis, -1), edge, padtype)
    for taps in (b, b.conj() if conjugate else b):
        states = lfilter_zi(taps, a).astype(x.dtype) * rows[..., :1]
        rows = jnp.flip(lfilter(taps, a, rows, zi=states)[0], -1)
    return jnp.moveaxis(rows[..., edge : rows.shape[-1] - edge], -1, axis)


@partial(jax.jit, static_argnames=("plan", "axis", "edge", "padtype"))
def _both_ways(
    x: jax.Array,
    c: jax.Array,
    h: jax.Array,
    c_back: jax.Array,
    h_back: jax.Array,
    *,
    plan: Plan,
    axis: int,
    edge: int,
    padtype: str | None,
) -> jax.Array:
    n = x.shape[axis]
    x = jnp.moveaxis(_extended(jnp.moveaxis(x, axis, -1), edge, padtype), -1, axis)

    # A loop of two rounds, so that the filter is compiled once.
    def pass_over(x: jax.Array, operands: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        y, _ = filter_along(x, None, *operands, plan=plan, axis=axis, steady=True)
        return jnp.flip(y, axis), None

    y, _ = jax.lax.scan(pass_over, x, (jnp.stack([c, c_back]), jnp.stack([h, h_back])))
    return jax.lax.slice_in_dim(y, edge, edge + n, axis=axis)


def _floating_type(*arrays: Coefficients) -> np.dtype:
    dtype = result_type(*arrays)
    return result_type(np.float64) if dtype.kind in "biu" else dtype


def _extended(rows: jax.Array, edge: int, padtype: str | None) -> jax.Array:
    return rows if padtype is None else extend(rows, edge, edge, _PADTYPES[padtype])


def _padding(padtype: str | None, padlen: int | None, n: int, default: int) -> int:
    if padtype is not None and padtype not in _PADTYPES:
        raise ValueError(f"`padtype` must be 'even', 'odd', 'constant', or None; got {padtype!r}")
    edge = 0 if padtype is None else default if padlen is None else padlen
    if n <= edge:
        raise ValueError(
            f"The length of the input vector x must be greater than padlen, which is {edge}; got {n} samples; "
            "pass a smaller `padlen`"
        )
    return edge
