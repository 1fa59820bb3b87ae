"""Importing this module registers the native loops whose machine code lies in jconv's cache directory.

A program that jconv traces registers its loops itself. A program that another process compiled and serialised
(`jax.experimental.serialize_executable`) looks for them by name, so import this module before it is loaded. Where the
cache is empty, `register_all()` compiles every loop, which takes minutes.
"""

from __future__ import annotations

from jconv.native._availability import refusal
from jconv.native._build import is_cached, register
from jconv.native._kernels import KERNELS


def register_all() -> None:
    """Register every loop, and compile those that are not in the cache."""
    for kernel in KERNELS:
        register(kernel)


if refusal() is None:
    for _kernel in filter(is_cached, KERNELS):
        register(_kernel)
