"""Every public name is documented and annotated; those that are not yet are listed here, and nowhere else."""

import inspect

import pytest

from tests import public_api

PENDING = {
    "jconv": """
        conv2d
    """,
    "jconv.data": """
        CocoAnnotations ImageFiles SoundFolder
    """,
    "jconv.ndimage": """
        frangi generic_filter hessian local_normalize
    """,
    "jconv.signal": """
        RichardsonLucy
    """,
    "jconv.tasks": """
        ClassificationResult ClassificationSettings DeblurringResult DeblurringSettings DenoisingSettings
        DetectionResult DetectionSettings DigitsResult DigitsSettings LearnResult SavedModel SegmentationResult
        SegmentationSettings Settings SpectrogramsResult SpectrogramsSettings Task VideoResult VideoSettings
    """,
    "jconv.training": """
        AveragePrecision Callback EarlyStopping Report State
    """,
}
"""Names whose documentation is not complete yet, by subpackage. `python -m tests.public_api` says what they lack."""


@pytest.fixture(scope="module")
def incomplete():
    return {
        name: lacks for name, thing in public_api.public_callables().items() if (lacks := public_api.complaints(thing))
    }


def pending() -> set[str]:
    return {f"{room}.{name}" for room, names in PENDING.items() for name in names.split()}


def test_every_public_name_is_documented_and_annotated(incomplete):
    print(f"{len(pending())} names are pending")
    assert {name: lacks for name, lacks in incomplete.items() if name not in pending()} == {}


def test_names_that_have_become_complete_leave_the_list(incomplete):
    assert pending() - incomplete.keys() == set()


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
