"""Learning: jitted Optax loops as pure pairs of functions, checkpoints that resume to the same bits, metrics.

Needs Flax, Optax, Orbax and tqdm: ``pip install 'jconv[train]'``.
"""

from jconv._core.errors import InputError
from jconv._core.extras import needed

for _package in ("flax", "optax", "orbax.checkpoint", "tqdm"):
    needed(_package, "train")

# ruff: noqa: E402 - a missing package is to be reported before the modules below trip over it
from jconv.training._average_precision import AveragePrecision, ScoredBoxes, average_precision
from jconv.training._checkpoint import CheckpointError, Checkpoints
from jconv.training._early_stopping import EarlyStopping
from jconv.training._fit import Callback, NonFiniteError, Report, evaluate, fit
from jconv.training._functional import functional
from jconv.training._least_squares import least_squares_kernels
from jconv.training._logs import JSONLines, TensorBoard
from jconv.training._metrics import accuracy, bootstrap_interval, class_iou, confusion_matrix, wilson_interval
from jconv.training._progress import ProgressBar
from jconv.training._trainer import Loss, State, Trainer, trainer

__all__ = [
    "AveragePrecision",
    "Callback",
    "CheckpointError",
    "Checkpoints",
    "EarlyStopping",
    "InputError",
    "JSONLines",
    "Loss",
    "NonFiniteError",
    "ProgressBar",
    "Report",
    "ScoredBoxes",
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
