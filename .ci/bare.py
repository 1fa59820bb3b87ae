"""What `pip install jconv` alone must do: the engine works, and nothing is there that only extras need."""

import importlib
import importlib.metadata

import jax.numpy as jnp

import jconv

EXTRAS = ("flax", "optax", "orbax-checkpoint", "tqdm", "numba", "matplotlib")
SUBPACKAGES = {"nn": "nn", "training": "train", "tasks": "train", "plotting": "plot"}


def is_installed(package: str) -> bool:
    """Whether a package is installed here."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


assert importlib.metadata.version("jconv") == jconv.__version__
assert not [package for package in EXTRAS if is_installed(package)]

with jconv.accelerate():
    assert jconv.conv2d(jnp.ones((5, 5)), jnp.ones((3, 3))).shape == (5, 5)
for name in ("signal", "ndimage", "kernels", "continuous", "data"):
    importlib.import_module(f"jconv.{name}")
for name, extra in SUBPACKAGES.items():
    message = "it needs no extra"
    try:
        importlib.import_module(f"jconv.{name}")
    except jconv.MissingPackageError as error:
        message = str(error)
    assert f"pip install 'jconv[{extra}]'" in message, f"jconv.{name}: {message}"
print(f"jconv {jconv.__version__} works with JAX and NumPy alone")
