"""Whether jaxlib's oneDNN calls can be used here: asked once, in a child process, and remembered in a file.

A wrong configuration aborts the process, and the interface is internal to XLA; so a child tries it first and compares
the results with those of XLA's own convolution and NumPy's products (`_onednn_check.py`). The answer holds for one
jaxlib version and one processor. `JCONV_ONEDNN=0` switches oneDNN off; `JCONV_ONEDNN=1` trusts its results without a
comparison.

On processors without AVX-512 the jaxlib of JAX 0.10 multiplies by oneDNN's `gemm`. For a batch of matrices that starts
a parallel loop inside a parallel loop, which XLA's thread pool queues behind the outer one: the program may wait for
ever. oneDNN says which code it takes (`ONEDNN_VERBOSE=1`), so that the child's output tells.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import jaxlib

from jconv._core.cache import cache_dir
from jconv._core.environment import switch
from jconv._core.files import write_json

_CHECK = Path(__file__).with_name("_onednn_check.py")
"""What the child runs: an answer to other checks than these is asked for again."""


class Answer(NamedTuple):
    """None where calls work, else the reason why they are not used: all of them, and products of several matrices."""

    refusal: str | None
    batched_products: str | None


@functools.cache
def answer() -> Answer:
    """Return what may be called in this process."""
    if switch("JCONV_ONEDNN_CHILD"):  # the child tries all calls
        return Answer(None, None)
    wanted = switch("JCONV_ONEDNN")
    if wanted is False:
        return _refuse("switched off by JCONV_ONEDNN")
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        return _refuse("jaxlib carries oneDNN on x86-64 Linux only")
    known = _remembered()
    return known._replace(refusal=None) if wanted else known


def refusal() -> str | None:
    """None where oneDNN's calls work, else the reason why they are not used."""
    return answer().refusal


def _refuse(reason: str) -> Answer:
    return Answer(reason, reason)


def _key() -> str:
    processor = (platform.machine(), _processor(), os.environ.get("ONEDNN_MAX_CPU_ISA"))
    facts = [_CHECK.read_text(), jaxlib.__version__, *processor]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    return next((line for line in text.splitlines() if line.startswith("flags")), "")


def _remembered() -> Answer:
    path = cache_dir() / f"onednn-{_key()}.json"
    try:
        content = json.loads(path.read_text())
        known = Answer(content["refusal"], content["batched_products"])
        if all(reason is None or isinstance(reason, str) for reason in known):
            return known
    except (OSError, ValueError, KeyError, TypeError):
        pass
    known = _ask_child()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**known._asdict(), "jaxlib": jaxlib.__version__})
    except OSError:
        pass  # a read-only home costs a probe in each process, nothing else
    return known


def _ask_child() -> Answer:
    env = {**os.environ, "JCONV_ONEDNN_CHILD": "1", "JAX_PLATFORMS": "cpu", "ONEDNN_VERBOSE": "1"}
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    command = [sys.executable, "-m", "jconv.engine._onednn_check"]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        return _refuse(f"the probe did not run: {type(error).__name__}")
    if done.returncode == 0 and done.stdout.strip().endswith("right"):
        return Answer(None, judge_products(done.stdout))
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return _refuse(f"the probe failed: {last[:200]}")


def judge_products(report: str) -> str | None:
    """Say why products of several matrices are not used, from what oneDNN reported with `ONEDNN_VERBOSE=1`."""
    codes = re.findall(r"^onednn_verbose,.*exec,cpu,matmul,([^,]*),", report, re.MULTILINE)
    if not codes:
        return "oneDNN did not report its code for products"
    if any(re.search(r"(^|:)(gemm|ref)", code) for code in codes):
        return "oneDNN's code for products on this processor starts parallel loops inside parallel loops"
    return None
