"""Ask glibc to keep freed memory for the next allocation instead of returning it to the system.

XLA asks malloc for every result and for every program's scratch memory, and frees both. By default glibc returns blocks
of more than 32 MiB to the system at once and fetches new ones for the next call, which the system clears page by page:
for a filter or a sum over a large array that takes several times as long as the arithmetic.
"""

from __future__ import annotations

import ctypes
import functools
import os

from jconv._core.environment import switch

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # <malloc.h>
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


@functools.cache
def keep_freed_memory() -> bool:
    """Keep freed memory in this process for its next arrays, for as long as the process lives.

    Three settings of `mallopt(3)` are changed for the whole process: no block is mapped on its own, the heap is not
    trimmed, and all threads share one arena.

    Returns
    -------
    bool
        Whether glibc accepted the settings. False where the C library is not glibc, where `JCONV_KEEP_MEMORY=0` is
        set, or where the user set glibc's own variables (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`,
        `MALLOC_ARENA_MAX`, `GLIBC_TUNABLES`).

    Notes
    -----
    The cost: the process never returns memory, so that its size stays that of its largest moment, and C libraries that
    allocate in many threads share one lock. Importing jconv does not do this; `jconv.accelerate()` and the command line
    do. Call it before JAX's first computation: a thread that has allocated before keeps its own arena, whose blocks are
    at most 64 MiB.

    Examples
    --------
    >>> import jconv
    >>> kept = jconv.keep_freed_memory()
    """
    if switch("JCONV_KEEP_MEMORY") is False:
        return False
    if any(name in os.environ for name in _OWN):
        return False
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - other C libraries have another mallopt, or none
        mallopt = libc.mallopt
    except (OSError, AttributeError, TypeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    # Blocks of every size then come from one heap, which is never returned.
    settings = ((_MMAP_THRESHOLD, 2**30), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1))
    return sum(mallopt(name, value) for name, value in settings) == len(settings)
