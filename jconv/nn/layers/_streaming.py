"""Causal stacks that also work piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import nnx
from jax.typing import DTypeLike

Cache = tuple[Any, ...]

# These mix samples of the sequence, so that a piece would give another result than the whole.
_MIXING = (nnx.Conv, nnx.ConvTranspose, nnx.GroupNorm, nnx.InstanceNorm, nnx.MultiHeadAttention)


class CausalStack(nnx.Module):
    r"""Apply causal convolutions, and functions of single samples between them, to whole sequences and to streams.

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
    differently for another length. Both are causal to the last bit: a sample, be it huge or NaN, changes no output
    before it. Both are differentiable, through the cache too; `jax.lax.scan` over `step` is a loop over the sequence
    with memory for one piece.

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

    def __init__(self, *layers: Callable[..., Any]) -> None:
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

    def init_cache(
        self, batch: Sequence[int] = (), *, space: Sequence[int] = (), dtype: DTypeLike | None = None
    ) -> Cache:
        """Make the caches that stand before the first sample, one for each layer.

        Arguments and errors as in `jconv.nn.Conv.init_cache`; every convolution is given the same `space`.
        """
        starts = [getattr(layer, "init_cache", None) for layer in self.layers]
        return tuple(None if start is None else start(batch, space=space, dtype=dtype) for start in starts)

    def step(self, cache: Cache, inputs: jax.Array) -> tuple[Cache, jax.Array]:
        """Apply the stack to the next samples (*batch, samples, *space, C) of a stream, as `jconv.nn.Conv.step`."""
        if len(cache) != len(self.layers):
            raise ValueError(f"`cache` must have one entry for each of {len(self.layers)} layers, got {len(cache)}")
        after = []
        for layer, past in zip(self.layers, cache, strict=True):
            step = getattr(layer, "step", None)
            if step is None:
                inputs = layer(inputs)
            else:
                past, inputs = step(past, inputs)
            after.append(past)
        return tuple(after), inputs
