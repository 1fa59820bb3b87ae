"""`jconv.signal` compared with SciPy, float64 and float32: `python -m benchmarks.signal [--billion]`.

SciPy's column is its fastest way: of `convolve`, `fftconvolve`, `oaconvolve` (and the 2-D forms) for convolutions, the
function of the same name elsewhere. Calls are from outside jit, arrays on their own side: what a user sees after the
first call. `--billion` convolves 10^9 samples within a memory budget and reads the peak of the resident memory.
"""

from __future__ import annotations

import argparse
import resource
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal

from benchmarks.timing import geometric_mean, interleaved
from jconv import signal
from jconv.signal import stream


def convolutions():
    """(label, jconv's call, {SciPy's calls}) of the convolution family."""
    rng = np.random.default_rng(0)

    def row(label, x, h, mode="full", names=("convolve", "fftconvolve", "oaconvolve"), ours="convolve"):
        x_device, h_device = jnp.asarray(x), jnp.asarray(h)
        run = jax.jit(lambda x, h: getattr(signal, ours)(x, h, mode))
        peers = {name: partial(getattr(scipy.signal, name), x, h, mode) for name in names}
        return label, lambda: run(x_device, h_device), peers

    for dtype in ("float32", "float64"):
        for n, k in [(1000, 10), (10_000, 100), (10_000, 10_000), (1 << 17, 64), (1 << 20, 16), (1 << 20, 1024)]:
            x, h = (rng.normal(size=s).astype(dtype) for s in (n, k))
            yield row(f"1-D {dtype}, {n} * {k}", x, h)
        for n, k in [(64, 5), (512, 3), (512, 15), (1024, 31), (300, 300)]:
            x, h = (rng.normal(size=(s, s)).astype(dtype) for s in (n, k))
            yield row(f"2-D {dtype}, {n}² * {k}²", x, h, "same")
        x, h = rng.normal(size=(64, 4096)).astype(dtype), rng.normal(size=(64, 256)).astype(dtype)
        run = jax.jit(lambda x, h: signal.oaconvolve(x, h, axes=1))
        xj, hj = jnp.asarray(x), jnp.asarray(h)
        peers = {
            "fftconvolve": lambda x=x, h=h: scipy.signal.fftconvolve(x, h, axes=1),
            "oaconvolve": lambda x=x, h=h: scipy.signal.oaconvolve(x, h, axes=1),
        }
        yield f"axes=1 {dtype}, 64 × 4096 * 64 × 256", lambda run=run, xj=xj, hj=hj: run(xj, hj), peers
        x, h = rng.normal(size=(48, 48, 48)).astype(dtype), rng.normal(size=(7, 7, 7)).astype(dtype)
        yield row(f"3-D {dtype}, 48³ * 7³", x, h, "same")
        x, h = rng.normal(size=(512, 512)).astype(dtype), rng.normal(size=(7, 7)).astype(dtype)
        run = jax.jit(lambda x, h: signal.convolve2d(x, h, "same", "symm"))
        xj, hj = jnp.asarray(x), jnp.asarray(h)
        peers = {"convolve2d": lambda x=x, h=h: scipy.signal.convolve2d(x, h, "same", "symm")}
        yield f"convolve2d symm {dtype}, 512² * 7²", lambda run=run, xj=xj, hj=hj: run(xj, hj), peers
    x, h = rng.integers(-99, 99, size=20_000), rng.integers(-99, 99, size=100)
    yield row("1-D int64, 20000 * 100", x, h, names=("convolve",))
    x, h = rng.normal(size=1 << 16) + 1j, rng.normal(size=500) + 0j
    yield row("1-D complex128, 65536 * 500", x, h)


