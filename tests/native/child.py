"""Programs that tests run in a process of their own."""

import os
import subprocess
import sys


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter prints, in which JAX runs on CPU."""
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1", **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
