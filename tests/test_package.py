"""The package imports lightly."""

import subprocess
import sys


def test_import_loads_neither_flax_optax_nor_matplotlib():
    code = "import sys, jconv; print(sorted({'flax', 'optax', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
