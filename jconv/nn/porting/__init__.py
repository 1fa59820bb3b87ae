"""Weights from and to PyTorch."""

from jconv.nn.porting._porting import from_torch, to_torch

__all__ = [
    "from_torch",
    "to_torch",
]
