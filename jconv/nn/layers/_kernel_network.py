"""Small networks from a position to numbers, fit for kernels: smooth, and able to oscillate."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check


def _uniform(rngs: nnx.Rngs, shape: tuple[int, ...], bound: float, dtype: Any) -> nnx.Param:
    return nnx.Param(jax.random.uniform(rngs.params(), shape, dtype, -bound, bound))


class _Dense(nnx.Module):
    """x W + b with entries uniform in [−bound, bound]."""

    def __init__(self, inputs: int, outputs: int, bound: float, *, param_dtype: Any, rngs: nnx.Rngs):
        self.kernel = _uniform(rngs, (inputs, outputs), bound, param_dtype)
        self.bias = _uniform(rngs, (outputs,), bound, param_dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x @ self.kernel[...] + self.bias[...]


class Siren(nnx.Module):
    r"""A network of sines.

    .. math:: h_0 = p, \quad h_{i + 1} = \sin(\omega (h_i W_i + b_i)), \quad f(p) = h_n W + b

    Parameters
    ----------
    rank : int
        Coordinates of a position, each in [−1, 1].
    features : int
        Outputs.
    hidden, depth : int
        Width and number of the layers of sines.
    omega : float
        ω: large values make kernels that oscillate fast at first.
    scale : float
        Standard deviation of the outputs at first, about.
    param_dtype : dtype
    rngs : nnx.Rngs

    Raises
    ------
    ValueError
        When `hidden` or `depth` is below 1.

    Notes
    -----
    Parts `layers` and `last`, each with `kernel` and `bias`. Smooth in the positions too. Source: Sitzmann et al.,
    "Implicit neural representations with periodic activation functions" (2020), whose kernels of `layers` begin so.

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
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ):
        hidden, depth = check.positive_int("hidden", hidden), check.positive_int("depth", depth)
        options: dict[str, Any] = {"param_dtype": param_dtype, "rngs": rngs}
        # A sine of a random phase has variance 1/2, a uniform weight bound² / 3.
        self.omega, bound = omega, math.sqrt(6 / hidden)
        first = _Dense(rank, hidden, 1 / rank, **options)
        self.layers = nnx.List([first, *(_Dense(hidden, hidden, bound / omega, **options) for _ in range(depth - 1))])
        self.last = _Dense(hidden, features, scale * bound, **options)

    def __call__(self, positions: jax.Array) -> jax.Array:
        """Numbers (…, features) at positions (…, rank)."""
        h = positions
        for layer in self.layers:
            h = jnp.sin(self.omega * layer(h))
        return self.last(h)


class MAGNet(nnx.Module):
    r"""A product of anisotropic Gabor functions, linearly mixed.

    .. math:: g_i(p) = e^{-\frac12 \sum_a (\gamma_{i a} (p_a - \mu_{i a}))^2} \sin(p V_i + c_i), \quad
        h_1 = g_1, \quad h_{i + 1} = (h_i W_i + b_i)\, g_{i + 1}, \quad f(p) = h_n W + b

    Parameters
    ----------
    rank, features, hidden, depth, omega, scale, param_dtype, rngs
        As in `Siren`; ω bounds the frequencies V of a Gabor function whose γ has the mean that it is drawn with.

    Raises
    ------
    ValueError
        When `hidden` or `depth` is below 1.

    Notes
    -----
    Parts `gabors`, each with `gamma` and `mu` (rank, hidden), `kernel` (rank, hidden) and `bias`; `layers` and `last`.
    Narrow functions begin with high frequencies. Source: Romero et al., "FlexConv: continuous kernel convolutions with
    differentiable kernel sizes" (2022).

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
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ):
        hidden, depth = check.positive_int("hidden", hidden), check.positive_int("depth", depth)
        options: dict[str, Any] = {"param_dtype": param_dtype, "rngs": rngs}
        self.gabors = nnx.List([_Gabor(rank, hidden, omega, 6 / (i + 1), **options) for i in range(depth)])
        bound = math.sqrt(6 / hidden)
        self.layers = nnx.List([_Dense(hidden, hidden, bound, **options) for _ in range(depth - 1)])
        self.last = _Dense(hidden, features, scale * bound, **options)

    def __call__(self, positions: jax.Array) -> jax.Array:
        """Numbers (…, features) at positions (…, rank)."""
        first, *others = self.gabors
        h = first(positions)
        for layer, gabor in zip(self.layers, others, strict=True):
            h = layer(h) * gabor(positions)
        return self.last(h)


class _Gabor(nnx.Module):
    """exp(−½ Σ (γ (p − μ))²) sin(p V + c)."""

    def __init__(self, rank: int, hidden: int, omega: float, alpha: float, *, param_dtype: Any, rngs: nnx.Rngs):
        shape = (rank, hidden)
        gamma = jax.random.gamma(rngs.params(), alpha, shape, param_dtype)
        self.gamma = nnx.Param(gamma)
        self.mu = _uniform(rngs, shape, 1.0, param_dtype)
        slopes = jax.random.uniform(rngs.params(), shape, param_dtype, -1, 1)
        self.kernel = nnx.Param(omega / alpha * gamma * slopes)
        self.bias = _uniform(rngs, (hidden,), math.pi, param_dtype)

    def __call__(self, positions: jax.Array) -> jax.Array:
        steps = self.gamma[...] * (positions[..., None] - self.mu[...])
        return jnp.exp(-jnp.sum(steps * steps, axis=-2) / 2) * jnp.sin(positions @ self.kernel[...] + self.bias[...])
