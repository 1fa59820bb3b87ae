"""The engine: every convolution of jconv ends here."""

from jconv.engine.correlate import correlate

__all__ = ["correlate"]
