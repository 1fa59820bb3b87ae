"""Boundary rules: what stands outside an array when a kernel reaches over its edge.

Inside jconv a rule has one name; the dialects translate theirs into it.

    name         continuation of  a b c d      scipy.ndimage          numpy.pad     scipy.signal
    constant     k k k | a b c d | k k k       constant, grid-const.  constant      fill
    wrap         b c d | a b c d | a b c       wrap*, grid-wrap       wrap          wrap
    symmetric    c b a | a b c d | d c b       reflect, grid-mirror   symmetric     symm
    reflect      d c b | a b c d | c b a       mirror                 reflect       –
    edge         a a a | a b c d | d d d       nearest                edge          –

    (*) for filters; interpolation treats `wrap` differently.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced

BOUNDARIES = ("constant", "wrap", "symmetric", "reflect", "edge")


def pad(
    x: jax.Array,
    widths: Sequence[tuple[int, int]],
    boundary: str | Sequence[str] = "constant",
    cval: complex | jax.Array = 0,
) -> jax.Array:
    """Extend `x` by `widths[i] = (before, after)` along axis i under a boundary rule, one for all axes or one each.

    Axes are extended one after the other, so that corners follow from the rules of both axes, as in SciPy.
    Widths may exceed the size of the axis: the continuation is periodic, as the table above says.
    The gradient of an extended value flows to the sample that it repeats.
    """
    rules = (boundary,) * x.ndim if isinstance(boundary, str) else tuple(boundary)
    for rule in rules:
        check.choice("boundary", rule, BOUNDARIES)
    if all(rule == "constant" for rule in rules):
        return _pad_with(x, widths, cval)
    for i, (rule, width) in enumerate(zip(rules, widths, strict=True)):
        if width == (0, 0):
            continue
        along = [(0, 0)] * x.ndim
        along[i] = width
        # jnp.pad calls a one-sample reflection an error where SciPy repeats the sample.
        mode = "edge" if rule == "reflect" and x.shape[i] == 1 else rule
        if mode == "constant":
            x = _pad_with(x, along, cval)
        elif mode != "edge" and max(width) > x.shape[i]:
            # jnp.pad would add one reflection after the other, each an operation to compile.
            x = jnp.take(x, np.pad(np.arange(x.shape[i]), width, mode=mode), axis=i)  # pyright: ignore[reportArgumentType,reportCallIssue]
        else:
            x = jnp.pad(x, along, mode=mode)
    return x


def _pad_with(x: jax.Array, widths: Sequence[tuple[int, int]], cval: complex | jax.Array) -> jax.Array:
    """`x` with `cval` around it."""
    if not is_traced(cval):
        return jnp.pad(x, widths, constant_values=np.asarray(cval).astype(x.dtype))
    # The gradient of lax.pad in its padding value alone fails (JAX 0.10 and 0.12): the value is selected instead.
    inside = jnp.pad(jnp.ones(x.shape, bool), widths)
    return jnp.where(inside, jnp.pad(x, widths), jnp.asarray(cval, x.dtype))
