"""Pictures in folders: one folder for each class, or pictures and masks side by side."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv.data._images import load_image, size_of
from jconv.data._labelled import Labelled, check_labels, class_folders, existing_folder, files_in, load_each

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def image_folder(
    folder: str | os.PathLike,
    *,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    skip_damaged: bool = False,
) -> Labelled:
    """Pictures from a folder with a folder for each class, whose name is that of the class.

    Parameters
    ----------
    folder : path
    size : (rows, columns), optional
        Resize every picture to this; without it all must be of one size already.
    channels : 1 or 3
        Grey or colour.
    skip_damaged : bool
        Leave out what cannot be read, and tell of it in `skipped`.

    Returns
    -------
    Labelled
        Pictures (N, H, W, channels), float32 in [0, 1].

    Raises
    ------
    InputError
        For a picture that cannot be read, a class without pictures, or pictures of different sizes; it is named.
    """
    files, labels, names = class_folders(folder, ENDINGS)
    images, kept, skipped = load_each(
        lambda file: fitted(load_image(file), size=size, channels=channels), files, skip_damaged=skip_damaged
    )
    _one_size(images, [files[i] for i in kept])
    found = np.asarray(labels, np.int32)[kept]
    if missing := [name for label, name in enumerate(names) if label not in found]:
        raise InputError(f"of the classes {', '.join(map(repr, missing))} no picture could be read; add some")
    return Labelled(np.stack(images), found, names, tuple(skipped))


def mask_folders(
    images: str | os.PathLike,
    masks: str | os.PathLike,
    *,
    classes: int,
    channels: int = 3,
    skip_damaged: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, and for each a mask of the same name (its ending apart) and size that holds the class of each pixel.

    Parameters
    ----------
    images, masks : paths
    classes : int
        The masks' grey levels are 0 … classes − 1, as whole numbers.
    channels : 1 or 3
    skip_damaged : bool
        Leave out pairs of which one cannot be read.

    Returns
    -------
    (pictures (N, H, W, channels) float32, masks (N, H, W) int32)

    Raises
    ------
    InputError
        Where a mask is missing, of another size than its picture, or holds a level outside the classes, or where the
        pictures are not all of one size; the file is named.
    """
    root, other = existing_folder(images), existing_folder(masks)
    files = files_in(root, ENDINGS)
    if not files:
        raise InputError(f"the folder {str(root)!r} holds no file that ends in {', '.join(ENDINGS)}; add some")
    by_stem = {path.relative_to(other).with_suffix(""): path for path in files_in(other, ENDINGS)}

    def pair(file: Path) -> tuple[np.ndarray, np.ndarray]:
        mask_file = by_stem.get(file.relative_to(root).with_suffix(""))
        if mask_file is None:
            raise InputError(f"the picture {str(file)!r} has no mask of that name in {str(other)!r}; add it")
        image, mask = fitted(load_image(file), size=None, channels=channels), load_mask(mask_file, classes)
        if image.shape[:2] != mask.shape:
            raise InputError(
                f"the mask {str(mask_file)!r} is {size_of(mask)} and its picture {str(file)!r} {size_of(image)}; "
                "make both of one size"
            )
        return image, mask

    pairs, kept, _ = load_each(pair, files, skip_damaged=skip_damaged)
    _one_size([image for image, _ in pairs], [files[i] for i in kept])
    return np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])


def load_mask(path: str | os.PathLike, classes: int) -> np.ndarray:
    """A picture file whose grey levels are classes, as (H, W) int32; palettes count by their indices."""
    load_image(path)  # which says what is wrong with the file
    if Path(path).suffix.lower() in (".tif", ".tiff"):
        levels = needed("tifffile", "data").imread(path)
    else:
        with needed("PIL.Image", "data").open(path) as picture:
            levels = np.asarray(picture)
    if levels.ndim != 2:
        raise InputError(f"the mask {str(path)!r} has shape {levels.shape}; save it as a grey picture")
    return check_labels(levels.astype(np.uint8) if levels.dtype == bool else levels, classes, f"the mask {str(path)!r}")


def fitted(image: np.ndarray, *, size: tuple[int, int] | None, channels: int) -> np.ndarray:
    """A picture (H, W) or (H, W, 3) as (rows, columns, channels), resized with an antialiasing filter."""
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


def _one_size(images: list[np.ndarray], files: list[Path]) -> None:
    for image, file in zip(images, files):
        if image.shape != images[0].shape:
            raise InputError(
                f"{str(file)!r} is {size_of(image)} and {str(files[0])!r} {size_of(images[0])}; pass a `size` to "
                "resize to"
            )
