"""Machines and problems for tests of the planner: both libraries of XLA, with oneDNN and without."""

import dataclasses
import itertools

from benchmarks import contenders
from benchmarks.layers import LAYERS, MODEL_LAYERS
from benchmarks.single import SINGLES
from jconv.engine._onednn_probe import Answer
from jconv.engine._target import this_machine


def machines():
    """This machine with each library, with oneDNN and without."""
    for library, onednn in itertools.product(("eigen", "ynn"), (True, False)):
        answer = Answer(None, None) if onednn else Answer("a machine without it", "a machine without it")
        yield dataclasses.replace(this_machine(), library=library, onednn=lambda answer=answer: answer)


def benchmark_problems(target):
    """The problems of all passes of the benchmark's layers, filters and signals."""
    return [p for layer in (*LAYERS, *MODEL_LAYERS, *SINGLES) for p in contenders.problems(layer, target).values()]
