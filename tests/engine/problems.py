"""One literal table of problems, and a generator of more; swept by every test of the engine."""

import dataclasses
import random

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """A canonical convolution; `padding` may be negative."""

    name: str
    lhs: tuple[int, ...]
    rhs: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    groups: int = 1

    @property
    def geometry(self):
        names = ("strides", "padding", "lhs_dilation", "rhs_dilation", "groups")
        return {name: getattr(self, name) for name in names}

    @property
    def lax(self):
        """Keyword arguments of `lax.conv_general_dilated`."""
        spatial = "WXYZ"[: len(self.strides)]
        return {
            "window_strides": self.strides,
            "padding": self.padding,
            "lhs_dilation": self.lhs_dilation,
            "rhs_dilation": self.rhs_dilation,
            "dimension_numbers": (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
            "feature_group_count": self.groups,
        }

    def data(self, dtype="float32", seed=0):
        rng = np.random.default_rng(seed)

        def draw(shape):
            if np.dtype(dtype).kind in "iu":
                return rng.integers(-4, 5, shape).astype(dtype)
            values = rng.standard_normal(shape)
            return (values + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)

        return draw(self.lhs), draw(self.rhs)

    @property
    def terms(self):
        """How many products an output sums."""
        return int(np.prod(self.rhs[:-1]))


def make_case(name, lhs, rhs, strides=1, padding=0, lhs_dilation=1, rhs_dilation=1, groups=1):
    """A case; numbers stand for all axes."""
    n = len(lhs) - 2

    def each(value):
        return value if isinstance(value, tuple) else (value,) * n

    padding = tuple(p if isinstance(p, tuple) else (p, p) for p in each(padding))
    return Case(name, lhs, rhs, each(strides), padding, each(lhs_dilation), each(rhs_dilation), groups)


CASES = [
    make_case("dense 3×3", (2, 9, 8, 5), (3, 3, 5, 6), padding=1),
    make_case("dense 1×1", (2, 5, 6, 7), (1, 1, 7, 4)),
    make_case("rectangular", (1, 7, 10, 3), (2, 4, 3, 2), padding=((1, 0), (2, 1))),
    make_case("strided", (2, 9, 11, 4), (3, 3, 4, 6), strides=(2, 3), padding=1),
    make_case("dilated kernel", (1, 12, 11, 3), (3, 2, 3, 4), rhs_dilation=(2, 3), padding=2),
    make_case("transposed", (2, 5, 6, 4), (3, 4, 4, 3), lhs_dilation=(2, 3), padding=((2, 1), (3, 2))),
    make_case("all at once", (1, 6, 7, 4), (3, 2, 2, 6), 2, ((2, 3), (1, 4)), (3, 2), (2, 3), 2),
    make_case("negative padding", (2, 9, 8, 3), (2, 3, 3, 4), padding=((-1, 2), (1, -2))),
    make_case("negative padding of a dilated input", (1, 6, 5, 2), (2, 2, 2, 3), 1, ((-3, -1), (-1, 4)), (2, 3)),
    make_case("groups", (2, 7, 7, 12), (3, 3, 3, 8), padding=1, groups=4),
    make_case("depthwise", (2, 8, 9, 6), (3, 3, 1, 6), padding=1, groups=6),
    make_case("depthwise, large kernel", (1, 20, 21, 5), (11, 9, 1, 5), padding=((5, 5), (4, 4)), groups=5),
    make_case("depthwise, multiplier", (2, 6, 7, 3), (3, 2, 1, 6), strides=2, padding=1, groups=3),
    make_case("depthwise, strided", (2, 9, 9, 4), (3, 3, 1, 4), strides=2, padding=1, groups=4),
    make_case("single channel", (1, 33, 30, 1), (5, 4, 1, 1), padding=2),
    make_case("1-D", (3, 40, 4), (5, 4, 3), padding=2),
    make_case("1-D signal", (1, 600, 1), (17, 1, 1), padding=((16, 16),)),
    make_case("1-D signals, strided", (2, 300, 3), (9, 1, 3), strides=3, padding=4, groups=3),
    make_case("1-D, three taps", (2, 30, 4), (3, 4, 5), padding=1),
    make_case("3-D", (1, 5, 6, 7, 2), (3, 2, 3, 2, 3), padding=1),
    make_case("3-D transposed", (1, 3, 4, 3, 2), (2, 3, 2, 2, 2), lhs_dilation=(2, 1, 2), padding=1),
    make_case("4-D", (1, 3, 4, 3, 4, 2), (2, 2, 1, 2, 2, 2), padding=((0, 1),) * 4),
    make_case("kernel gradient", (4, 10, 9, 6), (9, 8, 3, 10), padding=((0, 1), (1, 0)), groups=2),
    make_case("depthwise kernel gradient", (1, 10, 9, 12), (9, 9, 3, 4), padding=1, groups=4),
    make_case("transposed kernel gradient", (3, 4, 5, 6), (8, 10, 3, 4), 1, ((3, 0), (1, 2)), 2, groups=2),
    make_case("image, long column", (1, 140, 9, 1), (12, 1, 1, 1), padding=((5, 6), (0, 0))),
    make_case("depthwise, transposed", (2, 5, 6, 4), (3, 4, 1, 4), 1, ((2, 1), (1, 3)), (2, 3), groups=4),
    make_case("volume, column", (2, 3, 9, 5, 1), (1, 4, 1, 1, 1), (1, 3, 1), (0, (4, 3), 0), (1, 2, 1), (1, 3, 1)),
    make_case("3×3 dilated", (2, 13, 17, 3), (3, 3, 3, 4), padding=((2, 1), (3, 0)), rhs_dilation=(2, 3)),
    make_case(
        "short kernel gradient, strided", (3, 13, 16, 2), (8, 12, 2, 4), strides=(2, 3), padding=((0, 0), (1, 1))
    ),
    make_case("short kernel gradient", (4, 10, 12, 3), (8, 12, 3, 5), padding=((0, 0), (1, 1))),
]


def generated(seed: int) -> Case:
    """A random small problem; every one is valid. Most are of any geometry, the others of a kind that few would hit."""
    rnd = random.Random(seed)
    kind = rnd.choice(("any", "any", "any", "plain", "short", "depthwise", "signal", "kernel gradient"))
    n = {"signal": 1, "short": rnd.choice((1, 2))}.get(kind) or rnd.choice((1, 1, 2, 2, 2, 2, 3))
    steps = (1, 1, 1, 2, 3) if kind in ("any", "kernel gradient") else (1,)
    groups, inputs, multiplier = rnd.choice((1, 1, 1, 2, 3, 4)), rnd.choice((1, 1, 2, 3)), rnd.choice((1, 1, 2, 3))
    if kind == "short":
        groups = 1
    elif kind == "depthwise":
        groups, inputs = rnd.randint(1, 9), 1
    elif kind == "signal":
        groups, inputs, multiplier = rnd.choice(((1, 1, 1), (1, 1, 1), (3, 1, 1), (1, 2, 2)))
    largest = {1: 400 if kind == "signal" else 50, 2: 10, 3: 4}[n]
    space = tuple(rnd.randint(1, largest) for _ in range(n))
    taps = tuple(rnd.randint(1, {1: 40 if kind == "signal" else 9, 2: 5, 3: 3}[n]) for _ in range(n))
    if kind == "short":
        taps = (3,) * n
    rhs_dilation = tuple(rnd.choice(steps) for _ in range(n))
    lhs_dilation = tuple(rnd.choice(steps) if kind == "any" else 1 for _ in range(n))
    if kind == "kernel gradient":  # the kernel reaches as far as the image, less a few outputs
        taps = tuple(max(1, (size - 1) // d) for size, d in zip(space, rhs_dilation))
    padding = []
    for size, dilation in zip(space, lhs_dilation):
        extent = (size - 1) * dilation + 1
        lo = rnd.choice((0, 0, 1, 2, 4, -1, -2))
        hi = rnd.choice((0, 0, 1, 2, 4, -1, -2))
        padding.append((lo, hi) if extent + lo + hi >= 0 else (0, 0))
    return Case(
        f"generated {seed}",
        (rnd.choice((1, 2, 3)), *space, groups * inputs),
        (*taps, inputs, groups * multiplier),
        tuple(rnd.choice(steps) for _ in range(n)),
        tuple(padding),
        lhs_dilation,
        rhs_dilation,
        groups,
    )
