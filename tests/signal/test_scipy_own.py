"""SciPy's own tests, run with jconv in SciPy's place (see `scipy_plugin.py`)."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.signal.scipy_exclusions import EXCLUDED

ROOT = pathlib.Path(__file__).parents[2]
# SciPy's test modules, and how many tests of each jconv is known to pass at least.
MODULES = {"signaltools": 1000, "upfirdn": 100, "savitzky_golay": 10, "fir_filter_design": 10, "bsplines": 1}


def run(tmp_path, modules, *options, **environment):
    """The plugin's report of a run of SciPy's test modules in a process of its own."""
    report = tmp_path / "report.json"
    env = dict(os.environ, PYTHONPATH=str(ROOT), SCIPY_PLUGIN_REPORT=str(report), **environment)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path), "-p"]
    command += ["tests.signal.scipy_plugin"]
    command += ["-p", "no:cacheprovider", "-q", "--tb=short", "-m", "not slow", *options, "--pyargs"]
    command += [f"scipy.signal.tests.test_{m}" for m in modules]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(report.read_text())
    failed = sorted(name for name, outcome in result["tests"].items() if outcome == "failed")
    print(f"\n{result['counts']} with {len(result['replaced'])} functions replaced; failed: {failed}")
    assert not failed, done.stdout[-6000:]
    return result


def test_a_part_passes(tmp_path):
    chosen = "TestConvolve2d or TestCorrelate2d or TestMedFilt or TestWiener or TestDeconvolve or lags"
    # Every call is another program: they are compiled as fast as those of this process.
    result = run(tmp_path, ["signaltools"], "-k", chosen, JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    assert result["counts"]["passed"] >= 50


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_all_pass_but_the_excluded(tmp_path, module):
    result = run(tmp_path, [module], "-n", "0")
    assert result["counts"]["passed"] >= MODULES[module]
    excluded = [name for name, outcome in result["tests"].items() if outcome == "excluded"]
    for pattern in EXCLUDED if module == "signaltools" else ():
        assert any(re.search(pattern, name) for name in excluded), f"{pattern!r} excludes nothing: remove it"
