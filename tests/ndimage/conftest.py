"""SciPy's suite brings marks of its own, and far more cases than a default run should take."""

import pytest


def pytest_configure(config):
    for name in ("skip_xp_backends", "xfail_xp_backends"):
        config.addinivalue_line("markers", f"{name}: a mark of SciPy's own tests, without effect here")


def pytest_collection_modifyitems(items):
    seen = {"test_gh_22586_crash_property", "test_edge_cases", "test_rank19"}  # slow even once
    for item in items:
        if item.path.name == "test_scipy_suite.py":
            if item.originalname in seen:
                item.add_marker(pytest.mark.slow)
            seen.add(item.originalname)