def filters():
    """The same of the filters."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=1 << 20)
    batch = rng.normal(size=(64, 16_384))
    image = rng.normal(size=(512, 512))
    b, a = scipy.signal.butter(4, 0.2)
    sos = scipy.signal.butter(8, 0.2, output="sos")
    taps = scipy.signal.firwin(101, 0.3)

    def row(label, name, *args, **kwargs):
        def ours():
            return compiled(*moved)

        arrays = [i for i, v in enumerate(args) if isinstance(v, np.ndarray) and v.size > 200]
        moved = [jnp.asarray(args[i]) for i in arrays]

        @jax.jit
        def compiled(*values):
            full = list(args)
            for i, v in zip(arrays, values):
                full[i] = v
            return getattr(signal, name)(*full, **kwargs)

        return label, ours, {name: lambda: getattr(scipy.signal, name)(*args, **kwargs)}

    yield row("lfilter, order 2, 2^20", "lfilter", *scipy.signal.butter(2, 0.2), x)
    yield row("lfilter, order 4, 2^20", "lfilter", b, a, x)
    yield row("lfilter, order 4, 64 × 16384", "lfilter", b, a, batch)
    yield row("lfilter, 101 taps, 2^20", "lfilter", taps, [1.0], x)
    yield row("sosfilt, 4 sections, 2^20", "sosfilt", sos, x)
    yield row("sosfiltfilt, 4 sections, 64 × 16384", "sosfiltfilt", sos, batch)
    yield row("filtfilt, order 4, 64 × 16384", "filtfilt", b, a, batch)
    yield row("upfirdn 101 taps 3/2, 2^20", "upfirdn", taps, x, 3, 2)
    yield row("resample_poly 160/147, 2^20", "resample_poly", x, 160, 147)
    yield row("decimate by 4, FIR, 2^20", "decimate", x, 4, ftype="fir")
    yield row("savgol_filter 21, 2^20", "savgol_filter", x, 21, 3)
    yield row("medfilt 5², 512²", "medfilt", image, 5)
    yield row("wiener 5², 512²", "wiener", image, 5)
    yield row("sepfir2d 9, 512²", "sepfir2d", image, np.ones(9), np.ones(9))


def table(only: str = "") -> str:
    """Functions of jconv.signal compared with SciPy's, called from outside jit."""
    parts = {"Convolutions": compared(convolutions(), only), "Filters": compared(filters(), only)}
    if not only:
        parts["Streams"] = streaming()
    return "\n\n".join(f"### {title}\n\n{part}" for title, part in parts.items())


def compared(rows, only: str = "") -> str:
    lines, ratios = ["| case | jconv ms | SciPy ms | its fastest | ratio |", "|---|---|---|---|---|"], []
    for label, ours, peers in rows:
        if only not in label:
            continue
        times = interleaved({"jconv": ours, **peers}, rounds=5, seconds=1.0)
        mine = times.pop("jconv")
        best = min(times, key=lambda name: times[name])
        ratios.append(times[best] / mine)
        lines.append(f"| {label} | {1e3 * mine:.3f} | {1e3 * times[best]:.3f} | {best} | {ratios[-1]:.2f} |")
        print(lines[-1], flush=True)
    if ratios:
        lines += ["", f"Geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}, {len(ratios)} cases."]
    return "\n".join(lines)


def _whole(state, x):
    return stream.step(state, x)[1]


@jax.jit
def run(state, blocks):
    return jax.lax.scan(stream.step, state, blocks)[1]


def streaming() -> str:
    """Nanoseconds a sample of a stream, compared with the whole signal at once."""
    lines = ["| taps, channels, chunk | ns a sample and channel | whole signal |", "|---|---|---|"]
    for taps, channels, chunk in [(4, 256, 1), (4, 256, 64), (64, 1, 64), (64, 1, 1024)]:
        h = jnp.ones((taps, channels), jnp.float32)
        blocks = jnp.ones((max(1, 16_384 // chunk), chunk, channels), jnp.float32)
        whole = blocks.reshape(-1, channels)
        state = stream.init(h)
        times = interleaved({"chunks": partial(run, state, blocks), "whole": partial(_whole, state, whole)}, 5, 1)
        each = {name: 1e9 * t / whole.size for name, t in times.items()}
        lines.append(f"| {taps}, {channels}, {chunk} | {each['chunks']:.2f} | {each['whole']:.2f} |")
    return "\n".join(lines)


def billion(samples: int = 10**9, budget: int = 1 << 30) -> str:
    """Peak resident memory of `samples` float32 samples * 1001 taps within `budget` bytes."""
    h = jnp.asarray(scipy.signal.firwin(1001, 0.1), jnp.float32)
    signal.oaconvolve(jnp.ones(10**6, jnp.float32), h, "same", memory_budget=10**7).block_until_ready()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    x = jax.jit(lambda: jnp.sin(1e-3 * jnp.arange(samples, dtype=jnp.int32).astype(jnp.float32)))().block_until_ready()
    start = time.perf_counter()
    y = signal.oaconvolve(x, h, "same", memory_budget=budget).block_until_ready()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    first = samples // 2
    expected = np.convolve(np.asarray(x[first : first + 3000], np.float64), np.asarray(h, np.float64), "valid")
    error = np.abs(np.asarray(y[first + 500 : first + 2500]) - expected).max()
    allowed = x.nbytes + y.nbytes + budget
    return (
        f"{samples} samples * 1001 taps, float32, {seconds:.1f} s: peak {peak / 2**30:.2f} GiB above the start; input, "
        f"output and budget are {allowed / 2**30:.2f} GiB; error {error:.1e}; within: {peak <= allowed}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--billion", action="store_true")
    options = parser.parse_args()
    if options.billion:
        print(billion())
        return
    jax.config.update("jax_enable_x64", True)
    print(table())


if __name__ == "__main__":
    main()
