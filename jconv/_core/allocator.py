"""Memory that was freed is kept for the next array, as far as glibc's allocator is asked to.

XLA asks malloc for every result and for every program's scratch, and frees them. By default glibc hands blocks of more
than 32 MiB back to the system at once, and fetches new ones for the next call, which the system clears page by page:
that takes several times as long as a filter or a sum itself. Three settings of `mallopt(3)` make it keep them.

The process then holds on to the largest amount of memory that it needed so far. `JCONV_KEEP_MEMORY=0` leaves the
allocator alone, and so does any setting of one's own (`MALLOC_…_`, `GLIBC_TUNABLES`).
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
    """Ask for it, once; False where there is no glibc, or the environment says otherwise.

    A thread that has allocated before keeps its own arena, of which a block is at most 64 MiB: asked for before JAX's
    first computation, larger blocks are kept too.
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
    # From here on only the heap serves, which is never given back, and there is one for all threads.
    settings = ((_MMAP_THRESHOLD, 2**30), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1))
    return sum(mallopt(name, value) for name, value in settings) == len(settings)
