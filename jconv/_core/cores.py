"""How many processor cores this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Return the number of cores that the process is bound to, which is that of XLA's threads."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
