"""Continuous convolution: speed against SciPy and quadax, and how function objects scale with the degree.

    python -m benchmarks.continuous                  # prints a table
    python -m benchmarks.continuous --plot FILE.png  # also measures and plots the scaling

The problem of the table is an exponential (decay time 1, from 0 on) seen through a Gaussian (standard deviation 1/2) at
10,000 points, to 1e-12: its closed form is known, and every contender gets the same overlap window. SciPy integrates a
fiftieth of the points and is scaled up. quadax runs under `vmap` and `jit`. Times are medians, contenders interleaved.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import interleaved

POINTS, STD, REACH = 10_000, 0.5, 4.5
PART = 50


def fastest(run: Callable[[], object], repeats: int = 15) -> float:
    """Seconds of the fastest of `repeats` runs, after one to warm up."""
    jax.block_until_ready(run())
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def decay(x):
    return jnp.exp(-x)


def instrument(y):
    return jnp.exp(-((y / STD) ** 2) / 2) / (STD * np.sqrt(2 * np.pi))


def scipy_loop(some: np.ndarray) -> np.ndarray:
    """`scipy.integrate.quad` at these points, one after the other."""
    from scipy import integrate

    f = lambda x: np.exp(-x)
    g = lambda y: np.exp(-((y / STD) ** 2) / 2) / (STD * np.sqrt(2 * np.pi))
    values = [
        integrate.quad(
            lambda x, s=s: f(x) * g(s - x), max(0, s - REACH), max(0, s + REACH), epsabs=1e-13, epsrel=1e-12
        )[0]
        for s in some
    ]
    return np.array(values)


def table() -> str:
    """An exponential seen through a Gaussian at 10,000 points, in float64, compared with SciPy and quadax."""
    import quadax
    from scipy import stats

    from jconv.continuous import GaussKronrod, GaussLegendre, convolve, convolve_grid

    t = jnp.linspace(-2, 12, POINTS)
    truth = stats.exponnorm.pdf(np.asarray(t), 1 / STD, 0, STD)
    shapes = {"support_f": (0, np.inf), "support_g": (-REACH, REACH)}

    def with_quadax(s):
        ends = jnp.stack([jnp.maximum(0, s - REACH), jnp.maximum(0, s + REACH)])
        return quadax.quadgk(lambda x: decay(x) * instrument(s - x), ends, epsabs=1e-13, epsrel=1e-12)[0]

    contenders = {
        "quadax quadgk, vmap": jax.jit(jax.vmap(with_quadax)),
        "convolve, Gauss-Legendre 96": jax.jit(
            lambda t: convolve(decay, instrument, t, rule=GaussLegendre(96), **shapes)
        ),
        "convolve, Gauss-Legendre 74": jax.jit(
            lambda t: convolve(decay, instrument, t, rule=GaussLegendre(74), **shapes)
        ),
        "convolve, Gauss-Kronrod 61": jax.jit(
            lambda t: convolve(decay, instrument, t, rule=GaussKronrod(61), **shapes)
        ),
        "convolve, value alone": jax.jit(lambda t: convolve(decay, instrument, t, **shapes).value),
        "convolve_grid": jax.jit(
            lambda t: convolve_grid(decay, instrument, (-2, 12, POINTS), support_f=(0, 40), support_g=(-REACH, REACH))
        ),
    }
    loop = "scipy.integrate.quad, loop"
    calls = {loop: lambda: scipy_loop(np.asarray(t[::PART]))}
    calls |= {name: functools.partial(run, t) for name, run in contenders.items()}
    seconds = interleaved(calls, rounds=9, seconds=60)
    seconds[loop] *= PART
    lines = ["|  | ms | times faster | error | reported |", "|---|---|---|---|---|"]
    for name, call in calls.items():
        result = call()
        value = result[0] if isinstance(result, tuple) else result
        reported = f"{float(jnp.max(result[1])):.1e}" if isinstance(result, tuple) else "–"
        error = np.max(np.abs(value - (truth[::PART] if name == loop else truth)))
        times = seconds[loop] / seconds[name]
        lines.append(f"| {name} | {seconds[name] * 1e3:.2f} | {times:.0f} | {error:.1e} | {reported} |")
    return "\n".join(lines)


def scaling(path: str) -> None:
    """Times of `convolve(F, G)` against the degree, compared with the n² of Hale and Townsend's count, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from jconv.continuous import _legendre as legendre

    degrees = np.array([16, 32, 64, 128, 256, 512, 1024, 2048])
    rng = np.random.default_rng(0)
    seconds = []
    for n in degrees:
        f, g = (jnp.asarray(rng.normal(size=(n, 1)) / np.arange(1, n + 1)[:, None] ** 2) for _ in range(2))
        seconds.append(fastest(lambda f=f, g=g: legendre.volterra(f, g), 40))
        print(f"degree {n:5d}: {seconds[-1] * 1e3:9.3f} ms, {12 * n**2 / seconds[-1] / 1e9:6.2f} GFLOP/s of 12 n²")
    slope = np.polyfit(np.log(degrees[-3:]), np.log(seconds[-3:]), 1)[0]
    print(f"slope over the last three: {slope:.2f}")
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.loglog(degrees, np.array(seconds) * 1e3, "o-", label=f"measured (slope {slope:.2f} at the end)")
    axes.loglog(degrees, seconds[-1] * 1e3 * (degrees / degrees[-1]) ** 2.0, "k--", label="n², Hale and Townsend")
    axes.set_xlabel("degree of both series")
    axes.set_ylabel("ms per convolution")
    axes.set_title("Convolution of two Legendre series")
    axes.legend()
    axes.grid(alpha=0.3, which="both")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE", help="measure the scaling in the degree too, and plot it")
    options = parser.parse_args()
    print(table())
    if options.plot:
        scaling(options.plot)
