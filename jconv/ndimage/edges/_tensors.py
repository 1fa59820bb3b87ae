"""Second-order structure: `structure_tensor`, `hessian_matrix`, and the `eigenvalues` of both."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage.enhancement._enhance import gaussian_smooth
from jconv.ndimage.linear._derivatives import sobel
from jconv.ndimage.linear._gaussian import gaussian_filter1d


def structure_tensor(
    input: ArrayLike,
    sigma: Number | Sequence[Number] = 1.0,
    mode: str = "constant",
    cval: Value = 0.0,
    *,
    radius: int | None = None,
) -> jax.Array:
    r"""Average the products of the Sobel derivatives under a Gaussian.

    .. math:: S_{ab} = g_\sigma * (\partial_a x\, \partial_b x)

    Parameters
    ----------
    input : array of rank n, real
        The image.
    sigma : number or one for each axis
        Of the Gaussian, in samples; may be traced. Default 1.
    mode, cval
        As for `jconv.ndimage.correlate`, but the default mode is "constant".
    radius : int, optional
        Radius of the Gaussian's kernel in samples; must be given where `sigma` is traced. Default: four standard
        deviations.

    Returns
    -------
    array (n (n + 1) / 2, \*shape of `input`)
        The upper triangle, in the order (0, 0), (0, 1), …, (1, 1), ….

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `jconv.ndimage.gaussian_filter`.

    Notes
    -----
    Differentiable in the image and `sigma`. scikit-image's `structure_tensor`.

    Examples
    --------
    >>> structure_tensor(jnp.arange(25.0).reshape(5, 5)).shape
    (3, 5, 5)
    """
    x, _ = _output.floating(arguments.image(input, real=True))
    slopes = [sobel(x, axis, mode=mode, cval=cval) for axis in range(x.ndim)]
    pairs = itertools.combinations_with_replacement(slopes, 2)
    return jnp.stack([gaussian_smooth(a * b, sigma, mode, cval, radius=radius) for a, b in pairs])


def hessian_matrix(
    input: ArrayLike,
    sigma: Number | Sequence[Number] = 1.0,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    radius: int | None = None,
) -> jax.Array:
    r"""Differentiate the Gaussian-smoothed image twice, along all pairs of axes.

    .. math:: H_{ab} = \partial_a \partial_b\, g_\sigma * x

    Parameters
    ----------
    input : array of rank n, real
        The image.
    sigma : number or one for each axis
        Of the Gaussian, in samples, above zero; may be traced. Default 1.
    mode, cval
        As for `jconv.ndimage.correlate`.
    radius : int, optional
        Radius in samples of the kernels of both passes; must be given where `sigma` is traced. Default: 8 standard
        deviations of a pass where all sigmas exceed one, else all that is not zero.

    Returns
    -------
    array (n (n + 1) / 2, \*shape of `input`)
        The upper triangle, as `structure_tensor` orders it.

    Raises
    ------
    ValueError
        For a `sigma` that is not positive.
    RuntimeError, TypeError
        As `jconv.ndimage.gaussian_filter`.

    Notes
    -----
    Two passes of first derivatives at σ/√2. Differentiable in the image and `sigma`. scikit-image's `hessian_matrix`
    with ``use_gaussian_derivatives=True``.

    Examples
    --------
    >>> hessian_matrix(jnp.arange(9.0) ** 2, 1.0)[0, 4].round(1).item()
    2.0
    """
    x, _ = _output.floating(arguments.image(input, real=True))
    sigmas = [arguments.positive("sigma", s, "a scale in samples") for s in arguments.sequence("sigma", sigma, x.ndim)]
    arguments.radius_of_traced("radius", radius, sigmas)
    narrow = [s / math.sqrt(2) for s in sigmas]
    radii = [radius] * x.ndim if radius is not None else hessian_radii(sigmas, x.dtype)

    def along(axis: int, order: int, images: list[jax.Array]) -> list[jax.Array]:
        """One pass over several images at once: a program for each is what compiling takes its time over."""
        options = {"mode": mode, "cval": cval, "radius": radii[axis]}
        return list(gaussian_filter1d(jnp.stack(images), narrow[axis], axis + 1, order, **options)) if images else []

    def slopes(images: list[jax.Array], least: list[int]) -> dict[tuple[int, int | None], jax.Array]:
        """Differentiate, smoothed along all axes, each image i along axis `least[i]` and those after it."""
        level: dict[tuple[int, int | None], jax.Array] = {(i, None): image for i, image in enumerate(images)}
        for axis in range(x.ndim):
            differentiated = [key for key in level if key[1] is None and axis >= least[key[0]]]
            smooth = [key for key in level if key[1] is not None or axis < x.ndim - 1]
            new = dict(zip(smooth, along(axis, 0, [level[key] for key in smooth])))
            new |= {
                (i, axis): y for (i, _), y in zip(differentiated, along(axis, 1, [level[k] for k in differentiated]))
            }
            level = new
        return level

    first = slopes([x], [0])
    second = slopes([first[0, a] for a in range(x.ndim)], list(range(x.ndim)))
    return jnp.stack([second[pair] for pair in itertools.combinations_with_replacement(range(x.ndim), 2)])


def hessian_radii(sigmas: Sequence[Number], dtype: np.dtype) -> list[int]:
    """scikit-image's radii of the kernels of both passes, without the taps that are zero in `dtype`."""
    narrow = [float(s) / math.sqrt(2) for s in sigmas]
    truncate = 8 if all(s > 1 for s in sigmas) else 100
    vanishing = math.sqrt(-2 * math.log(float(jnp.finfo(dtype).smallest_subnormal)))
    return [min(int(truncate * s + 0.5), math.ceil(vanishing * s) + 1) for s in narrow]


