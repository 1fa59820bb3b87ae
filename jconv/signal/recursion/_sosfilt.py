"""`sosfilt` and its initial states: cascades of second-order sections."""

from __future__ import annotations

from functools import partial
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import as_array, result_type
from jconv.signal.recursion import _state_space
from jconv.signal.recursion._lfilter import check_signal, filter_type, lfilter_zi


@overload
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: None = None) -> jax.Array: ...
@overload
def sosfilt(sos: Any, x: Any, axis: int = -1, *, zi: Any) -> tuple[jax.Array, jax.Array]: ...
@overload
def sosfilt(sos: Any, x: Any, axis: int, zi: Any) -> tuple[jax.Array, jax.Array]: ...
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> jax.Array | tuple[jax.Array, jax.Array]:
    r"""Filter along one axis with a cascade of second-order sections.

    .. math:: H(z) = \prod_s \frac{b_{s0} + b_{s1} z^{-1} + b_{s2} z^{-2}}{1 + a_{s1} z^{-1} + a_{s2} z^{-2}}

    Parameters
    ----------
    sos : array_like, shape (sections, 6)
        Rows b0, b1, b2, 1, a1, a2.
    x : array_like
    axis : int
    zi : array_like, optional
        States, shape (sections, …, 2, …) with 2 in the place of `axis`.

    Returns
    -------
    Array of the shape of `x`; with `zi` also the states after the last sample.

    Raises
    ------
    ValueError
        If `sos` or `zi` has another shape, sos[:, 3] is not 1, or `x` is a scalar.
    NotImplementedError
        If all are integers.

    Notes
    -----
    The cascade is one state-space system, run in blocks (see `jconv.signal._state_space`). Differentiable in all
    arguments. Mirrors `scipy.signal.sosfilt`.

    >>> sosfilt([[1.0, 0, 0, 1, -0.5, 0]], [1.0, 0, 0, 0])
    Array([1.   , 0.5  , 0.25 , 0.125], dtype=float...)
    """
    x, sos = check_signal(as_array("x", x)), check_sos(sos)
    axis = check.axis("axis", axis, x.ndim)
    arrays = [sos, x]
    if zi is not None:
        zi = as_array("zi", zi)
        arrays.append(zi)
    dtype = result_type(*arrays)
    if dtype.kind in "biu":
        raise NotImplementedError(f"input type '{dtype}' not supported; pass floating or complex `sos` or `x`")
    wanted = (sos.shape[0], *x.shape[:axis], 2, *x.shape[axis + 1 :])
    if zi is not None and zi.shape != wanted:
        raise ValueError(
            f"Invalid zi shape. With axis={axis}, an input with shape {x.shape}, and an sos array with {sos.shape[0]} "
            f"sections, zi must have shape {wanted}, got {zi.shape}."
        )
    start = jnp.zeros(wanted, dtype) if zi is None else zi.astype(dtype)
    y, zf = _sosfilt(sos.astype(dtype), x.astype(dtype), start, axis)
    return y if zi is None else (y, zf)


def sosfilt_zi(sos: Any) -> jax.Array:
    r"""The states of `sosfilt` in which a constant input of 1 gives a constant output.

    Each section's `lfilter_zi`, times the gains at frequency 0 of the sections before it.

    Parameters
    ----------
    sos : array_like, shape (sections, 6)

    Returns
    -------
    Array, shape (sections, 2).

    Raises
    ------
    ValueError
        If `sos` has another shape.

    Notes
    -----
    Differentiable. Mirrors `scipy.signal.sosfilt_zi`.

    >>> sosfilt_zi([[1.0, 0, 0, 1, -0.5, 0]])
    Array([[1., 0.]], dtype=float...)
    """
    sos = as_array("sos", sos)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"sos must be shape (n_sections, 6), got {sos.shape}")
    sos = sos.astype(filter_type(sos))
    gains = jnp.sum(sos[:, :3], axis=1) / jnp.sum(sos[:, 3:], axis=1)
    before = jnp.concatenate([jnp.ones(1, sos.dtype), jnp.cumprod(gains)[:-1]])
    return jnp.stack([lfilter_zi(row[:3], row[3:]) for row in sos]) * before[:, None]


def check_sos(sos: Any) -> jax.Array:
    """`sos` as an array of shape (sections, 6), else a ValueError."""
    sos = jnp.atleast_2d(as_array("sos", sos))
    if sos.ndim != 2:
        raise ValueError(f"sos array must be 2D, got shape {sos.shape}")
    if sos.shape[1] != 6:
        raise ValueError(f"sos array must be shape (n_sections, 6), got {sos.shape}")
    if not is_traced(sos) and not np.all(np.asarray(sos)[:, 3] == 1):
        raise ValueError(f"sos[:, 3] should be all ones, got {sos[:, 3]}; divide each row by its fourth number")
    return sos


@partial(jax.jit, static_argnums=(3,))
def _sosfilt(sos: jax.Array, x: jax.Array, z: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    sections = sos.shape[0]
    x = jnp.moveaxis(x, axis, -1)
    # (sections, …, 2, …) to (…, sections·2): the order of the states in the cascade
    z = jnp.moveaxis(z, (0, axis + 1), (-2, -1))
    if x.size:
        system = _state_space.direct_form(sos[0, :3], sos[0, 3:])
        for s in range(1, sections):
            system = _state_space.series(system, _state_space.direct_form(sos[s, :3], sos[s, 3:]))
        x, flat = _state_space.run(system, x, z.reshape(*z.shape[:-2], 2 * sections), doubling=True)
        z = flat.reshape(z.shape)
    return jnp.moveaxis(x, -1, axis), jnp.moveaxis(z, (-2, -1), (0, axis + 1))
