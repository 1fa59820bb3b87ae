"""Pictures in folders: one folder for each class, or pictures and masks side by side."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.wording import size_of
from jconv.data._decode import picture_kind, read_picture
from jconv.data._images import load_image
from jconv.data._labelled import (
    PICTURES,
    Labelled,
    check_classes,
    check_labels,
    class_folders,
    list_files,
    load_each,
)


def image_folder(
    folder: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    skip_damaged: bool = False,
) -> Labelled:
    """Read pictures from a folder with a folder for each class, whose name is that of the class.

    Parameters
    ----------
    folder : path
        Holds a folder for each class.
    size : (rows, columns), optional
        Resize every picture to this; without it all must have one size already.
    channels : 1 or 3
        Grey or colour; pictures of the other kind are converted. Default 3.
    skip_damaged : bool
        Leave out what cannot be read, and list it in `skipped`. Default False.

    Returns
    -------
    Labelled
        Pictures (N, H, W, channels), float32 in [0, 1].

    Raises
    ------
    InputError
        When a picture cannot be read, a class has no pictures, or the pictures differ in size; the file is named.

    Examples
    --------
    >>> image_folder("no_such_folder")
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """
    files, labels, names = class_folders(folder, PICTURES)
    images, indices, skipped = load_each(
        lambda file: resize_image(load_image(file), size=size, channels=channels), files, skip_damaged=skip_damaged
    )
    _check_one_size(images, [files[i] for i in indices])
    loaded = np.asarray(labels, np.int32)[indices]
    check_classes(loaded, names, "picture")
    return Labelled(np.stack(images), loaded, names, tuple(skipped))


def mask_folders(
    images: str | os.PathLike[str],
    masks: str | os.PathLike[str],
    *,
    classes: int,
    channels: int = 3,
    skip_damaged: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Read pictures, and for each a mask that holds the class of each pixel.

    Parameters
    ----------
    images, masks : path
        Two folders; a picture and its mask have the same name, apart from the ending.
    classes : int
        The number of classes; a mask's levels are 0 … classes − 1.
    channels : 1 or 3
        Grey or colour. Default 3.
    skip_damaged : bool
        Leave out pairs of which one cannot be read. Default False.

    Returns
    -------
    pictures : array (N, H, W, channels)
        float32 in [0, 1].
    masks : array (N, H, W)
        int32.

    Raises
    ------
    InputError
        When a mask is missing, has another size than its picture, or holds a level outside the classes, or when the
        pictures differ in size; the file is named.

    Examples
    --------
    >>> mask_folders("no_such_folder", "masks", classes=2)
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """
    pairs_of_files = mask_pairs(images, masks)
    pairs, indices, _ = load_each(
        lambda pair: load_pair(pair, classes, channels), pairs_of_files, skip_damaged=skip_damaged
    )
    _check_one_size([image for image, _ in pairs], [pairs_of_files[i][0] for i in indices])
    return np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])


def mask_pairs(images: str | os.PathLike[str], masks: str | os.PathLike[str]) -> list[tuple[Path, Path | None]]:
    """List the pictures of a folder, each with the mask of its name in another.

    Parameters
    ----------
    images, masks : path
        Two folders; a picture and its mask have the same name, apart from the ending.

    Returns
    -------
    list of (path, path or None)
        None where there is no mask.

    Raises
    ------
    InputError
        When one of the folders does not exist or is empty.

    Examples
    --------
    >>> mask_pairs("no_such_folder", "masks")
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """
    files = list_files(images)
    by_stem = {path.relative_to(masks).with_suffix(""): path for path in list_files(masks)}
    return [(file, by_stem.get(file.relative_to(images).with_suffix(""))) for file in files]


