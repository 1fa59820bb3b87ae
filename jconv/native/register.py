"""Importing this module registers all native loops with XLA.

A program that jconv traces registers its loops itself. A program that another process compiled and serialised
(`jax.experimental.serialize_executable`) looks for them by name, so import this module before it is loaded.
"""

from jconv.native._availability import refusal
from jconv.native._build import register
from jconv.native._kernels import KERNELS

if (_reason := refusal()) is not None:
    raise ImportError(f"native loops cannot be used here: {_reason}")
for _kernel in KERNELS:
    register(_kernel)
