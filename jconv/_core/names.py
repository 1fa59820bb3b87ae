"""Unknown names: the nearest known one, as an error message says it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None where no one is near.

    >>> nearest("sobel_z", ["sobel_x", "box"])
    'sobel_x'
    """
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return near[0] if near else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """`"; did you mean 'nearest'?"`, or nothing where no known name is near; the end of an error message.

    >>> did_you_mean("sobel_z", ["sobel_x", "box"])
    "; did you mean 'sobel_x'?"
    """
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def list_known(name: object, known: Iterable[str], title: str) -> str:
    """End an error message about an unknown name: the nearest known one, where one is near, then all of them.

    >>> "there is no task 'digit'" + list_known("digit", ["digits", "video"], "Known tasks")
    "there is no task 'digit'; did you mean 'digits'? Known tasks: digits, video"
    >>> "there is no task 'zzz'" + list_known("zzz", ["digits", "video"], "Known tasks")
    "there is no task 'zzz'. Known tasks: digits, video"
    """
    known = list(known)
    return f"{did_you_mean(name, known) or '.'} {title}: {', '.join(known) or 'none'}"
