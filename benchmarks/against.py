"""The quick rows in two checkouts: `python -m benchmarks --quick --against FOLDER [--only WORD]`.

The package of FOLDER is "before" and that of this checkout "after"; each runs in a child process of its own. The
children take turns, each calling in a loop as programs do, while the other one sleeps; who goes first changes with
every round. The ratio of a row is its fastest turn after / its fastest turn before, which other work on the machine
disturbs least: below one means faster now. The quartiles of after / before over the rounds stand next to it. A row with
its ratio and its lower quartile both above 1.1 is timed a second time at the end, with twice as many rounds, and
reported as slower if it is above again. Both children keep freed memory (`jconv.keep_freed_memory`).

The planner's choices for all layers, filters and signals of the benchmarks are compared as well, without running them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import jax

import jconv
from benchmarks.quick import choices, rows, turn, warmed
from benchmarks.timing import geometric_mean

ROUNDS = 9
REST = 0.01  # seconds of sleep between turns: threads of the other child may still spin
SLOWER = 1.1
WHEN = ("before", "after")
PATIENCE = 120  # seconds after which a child that does not answer is started again, and its row reported


def serve() -> None:
    """The loop of a child process: one request a line on stdin, one answer a line on stdout, both JSON."""
    # Checkouts from before 0.1.0 keep freed memory on import, and offer no function for it.
    getattr(jconv, "keep_freed_memory", lambda: None)()
    table = rows()
    call, usual = (lambda: None), 1.0
    answers, sys.stdout = sys.stdout, sys.stderr  # what a row prints must not mix with the answers
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "rows":
                answer: object = list(table)
            elif request["do"] == "choices":
                answer = choices()
            elif request["do"] == "prepare":
                jax.clear_caches()
                call = table[request["row"]]()
                first, usual, norm = warmed(call)
                answer = {"first": first, "norm": norm}
            else:
                answer = turn(call, usual)
            answer = {"answer": answer}
        except Exception as error:  # an old checkout may lack a function: the row says so
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


class Child:
    """A process that runs the rows with the package of one checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Start the process."""
        here = Path(__file__).resolve().parents[1]
        code = (
            f"import sys; sys.path.insert(0, {str(self.folder)!r}); import jconv; sys.path[0] = {str(here)!r}; "
            f"assert jconv.__file__.startswith({str(self.folder)!r}), jconv.__file__; "
            "from benchmarks import against; against.serve()"
        )
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "JCONV_WISDOM")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-P", "-c", code], env=environment, **pipes)

    def __call__(self, **request: str) -> dict:
        """Send a request and wait for its answer: a dictionary with the key "answer" or "error"."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        stuck = threading.Timer(PATIENCE, self.process.kill)
        stuck.start()
        line = self.process.stdout.readline()
        stuck.cancel()
        if line:
            return json.loads(line)
        self.close()
        code = self.process.returncode
        self.start()
        if code == -signal.SIGKILL:
            return {"error": f"did not end within {PATIENCE} s"}
        return {"error": f"the process ended with code {code}"}

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def compare(folder: Path, only: str = "") -> str:
    """Print and return a table of this checkout ("after") and another one ("before")."""
    started = time.perf_counter()
    folder = folder.resolve()
    if not (folder / "jconv" / "__init__.py").exists():
        raise SystemExit(f"--against {folder}: there is no jconv/__init__.py; pass the root of a checkout")
    with contextlib.ExitStack() as stack:
        children = [Child(folder), Child(Path(__file__).resolve().parents[1])]
        for child in children:
            stack.callback(child.close)
        names = [name for name in children[1](do="rows")["answer"] if only in name]
        if not names:
            raise SystemExit(f"--only {only!r}: no row has this word in its name")
        head = ["row", "before ms", "after ms", "after / before", "quartiles", "first call, after / before"]
        lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        print(*lines, sep="\n", flush=True)
        measured: dict[str, Comparison] = {}
        remarks = []
        for name in names:
            outcome = _compare_row(children, name, ROUNDS)
            if isinstance(outcome, str):
                lines.append(f"| {name} | {outcome} |" + " |" * (len(head) - 2))
                remarks.append(f"could not be timed: {name}: {outcome}")
            else:
                measured[name] = outcome
                lines.append(f"| {name} | {outcome} |")
                before, after = outcome.norms
                if abs(before - after) > 1e-3 * max(before, after):
                    remarks.append(f"the norms of the results differ: {name}: {before:.6g} before, {after:.6g} after")
            print(lines[-1], flush=True)
        for name in [name for name, outcome in measured.items() if outcome.is_slower]:
            again = _compare_row(children, name, 2 * ROUNDS)
            if isinstance(again, Comparison) and again.is_slower:
                remarks.append(f"slower beyond noise: {name}: {measured[name].ratio:.2f}, and again {again.ratio:.2f}")
        ratios = [outcome.ratio for outcome in measured.values()]
        ends = [
            f"after / before over {len(ratios)} rows: geometric mean {geometric_mean(ratios):.3f}, "
            f"least {min(ratios):.3f}, most {max(ratios):.3f}; first calls, which compile, "
            f"{geometric_mean(outcome.first for outcome in measured.values()):.2f}.",
            *remarks,
            _compare_choices(children),
            f"{time.perf_counter() - started:.0f} s.",
        ]
    print("", *ends, sep="\n", flush=True)
    return "\n".join([*lines, "", *ends])


