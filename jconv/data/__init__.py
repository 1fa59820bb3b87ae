"""Data in and out: pictures, sounds and data sets from files, as arrays; nothing is downloaded.

A file that cannot be used raises an `InputError` that names it; damaged files in a folder are skipped only when asked.
"""

from jconv._core.errors import InputError
from jconv.data._binary import load_cifar, load_idx, load_mnist
from jconv.data._coco import CocoAnnotations, load_coco
from jconv.data._decode import Picture, read_picture
from jconv.data._encode import write_picture
from jconv.data._image_folders import image_folder, load_mask, mask_folders
from jconv.data._images import load_frames, load_image, photograph, save_image
from jconv.data._labelled import Labelled, check_labels
from jconv.data._rows import load_rows
from jconv.data._sounds import Sound, SoundFolder, load_sound, save_sound, sound_folder
from jconv.data._stream import ImageFiles, stream

__all__ = [
    "CocoAnnotations",
    "ImageFiles",
    "InputError",
    "Labelled",
    "Picture",
    "Sound",
    "SoundFolder",
    "check_labels",
    "image_folder",
    "load_cifar",
    "load_coco",
    "load_frames",
    "load_idx",
    "load_image",
    "load_mask",
    "load_mnist",
    "load_rows",
    "load_sound",
    "mask_folders",
    "photograph",
    "read_picture",
    "save_image",
    "save_sound",
    "sound_folder",
    "stream",
    "write_picture",
]
