"""Causal stacks that also work piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import nnx

Cache = tuple[Any, ...]

# These mix samples of the sequence, and so would see something else piece by piece.
_MIXING = (nnx.Conv, nnx.ConvTranspose, nnx.GroupNorm, nnx.InstanceNorm, nnx.MultiHeadAttention)


class CausalStack(nnx.Module):
    r"""Causal convolutions, and functions of single samples between them, for whole sequences and for streams.

    .. math:: y = f_n(\ldots f_1(x)), \qquad (y_{t \ldots t + m}, c') = \mathrm{step}(c, x_{t \ldots t + m})

    Parameters
    ----------
    *layers : modules with `init_cache` and `step`, or callables
        The former are `jconv.nn.Conv`, its subclasses and `SeparableConv`, causal along the first axis with stride 1,
        and other stacks. A callable must treat every sample of the sequence by itself, as activations,
        `flax.nnx.Linear`, `LayerNorm` and `BatchNorm` with running averages do.

    Raises
    ------
    TypeError
        When a layer is not callable, or is one that is known to mix samples.

    Notes
    -----
    `step` gives what the whole sequence gives, to rounding: the sums are the same, but the planner may order them
    differently for another length. Both are differentiable, through the cache too; `jax.lax.scan` over `step` is a loop
    over the sequence with memory for one piece.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from jconv.nn import Conv
    >>> rngs = nnx.Rngs(0)
    >>> first, second = (Conv(1, 1, 3, padding="CAUSAL", rngs=rngs) for _ in range(2))
    >>> stack = CausalStack(first, nnx.relu, second)
    >>> cache = stack.init_cache()
    >>> cache, y = stack.step(cache, jnp.ones((1, 1)))
    >>> bool(jnp.allclose(y, stack(jnp.ones((5, 1)))[:1]))
    True
    """

    def __init__(self, *layers: Callable):
        for i, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(f"`layers[{i}]` must be callable, got {layer!r}")
            own = type(layer).__module__.startswith("jconv.nn") and isinstance(layer, nnx.Module)
            if isinstance(layer, _MIXING) or (own and not hasattr(layer, "init_cache")):
                raise TypeError(
                    f"`layers[{i}]` mixes samples of the sequence, and cannot work piece by piece: "
                    f"{type(layer).__name__}; use jconv.nn.Conv with padding='CAUSAL', LayerNorm or RMSNorm"
                )
        self.layers = nnx.List(layers)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the stack to whole sequences (*batch, samples, *space, C)."""
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def init_cache(self, batch: Sequence[int] = (), *, space: Sequence[int] = (), dtype: Any = None) -> Cache:
        """What stands before the first sample, for each layer; arguments as in `jconv.nn.Conv.init_cache`.

        Every convolution is given the same `space`. A ValueError where one cannot work piece by piece.
        """
        return tuple(
            layer.init_cache(batch, space=space, dtype=dtype) if hasattr(layer, "init_cache") else None
            for layer in self.layers
        )

    def step(self, cache: Cache, inputs: jax.Array) -> tuple[Cache, jax.Array]:
        """The cache after, and the outputs for, the next samples (*batch, samples, *space, C), one or more."""
        if len(cache) != len(self.layers):
            raise ValueError(f"`cache` must have one entry for each of {len(self.layers)} layers, got {len(cache)}")
        after = []
        for layer, past in zip(self.layers, cache, strict=True):
            if hasattr(layer, "step"):
                past, inputs = layer.step(past, inputs)
            else:
                inputs = layer(inputs)
            after.append(past)
        return tuple(after), inputs
