"""A training run that is killed again and again ends in the same bits."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

KILLS, STEPS, EVERY = 10, 800, 20


def start(folder, *options):
    command = ["train", "digits", "--steps", str(STEPS), "--checkpoint-every", str(EVERY), "--out", str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    return subprocess.Popen([sys.executable, "-m", "jconv", *command, *options], env=environment)


def newest(folder):
    return max((int(path.stem) for path in (folder / "checkpoints").glob("*.json") if path.stem.isdecimal()), default=0)


@pytest.mark.slow
def test_ten_kills_at_random_moments_leave_no_trace(tmp_path):
    whole, cut, draw = tmp_path / "whole", tmp_path / "cut", random.Random(7)
    assert start(whole).wait() == 0
    at = []
    for _ in range(KILLS):
        running, before, deadline = start(cut, "--resume"), newest(cut), time.monotonic() + 120
        try:
            while newest(cut) <= before:  # so that every process adds something, however slow the machine
                assert running.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.5))  # in the midst of steps, of a checkpoint, or between
            assert running.poll() is None, "the run ended before it was killed ten times"
        finally:
            running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        at.append(newest(cut))
    print("killed after", at)
    assert at == sorted(set(at))
    assert at[-1] < STEPS
    assert not (cut / "model.npz").exists()
    assert start(cut, "--resume").wait() == 0
    with np.load(whole / "model.npz") as one, np.load(cut / "model.npz") as other:
        assert set(one.files) == set(other.files)
        for name in one.files:
            assert one[name].tobytes() == other[name].tobytes(), name
