"""What works without the packages that only training needs."""

import subprocess
import sys

CODE = """
import sys
for name in "flax optax orbax tqdm matplotlib PIL imageio tifffile soundfile".split():
    sys.modules[name] = None
import jconv, jconv.signal, jconv.ndimage, jconv.continuous, jconv.kernels, jconv.data
from jconv.cli import main
try:
    jconv.training
except ImportError as error:
    assert isinstance(error, jconv.MissingPackageError) and isinstance(error, jconv.InputError)
else:
    raise AssertionError
sys.exit(main(["kernels", "identity"]) or main(["train", "digits"]))
"""


def test_kernels_are_listed_and_training_says_what_it_needs():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert "identity  3×3" in done.stdout
    assert done.returncode == 2
    assert done.stderr == "jconv: error: this needs the package 'flax'; install it with: pip install 'jconv[train]'\n"
