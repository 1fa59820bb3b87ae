"""Names for the leaves of a pytree, each of which stands for one path."""

from __future__ import annotations

import re
from typing import Any

import jax
from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

PyTree = Any
"""A tree of containers whose leaves are arrays; Python's types cannot say more about it."""


def name_leaves(tree: PyTree) -> dict[str, Any]:
    """Return the leaves of a pytree by the names of their paths.

    Raises
    ------
    ValueError
        When two paths have one name, which only keys that print alike can bring about, such as None and "None".

    Examples
    --------
    >>> name_leaves({"conv": {"bias": 1, "kernel": 2}, "steps": [3, 4]})
    {'conv.bias': 1, 'conv.kernel': 2, 'steps.0': 3, 'steps.1': 4}
    >>> name_leaves({"a": {"b": 1}, "a.b": 2})
    {'a.b': 1, 'a%2Eb': 2}
    """
    named: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = name_path(path)
        if name in named:
            raise ValueError(f"two leaves of the tree have the path {name!r}; give their keys different names")
        named[name] = leaf
    return named


def name_path(path: tuple[Any, ...]) -> str:
    """Join the keys of a path with dots; a dot in a text key, and the first digit of a numeric one, are escaped."""
    return ".".join(map(_name_key, path))


def _name_key(key: Any) -> str:
    if isinstance(key, SequenceKey):
        return str(key.idx)
    if isinstance(key, GetAttrKey):
        return key.name
    if isinstance(key, (DictKey, FlattenedIndexKey)):
        return _escape(key.key) if isinstance(key.key, str) else _escape_separators(str(key.key))
    return _escape_separators(str(key))


def _escape(text: str) -> str:
    """Escape a text key, so that it differs from every integer key."""
    escaped = _escape_separators(text)
    return f"%{ord(escaped[0]):02X}{escaped[1:]}" if re.fullmatch(r"-?\d+", escaped) else escaped


def _escape_separators(text: str) -> str:
    return re.sub(r"[%./\\]", lambda match: f"%{ord(match[0]):02X}", text)
