"""Edges and ridges of images."""

from jconv.ndimage.edges._edges import canny
from jconv.ndimage.edges._ridges import eigenvalues, frangi, hessian, hessian_matrix, meijering, sato, structure_tensor

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
