"""Small networks from positions to numbers, which suit kernels: smooth, and able to oscillate.

Positions are float32 at least, also where the parameters have half precision, and so are all values computed from them.
"""

from __future__ import annotations

import math
from typing import TypedDict

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer


class _Options(TypedDict):
    param_dtype: DTypeLike
    rngs: nnx.Rngs


def _uniform(rngs: nnx.Rngs, shape: tuple[int, ...], bound: float, dtype: DTypeLike) -> nnx.Param:
    return nnx.Param(jax.random.uniform(rngs.params(), shape, dtype, -bound, bound))


def _convert_positions(positions: jax.Array, like: nnx.Param) -> jax.Array:
    """Convert positions to the dtype of the computation: that of positions and parameters, float32 at least."""
    return positions.astype(_dtypes.widen_dtype(_dtypes.promote(positions.dtype, like[...].dtype)))


class _Dense(nnx.Module):
    """x W + b with entries uniform in [−bound, bound]."""

    def __init__(self, inputs: int, outputs: int, bound: float, *, param_dtype: DTypeLike, rngs: nnx.Rngs) -> None:
        self.kernel = _uniform(rngs, (inputs, outputs), bound, param_dtype)
        self.bias = _uniform(rngs, (outputs,), bound, param_dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        return _layer.add_bias(x @ self.kernel[...].astype(x.dtype), self.bias[...].astype(x.dtype))


class Siren(nnx.Module):
    r"""Map positions to numbers by a network of sines.

    .. math:: h_0 = p, \quad h_{i + 1} = \sin(\omega (h_i W_i + b_i)), \quad f(p) = h_n W + b

    Parameters
    ----------
    rank : int
        Coordinates of a position, each in [−1, 1].
    features : int
        Outputs.
    hidden, depth : int
        Width and number of the layers of sines. Default 32 and 2.
    omega : float
        ω: large values make kernels that oscillate fast at first. Default 30.
    scale : float
        Standard deviation of the outputs at first, approximately. Default 1.
    param_dtype : dtype
        Of the parameters. Default float32.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When `hidden` or `depth` is below 1.

    Notes
    -----
    Parts `layers` and `last`, each with `kernel` and `bias`. Differentiable in positions and parameters. Source:
    Sitzmann et al., "Implicit neural representations with periodic activation functions" (2020), whose kernels of
    `layers` begin so.

    Examples
    --------
    >>> Siren(2, 5, rngs=nnx.Rngs(0))(jnp.zeros((7, 2))).shape
    (7, 5)
    """

    def __init__(
        self,
        rank: int,
        features: int,
        *,
        hidden: int = 32,
        depth: int = 2,
        omega: float = 30.0,
        scale: float = 1.0,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        hidden, depth = check.positive_int("hidden", hidden), check.positive_int("depth", depth)
        options: _Options = {"param_dtype": param_dtype, "rngs": rngs}
        # A sine of a random phase has variance 1/2, a uniform weight bound² / 3.
        self.omega, bound = omega, math.sqrt(6 / hidden)
        first = _Dense(rank, hidden, 1 / rank, **options)
        self.layers = nnx.List([first, *(_Dense(hidden, hidden, bound / omega, **options) for _ in range(depth - 1))])
        self.last = _Dense(hidden, features, scale * bound, **options)

    def __call__(self, positions: jax.Array) -> jax.Array:
        """Return numbers (…, features) at positions (…, rank)."""
        h = _convert_positions(positions, self.last.kernel)
        for layer in self.layers:
            h = jnp.sin(self.omega * layer(h))
        return self.last(h)


class MAGNet(nnx.Module):
    r"""Map positions to numbers by products of anisotropic Gabor functions, linearly mixed.

    .. math:: g_i(p) = e^{-\frac12 \sum_a (\gamma_{i a} (p_a - \mu_{i a}))^2} \sin(p V_i + c_i), \quad
        h_1 = g_1, \quad h_{i + 1} = (h_i W_i + b_i)\, g_{i + 1}, \quad f(p) = h_n W + b

    Parameters
    ----------
    rank, features, hidden, depth, omega, scale, param_dtype, rngs
        As in `Siren`, with 3 layers by default; ω bounds the frequencies V of a Gabor function whose γ has the mean
        that it is drawn with.

    Raises
    ------
    ValueError
        When `hidden` or `depth` is below 1.

    Notes
    -----
    Parts `gabors`, each with `gamma` and `mu` (rank, hidden), `kernel` (rank, hidden) and `bias`; `layers` and `last`.
    Narrow functions begin with high frequencies. Differentiable in positions and parameters. Source: Romero et al.,
    "FlexConv: continuous kernel convolutions with differentiable kernel sizes" (2022).

    Examples
    --------
    >>> MAGNet(2, 5, rngs=nnx.Rngs(0))(jnp.zeros((7, 2))).shape
    (7, 5)
    """

    def __init__(
        self,
        rank: int,
        features: int,
        *,
        hidden: int = 32,
        depth: int = 3,
        omega: float = 30.0,
        scale: float = 1.0,
        param_dtype: DTypeLike = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        hidden, depth = check.positive_int("hidden", hidden), check.positive_int("depth", depth)
        options: _Options = {"param_dtype": param_dtype, "rngs": rngs}
        self.gabors = nnx.List([_Gabor(rank, hidden, omega, 6 / (i + 1), **options) for i in range(depth)])
        bound = math.sqrt(6 / hidden)
        self.layers = nnx.List([_Dense(hidden, hidden, bound, **options) for _ in range(depth - 1)])
        self.last = _Dense(hidden, features, scale * bound, **options)

    def __call__(self, positions: jax.Array) -> jax.Array:
        """Return numbers (…, features) at positions (…, rank)."""
        positions = _convert_positions(positions, self.last.kernel)
        first, *others = self.gabors
        h = first(positions)
        for layer, gabor in zip(self.layers, others, strict=True):
            h = layer(h) * gabor(positions)
        return self.last(h)


class _Gabor(nnx.Module):
    """exp(−½ Σ (γ (p − μ))²) sin(p V + c)."""

    def __init__(
        self, rank: int, hidden: int, omega: float, alpha: float, *, param_dtype: DTypeLike, rngs: nnx.Rngs
    ) -> None:
        shape = (rank, hidden)
        gamma = jax.random.gamma(rngs.params(), alpha, shape, param_dtype)
        self.gamma = nnx.Param(gamma)
        self.mu = _uniform(rngs, shape, 1.0, param_dtype)
        slopes = jax.random.uniform(rngs.params(), shape, param_dtype, -1, 1)
        self.kernel = nnx.Param(omega / alpha * gamma * slopes)
        self.bias = _uniform(rngs, (hidden,), math.pi, param_dtype)

    def __call__(self, positions: jax.Array) -> jax.Array:
        dtype, ndim = positions.dtype, positions.ndim + 1
        gamma, mu = (_layer.align(p[...].astype(dtype), ndim) for p in (self.gamma, self.mu))
        steps = gamma * (positions[..., None] - mu)
        waves = _layer.add_bias(positions @ self.kernel[...].astype(dtype), self.bias[...].astype(dtype))
        return jnp.exp(-jnp.sum(steps * steps, axis=-2) / 2) * jnp.sin(waves)
