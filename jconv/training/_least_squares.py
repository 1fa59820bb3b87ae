"""The closed form of what learning approaches step by step."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jconv._core import check


def least_squares_kernels(image: jax.Array, outputs: jax.Array, kernel_size: tuple[int, int]) -> jax.Array:
    r"""The kernels whose correlation with an image comes closest to given outputs.

    .. math:: \arg\min_k \sum_{i,j} \Big( \sum_{u,v} x[i + u, j + v]\, k[u, v] - y[i, j] \Big)^2

    Parameters
    ----------
    image : array (..., H, W)
    outputs : array (..., H - kh + 1, W - kw + 1, K)
        What K unknown kernels make of the image where they lie inside it (padding "VALID").
    kernel_size : (kh, kw)

    Returns
    -------
    array (kh, kw, K)

    Raises
    ------
    ValueError
        When the shapes do not fit, or when the image has fewer positions than the kernel has taps.

    Notes
    -----
    Solves `A k = y`, a row of A for each position of the kernel, by the singular values of A: the error grows with the
    condition number of A, not with its square as by the normal equations. Takes memory for A, kh·kw times the image. An
    image that leaves kernels undetermined, such as a constant one, gets the shortest of the best kernels.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, jconv
    >>> image = jax.random.normal(jax.random.key(0), (12, 12))
    >>> output = jconv.conv2d(image, jnp.array([[1.0, 2.0]]), padding="VALID")
    >>> least_squares_kernels(image, output[..., None], (1, 2))[..., 0].round(4)
    Array([[1., 2.]], dtype=float32)
    """
    image, outputs = jnp.asarray(image), jnp.asarray(outputs)
    kh, kw = check.per_axis("kernel_size", kernel_size, 2)
    if image.ndim < 2:
        raise ValueError(f"`image` must have shape (..., H, W), got {image.shape}")
    rows, cols = image.shape[-2] - kh + 1, image.shape[-1] - kw + 1
    if rows < 1 or cols < 1:
        raise ValueError(f"`kernel_size` {(kh, kw)} is larger than the image {image.shape[-2:]}; use a smaller kernel")
    wanted = (*image.shape[:-2], rows, cols)
    if outputs.shape[:-1] != wanted:
        raise ValueError(f"`outputs` must have shape {(*wanted, 'K')}, got {outputs.shape}; make them with 'VALID'")
    shifted = [image[..., u : u + rows, v : v + cols] for u in range(kh) for v in range(kw)]
    design = jnp.stack([s.ravel() for s in shifted], axis=-1)
    targets = outputs.reshape(-1, outputs.shape[-1])
    if len(design) < kh * kw:
        raise ValueError(f"`image` offers {len(design)} positions for {kh * kw} taps; use a larger image")
    # The usual cut-off grows with the number of rows, and would take a photograph's fine detail for rounding.
    cutoff = kh * kw * float(jnp.finfo(design.dtype).eps)
    return jnp.linalg.lstsq(design, targets, rcond=cutoff)[0].reshape(kh, kw, -1)
