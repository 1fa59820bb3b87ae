"""Errors that a program may want to tell apart."""

from __future__ import annotations


class InputError(ValueError):
    """Something from outside – a file, a folder, a name, an option – cannot be used; the message says what to do.

    The command line turns it into one line and exit code 2.
    """
