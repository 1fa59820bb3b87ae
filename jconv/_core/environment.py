"""Switches that are environment variables."""

from __future__ import annotations

import os

ON, OFF = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


def switch(name: str) -> bool | None:
    """Whether an environment variable switches something on or off; None where it is unset or says neither."""
    word = os.environ.get(name, "").strip().lower()
    return True if word in ON else False if word in OFF else None
