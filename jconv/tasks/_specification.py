"""Kernels as a person writes them on a command line: `sobel_x`, `gaussian`, `gaussian:size=7,sigma=1.5`."""

from __future__ import annotations

import ast
import difflib
import inspect
import re

import numpy as np

from jconv import kernels
from jconv._core.errors import InputError

_AXES = {"_x": -1, "_y": -2}
_EDGES = tuple(name for name, builder in kernels.NAMES.items() if "axis" in inspect.signature(builder).parameters)
_FIXED = {"axis", "ndim", "dtype"}


def kernel_names() -> tuple[str, ...]:
    """The names that `kernel_from` knows; an edge kernel comes as `sobel_x` (across columns) and `sobel_y` (rows)."""
    plain = [name for name in kernels.NAMES if name not in _EDGES]
    return (*plain, *(name + suffix for name in _EDGES for suffix in _AXES))


def kernel_from(text: str) -> np.ndarray:
    """The 2-D kernel that `NAME` or `NAME:option=value,…` describes, as float32.

    Parameters
    ----------
    text : str
        One of `kernel_names()`, or an edge kernel without its suffix, meaning `_x`; then the builder's own options.

    Raises
    ------
    InputError
        When the name or an option is unknown, or a value does not fit.

    Examples
    --------
    >>> kernel_from("sobel_y")
    array([[-1., -2., -1.],
           [ 0.,  0.,  0.],
           [ 1.,  2.,  1.]], dtype=float32)
    >>> kernel_from("gaussian:size=7,sigma=2").shape
    (7, 7)
    """
    name, _, rest = text.partition(":")
    options: dict = {}
    if name[-2:] in _AXES and name[:-2] in _EDGES:
        options["axis"], name = _AXES[name[-2:]], name[:-2]
    if name not in kernels.NAMES:
        near = difflib.get_close_matches(name, kernel_names(), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"unknown kernel {name!r}{hint} Known kernels: {', '.join(kernel_names())}")
    builder = kernels.NAMES[name]
    allowed = [option for option in inspect.signature(builder).parameters if option not in _FIXED]
    for part in filter(None, re.split(r",(?=\w+=)", rest)):  # a comma inside a value separates nothing
        option, equals, value = part.partition("=")
        if option not in allowed or not equals:
            raise InputError(
                f"kernel {text!r}: {part!r} is no option of {name}; write NAME:option=value, with one of "
                f"{', '.join(allowed) or 'none'}"
            )
        try:
            options[option] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[option] = value
    try:
        kernel = np.asarray(builder(**options), np.float32)
    except (ValueError, TypeError) as error:
        raise InputError(f"kernel {text!r}: {error}") from error
    if kernel.ndim != 2:
        raise InputError(f"kernel {text!r} has rank {kernel.ndim}; images take kernels of rank 2")
    return kernel
