"""Learning: jitted Optax loops as pure pairs of functions, checkpoints that resume to the same bits, metrics."""

from jconv.training._average_precision import AveragePrecision, Boxes, average_precision
from jconv.training._checkpoint import CheckpointError, Checkpoints
from jconv.training._early_stopping import EarlyStopping
from jconv.training._fit import Callback, NonFiniteError, Report, evaluate, fit
from jconv.training._functional import functional
from jconv.training._least_squares import least_squares_kernels
from jconv.training._logs import JSONLines, TensorBoard
from jconv.training._metrics import accuracy, bootstrap_interval, class_iou, confusion_matrix, wilson_interval
from jconv.training._progress import ProgressBar
from jconv.training._trainer import State, Trainer, trainer

__all__ = [
    "AveragePrecision",
    "Boxes",
    "Callback",
    "CheckpointError",
    "Checkpoints",
    "EarlyStopping",
    "JSONLines",
    "NonFiniteError",
    "ProgressBar",
    "Report",
    "State",
    "TensorBoard",
    "Trainer",
    "accuracy",
    "average_precision",
    "bootstrap_interval",
    "class_iou",
    "confusion_matrix",
    "evaluate",
    "fit",
    "functional",
    "least_squares_kernels",
    "trainer",
    "wilson_interval",
]
