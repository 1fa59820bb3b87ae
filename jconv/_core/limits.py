"""How much memory a file may ask for: its declared size is compared with a limit before anything is decoded."""

from __future__ import annotations

import os

from jconv._core.errors import InputError

VARIABLE = "JCONV_MAX_BYTES"
DEFAULT = 2**31
"""A guess: two gibibytes hold any camera's picture and hours of sound, and fit into the memory of any machine today."""


def max_bytes() -> int:
    """Return the limit: `JCONV_MAX_BYTES` where that environment variable holds an integer >= 1, else 2 GiB."""
    text = os.environ.get(VARIABLE, "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else DEFAULT


def check_bytes(what: str, count: int) -> None:
    """Raise an InputError where `what` (such as "the image 'x.png'") asks for more bytes than the limit allows."""
    if count > max_bytes():
        raise InputError(
            f"{what} asks for {_readable(count)} of memory, and the limit is {_readable(max_bytes())}; if that is "
            f"intended, set the environment variable {VARIABLE} to at least {count}"
        )


def _readable(count: int) -> str:
    """Bytes as a person writes them.

    >>> _readable(2**31), _readable(100)
    ('2.1 GB', '100 bytes')
    """
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
