"""Changes of the sampling rate."""

from jconv.signal.rates._resample import decimate, resample_poly
from jconv.signal.rates._upfirdn import upfirdn

__all__ = [
    "decimate",
    "resample_poly",
    "upfirdn",
]