class Comparison(NamedTuple):
    """A row in two checkouts: the seconds of the fastest turns, and more."""

    before: float
    after: float
    quartiles: list[float]
    """Of after / before, over the rounds."""
    first: float
    """The ratio of the first calls, which compile."""
    norms: tuple[float, float]

    @property
    def ratio(self) -> float:
        """After / before, of the fastest turns."""
        return self.after / self.before

    @property
    def is_slower(self) -> bool:
        """Whether both the ratio and the lower quartile are above the limit."""
        return min(self.ratio, self.quartiles[0]) > SLOWER

    def __str__(self) -> str:
        low, _, high = self.quartiles
        times = f"{1e3 * self.before:.3f} | {1e3 * self.after:.3f}"
        return f"{times} | {self.ratio:.3f} | {low:.2f} to {high:.2f} | {self.first:.2f}"


def _compare_row(children: list[Child], name: str, rounds: int) -> Comparison | str:
    """The comparison of one row, or what went wrong."""
    ready = [child(do="prepare", row=name) for child in children]
    if errors := [f"{when}: {r['error']}" for when, r in zip(WHEN, ready) if "error" in r]:
        return "; ".join(errors)
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        pair = [0.0, 0.0]
        for index in (0, 1) if number % 2 else (1, 0):
            time.sleep(REST)
            reply = children[index](do="turn")
            if "error" in reply:
                return f"{WHEN[index]}: {reply['error']}"
            pair[index] = reply["answer"]
        times.append((pair[0], pair[1]))
    quartiles = statistics.quantiles([after / before for before, after in times], n=4, method="inclusive")
    before, after = (min(values) for values in zip(*times))
    answers = [r["answer"] for r in ready]
    first = answers[1]["first"] / answers[0]["first"]
    return Comparison(before, after, quartiles, first, (answers[0]["norm"], answers[1]["norm"]))


def _compare_choices(children: list[Child]) -> str:
    """How many of the planner's choices differ, and which."""
    before, after = (child(do="choices") for child in children)
    for when, reply in zip(WHEN, (before, after)):
        if "error" in reply:
            return f"choices of the planner, {when}: {reply['error']}"
    before, after = before["answer"], after["answer"]
    differ = [f"  {row}: {before[row]} → {after[row]}" for row in after if after[row] != before.get(row)]
    return "\n".join([f"choices of the planner: {len(differ)} of {len(after)} differ", *differ])