def eigenvalues(elements: ArrayLike) -> jax.Array:
    r"""Find the eigenvalues, descending, of symmetric matrices whose upper triangles are given.

    .. math:: \det(S - \lambda I) = 0, \quad \lambda_0 \ge \lambda_1 \ge \dots

    Parameters
    ----------
    elements : array (n (n + 1) / 2, \*shape), real
        Upper triangles, as `structure_tensor` and `hessian_matrix` return them.

    Returns
    -------
    array (n, \*shape)
        The eigenvalues of each matrix, the largest first.

    Raises
    ------
    ValueError
        Where the first axis does not hold an upper triangle.

    Notes
    -----
    In closed form for n up to 2. Where two eigenvalues of a 2 by 2 matrix meet, the derivative of their distance is
    taken as zero. scikit-image's `hessian_matrix_eigvals`.

    Examples
    --------
    >>> eigenvalues([2.0, 1.0, 2.0]).tolist()
    [3.0, 1.0]
    """
    triangle, _ = _output.floating(arguments.image(elements, "elements", real=True))
    count = triangle.shape[0] if triangle.ndim else 0
    n = (math.isqrt(8 * count + 1) - 1) // 2
    if n * (n + 1) // 2 != count or n == 0:
        raise ValueError(f"`elements` must hold an upper triangle, got {count} elements; 3 are 2 by 2")
    if n == 1:
        return triangle
    if n == 2:
        a, b, c = triangle
        squared = b**2 + ((a - c) / 2) ** 2
        half = jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1)), squared)
        return jnp.stack([(a + c) / 2 + half, (a + c) / 2 - half])
    index = np.zeros((n, n), int)
    index[np.triu_indices(n)] = np.arange(count)
    index = np.maximum(index, index.T)
    matrices = jnp.moveaxis(triangle[index], (0, 1), (-2, -1))
    # A matrix that is not finite has no eigenvalues, and must not spoil those of its neighbours.
    finite = jnp.isfinite(matrices).all((-2, -1))
    values = jnp.linalg.eigvalsh(jnp.where(finite[..., None, None], matrices, 0))[..., ::-1]
    return jnp.moveaxis(jnp.where(finite[..., None], values, jnp.nan), -1, 0)
