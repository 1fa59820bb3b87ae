"""Sums of arrays."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable

import jax


def add_terms(terms: Iterable[jax.Array]) -> jax.Array:
    """The terms added one after the other, the first one without a zero before it."""
    return functools.reduce(operator.add, terms)
