"""A pytest plugin that puts `jconv.accelerate()` in force while JAX's own tests run; load it with `-p jax_plugin`.

A test counts when at least one convolution of it was computed by the engine. With `JCONV_JAX_ALGORITHMS=drawn` every
convolution is computed by an algorithm drawn among those that support it, as in `test_sweep.py`, in place of the
planner's choice, which for arrays as small as these is nearly always the same. With `JCONV_JAX_FACES=1` the tests call
jconv's functions of the same name in the place of those of `jax.lax`.
"""

import importlib
import json
import os
import types

import jax

import jconv
from tests.engine.lottery import Lottery

accelerate = importlib.import_module("jconv.engine._api.accelerate")  # the name in jconv.engine is the function's

_running: list[str] = []
_computed: set[str] = set()
_outcomes: dict[str, str] = {}
_lottery = Lottery()
_original = accelerate._run


def _run(*arrays, **params):
    _computed.update(_running)
    return _original(*arrays, **params)


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
    accelerate._run = _run
    if os.environ.get("JCONV_JAX_ALGORITHMS") == "drawn":
        _lottery.install()
        accelerate._wanted = _always(accelerate._wanted)
    jconv.accelerate()


def _always(wanted):
    """Every convolution but those that the engine cannot see, empty or sharded or of symbolic shape."""

    def decide(lhs, rhs, **params):
        if 0 in lhs.shape or 0 in rhs.shape or params.get("out_sharding") is not None:
            return wanted(lhs, rhs, **params)
        problem, _ = accelerate._problem(lhs, rhs, params)
        return not problem.is_empty

    return decide


def pytest_runtest_protocol(item):
    _running[:] = [item.nodeid]


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_terminal_summary(terminalreporter):
    counts = {o: sum(v == o for v in _outcomes.values()) for o in ("passed", "failed", "skipped")}
    counts["computed by the engine"] = len(_computed)
    terminalreporter.write_line(
        f"JAX's own tests under jconv.accelerate(): {counts}; algorithms drawn: {dict(_lottery.ran)}"
    )
    if path := os.environ.get("JCONV_JAX_REPORT"):
        with open(path, "w") as file:
            json.dump({"counts": counts, "tests": _outcomes, "drawn": _lottery.ran}, file, indent=1)
