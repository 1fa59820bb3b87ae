"""Errors that a program may want to tell apart."""

from __future__ import annotations


class InputError(ValueError):
    """Something from outside – a file, a folder, a name, an option – cannot be used; the message says what to do.

    The command line turns it into one line and exit code 2.
    """


class MissingPackageError(InputError, ImportError):
    """A package that only some jobs need is not installed; the message has the line that installs it."""


for _error in (InputError, MissingPackageError):
    _error.__module__ = "jconv"  # where users find it, and where tracebacks and pickles say that it is
