"""One call's work in parts, shared between XLA's threads. It imports numba.

XLA runs the custom calls of a program one after another, so a second core has to come from inside the call. The parts
are claimed from an atomic counter. The calling thread takes its share, and at the end waits only for parts that
another thread has begun: the pool may be busy, or have one thread. A task that starts late finds nothing to claim. What
it reads then is the job alone, which lives until the last of its holders lets go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from jconv.native import _layout as at
from jconv.native._frame import (
    address_of,
    answer_metadata,
    atomic_add,
    call_with_pointer,
    free,
    local_words,
    malloc,
    words,
    yield_processor,
)

# The words of a job.
_CLAIMED, _DONE, _PARTS, _HOLDERS, _FRAME, _WORDS = 0, 1, 2, 3, 4, 5

_word, _three_words, _four_words, _five_words = (local_words(count) for count in (1, 3, 4, 5))
_job_words = local_words(_WORDS)


@njit(inline="always")
def _threads(frame: Any) -> int:
    """The number of threads of XLA's pool, 1 where it has none."""
    arguments, count = _four_words(), _word()
    count[0] = 1
    arguments[0], arguments[1], arguments[2] = at.THREADS_BYTES, 0, frame[at.FRAME_CONTEXT]
    arguments[3] = address_of(count)
    error = call_with_pointer(words(frame[at.FRAME_API])[at.API_THREADS], address_of(arguments))
    if error != 0:
        _destroy(frame, error)
        return 1
    return count[0]


@njit(inline="always")
def _schedule(frame: Any, task: int, job: int) -> bool:
    """Ask XLA's pool to call `task(job)`; whether it will."""
    arguments = _five_words()
    arguments[0], arguments[1], arguments[2] = at.SCHEDULE_BYTES, 0, frame[at.FRAME_CONTEXT]
    arguments[3], arguments[4] = task, job
    error = call_with_pointer(words(frame[at.FRAME_API])[at.API_SCHEDULE], address_of(arguments))
    if error != 0:
        _destroy(frame, error)
        return False
    return True


@njit(inline="always")
def _destroy(frame: Any, error: int) -> None:
    arguments = _three_words()
    arguments[0], arguments[1], arguments[2] = at.DESTROY_BYTES, 0, error
    call_with_pointer(words(frame[at.FRAME_API])[at.API_ERROR_DESTROY], address_of(arguments))


def entry(parts: Callable[[Any], int], work: Callable[[Any, int, int], None]) -> Callable[[int, Any, int], int]:
    """The function behind a handler and its task.

    `parts(frame)` says into how many parts the work falls, 1 where sharing does not pay; `work(frame, part, parts)`
    does one. The function's arguments are the address of the task, the frame or the job, and whether it is the job.
    """

    def run(task: int, memory: Any, is_task: int) -> int:
        if is_task == 0:
            if answer_metadata(memory):
                return 0
            count = parts(memory)
            helpers = 0 if count < 2 else min(_threads(memory), count) - 1
            job, owned = words(address_of(_job_words())), False
            if helpers > 0:
                address = malloc(8 * _WORDS)
                if address == 0:
                    helpers = 0
                else:
                    job, owned = words(address), True
            job[_CLAIMED], job[_DONE], job[_PARTS], job[_FRAME] = 0, 0, count, address_of(memory)
            job[_HOLDERS] = helpers + 1
            for _ in range(helpers):
                if not _schedule(memory, task, address_of(job)):
                    atomic_add(job, _HOLDERS, -1)
        else:
            job, owned = memory, True
        while True:
            part = atomic_add(job, _CLAIMED, 1)
            if part >= job[_PARTS]:
                break
            work(words(job[_FRAME]), part, job[_PARTS])
            atomic_add(job, _DONE, 1)
        if is_task == 0:
            while atomic_add(job, _DONE, 0) < job[_PARTS]:
                yield_processor(0)
        if atomic_add(job, _HOLDERS, -1) == 1 and owned:
            free(address_of(job))
        return 0

    return run
