"""jconv.ndimage compared with SciPy and OpenCV: `python -m benchmarks.ndimage [--size 1024] [--only NAME]`.

One image of float32; milliseconds, contenders take turns, see `benchmarks.timing`. The last line holds the ratios:
above one is faster than the peer.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage

import jconv.ndimage
from benchmarks.timing import geometric_mean, interleaved

try:
    import cv2
except ImportError:
    cv2 = None


ORDERS = ("median", "percentile", "minimum")
"""How the names of filters begin that are not linear."""


def rows(image):
    """name, call of jconv and SciPy by (module, image), OpenCV's call of the image or None."""
    rng = np.random.default_rng(0)
    reflect = None if cv2 is None else cv2.BORDER_REFLECT

    def opencv_gaussian(sigma):
        taps = 2 * int(4 * sigma + 0.5) + 1
        return lambda x: cv2.GaussianBlur(x, (taps, taps), sigma, borderType=reflect)

    for sigma in (1, 2, 4, 8, 16):
        yield f"gaussian sigma {sigma}", lambda m, x, s=sigma: m.gaussian_filter(x, s), opencv_gaussian(sigma)
    for size in (3, 9, 31):
        box = lambda x, s=size: cv2.blur(x, (s, s), borderType=reflect)
        yield f"box {size}", lambda m, x, s=size: m.uniform_filter(x, s), box
    yield "sobel", lambda m, x: m.sobel(x), lambda x: cv2.Sobel(x, cv2.CV_32F, 1, 0, borderType=reflect)
    yield "prewitt", lambda m, x: m.prewitt(x), None
    yield "laplace", lambda m, x: m.laplace(x), lambda x: cv2.Laplacian(x, cv2.CV_32F, ksize=1, borderType=reflect)
    yield "gaussian laplace 2", lambda m, x: m.gaussian_laplace(x, 2), None
    yield "gradient magnitude 2", lambda m, x: m.gaussian_gradient_magnitude(x, 2), None
    for size in (3, 5, 7, 11, 15, 31):
        weights = rng.standard_normal((size, size)).astype(np.float32)
        dense = lambda x, w=weights: cv2.filter2D(x, cv2.CV_32F, w, borderType=reflect)
        yield f"correlate {size}x{size}", lambda m, x, w=weights: m.correlate(x, w), dense
    line = rng.standard_normal(9)
    yield "correlate1d 9", lambda m, x: m.correlate1d(x, line, 0), None
    for size in (3, 5):
        yield (
            f"median {size}x{size}",
            lambda m, x, s=size: m.median_filter(x, s),
            lambda x, s=size: cv2.medianBlur(x, s),
        )
    yield "median 7x7", lambda m, x: m.median_filter(x, 7), None
    yield (
        "minimum 9x9",
        lambda m, x: m.minimum_filter(x, 9),
        lambda x: cv2.erode(x, np.ones((9, 9)), borderType=reflect),
    )
    yield "percentile 20 of 5x5", lambda m, x: m.percentile_filter(x, 20, 5), None


def table(size: int = 1024, seconds: float = 1.5, only: str = "") -> str:
    """Image filters of jconv.ndimage compared with SciPy's and OpenCV's, on one image of 1024² samples."""
    image = np.random.default_rng(1).random((size, size), dtype=np.float32)
    device = jnp.asarray(image)
    lines, times = ["| filter | jconv | SciPy | OpenCV |", "|---|---|---|---|"], {}
    for name, both, opencv in rows(image):
        if only not in name:
            continue
        jitted = jax.jit(lambda x, f=both: f(jconv.ndimage, x))
        calls = {"jconv": lambda f=jitted: f(device), "SciPy": lambda f=both: f(scipy.ndimage, image)}
        if opencv is not None and cv2 is not None:
            calls["OpenCV"] = lambda f=opencv: f(image)
        times[name] = interleaved(calls, rounds=9, seconds=seconds)
        columns = (f"{1e3 * times[name][peer]:.2f}" if peer in calls else "–" for peer in ("jconv", "SciPy", "OpenCV"))
        lines.append(f"| {name} | {' | '.join(columns)} |")
        print(lines[-1], flush=True)
    ends = []
    for peer in ("SciPy", "OpenCV"):
        if ratios := {name: t[peer] / t["jconv"] for name, t in times.items() if peer in t}:
            worst = min(ratios, key=ratios.__getitem__)
            mean = geometric_mean(ratios.values())
            ends.append(f"over {peer}: geometric mean {mean:.2f}, least {ratios[worst]:.2f} ({worst})")
            linear = [ratio for name, ratio in ratios.items() if not name.startswith(ORDERS)]
            ends.append(f"of linear filters {geometric_mean(linear):.2f} and {min(linear):.2f}")
    if {"gaussian sigma 4", "gaussian sigma 16"} <= set(times):
        wide = times["gaussian sigma 16"]["jconv"] / times["gaussian sigma 4"]["jconv"]
        ends.append(f"sigma 16 takes {wide:.2f} times as long as sigma 4")
    return "\n".join([f"{'; '.join(ends)}.", "", *lines])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each row")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    options = parser.parse_args()
    print(table(options.size, options.seconds, options.only).splitlines()[0])


if __name__ == "__main__":
    main()
