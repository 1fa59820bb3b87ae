"""Whether jaxlib's oneDNN calls can be used here: asked once, in a child process, and remembered in a file.

A wrong configuration aborts the process, and the interface is internal to XLA; so a child tries it first, and compares
the results with sums taken by NumPy. The answer holds for one jaxlib version and one processor.
`JCONV_ONEDNN=0` switches oneDNN off; `JCONV_ONEDNN=1` trusts it without a probe.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import jaxlib

from jconv._core.cache import cache_dir
from jconv._core.environment import switch
from jconv._core.files import write_json

_FORMS = 3  # of calls that are probed: an answer to fewer of them is asked for again
_CODE = "from jconv.engine._onednn_probe import check_here; check_here()"


@functools.cache
def refusal() -> str | None:
    """None where oneDNN's calls work, else the reason why they are not used."""
    wanted = switch("JCONV_ONEDNN")
    if wanted is not None:
        return None if wanted else "switched off by JCONV_ONEDNN"
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        return "jaxlib carries oneDNN on x86-64 Linux only"
    return _remembered()


def _key() -> str:
    facts = [_FORMS, jaxlib.__version__, platform.machine(), _processor()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    return next((line for line in text.splitlines() if line.startswith("flags")), "")


def _remembered() -> str | None:
    path = cache_dir() / f"onednn-{_key()}.json"
    try:
        answer = json.loads(path.read_text())["refusal"]
        if answer is None or isinstance(answer, str):
            return answer
    except (OSError, ValueError, KeyError, TypeError):
        pass
    answer = _ask_child()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"refusal": answer, "jaxlib": jaxlib.__version__})
    except OSError:
        pass  # a read-only home costs a probe in each process, nothing else
    return answer


def _ask_child() -> str | None:
    env = {**os.environ, "JCONV_ONEDNN": "1", "JAX_PLATFORMS": "cpu", "JCONV_ACCELERATE": "0"}
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    try:
        done = subprocess.run([sys.executable, "-c", _CODE], env=env, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the probe did not run: {type(error).__name__}"
    if done.returncode == 0 and done.stdout.strip().endswith("right"):
        return None
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return f"the probe failed: {last[:200]}"


def check_here() -> None:
    """Try the calls in this process and print "right" if they give the right sums; may abort the process."""
    import jax
    import numpy as np

    from jconv.engine._problem import Problem
    from jconv.engine.algorithms import onednn
    from jconv.engine.algorithms._parts import products

    rng = np.random.default_rng(0)
    for shape, kernel, strides, padding, dilation, groups in (
        ((2, 9, 11, 5), (3, 2, 5, 7), (2, 1), ((1, 0), (2, 1)), (1, 2), 1),
        ((1, 8, 8, 32), (3, 3, 1, 32), (1, 1), ((1, 1), (1, 1)), (1, 1), 32),
        ((2, 33, 16), (5, 8, 32), (3,), ((2, 2),), (1,), 2),
        ((1, 5, 6, 7, 3), (3, 3, 3, 3, 4), (1, 1, 2), ((1, 1),) * 3, (1, 1, 1), 1),
        ((5, 8, 9, 4), (7, 8, 4, 6), (1, 1), ((1, 1), (0, 1)), (1, 1), 1),
        ((1, 30, 30, 8), (5, 5, 1, 8), (1, 1), ((4, 4), (4, 4)), (2, 2), 8),
        ((2, 33, 16), (31, 1, 16), (1,), ((15, 15),), (1,), 16),
        ((1, 3, 6, 6, 16), (3, 6, 6, 1, 16), (1, 1, 1), ((0, 0), (1, 1), (1, 1)), (1, 1, 1), 16),
    ):
        ones = (1,) * len(strides)
        problem = Problem(shape, kernel, strides, padding, ones, dilation, groups, "float32")
        x, w = (rng.standard_normal(s).astype(np.float32) for s in (shape, kernel))
        got = np.asarray(jax.jit(lambda x, w, p=problem: onednn.apply(p, x, w, None))(x, w))
        np.testing.assert_allclose(got, _loops(problem, x, w), rtol=1e-4, atol=1e-4)
    for batch in ((), (3,)):
        a, b = (rng.standard_normal((*batch, *shape)).astype(np.float32) for shape in ((5, 17), (17, 6)))
        np.testing.assert_allclose(jax.jit(products.onednn_product)(a, b), a @ b, rtol=1e-4, atol=1e-4)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((2, 3, 1, 17, 5), (2, 1, 4, 17, 6)))
    pairs = jax.jit(lambda a, b: products.onednn_product(a, b, transpose_a=True))(a, b)
    np.testing.assert_allclose(pairs, np.swapaxes(a, -1, -2) @ b, rtol=1e-4, atol=1e-4)
    print("right")


def _loops(problem, x, w):
    """The canonical sum, tap by tap in NumPy."""
    import itertools

    import numpy as np

    padded = np.pad(x, ((0, 0), *problem.padding, (0, 0)))
    out = np.zeros(problem.out_shape)
    inputs, outputs = problem.in_channels, problem.multiplier
    for tap in itertools.product(*map(range, problem.taps)):
        window = tuple(
            slice(d * t, d * t + s * (o - 1) + 1, s)
            for d, t, s, o in zip(problem.rhs_dilation, tap, problem.strides, problem.out_space)
        )
        for g in range(problem.groups):
            samples = padded[(slice(None), *window, slice(g * inputs, (g + 1) * inputs))]
            out[..., g * outputs : (g + 1) * outputs] += samples @ w[tap][:, g * outputs : (g + 1) * outputs]
    return out
