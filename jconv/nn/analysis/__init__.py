"""What a network sees: receptive fields, dependence, saliency, parameters."""

from jconv.nn.analysis._parameters import parameter_count
from jconv.nn.analysis._receptive_field import ReceptiveField, effective_receptive_field, receptive_field
from jconv.nn.analysis._saliency import saliency

__all__ = [
    "ReceptiveField",
    "effective_receptive_field",
    "parameter_count",
    "receptive_field",
    "saliency",
]
