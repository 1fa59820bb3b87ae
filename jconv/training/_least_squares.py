"""The closed form of what learning approaches step by step."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv._core import check


def least_squares_kernels(image: ArrayLike, outputs: ArrayLike, kernel_size: tuple[int, int]) -> jax.Array:
    r"""Compute the kernels whose correlation with an image comes closest to given outputs.

    .. math:: \arg\min_k \sum_{i,j} \Big( \sum_{u,v} x[i + u, j + v]\, k[u, v] - y[i, j] \Big)^2

    Parameters
    ----------
    image : array (..., H, W)
        The input of the unknown kernels; several along the leading axes.
    outputs : array (..., H - kh + 1, W - kw + 1, K), or (..., H, W, K), with or without the last axis
        What K unknown kernels make of the image: where they lie inside it (padding "VALID"), or, of the image's own
        size, with an odd kernel's middle on the pixel; of the latter what depends on the border is left out.
    kernel_size : (kh, kw)
        Rows and columns of the kernels.

    Returns
    -------
    array (kh, kw, K)
        Without the last axis where `outputs` has none.

    Raises
    ------
    ValueError
        When the shapes do not fit, the image has fewer positions than the kernel has taps, or an even kernel is to be
        found from outputs of the image's own size, where its middle is undefined.

    Notes
    -----
    Solves `A k = y`, a row of A for each position of the kernel, by the singular values of A: the error grows with the
    condition number of A, not with its square as by the normal equations. Takes memory for A, kh·kw times the image. An
    image that leaves kernels undetermined, such as a constant one, gets the shortest of the best kernels. Integers are
    converted to float32.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, jconv
    >>> image = jax.random.normal(jax.random.key(0), (12, 12))
    >>> output = jconv.conv2d(image, jnp.array([[1.0, 2.0]]), padding="VALID")
    >>> least_squares_kernels(image, output, (1, 2)).round(4)
    Array([[1., 2.]], dtype=float32)
    """
    image, outputs = _as_real(image), _as_real(outputs)
    kh, kw = check.per_axis("kernel_size", kernel_size, 2)
    if image.ndim < 2:
        raise ValueError(f"`image` must have shape (..., H, W), got {image.shape}")
    rows, cols = image.shape[-2] - kh + 1, image.shape[-1] - kw + 1
    if rows < 1 or cols < 1:
        raise ValueError(f"`kernel_size` {(kh, kw)} is larger than the image {image.shape[-2:]}; use a smaller kernel")
    several = outputs.ndim == image.ndim + 1
    targets = outputs if several else outputs[..., None]
    valid = (*image.shape[:-2], rows, cols)
    if targets.shape[:-1] == image.shape and targets.shape[:-1] != valid:
        if not (kh % 2 and kw % 2):
            raise ValueError(
                f"`kernel_size` {(kh, kw)} must be odd for outputs of the image's size; or make them 'VALID'"
            )
        top, left = kh // 2, kw // 2
        targets = targets[..., top : top + rows, left : left + cols, :]
    if targets.shape[:-1] != valid:
        raise ValueError(f"`outputs` must have shape {(*valid, 'K')}, got {outputs.shape}; make them with 'VALID'")
    shifted = [image[..., u : u + rows, v : v + cols] for u in range(kh) for v in range(kw)]
    design = jnp.stack([s.ravel() for s in shifted], axis=-1)
    if len(design) < kh * kw:
        raise ValueError(f"`image` offers {len(design)} positions for {kh * kw} taps; use a larger image")
    # The usual cut-off grows with the number of rows, and would take a photograph's fine detail for rounding.
    cutoff = kh * kw * float(jnp.finfo(design.dtype).eps)
    kernels = jnp.linalg.lstsq(design, targets.reshape(-1, targets.shape[-1]), rcond=cutoff)[0].reshape(kh, kw, -1)
    return kernels if several else kernels[..., 0]


def _as_real(array: ArrayLike) -> jax.Array:
    array = jnp.asarray(array)
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(jnp.float32)
