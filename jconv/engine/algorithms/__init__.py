"""The algorithms that the engine knows, each a module with the same six names.

    NAME                        as `algorithm=` takes it
    ACCURACY                    its error class, a key of `jconv.engine._accuracy.CLASSES`; where it depends on the
                                problem, a function `accuracy(problem)` beside it
    supports(problem)           None, or the reason why not
    features(problem)           what its time is made of: {name: amount}, weighted by fitted constants
    memory(problem)             bytes of extra memory at the peak
    parts(problem)              the smaller problems it leaves to the planner
    apply(problem, lhs, rhs, run)   the result; `run(part, lhs, rhs)` solves a part

Nothing registers itself: the table below names them all.
"""

from __future__ import annotations

from jconv.engine.algorithms import (
    banded,
    channel_sum,
    columns,
    complex_split,
    direct,
    exchange,
    fft,
    im2col,
    kernel_gradient,
    onednn,
    overlap_add,
    overlap_save,
    phase_sum,
    polyphase,
    toeplitz,
    winograd,
    winograd_gradient,
    xla,
)

ALGORITHMS = {
    module.NAME: module
    for module in (
        xla,
        onednn,
        direct,
        im2col,
        winograd,
        winograd_gradient,
        fft,
        overlap_add,
        overlap_save,
        toeplitz,
        banded,
        columns,
        polyphase,
        phase_sum,
        exchange,
        kernel_gradient,
        channel_sum,
        complex_split,
    )
}
