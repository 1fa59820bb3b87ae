"""The engine: every convolution of jconv ends here."""

from jconv.engine.conv2d import conv2d
from jconv.engine.correlate import correlate

__all__ = ["conv2d", "correlate"]
