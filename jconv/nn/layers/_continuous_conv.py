"""Convolution with a kernel that is a function of position."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers import _padding as pad
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_layer import ConvOptions
from jconv.nn.layers._kernel_network import MAGNet, Siren

NETWORKS = {"siren": Siren, "magnet": MAGNet}


class ContinuousConv(Conv):
    r"""Convolve with a kernel that is a small network of the position, times a window of learned size.

    .. math:: k[u] = f(p_u)\, e^{-\frac12 \sum_a ((p_{u a} - \mu_a) / \sigma_a)^2}, \qquad p_u \in [-1, 1]^{rank}

    On a grid it is `jconv.nn.Conv` with this kernel; `at` takes samples at any positions.

    Parameters
    ----------
    in_features, out_features, kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`. The number of parameters does not depend on `kernel_size`, the number of taps at which
        [−1, 1] is sampled.
    network : "siren", "magnet", or callable (rank, features, *, scale, param_dtype, rngs) -> nnx.Module
        Makes f; `functools.partial` of `Siren` or `MAGNet` sets its other options. Default "siren".
    learn_size : bool
        Whether there is a window. Default True.
    size : float
        σ at first, in halves of the kernel; 1 falls to 0.6 at its ends. Default 0.5.
    rngs, **options
        As in `jconv.nn.Conv`, without `kernel_init` and `kernel_metadata`.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where `size` is not positive, or `kernel_init` or `kernel_metadata` is given.

    Notes
    -----
    Parts `network`, and the parameters `center` (μ) and `log_size` (log σ), of one entry for each axis, and `bias`. The
    gradient in σ lets the kernel grow and shrink; `learned_size` counts the taps that it takes up. Positions and the
    network are computed in float32 at least. Sources: Romero et
    al., "CKConv: continuous kernel convolution for sequential data" (2021); the same, "FlexConv" (2022).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = ContinuousConv(3, 8, (33,), padding="CAUSAL", rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 100, 3))).shape
    (2, 100, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        network: str | Callable[..., nnx.Module] = "siren",
        learn_size: bool = True,
        size: float = 0.5,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        if "kernel_init" in options or "kernel_metadata" in options:
            raise TypeError(
                "`kernel_init` and `kernel_metadata` have no use: the kernel is no parameter; leave them out"
            )
        if not size > 0:
            raise ValueError(f"`size` must be positive, got {size}; 0.5 is half of the kernel's half")
        self._network = NETWORKS[check.choice("network", network, NETWORKS)] if isinstance(network, str) else network
        self._size = float(size)
        self.learn_size = learn_size
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)

    def _make_kernel(self, init: _layer.Initializer, metadata: Mapping[str, Any] | None, rngs: nnx.Rngs) -> None:
        inputs = self.kernel_shape[-2]
        fan_in = inputs * math.prod(self.kernel_size)
        options: dict[str, Any] = {"param_dtype": self.param_dtype, "rngs": rngs}
        self.network = self._network(self.rank, inputs * self.out_features, scale=1 / math.sqrt(fan_in), **options)
        self.center: nnx.Param | None = nnx.data(None)
        self.log_size: nnx.Param | None = nnx.data(None)
        if self.learn_size:
            self.center = nnx.Param(jnp.zeros(self.rank, self.param_dtype))
            self.log_size = nnx.Param(jnp.full(self.rank, math.log(self._size), self.param_dtype))

    def kernel_at(self, positions: jax.Array) -> jax.Array:
        """Return the kernel (…, in_features // groups, out_features) at positions (…, rank) in [−1, 1]."""
        positions = _dtypes.widen(positions)
        values = self.network(positions)
        if self.center is not None and self.log_size is not None:
            center, log_size = (_layer.align(p[...].astype(values.dtype), positions.ndim)
                                for p in (self.center, self.log_size))  # fmt: skip
            steps = (positions.astype(values.dtype) - center) * jnp.exp(-log_size)
            values = values * jnp.exp(-jnp.sum(steps * steps, axis=-1, keepdims=True) / 2)
        return values.reshape(*positions.shape[:-1], self.kernel_shape[-2], self.out_features)

    def effective_kernel(self) -> jax.Array:
        """Return the kernel that is convolved with: sampled on the taps, masked."""
        along = [_place_taps(k) for k in self.kernel_size]
        positions = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1)
        kernel = self.kernel_at(jnp.asarray(positions, _dtypes.widen_dtype(self.param_dtype)))
        return _layer.apply_mask(kernel.astype(self.param_dtype), self.mask)

    def learned_size(self, threshold: float = 0.1) -> tuple[int, ...]:
        """Count the taps along each axis where the window is at least `threshold`; outside of `jit` only."""
        if self.center is None or self.log_size is None:
            return self.kernel_size
        reach = np.exp(np.asarray(self.log_size[...], float)) * math.sqrt(-2 * math.log(threshold))
        return tuple(
            int(np.sum(np.abs(_place_taps(k) - middle) <= r))
            for k, middle, r in zip(self.kernel_size, np.asarray(self.center[...], float), reach)
        )

    def at(
        self,
        inputs: jax.Array,
        positions: jax.Array,
        queries: jax.Array | None = None,
        *,
        weights: jax.Array | None = None,
    ) -> jax.Array:
        r"""Convolve samples at any positions.

        .. math:: y(q) = b + \sum_j w_j\, k(p_j - q)\, x_j

        Parameters
        ----------
        inputs : array (points, in_features)
            The samples.
        positions : array (points, rank)
            In units of the grid's spacing.
        queries : array (m, rank), optional
            Positions of the outputs. Default `positions`.
        weights : array (points,), optional
            The share of space that each sample stands for. Default 1, which is right on the grid.

        Returns
        -------
        array (m, out_features)

        Raises
        ------
        ValueError
            When shapes do not fit.

        Notes
        -----
        Tap u stands at q + d u − p, with p of "CAUSAL" along axes padded so, else of "SAME" at stride 1: on a grid,
        with zeros outside and dilation 1, the result is that of the layer; dilation stretches the kernel. The
        kernel is evaluated for all m · points pairs, at positions of float32 at least. Strides and `mask` have no
        meaning here. Differentiable in all arrays. Batches: `jax.vmap`.
        """
        queries = positions if queries is None else queries
        for name, array in (("positions", positions), ("queries", queries)):
            if array.ndim != 2 or array.shape[1] != self.rank:
                raise ValueError(f"`{name}` must have shape (points, {self.rank}), got {array.shape}")
        if inputs.shape != (len(positions), self.in_features):
            raise ValueError(f"`inputs` must have shape {(len(positions), self.in_features)}, got {inputs.shape}")
        axes = [pad.Axis(k, 1, d) for k, d in zip(self.kernel_size, self.kernel_dilation)]
        starts = [axis.reach - 1 if entry == "CAUSAL" else (axis.reach - 1) // 2
                  for entry, axis in zip(self.padding, axes)]  # fmt: skip
        dtype = _dtypes.widen_dtype(_dtypes.promote(positions.dtype, queries.dtype))
        before = jnp.asarray(starts, dtype)[None, None]
        last = jnp.asarray([axis.reach - 1 for axis in axes], dtype)[None, None]
        # (m, points, rank), from 0 to `last` inside the kernel
        tap = positions[None].astype(dtype) - queries[:, None].astype(dtype) + before
        inside = jnp.all((tap >= 0) & (tap <= last), axis=-1)
        # Outside the kernel the network's value may be huge: it is evaluated at the edge, and left out.
        tap = jnp.clip(tap, 0, last)
        places = jnp.where(last > 0, 2 * tap / jnp.maximum(last, 1) - 1, 0)
        values = self.kernel_at(places.astype(_dtypes.widen_dtype(self.param_dtype))).astype(self.param_dtype)
        inputs, values, bias = self._promote(inputs, values)
        inputs = inputs if weights is None else inputs * weights[:, None].astype(inputs.dtype)
        groups, features = self.feature_group_count, self.out_features
        grouped = values.reshape(*values.shape[:-1], groups, features // groups)
        outputs = jnp.einsum(
            "qj,qjigo,jgi->qgo", inside.astype(values.dtype), grouped, inputs.reshape(len(inputs), groups, -1)
        ).reshape(len(queries), features)
        return _layer.add_bias(outputs, bias)


def _place_taps(taps: int) -> np.ndarray:
    """Return the positions of the taps of one axis in [−1, 1]."""
    return np.linspace(-1, 1, taps) if taps > 1 else np.zeros(1)
