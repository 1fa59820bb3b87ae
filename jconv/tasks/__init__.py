"""Whole jobs: kernels learned back from a photograph, and the `TASKS`, which train a network. Data in, result out.

Needs Flax, Optax, Orbax and tqdm (``pip install 'jconv[train]'``), and for its data and pictures the extras `data` and
`plot`.
"""

from jconv import training  # noqa: F401 - first, since it says which packages are missing
from jconv._core.errors import InputError
from jconv.data import load_image, photograph, save_image
from jconv.kernels import kernel_from, kernel_names
from jconv.tasks._classification import ClassificationResult, ClassificationSettings, train_classification
from jconv.tasks._deblurring import train_deblurring
from jconv.tasks._deblurring_result import DeblurringResult, DeblurringSettings, DenoisingSettings
from jconv.tasks._detection import train_detection
from jconv.tasks._detection_result import DetectionResult, DetectionSettings
from jconv.tasks._digits import DigitsResult, DigitsSettings, train_digits
from jconv.tasks._images import filter_image
from jconv.tasks._learn import learn_from_outputs, learn_kernels
from jconv.tasks._learn_result import LearnResult
from jconv.tasks._saved import SavedModel, load_model
from jconv.tasks._segmentation import SegmentationResult, SegmentationSettings, train_segmentation
from jconv.tasks._settings import Settings, read_config, settings_from
from jconv.tasks._spectrograms import SpectrogramsResult, SpectrogramsSettings, train_spectrograms
from jconv.tasks._synthesis import synthesise
from jconv.tasks._table import TASKS, find_task, predict
from jconv.tasks._task import Task
from jconv.tasks._video import VideoResult, VideoSettings, train_video

__all__ = [
    "TASKS",
    "ClassificationResult",
    "ClassificationSettings",
    "DeblurringResult",
    "DeblurringSettings",
    "DenoisingSettings",
    "DetectionResult",
    "DetectionSettings",
    "DigitsResult",
    "DigitsSettings",
    "InputError",
    "LearnResult",
    "SavedModel",
    "SegmentationResult",
    "SegmentationSettings",
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
    "learn_from_outputs",
    "learn_kernels",
    "load_image",
    "load_model",
    "photograph",
    "predict",
    "read_config",
    "save_image",
    "settings_from",
    "synthesise",
    "train_classification",
    "train_deblurring",
    "train_detection",
    "train_digits",
    "train_segmentation",
    "train_spectrograms",
    "train_video",
]
