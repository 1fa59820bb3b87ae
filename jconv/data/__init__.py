"""Data in and out: pictures, sounds and data sets from files, as arrays; nothing is downloaded.

A file that cannot be used raises an `InputError` that names it; damaged files in a folder are skipped only when asked.
"""

from jconv._core.errors import InputError
from jconv.data._binary import load_cifar, load_idx, load_mnist
from jconv.data._coco import CocoAnnotations, load_coco
from jconv.data._decode import Picture, read_picture
from jconv.data._encode import picture_format, write_picture
from jconv.data._image_folders import image_folder, load_mask, load_pair, mask_folders, mask_pairs, resize_image
from jconv.data._images import load_frames, load_image, photograph, save_image
from jconv.data._labelled import PICTURES, Labelled, check_labels, class_folders, list_files, load_each
from jconv.data._rows import load_rows
from jconv.data._sounds import Sound, SoundFolder, load_sound, save_sound, sound_folder
from jconv.data._stream import ImageFiles, stream

__all__ = [
    "PICTURES",
    "CocoAnnotations",
    "ImageFiles",
    "InputError",
    "Labelled",
    "Picture",
    "Sound",
    "SoundFolder",
    "check_labels",
    "class_folders",
    "image_folder",
    "list_files",
    "load_cifar",
    "load_coco",
    "load_each",
    "load_frames",
    "load_idx",
    "load_image",
    "load_mask",
    "load_mnist",
    "load_pair",
    "load_rows",
    "load_sound",
    "mask_folders",
    "mask_pairs",
    "photograph",
    "picture_format",
    "read_picture",
    "resize_image",
    "save_image",
    "save_sound",
    "sound_folder",
    "stream",
    "write_picture",
]
