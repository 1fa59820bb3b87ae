"""A pytest plugin that puts `jconv.signal` into `scipy.signal`'s place while SciPy's own tests run.

Load it with `-p tests.signal.scipy_plugin`. Every public name that both packages have is replaced before SciPy's test
modules are imported. What comes back is turned into NumPy arrays, which is what the tests compare; nothing else is
changed. A test counts when it called at least one function of jconv. Those listed in `scipy_exclusions.py` may fail.
"""

import functools
import json
import os
import re

import jax
import numpy as np
import pytest

jax.config.update("jax_enable_x64", True)

import scipy.signal  # noqa: E402
from scipy._lib import _array_api  # noqa: E402

from jconv import signal as jsignal  # noqa: E402
from tests.signal import scipy_exclusions  # noqa: E402

_running: list[str] = []
_called: set[str] = set()
_outcomes: dict[str, str] = {}


def _to_numpy(value):
    if isinstance(value, jax.Array):
        return np.asarray(value)[()] if value.ndim == 0 else np.array(value)
    if isinstance(value, tuple):
        return tuple(map(_to_numpy, value))
    return value


def _stand_in(name):
    original, ours = getattr(scipy.signal, name), getattr(jsignal, name)

    @functools.wraps(ours)
    def call(*args, **kwargs):
        _called.update(_running)
        kwargs.pop("xp", None)  # SciPy's choice of the array library
        return _to_numpy(ours(*args, **kwargs))

    table = getattr(_array_api, "xp_capabilities_table", {})
    if original in table:
        table[call] = table[original]
    return call


REPLACED = sorted(n for n in jsignal.__all__ if callable(getattr(scipy.signal, n, None)))
for _name in REPLACED:
    setattr(scipy.signal, _name, _stand_in(_name))


def pytest_collection_modifyitems(items):
    for item in items:
        for pattern, reason in scipy_exclusions.EXCLUDED.items():
            if re.search(pattern, item.nodeid):
                item.add_marker(pytest.mark.xfail(reason=f"excluded: {reason}"))


def pytest_runtest_protocol(item):
    _running[:] = [item.nodeid]


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        excluded = str(getattr(report, "wasxfail", "")).startswith("excluded")
        _outcomes[report.nodeid] = "excluded" if excluded and report.skipped else report.outcome


def pytest_terminal_summary(terminalreporter):
    counted = {n: o for n, o in _outcomes.items() if n in _called or o == "excluded"}
    table = {o: sum(v == o for v in counted.values()) for o in ("passed", "excluded", "failed", "skipped")}
    terminalreporter.write_line(f"SciPy's own tests on jconv.signal: {table}, functions replaced: {len(REPLACED)}")
    if path := os.environ.get("SCIPY_PLUGIN_REPORT"):
        with open(path, "w") as file:
            json.dump({"counts": table, "tests": counted, "replaced": REPLACED}, file, indent=1)
