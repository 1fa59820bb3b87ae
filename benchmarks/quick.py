"""A subset that ends within five minutes on two cores: `python -m benchmarks --quick [--only WORD]`.

Each row is timed in this checkout, and convolutions compared with lax; `benchmarks.against` times the same rows in two
checkouts. The rows use jconv's public API alone, so that they run with a checkout of any age.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.layer_calls import PASSES, arguments, data, passes
from benchmarks.layers import LAYERS, MODEL_LAYERS, Layer, label
from benchmarks.single import SINGLES
from benchmarks.timing import WAKE, geometric_mean, per_call

ROUNDS = 9
TURN = 0.04  # seconds that a child times in a turn, or one call
REST = 0.01  # seconds of sleep between turns: threads of the other child may still spin
PLANNED_PASSES = dict(zip(PASSES, ("forward", "input_gradient", "kernel_gradient")))

QUICK_LAYERS = (
    "3×3, 8×28×28×128→128", "3×3 odd, 3×37×37×48→80", "stem 3×3, 16×32×32×3→32", "3×3 /2, 8×56×56×64→128",
    "1×1, 8×14×14×512→128", "3×3 dilated 3, 8×48×48×48→48", "patches 4×4 /4, 8×128×128×3→96",
    "32 groups 3×3, 8×28×28×128→128", "depthwise 3×3, 8×28×28×192→192", "depthwise 5×5, 8×28×28×240→240",
    "depthwise 7×7, 8×14×14×384→384", "depthwise 3×3 /2, 8×112×112×32→32", "small 3×3, 32×8×8×16→32",
    "small transposed, 2×8×8×32→32", "transposed 4×4 /2, 4×28×28×128→64", "transposed 3×3 /2, 8×16×16×64→64",
    "1-D 3, 16×1024×128→128",
    "1-D depthwise 4, 8×4096×256→256", "1-D stem 25 /4, 8×16000×1→32", "3-D stem, 2×16×64×64×1→16",
)  # fmt: skip
"""Layers of which all three passes are timed: one or two of every family that the planner treats in its own way."""

QUICK_SINGLES = ("filter 5×5", "filter 15×15", "filter 45×45", "filter 33×1", "filter 1×65", "signal * 64",
                 "signal * 1024")  # fmt: skip

Call = Callable[[], object]


def convolution_rows(convolve: Callable[..., jax.Array]) -> Iterator[tuple[str, Callable[[], Call]]]:
    """(name, a function that prepares the call) of layers, filters and signals, by a function with lax's arguments."""

    def prepare(layer: Layer, name: str) -> Call:
        function, operands = passes(functools.partial(convolve, **arguments(layer)), data(layer))[name]
        return functools.partial(function, *operands)

    for layer in LAYERS:
        if label(layer) in QUICK_LAYERS:
            for name in PASSES:
                yield f"{label(layer)}, {name}", functools.partial(prepare, layer, name)
    for layer in SINGLES:
        if layer.name in QUICK_SINGLES and layer.x[1] in (1024, 1 << 17, 1 << 20):
            yield label(layer), functools.partial(prepare, layer, "forward")


def library_rows() -> Iterator[tuple[str, Callable[[], Call]]]:
    """The same of functions of `jconv.signal`, `jconv.ndimage` and `jconv.continuous`."""
    import jconv
    from jconv import continuous, ndimage, signal

    def jitted(function: Callable[..., object], *shapes: tuple[int, ...]) -> Callable[[], Call]:
        def prepare() -> Call:
            rng = np.random.default_rng(0)
            arrays = [jnp.asarray(rng.standard_normal(shape, np.float32)) for shape in shapes]
            return functools.partial(jax.jit(function), *arrays)

        return prepare

    def eager(function: Callable[..., object], *shapes: tuple[int, ...]) -> Callable[[], Call]:
        def prepare() -> Call:
            rng = np.random.default_rng(0)
            return functools.partial(function, *(rng.standard_normal(shape, np.float32) for shape in shapes))

        return prepare

    b, a = np.array([0.0048, 0.0193, 0.0289, 0.0193, 0.0048]), np.array([1.0, -2.3695, 2.3140, -1.0547, 0.1874])
    taps = np.hanning(101).astype(np.float32)
    long, image = (1 << 18,), (512, 512)
    yield "signal.fftconvolve, 2^18 * 1000", jitted(signal.fftconvolve, long, (1000,))
    yield "signal.oaconvolve, 2^18 * 1000", jitted(signal.oaconvolve, long, (1000,))
    yield "signal.convolve, 10000 * 100", jitted(signal.convolve, (10_000,), (100,))
    yield "signal.convolve, 1000 * 10, outside jit", eager(signal.convolve, (1000,), (10,))
    yield (
        "signal.convolve2d symm, 512² * 7²",
        jitted(lambda x, h: signal.convolve2d(x, h, "same", "symm"), image, (7, 7)),
    )
    yield "signal.lfilter, order 4, 64 × 4096", jitted(lambda x: signal.lfilter(b, a, x), (64, 4096))
    yield "signal.upfirdn 3/2, 101 taps, 2^18", jitted(lambda x: signal.upfirdn(taps, x, 3, 2), long)
    yield "signal.savgol_filter 21, 2^18", jitted(lambda x: signal.savgol_filter(x, 21, 3), long)
    yield "signal.medfilt2d 5², 512²", jitted(lambda x: signal.medfilt2d(x, 5), image)
    yield "ndimage.gaussian_filter 2, 512²", jitted(lambda x: ndimage.gaussian_filter(x, 2), image)
    yield "ndimage.uniform_filter 9, 512²", jitted(lambda x: ndimage.uniform_filter(x, 9), image)
    yield "ndimage.correlate 7×7, 512²", jitted(lambda x, w: ndimage.correlate(x, w), image, (7, 7))
    yield "ndimage.median_filter 5, 512²", jitted(lambda x: ndimage.median_filter(x, 5), image)
    yield "ndimage.sobel, 512², outside jit", eager(ndimage.sobel, image)
    yield "conv2d 5×5, 8×64×64×16→16", jitted(jconv.conv2d, (8, 64, 64, 16), (5, 5, 16, 16))
    bell = lambda x: jnp.exp(-(x**2))
    points = lambda t: continuous.convolve(bell, bell, t, support_f=(-4, 4), support_g=(-4, 4))[0]
    yield "continuous.convolve, 2000 points", jitted(points, (2000,))


