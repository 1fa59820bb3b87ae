"""Data in and out: pictures, sounds and data sets from files, as arrays; nothing is downloaded.

Whatever cannot be used is an `InputError` that names the file; damaged files in a folder are skipped only when asked.
"""

from jconv.data._binary import load_cifar, load_idx, load_mnist
from jconv.data._coco import Boxes, load_coco
from jconv.data._image_folders import image_folder, load_mask, mask_folders
from jconv.data._images import load_image, photograph, save_image
from jconv.data._labelled import Labelled, check_labels
from jconv.data._rows import load_rows
from jconv.data._sounds import Sound, SoundFolder, load_sound, save_sound, sound_folder
from jconv.data._stream import ImageFiles, stream

__all__ = [
    "Boxes",
    "ImageFiles",
    "Labelled",
    "Sound",
    "SoundFolder",
    "check_labels",
    "image_folder",
    "load_cifar",
    "load_coco",
    "load_idx",
    "load_image",
    "load_mask",
    "load_mnist",
    "load_rows",
    "load_sound",
    "mask_folders",
    "photograph",
    "save_image",
    "save_sound",
    "sound_folder",
    "stream",
]
