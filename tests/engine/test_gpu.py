"""What concerns GPUs: the benchmark's command everywhere, the algorithms themselves where there is one."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from tests.engine.problems import CASES
from tests.engine.test_algorithms import NAMES, check

ROOT = Path(__file__).parents[2]


def gpu():
    try:
        return jax.devices("gpu")[0]
    except RuntimeError:
        return None


def benchmark(*options):
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "benchmarks.gpu", *options]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.skipif(gpu() is not None, reason="there is a GPU")
def test_the_benchmark_says_that_there_is_no_gpu():
    done = benchmark()
    assert done.returncode == 2
    assert "no GPU" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_benchmark_writes_its_table(tmp_path):
    out = tmp_path / "table.md"
    done = benchmark("--platform", "cpu", "--cases", "1", "--seconds", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr[-2000:]
    text = out.read_text()
    assert "of 3 passes were timed" in text
    assert "| 3×3, 8×56×56×64→64 | forward |" in text


@pytest.mark.gpu
@pytest.mark.skipif(gpu() is None, reason="no GPU here: what runs on one is not tested")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_algorithm_on_a_gpu(case):
    with jax.default_device(gpu()):
        tried = [name for name in NAMES if check(case, name, "float64")]
    assert {"auto", "xla", "direct"} <= set(tried)
    assert "onednn" not in tried


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.skipif(gpu() is None, reason="no GPU here: its benchmark is not run")
def test_the_benchmark_on_a_gpu(tmp_path):
    out = tmp_path / "table.md"
    done = benchmark("--seconds", "60", "--out", str(out))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "passes were timed" in out.read_text()
