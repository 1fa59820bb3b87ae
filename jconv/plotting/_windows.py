"""Which samples a kernel reads at each step: strides, padding, dilations, and the sums themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jconv._core import check
from jconv._core.same_padding import same_padding

PerAxis = int | Sequence[int]
Padding = str | int | Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Windows:
    """A correlation of two planes, step by step; signals are planes of one row."""

    flat: bool
    """Whether the arrays were signals."""
    padded: np.ndarray
    """The input with zeros between and around its samples, as the kernel meets it."""
    real: np.ndarray
    """Where `padded` holds a sample of the input."""
    kernel: np.ndarray
    output: np.ndarray
    strides: tuple[int, ...]
    dilation: tuple[int, ...]

    def taps(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and the columns of `padded` that one step reads, in the order of the kernel's."""
        places = np.unravel_index(int(step), self.output.shape)
        rows, cols = (
            place * s + np.arange(k) * d
            for place, s, k, d in zip(places, self.strides, self.kernel.shape, self.dilation)
        )
        return rows, cols


def windows_of(
    image: np.ndarray,
    kernel: np.ndarray,
    output: np.ndarray | None,
    strides: PerAxis,
    padding: Padding,
    dilation: PerAxis,
    input_dilation: PerAxis,
) -> Windows:
    """Check the arguments, and compute the output where it is not given."""
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    check.rank("image", image, (1, 2), "pass one signal or one picture without batch and channels")
    check.rank("kernel", kernel, image.ndim, "give it the rank of `image`")
    for name, array in (("image", image), ("kernel", kernel)):
        check.not_empty(name, array)
    ndim = image.ndim
    steps, taps, gaps = (
        tuple(check.positive_int(f"{name}[{axis}]", v) for axis, v in enumerate(check.per_axis(name, value, ndim)))
        for name, value in (("strides", strides), ("dilation", dilation), ("input_dilation", input_dilation))
    )
    spread, real = _spread(image, gaps)
    pairs = _pairs(padding, spread.shape, kernel.shape, steps, taps)
    padded, real = (_pad(array, pairs) for array in (spread, real))
    shape = tuple((n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(padded.shape, kernel.shape, steps, taps))
    if min(shape) < 1:
        raise ValueError(
            f"`kernel` must fit into the padded input of shape {padded.shape}, got shape {kernel.shape} with dilation "
            f"{taps}; enlarge the padding"
        )
    if output is not None and np.shape(output) != shape:
        raise ValueError(
            f"`output` must have shape {shape} for these strides, padding and dilation, got {np.shape(output)}; "
            "compute it with jconv.conv2d and the same options"
        )
    if ndim == 1:
        padded, real, kernel = padded[None], real[None], kernel[None]
        steps, taps, shape = (1, *steps), (1, *taps), (1, *shape)
    result = _correlate(padded, kernel, shape, steps, taps) if output is None else np.asarray(output, float)
    return Windows(ndim == 1, padded, real, kernel, result.reshape(shape), steps, taps)


def _spread(image: np.ndarray, gaps: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples `gaps` apart with zeros between them, and where they are."""
    spread = np.zeros([(n - 1) * g + 1 for n, g in zip(image.shape, gaps)])
    real = np.zeros(spread.shape, bool)
    every = tuple(slice(None, None, g) for g in gaps)
    spread[every], real[every] = image, True
    return spread, real


def _pairs(
    padding: Padding,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
) -> list[tuple[int, int]]:
    """Zeros before and after every axis; negative where samples are cut off."""
    if isinstance(padding, str):
        check.choice("padding", padding, ("SAME", "VALID"))
        if padding == "VALID":
            return [(0, 0)] * len(shape)
        return [same_padding(n, (k - 1) * d + 1, s) for n, k, s, d in zip(shape, kernel, strides, dilation)]
    if hasattr(padding, "__index__"):
        width = check.integer("padding", padding)
        return [(width, width)] * len(shape)
    rows = list(padding)  # pyright: ignore[reportArgumentType]
    if len(rows) != len(shape) or any(np.shape(row) != (2,) for row in rows):
        raise ValueError(
            f"`padding` must be an integer, 'SAME', 'VALID' or {len(shape)} pairs (before, after), got {padding!r}; "
            "pass a pair for each axis"
        )
    return [(int(before), int(after)) for before, after in rows]


def _pad(array: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    array = array[tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(array.shape, pairs))]
    return np.pad(array, [(max(b, 0), max(a, 0)) for b, a in pairs])


def _correlate(
    padded: np.ndarray, kernel: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
) -> np.ndarray:
    total = np.zeros(shape)
    for place, weight in np.ndenumerate(kernel):
        cut = tuple(slice(p * d, p * d + (n - 1) * s + 1, s) for p, n, s, d in zip(place, shape, strides, dilation))
        total += weight * padded[cut]
    return total
