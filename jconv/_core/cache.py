"""Where jconv remembers what it measured."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$JCONV_CACHE_DIR`, else `jconv` under `$XDG_CACHE_HOME`, else under `~/.cache`."""
    if chosen := os.environ.get("JCONV_CACHE_DIR"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jconv"
