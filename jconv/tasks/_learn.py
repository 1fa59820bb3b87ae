"""The main job: kernels from what they make of a picture, whether they are known or come as files.

Known kernels are applied to a photograph and learned back, which shows that learning works; of pictures that another
program filtered, the kernels are found that did it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.wording import size_of
from jconv.tasks._learn_loop import Learned, apply_kernels, learn_bank
from jconv.tasks._learn_result import LearnResult
from jconv.training import Callback, Checkpoints, least_squares_kernels

LARGEST_SIDE = 512
_CLIPPED = 0.01
"""A guess: a larger share of pixels at the ends of the range bends a kernel noticeably."""


def learn_kernels(
    image: np.ndarray,
    truth: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
    steps: int = 1500,
    learning_rate: float = 0.03,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> LearnResult:
    r"""Learn a bank of kernels back from what they make of an image, from random initialization.

    .. math:: \min_k \| w * (k \star x - y) \|^2

    Parameters
    ----------
    image : array (H, W) or (H, W, C)
        Channels count as so many grey pictures. Of a larger picture the middle 512 × 512 pixels are used.
    truth : mapping of names to kernels (kh, kw)
        Only their outputs :math:`y` on the image enter the loss; the kernels themselves serve to measure the error.
    seed : int
        Decides the initial kernels and the order of the patches.
    steps : int
        Training steps. Default 1500.
    learning_rate : float
        Of Adam, falling to zero along a cosine.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    LearnResult

    Raises
    ------
    InputError
        When the image is too small for the kernels, constant, or holds NaN.
    NonFiniteError
        When learning diverges.

    Notes
    -----
    Each step takes 4 random patches of 64 × 64 pixels, so that its cost does not depend on the image.

    Examples
    --------
    >>> image = np.cumsum(np.random.default_rng(0).normal(size=(30, 30)), axis=1)
    >>> result = learn_kernels(image, {"edge": np.array([[-1.0, 0.0, 1.0]])}, steps=20)
    >>> result.learned.shape
    (1, 3, 1)
    """
    begin = time.perf_counter()
    planes, bank = jnp.asarray(_planes(image)), _bank(truth)
    _check_size(planes, bank.shape[:2])
    outputs = apply_kernels(planes, bank)
    found = learn_bank(
        planes,
        outputs,
        bank,
        seed=seed,
        steps=steps,
        learning_rate=learning_rate,
        callbacks=callbacks,
        checkpoints=checkpoints,
    )
    closed = least_squares_kernels(planes, outputs, (bank.shape[0], bank.shape[1]))
    return _result(tuple(truth), planes, outputs, bank, closed, found, seed=seed, begin=begin)


def learn_from_outputs(
    image: np.ndarray,
    outputs: Mapping[str, np.ndarray],
    kernel_size: tuple[int, int],
    *,
    seed: int = 0,
    steps: int = 1500,
    learning_rate: float = 0.03,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> LearnResult:
    """Learn unknown kernels from a picture and what they made of it, from random initialization.

    Parameters
    ----------
    image : array (H, W) or (H, W, C)
        The picture before. Of a larger one the middle 512 × 512 pixels are used.
    outputs : mapping of names to arrays of the same shape
        The picture after each of the unknown kernels; what depends on the border is left out.
    kernel_size : (kh, kw)
        Odd numbers of rows and columns of the kernels; a smaller kernel comes out with zeros around it.
    seed, steps, learning_rate, callbacks, checkpoints
        As in `learn_kernels`.

    Returns
    -------
    LearnResult
        Its `truth` is the answer of the closed form, `known` is False, and `losses` are the mean squared errors of the
        outputs.

    Raises
    ------
    InputError
        When the pictures differ in size, are constant, hold NaN, or are too small for the kernels.

    Warns
    -----
    UserWarning
        When more than one pixel in a hundred of an output is at the end of the range, as where negative values were cut
        off: no kernel makes such a picture exactly.

    Notes
    -----
    Learning and the closed form (`jconv.training.least_squares_kernels`) minimise the same error by two ways, so that
    their difference tells how far learning came.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((30, 30))
    >>> half = {"half": 0.5 * image}
    >>> learn_from_outputs(image, half, (3, 3), steps=20).least_squares[1, :, 0].round(4) + 0
    array([0. , 0.5, 0. ], dtype=float32)
    """
    begin = time.perf_counter()
    kh, kw = check.per_axis("kernel_size", kernel_size, 2)
    if not (kh > 0 and kw > 0 and kh % 2 and kw % 2):
        raise InputError(f"`kernel_size` must be odd, got {(kh, kw)}; the middle of the kernel lies on the pixel")
    if not outputs:
        raise InputError("no outputs were named; name at least one")
    planes = jnp.asarray(_planes(image))
    _check_size(planes, (kh, kw))
    inside = (slice(None), slice(kh // 2, planes.shape[1] - kh // 2), slice(kw // 2, planes.shape[2] - kw // 2))
    targets = []
    for name, output in outputs.items():
        if np.shape(output) != np.shape(image):
            raise InputError(
                f"the output {name!r} has shape {np.shape(output)} and the picture {np.shape(image)}; pass outputs of "
                "the picture's own size"
            )
        target = _planes(output)
        clipped = float(np.mean((target <= 0) | (target >= 1)))
        if clipped > _CLIPPED and target.min() >= 0 and target.max() <= 1:
            warnings.warn(
                f"{clipped:.0%} of the output {name!r} is black or white, as where values beyond the range were cut "
                "off; its kernel is rough. TIFF files of real numbers keep all values",
                stacklevel=2,
            )
        targets.append(target[inside])
    wanted = jnp.asarray(np.stack(targets, axis=-1))
    closed = least_squares_kernels(planes, wanted, (kh, kw))
    found = learn_bank(
        planes,
        wanted,
        closed,
        seed=seed,
        steps=steps,
        learning_rate=learning_rate,
        callbacks=callbacks,
        checkpoints=checkpoints,
    )
    return _result(tuple(outputs), planes, wanted, closed, closed, found, seed=seed, begin=begin, known=False)


def _result(
    names: tuple[str, ...],
    planes: jax.Array,
    outputs: jax.Array,
    truth: jax.Array,
    closed: jax.Array,
    found: Learned,
    *,
    seed: int,
    begin: float,
    known: bool = True,
) -> LearnResult:
    """Put together what was learned, with the error of every output and the time since `begin`."""
    losses = np.asarray(jnp.mean((apply_kernels(planes, found.learned) - outputs) ** 2, axis=(0, 1, 2)))
    return LearnResult(
        names=names,
        image=np.asarray(planes),
        truth=np.asarray(truth),
        start=np.asarray(found.start),
        learned=np.asarray(found.learned),
        least_squares=np.asarray(closed),
        losses=losses,
        errors=found.errors,
        seed=seed,
        seconds=time.perf_counter() - begin,
        known=known,
    )


def _check_size(planes: jax.Array, kernel_size: tuple[int, ...]) -> None:
    """Refuse a picture that does not determine the kernels."""
    kh, kw = kernel_size
    if any(n < 3 * k for n, k in zip(planes.shape[1:], kernel_size)):
        raise InputError(
            f"the image is {size_of(planes[0])}; kernels of {kh}×{kw} need at least {3 * kh}×{3 * kw} "
            "pixels to be determined: use a larger image or smaller kernels"
        )
    if not np.ptp(planes) > 1e-3:
        raise InputError("the image is constant, so that it determines no kernel; use one with some detail")


def _planes(image: np.ndarray) -> np.ndarray:
    """Check an image, and return the channels (C, H, W) of its middle."""
    image = np.asarray(image, np.float32)
    check.rank("image", image, (2, 3), "pass a grey (H, W) or a colour (H, W, C) picture")
    if not image.size:
        raise InputError(f"the image is empty, of shape {image.shape}; pass one with pixels")
    if not np.isfinite(image).all():
        raise InputError("the image holds NaN or infinity; replace them first")
    first = [max(0, (n - LARGEST_SIDE) // 2) for n in image.shape[:2]]
    image = image[first[0] : first[0] + LARGEST_SIDE, first[1] : first[1] + LARGEST_SIDE]
    return np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0)


def _bank(truth: Mapping[str, np.ndarray]) -> jax.Array:
    """Return the kernels in one array (kh, kw, K), each in the middle."""
    if not truth:
        raise InputError("no kernels were named; name at least one")
    sizes = [max(np.shape(k)[axis] for k in truth.values()) for axis in (0, 1)]
    padded = []
    for kernel in truth.values():
        before = [(n - 1) // 2 - (k - 1) // 2 for n, k in zip(sizes, np.shape(kernel))]
        after = [n - k - b for n, k, b in zip(sizes, np.shape(kernel), before)]
        padded.append(np.pad(np.asarray(kernel, np.float32), list(zip(before, after))))
    return jnp.asarray(np.stack(padded, axis=-1))