def load_pair(pair: tuple[Path, Path | None], classes: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a picture and its mask.

    Parameters
    ----------
    pair : (path, path or None)
        As from `mask_pairs`.
    classes : int
        The number of classes.
    channels : 1 or 3
        Grey or colour.

    Returns
    -------
    image : array (H, W, channels)
        float32 in [0, 1].
    mask : array (H, W)
        int32 in 0 … classes − 1.

    Raises
    ------
    InputError
        When the mask is missing, one of the files cannot be read, or they differ in size.

    Examples
    --------
    >>> load_pair((Path("a.png"), None), 2, 3)
    Traceback (most recent call last):
    jconv.InputError: the picture 'a.png' has no mask of that name; add it
    """
    file, mask_file = pair
    if mask_file is None:
        raise InputError(f"the picture {str(file)!r} has no mask of that name; add it")
    image, mask = resize_image(load_image(file), channels=channels), load_mask(mask_file, classes)
    if image.shape[:2] != mask.shape:
        raise InputError(
            f"the mask {str(mask_file)!r} is {size_of(mask)} and its picture {str(file)!r} {size_of(image)}; "
            "make both of one size"
        )
    return image, mask


def load_mask(path: str | os.PathLike[str], classes: int) -> np.ndarray:
    """Read a picture file whose levels are classes.

    Parameters
    ----------
    path : path
        A grey picture of 1, 8 or 16 bits, or one with a palette, whose indices count.
    classes : int
        The number of classes.

    Returns
    -------
    array (H, W)
        int32 in 0 … classes − 1.

    Raises
    ------
    InputError
        When the file cannot be read, has colours, or holds a level outside the classes.

    Examples
    --------
    >>> load_mask("no_such_file.png", 2)
    Traceback (most recent call last):
    jconv.InputError: cannot read the image 'no_such_file.png': no such file
    """
    path = Path(path)
    picture = read_picture(path)  # which says what is wrong with the file, and checks its size
    levels = picture.frames[0]
    if picture.palette:
        with needed("PIL.Image", "data").open(path, formats=[picture_kind(path)]) as indices:
            levels = np.asarray(indices)
    if levels.ndim != 2 or len(picture.frames) > 1:
        shape = levels.shape if len(picture.frames) == 1 else picture.frames.shape
        raise InputError(f"the mask {str(path)!r} has shape {shape}; save it as a grey picture")
    return check_labels(levels.astype(np.uint8) if levels.dtype == bool else levels, classes, f"the mask {str(path)!r}")


def resize_image(image: np.ndarray, *, size: tuple[int, int] | None = None, channels: int = 3) -> np.ndarray:
    """Bring a picture to a size and a number of channels.

    Parameters
    ----------
    image : array (H, W) or (H, W, 3)
        Real numbers.
    size : (rows, columns), optional
        The new size, by bilinear interpolation that is antialiased. Default: as it is.
    channels : 1 or 3
        Grey, the mean of the colours, or colour. Default 3.

    Returns
    -------
    array (rows, columns, channels)
        float32.

    Raises
    ------
    ValueError
        When `channels` is neither 1 nor 3.

    Examples
    --------
    >>> resize_image(np.ones((4, 6)), size=(2, 3)).shape
    (2, 3, 3)
    """
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3, got {channels}; pass 1 for grey and 3 for colour")
    if channels == 1:
        image = (image.mean(axis=-1) if image.ndim == 3 else image)[..., None]
    elif image.ndim == 2:
        image = np.dstack([image] * 3)
    if size is None:
        return image.astype(np.float32)
    rows, columns = check.per_axis("size", size, 2)
    pillow = needed("PIL.Image", "data")
    planes = [pillow.fromarray(np.ascontiguousarray(image[..., c], np.float32)) for c in range(channels)]
    return np.dstack([np.asarray(p.resize((columns, rows), pillow.Resampling.BILINEAR)) for p in planes])


def _check_one_size(images: list[np.ndarray], files: list[Path]) -> None:
    for image, file in zip(images, files):
        if image.shape != images[0].shape:
            raise InputError(
                f"{str(file)!r} is {size_of(image)} and {str(files[0])!r} {size_of(images[0])}; pass a `size` to "
                "resize to"
            )
