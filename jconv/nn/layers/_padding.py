"""Samples before and after each axis: the words and numbers of `padding`, resolved in one place for all layers.

    word         samples before, after                        what they hold
    VALID        0, 0
    SAME         t // 2, t − t // 2: ceil(n / s) outputs      zeros (or `padding_mode`)
    SAME_LOWER   t − t // 2, t // 2                           zeros (or `padding_mode`)
    CAUSAL       d (k − 1), 0                                 zeros (or `padding_mode`)
    CIRCULAR     d (k − 1) // 2, (d (k − 1) + 1) // 2         the array, periodically
    REFLECT      the same                                     the array, mirrored about its last sample
    REPLICATE    the same                                     the last sample

with k taps, dilation d, stride s, n samples and t = max((ceil(n / s) − 1) s + d (k − 1) + 1 − n, 0).

PyTorch's `padding` is a number for both sides of an axis, whatever the stride, and its `padding_mode` says which
samples it holds: `padding=1` (or `(1, 2)`) and `padding_mode="reflect"` mean the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from jconv._core import boundary, check
from jconv._core.same_padding import same_padding

Pair = tuple[int, int]
Padding = str | int | Sequence[str | int | Pair]

_BOUNDARIES = {"CIRCULAR": "wrap", "REFLECT": "reflect", "REPLICATE": "edge"}
WORDS = ("SAME", "SAME_LOWER", "VALID", "CAUSAL", *_BOUNDARIES)
PADDING_MODES = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}


class Axis(NamedTuple):
    """The sampling of one axis: its taps, stride, the taps' distance, and the distance of the input's samples."""

    taps: int
    stride: int = 1
    dilation: int = 1
    input_dilation: int = 1

    @property
    def reach(self) -> int:
        """Samples from the first to the last tap."""
        return (self.taps - 1) * self.dilation + 1


def axes(*parts: Sequence[int]) -> list[Axis]:
    """Return each axis, from the taps of all, and optionally their strides, dilations and input dilations."""
    return [Axis(*axis) for axis in zip(*parts, strict=True)]


def canonicalize(padding: Padding, rank: int, words: Sequence[str] = WORDS) -> tuple[str | Pair, ...]:
    """Return a word or a pair for each axis; raise a ValueError or TypeError for anything not listed above."""
    remedy = f"pass one of {', '.join(map(repr, words))}, an integer, or for each axis a word, an integer or a pair"
    if isinstance(padding, str):
        word = check.choice("padding", padding.upper(), words)
        if word == "CAUSAL" and rank > 1:
            raise ValueError(
                f"`padding='CAUSAL'` needs one axis, got {rank}: say which is causal, "
                f"as in ('CAUSAL'{', ' + repr('SAME') if rank > 1 else ''}{', …' if rank > 2 else ''})"
            )
        return (word,) * rank
    if hasattr(padding, "__index__"):
        number = check.integer("padding", padding)
        return ((number, number),) * rank
    try:
        entries = list(padding)  # type: ignore[arg-type]
    except TypeError as error:
        raise TypeError(f"`padding` was {padding!r}; {remedy}") from error
    if len(entries) != rank:
        raise ValueError(f"`padding` must have one entry for each of {rank} axes, got {padding!r}; {remedy}")
    return tuple(_entry(entry, words, remedy) for entry in entries)


def _entry(entry: Any, words: Sequence[str], remedy: str) -> str | Pair:
    """Return the word or the pair of one axis."""
    if isinstance(entry, str):
        return check.choice("padding", entry.upper(), words)
    if hasattr(entry, "__index__"):
        number = check.integer("padding", entry)
        return number, number
    try:
        pair = tuple(check.integer("padding", number) for number in entry)
    except TypeError as error:
        raise TypeError(f"`padding` has the entry {entry!r}; {remedy}") from error
    if len(pair) != 2:
        raise ValueError(f"`padding` has the entry {entry!r}; {remedy}")
    return pair


def check_mode(mode: str, padding: tuple[str | Pair, ...]) -> str:
    """Return `padding_mode`; raise a ValueError where a word in `padding` already says what the padding holds."""
    check.choice("padding_mode", mode, PADDING_MODES)
    words = [entry for entry in padding if entry in _BOUNDARIES]
    if mode != "zeros" and words:
        raise ValueError(
            f"`padding_mode` {mode!r} contradicts `padding` {words[0]!r}, which says itself what the padding holds; "
            "leave one of them out"
        )
    return mode


def width(entry: str | Pair, size: int, axis: Axis) -> Pair:
    """Return the numbers of samples before and after an axis of `size` samples."""
    if not isinstance(entry, str):
        return entry
    reach = axis.reach
    if entry == "VALID":
        return 0, 0
    if entry == "CAUSAL":
        return reach - 1, 0
    if entry in _BOUNDARIES:
        return (reach - 1) // 2, reach // 2
    stuffed = max(size - 1, 0) * axis.input_dilation + (size > 0)
    return same_padding(stuffed, reach, axis.stride, lower=entry == "SAME_LOWER")


def extend(
    x: jax.Array, padding: Sequence[str | Pair], axes: Sequence[Axis], mode: str = "zeros"
) -> tuple[jax.Array, tuple[Pair, ...]]:
    """Extend `x` (N, *space, C) where the padding holds samples; return it with the zeros left for the engine."""
    rules = [_BOUNDARIES.get(entry, PADDING_MODES[mode]) if isinstance(entry, str) else PADDING_MODES[mode]
             for entry in padding]  # fmt: skip
    widths = [width(entry, size, axis) for entry, size, axis in zip(padding, x.shape[1:-1], axes, strict=True)]
    filled = [pair if rule != "constant" else (0, 0) for pair, rule in zip(widths, rules, strict=True)]
    zeros = tuple(pair if rule == "constant" else (0, 0) for pair, rule in zip(widths, rules, strict=True))
    if any(pair != (0, 0) for pair in filled):
        if any(min(pair) < 0 for pair in filled):
            raise ValueError(f"`padding` must not be negative with padding_mode={mode!r}, got {widths}; crop the input")
        x = boundary.pad(x, [(0, 0), *filled, (0, 0)], ["constant", *rules, "constant"])
    return x, zeros
