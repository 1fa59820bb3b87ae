"""Every public name is documented and annotated."""

import inspect

import pytest

from tests import public_api


@pytest.mark.parametrize(("name", "thing"), public_api.public_callables().items())
def test_every_public_name_is_documented_and_annotated(name, thing):
    assert public_api.complaints(thing) == []


def good(x: int, *, y: float = 0.0) -> int:
    """Add.

    Parameters
    ----------
    x, y : number
        What is added.

    Returns
    -------
    int
        The sum.

    Examples
    --------
    >>> good(1)
    1
    """
    return int(x + y)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("Add.", "Add", "the summary does not end with a full stop"),
        ("x, y :", "y, x :", "Parameters are ['y', 'x'], the signature has ['x', 'y']"),
        ("Returns\n    -------", "Gives\n    -----", "no section Returns"),
        ("Examples\n    --------", "Use\n    ---", "no section Examples"),
        ("Parameters\n    ----------", "Notes\n    -----", "sections out of order: Notes, Returns, Examples"),
    ],
)
def test_each_rule_is_held(monkeypatch, old, new, complaint):
    assert public_api.complaints(good) == []
    monkeypatch.setattr(good, "__doc__", inspect.getdoc(good).replace(inspect.cleandoc(old), inspect.cleandoc(new)))
    assert complaint in public_api.complaints(good)


def test_missing_annotations_and_wrong_modules_are_found(monkeypatch):
    monkeypatch.setattr(good, "__annotations__", {"x": int})
    monkeypatch.setattr(good, "__module__", "jconv")
    assert public_api.complaints(good)[-2:] == ["no annotation: y, return", "not found in its module jconv"]
