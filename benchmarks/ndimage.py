"""jconv.ndimage beside SciPy and OpenCV: `python -m benchmarks.ndimage [--size 1024] [--json FILE]`.

One image of float32, contenders interleaved, the best of several calls each; the first call, which compiles, is not
counted. The last lines are the ratios: above one is faster than the peer.
"""

from __future__ import annotations

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage

import jconv.ndimage

try:
    import cv2
except ImportError:
    cv2 = None


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


def measure(calls, budget):
    """The best time of every call in milliseconds, taken in turns."""
    best = dict.fromkeys(calls, np.inf)
    for call in calls.values():
        call()
    stop = time.perf_counter() + budget
    turns = 0
    while turns < 3 or time.perf_counter() < stop:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], 1e3 * (time.perf_counter() - start))
        turns += 1
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--budget", type=float, default=0.5, help="seconds per row")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--json")
    options = parser.parse_args()
    image = np.random.default_rng(1).random((options.size, options.size), dtype=np.float32)
    device = jnp.asarray(image)
    table = {}
    print(f"{'':22}{'jconv':>9}{'scipy':>9}{'opencv':>9}   milliseconds")
    for name, both, opencv in rows(image):
        if options.only not in name:
            continue
        jitted = jax.jit(lambda x, f=both: f(jconv.ndimage, x))
        calls = {
            "jconv": lambda f=jitted: jax.block_until_ready(f(device)),
            "scipy": lambda f=both: f(scipy.ndimage, image),
        }
        if opencv is not None and cv2 is not None:
            calls["opencv"] = lambda f=opencv: f(image)
        table[name] = times = measure(calls, options.budget)
        columns = "".join(f"{times[k]:9.2f}" if k in times else f"{'':9}" for k in ("jconv", "scipy", "opencv"))
        print(f"{name:22}{columns}", flush=True)
    for peer in ("scipy", "opencv"):
        ratios = {n: t[peer] / t["jconv"] for n, t in table.items() if peer in t}
        if ratios:
            worst = min(ratios, key=ratios.__getitem__)
            mean = np.exp(np.mean(np.log(list(ratios.values()))))
            print(f"{peer} / jconv: geometric mean {mean:.2f}, least {ratios[worst]:.2f} ({worst})")
    if "gaussian sigma 4" in table and "gaussian sigma 16" in table:
        wide = table["gaussian sigma 16"]["jconv"] / table["gaussian sigma 4"]["jconv"]
        print(f"sigma 16 / sigma 4: {wide:.2f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(table, file, indent=1)


if __name__ == "__main__":
    main()
