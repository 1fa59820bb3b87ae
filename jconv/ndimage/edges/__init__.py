"""Edges and ridges of images."""

from jconv.ndimage.edges._canny import canny
from jconv.ndimage.edges._ridges import frangi, hessian, meijering, sato
from jconv.ndimage.edges._tensors import eigenvalues, hessian_matrix, structure_tensor

__all__ = [
    "canny",
    "eigenvalues",
    "frangi",
    "hessian",
    "hessian_matrix",
    "meijering",
    "sato",
    "structure_tensor",
]
