"""Kernels as a person writes them on a command line: `sobel_x`, `gaussian`, `gaussian:size=7,sigma=1.5`."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jconv._core.errors import InputError
from jconv._core.limits import check_bytes
from jconv._core.names import did_you_mean, list_known
from jconv.kernels._table import NAMES

_AXES = {"_x": -1, "_y": -2}
_EDGES = tuple(name for name, builder in NAMES.items() if "axis" in inspect.signature(builder).parameters)
_FIXED = {"axis", "ndim", "dtype"}
_EXTENTS = ("size", "radius", "sigma", "gamma", "truncate", "length")
"""Options from which the number of taps along an axis follows."""
_BYTES_PER_TAP = 32
"""A guess: a builder holds a few arrays of the kernel's size, in up to 8 bytes."""


def kernel_names() -> tuple[str, ...]:
    """Return the names that `kernel_from` knows.

    Returns
    -------
    tuple of str
        An edge kernel comes as `sobel_x` (differences across columns) and `sobel_y` (across rows).

    Examples
    --------
    >>> [name for name in kernel_names() if name.startswith("sobel")]
    ['sobel_x', 'sobel_y']
    """
    plain = [name for name in NAMES if name not in _EDGES]
    return (*plain, *(name + suffix for name in _EDGES for suffix in _AXES))


def kernel_from(text: str) -> np.ndarray:
    """Build the 2-D kernel that `NAME` or `NAME:option=value,…` describes.

    Parameters
    ----------
    text : str
        One of `kernel_names()`, or an edge kernel without its suffix, meaning `_x`; then the builder's own options.

    Returns
    -------
    array (kh, kw)
        float32.

    Raises
    ------
    InputError
        When the name or an option is unknown, an option is given twice, a value does not fit, or the kernel would take
        more bytes than `JCONV_MAX_BYTES` allows (2 GiB by default).

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
    options: dict[str, Any] = {}
    if name[-2:] in _AXES and name[:-2] in _EDGES:
        options["axis"], name = _AXES[name[-2:]], name[:-2]
    if name not in NAMES:
        raise InputError(f"unknown kernel {name!r}{list_known(name, kernel_names(), 'Known kernels')}")
    builder = NAMES[name]
    options |= _options(text, name, rest, inspect.signature(builder).parameters)
    try:
        _check_memory(text, builder, options)
        kernel = np.asarray(builder(**options), np.float32)
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise InputError(f"kernel {text!r}: {error}") from error
    if kernel.ndim != 2:
        raise InputError(f"kernel {text!r} has rank {kernel.ndim}; images take kernels of rank 2")
    if not np.isfinite(kernel).all():
        raise InputError(f"kernel {text!r} has taps that are NaN or infinite; choose other options")
    return kernel


def _options(text: str, name: str, rest: str, parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    """Return the options of a description, their values read as Python writes them."""
    allowed = [option for option in parameters if option not in _FIXED]
    options: dict[str, Any] = {}
    for part in filter(None, re.split(r",(?=\w+=)", rest)):  # a comma inside a value separates nothing
        option, equals, written = part.partition("=")
        if option not in allowed or not equals:
            raise InputError(
                f"kernel {text!r}: {part!r} is not an option of {name}; write NAME:option=value, with one of "
                f"{', '.join(allowed) or 'none'}{did_you_mean(option, allowed)}"
            )
        if option in options:
            raise InputError(f"kernel {text!r} gives {option!r} twice; give it once")
        try:
            value = ast.literal_eval(written)
        except (ValueError, SyntaxError):
            value = written
        if isinstance(value, str) and "str" not in str(parameters[option].annotation):
            raise InputError(f"kernel {text!r}: `{option}` must be a number or several in parentheses, got {written!r}")
        options[option] = value
    return options


def _check_memory(text: str, builder: Callable[..., jax.Array], options: dict[str, Any]) -> None:
    """Refuse a kernel that would take more memory than the limit, before anything of its size is made."""
    what = f"the kernel {text!r}"
    if isinstance(frequency := options.get("frequency"), (int, float)) and frequency:
        check_bytes(what, _BYTES_PER_TAP * math.ceil(frequency**-2))
    for name in _EXTENTS:
        values = options.get(name)
        values = values if isinstance(values, Sequence) else (values,)
        lengths = [abs(v) for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
        taps = math.prod(lengths) if len(lengths) > 1 else max(lengths, default=0) ** 2
        check_bytes(what, _BYTES_PER_TAP * math.ceil(taps))
    shape = jax.eval_shape(lambda: builder(**options)).shape
    check_bytes(what, _BYTES_PER_TAP * math.prod(shape))