def rows() -> dict[str, Callable[[], Call]]:
    """All rows by their names."""
    import jconv

    return dict([*convolution_rows(jconv.conv_general_dilated), *library_rows()])


def choices() -> dict[str, str]:
    """The planner's choice for every pass of every layer, and for the filters and signals."""
    import jconv

    chosen = {}
    for layer in dict.fromkeys((*LAYERS, *MODEL_LAYERS, *SINGLES)):
        x, w = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (layer.x, layer.kernel))
        for name in PASSES[:1] if layer in SINGLES else PASSES:
            answer = jconv.plan(x, w, **arguments(layer), of=PLANNED_PASSES[name])
            chosen[f"{label(layer)}, {name}"] = answer.algorithm
    return chosen


def turn(call: Call, usual: float, seconds: float = TURN) -> float:
    """Seconds of a call, in a loop of calls that begins after some which do not count."""
    woken = time.perf_counter() + WAKE
    jax.block_until_ready(call())
    while time.perf_counter() < woken:
        jax.block_until_ready(call())
    return per_call(call, max(1, min(1000, int(seconds / usual))))


def warmed(call: Call) -> tuple[float, float, float]:
    """Seconds of the first call, which compiles; usual seconds of a call; and the norm of its result."""
    start = time.perf_counter()
    result = jax.block_until_ready(call())
    first = time.perf_counter() - start
    usual = min(per_call(call) for _ in range(2))
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(result)]
    return first, usual, float(np.sqrt(sum(np.sum(leaf**2) for leaf in leaves)))


def table(only: str = "") -> str:
    """Print and return a table of this checkout alone, its convolutions compared with lax's."""
    started = time.perf_counter()
    beside = dict(convolution_rows(lax.conv_general_dilated))
    chosen = choices()
    lines = ["| row | lax ms | jconv ms | × lax | algorithm |", "|---|---|---|---|---|"]
    print(*lines, sep="\n", flush=True)
    ratios = []
    for name, prepare in rows().items():
        if only not in name:
            continue
        calls = {"jconv": prepare(), **({"lax": beside[name]()} if name in beside else {})}
        usual = {who: warmed(call)[1] for who, call in calls.items()}
        turns: dict[str, list[float]] = {who: [] for who in calls}
        for _ in range(ROUNDS // 2):
            for who, call in calls.items():
                time.sleep(REST)
                turns[who].append(turn(call, usual[who], TURN / 4))
        seconds = {who: statistics.median(values) for who, values in turns.items()}
        if "lax" in seconds:
            ratios.append(seconds["lax"] / seconds["jconv"])
        lax_column = f"{1e3 * seconds['lax']:.3f}" if "lax" in seconds else "–"
        ratio = f"{ratios[-1]:.2f}" if "lax" in seconds else "–"
        algorithm = chosen.get(name, chosen.get(f"{name}, forward", "–"))
        lines.append(f"| {name} | {lax_column} | {1e3 * seconds['jconv']:.3f} | {ratio} | {algorithm} |")
        print(lines[-1], flush=True)
        jax.clear_caches()
    end = f"over lax: geometric mean {geometric_mean(ratios):.2f} ({len(ratios)} rows); "
    end += f"{time.perf_counter() - started:.0f} s."
    print("", end, sep="\n", flush=True)
    return "\n".join([*lines, "", end])
