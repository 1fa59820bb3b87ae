"""Whole jobs: kernels learned back from a photograph, and the `TASKS`, which train a network. Data in, result out."""

from jconv.data import load_image, photograph, save_image
from jconv.tasks._digits import DigitsResult, DigitsSettings, train_digits
from jconv.tasks._images import filter_image
from jconv.tasks._learn import LearnResult, learn_kernels
from jconv.tasks._saved import SavedModel, load_model
from jconv.tasks._settings import Settings, read_config, settings_from
from jconv.tasks._specification import kernel_from, kernel_names
from jconv.tasks._spectrograms import SpectrogramsResult, SpectrogramsSettings, train_spectrograms
from jconv.tasks._synthesis import synthesise
from jconv.tasks._table import TASKS, find_task, predict
from jconv.tasks._task import Task
from jconv.tasks._video import VideoResult, VideoSettings, train_video

__all__ = [
    "TASKS",
    "DigitsResult",
    "DigitsSettings",
    "LearnResult",
    "SavedModel",
    "Settings",
    "SpectrogramsResult",
    "SpectrogramsSettings",
    "Task",
    "VideoResult",
    "VideoSettings",
    "filter_image",
    "find_task",
    "kernel_from",
    "kernel_names",
    "learn_kernels",
    "load_image",
    "load_model",
    "photograph",
    "predict",
    "read_config",
    "save_image",
    "settings_from",
    "synthesise",
    "train_digits",
    "train_spectrograms",
    "train_video",
]
