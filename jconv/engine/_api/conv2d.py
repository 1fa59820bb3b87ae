"""The textbook's convolution of an image with a kernel, channels last, with the double sum written out beside XLA's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv._core import check
from jconv._core.same_padding import same_padding
from jconv.engine._plan import Plan
from jconv.engine._policy import policy_of
from jconv.engine._primitive import convolve
from jconv.engine._problem import Geometry

Padding = str | int | Sequence[int] | Sequence[tuple[int, int]]


def conv2d(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    strides: int | Sequence[int] = 1,
    padding: Padding = "SAME",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    flip: bool = False,
    algorithm: str | Plan = "auto",
) -> jax.Array:
    r"""Slide a kernel over an image and sum the products, as the layers of a convolutional network do.

    .. math:: y[i, j, o] = \sum_{u, v, c} x[s_1 i + d_1 u - p_1,\; s_2 j + d_2 v - p_2,\; c]\; k[u, v, c, o]

    Zeros stand outside the image. This is a correlation; `flip=True` turns the kernel by 180 degrees first, which
    makes it the convolution of mathematics.

    Parameters
    ----------
    image : array (..., H, W, C_in), or a plain grey image (H, W)
    kernel : array (kh, kw, C_in // groups, C_out), or (kh, kw) for a plain grey image
    strides : int or (int, int)
        Step of the output over the image. Default 1.
    padding : "SAME", "VALID", int, (int, int) or ((top, bottom), (left, right))
        "SAME" gives ceil(H / s) rows, with the odd zero of an even kernel below and right; "VALID" pads nothing.
    dilation : int or (int, int)
        Distance between neighbouring taps of the kernel. Default 1.
    groups : int
        Channels fall into this many groups, each convolved with its own share of the kernels;
        `groups=C_in` is a depthwise convolution.
    flip : bool
        Whether to turn the kernel by 180 degrees first.
    algorithm : str or Plan
        "auto", the fastest that the planner knows for these shapes; "xla", which is `lax.conv_general_dilated`;
        "direct", the double sum itself; or the name of any other algorithm of `jconv.plan`'s table.

    Returns
    -------
    array (..., H_out, W_out, C_out), or (H_out, W_out) for a plain grey image
        Of the promoted dtype of the arguments.

    Raises
    ------
    ValueError, TypeError
        When ranks, channel counts or options do not fit, or when the kernel reaches over the padded image.

    Notes
    -----
    Costs `H_out W_out kh kw (C_in / groups) C_out` multiply-adds. All algorithms give the same numbers and the same
    gradients to rounding, in forward and reverse mode; they are bilinear, so their gradients are convolutions too.
    It is `jax.lax.conv_general_dilated` with dimension numbers NHWC, HWIO, NHWC.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> conv2d(jnp.eye(3), jnp.ones((2, 2)), padding="VALID")
    Array([[2., 1.],
           [1., 2.]], dtype=float32)
    """
    image, kernel = jnp.asarray(image), jnp.asarray(kernel)
    grey = kernel.ndim == 2
    if grey:
        check.rank("image", image, 2, "a kernel (kh, kw) takes one grey image (H, W); give channels to both otherwise")
        image, kernel = image[..., None], kernel[..., None, None]
    check.rank("kernel", kernel, 4, "pass (kh, kw, C_in // groups, C_out), or (kh, kw) for a grey image")
    if image.ndim < 3:
        raise ValueError(
            f"`image` must have rank 3 or more for a kernel of rank 4, got shape {image.shape}; pass image[..., None] "
            "for a grey image"
        )
    check.not_empty("kernel", kernel)
    if 0 in image.shape[-3:]:
        raise ValueError(f"`image` must have at least one row, column and channel, got shape {image.shape}")
    dtype = jnp.result_type(image, kernel)
    if dtype == jnp.bool_:
        raise TypeError("`image` and `kernel` must be numbers, got bool for both; cast one with .astype(float)")
    groups = check.positive_int("groups", groups)
    channels, (*taps, share, features) = image.shape[-1], kernel.shape
    if channels != share * groups:
        raise ValueError(
            f"`image` has {channels} channels, but `kernel` of shape {kernel.shape} with groups={groups} takes "
            f"{share * groups}; the kernel's third axis must be C_in // groups"
        )
    if features % groups:
        raise ValueError(f"`kernel` makes {features} channels, which groups={groups} does not divide; change either")
    strides, dilation = (
        tuple(check.positive_int(name, v) for v in check.per_axis(name, value, 2))
        for name, value in (("strides", strides), ("dilation", dilation))
    )
    reach = tuple(d * (k - 1) + 1 for k, d in zip(taps, dilation))
    pads = explicit_padding(padding, image.shape[-3:-1], reach, strides)
    for size, (before, after), span in zip(image.shape[-3:-1], pads, reach):
        if size + before + after < span:
            raise ValueError(
                f"`kernel` of shape {kernel.shape[:2]} with dilation {dilation} is larger than the padded image, "
                f"which has {size} + {before} + {after} samples along an axis; use a smaller kernel or padding='SAME'"
            )
    policy = policy_of(algorithm)
    if flip:
        kernel = kernel[::-1, ::-1]
    geometry = Geometry(strides, pads, (1, 1), dilation, groups)
    batch = image.shape[:-3]
    stacked = image.reshape(math.prod(batch), *image.shape[-3:])
    out = convolve(stacked.astype(dtype), kernel.astype(dtype), geometry, policy=policy)
    out = out.reshape(*batch, *out.shape[1:])
    return out[..., 0] if grey else out


def explicit_padding(
    padding: Padding, sizes: Sequence[int], reach: Sequence[int], strides: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """Return the zeros (before, after) each axis that `padding` means; `reach` is the dilated size of the kernel."""
    remedy = "pass 'SAME', 'VALID', an integer, or one integer or (before, after) pair for each axis, none negative"
    if isinstance(padding, str):
        name = check.choice("padding", padding.upper(), ("SAME", "VALID"))
        if name == "VALID":
            return ((0, 0),) * len(sizes)
        return tuple(same_padding(n, r, s) for n, r, s in zip(sizes, reach, strides))
    try:
        entries = [padding] * len(sizes) if hasattr(padding, "__index__") else list(padding)  # type: ignore[arg-type]
        pairs = tuple(
            (check.integer("padding", p),) * 2
            if hasattr(p, "__index__")
            else tuple(check.integer("padding", q) for q in p)  # type: ignore[union-attr]
            for p in entries
        )
    except TypeError as error:
        raise TypeError(f"`padding` was {padding!r}; {remedy}") from error
    if len(pairs) != len(sizes) or any(len(p) != 2 or min(p) < 0 for p in pairs):
        raise ValueError(f"`padding` was {padding!r}; {remedy}")
    return pairs  # type: ignore[return-value]
