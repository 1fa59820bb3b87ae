"""How the tests run: with 64-bit types, compiled fast, in little memory, and in two processes where that is possible.

64-bit types are on, so that a function which forgets its dtype is caught.

Most of the suite's time is XLA's compiler. Tests are therefore compiled without most optimizations, which halves it,
but for those marked `core`, `optimized` (where rounding, memory or speed counts) or `gpu`. Where `XLA_FLAGS` is set,
even to nothing, everything is compiled as it says: `XLA_FLAGS= python -m pytest`.

Compiled programs are dropped between modules, and in between where they have filled up the memory.
"""

import gc
import os
import resource
import time

import jax
import pytest

jax.config.update("jax_enable_x64", True)

WORKERS = 2
OPTIMIZED_MARKS = ("core", "optimized", "gpu")
CHOSEN_BY_CALLER = "XLA_FLAGS" in os.environ
GROWTH = 600 << 20  # bytes; a guess: two workers then stay below 3 GB
PAGE = os.sysconf("SC_PAGE_SIZE")
started = time.perf_counter()
reported: list[int] = []


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite in two processes where pytest-xdist is installed, and chosen files in this one."""
    if hasattr(config, "workerinput"):
        return  # a worker has the same arguments, and must not start workers of its own
    whole = config.args_source == config.ArgsSource.TESTPATHS
    if whole and config.pluginmanager.hasplugin("xdist") and not config.option.usepdb and not config.option.collectonly:
        if config.option.numprocesses is None:
            config.option.numprocesses = WORKERS
        if config.option.dist == "no":
            config.option.dist = "worksteal"


def is_optimized(item) -> bool:
    """Whether a test is compiled as users compile."""
    return any(item.get_closest_marker(mark) for mark in OPTIMIZED_MARKS)


def pytest_collection_modifyitems(items):
    """Put the optimized tests of a module first, so that the compiler is switched once in a module."""
    if not CHOSEN_BY_CALLER:
        places = {path: place for place, path in enumerate(dict.fromkeys(item.path for item in items))}
        items.sort(key=lambda item: (places[item.path], not is_optimized(item)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Switch the compiler's optimizations; what was compiled in the other way must not be found."""
    fast = not is_optimized(item) and not CHOSEN_BY_CALLER
    if compile_fast.on != fast:
        compile_fast(fast)


def compile_fast(on: bool) -> None:
    """Switch most optimizations off, or on again."""
    jax.config.update("jax_disable_most_optimizations", on)
    jax.clear_caches()
    compile_fast.on = on


compile_fast.on = False


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """Drop what was compiled."""
    if nextitem is None or nextitem.path != item.path or resident() > drop.last + GROWTH:
        drop()


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * PAGE
    except OSError:
        return 0


def drop() -> None:
    """Forget compiled programs."""
    jax.clear_caches()
    gc.collect()
    drop.last = resident()


drop.last = resident()


def peak() -> int:
    """The most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def pytest_sessionfinish(session):
    """Tell the first process how much memory this one took."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak"] = peak()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Hear from a worker how much memory it took."""
    reported.append(getattr(node, "workeroutput", {}).get("peak", 0))


def pytest_terminal_summary(terminalreporter):
    """Print the time and the memory."""
    processes = [peak(), *reported]
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    each = " + ".join(f"{size / 2**30:.2f}" for size in processes)
    terminalreporter.write_line(
        f"{(time.perf_counter() - started) / 60:.1f} min; peak memory at most {sum(processes) / 2**30:.2f} GiB "
        f"({each}), the largest child process {children / 2**30:.2f} GiB"
    )
