"""A pytest plugin that puts `jconv.accelerate()` in force while JAX's own tests run; load it with `-p jax_plugin`.

A test counts when at least one convolution of it was computed by the engine. With `JCONV_JAX_ALGORITHMS=drawn` every
convolution is computed by an algorithm drawn among those that support it, as in `test_sweep.py`, in place of the
planner's choice, which for arrays as small as these is nearly always the same. With `JCONV_JAX_FACES=1` the tests call
jconv's functions of the same name in the place of those of `jax.lax`.
"""

import json
import os
import types

import jax

import jconv
from jconv.engine import _planner
from tests.engine.lottery import Lottery

_running: list[str] = []
_computed: set[str] = set()
_outcomes: dict[str, str] = {}


class Watched(_planner.Planner):
    """The planner, which notes for which tests it computes."""

    def apply(self, *args, **kwargs):
        _computed.update(_running)
        return super().apply(*args, **kwargs)


class WatchedLottery(Watched, Lottery):
    """The same by algorithms drawn by lot, XLA's own only where there is no other."""

    def __init__(self):
        Lottery.__init__(self, without=("xla",))


class Faces(types.ModuleType):
    """`jax.lax` with jconv's functions in it; jconv itself goes on calling the original."""

    conv_general_dilated = staticmethod(jconv.conv_general_dilated)
    conv_transpose = staticmethod(jconv.conv_transpose)
    conv_general_dilated_local = staticmethod(jconv.conv_general_dilated_local)
    conv_general_dilated_patches = staticmethod(jconv.conv_general_dilated_patches)

    def __getattr__(self, name):
        return getattr(jax.lax, name)


def pytest_collection_finish(session):
    if os.environ.get("JCONV_JAX_FACES") == "1":
        for module in {item.module for item in session.items}:
            module.lax = Faces("lax")


def pytest_configure():
    drawn = os.environ.get("JCONV_JAX_ALGORITHMS") == "drawn"
    _planner._default = WatchedLottery() if drawn else Watched()
    jconv.accelerate()


def pytest_runtest_protocol(item):
    _running[:] = [item.nodeid]


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_terminal_summary(terminalreporter):
    counts = {o: sum(v == o for v in _outcomes.values()) for o in ("passed", "failed", "skipped")}
    counts["computed by the engine"] = len(_computed)
    terminalreporter.write_line(
        f"JAX's own tests under jconv.accelerate(): {counts}; algorithms drawn: {dict(_planner._default.ran)}"
    )
    if path := os.environ.get("JCONV_JAX_REPORT"):
        with open(path, "w") as file:
            json.dump({"counts": counts, "tests": _outcomes, "drawn": _planner._default.ran}, file, indent=1)
