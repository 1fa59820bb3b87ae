"""Runs as they are started and stopped in real life: terminals, signals, two at a time."""

import contextlib
import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

import numpy as np
import pytest

from jconv.cli import _output
from jconv.cli._output import hold_output
from jconv.data import save_image
from jconv.training import ProgressBar, Report


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    save_image(path, np.random.default_rng(0).random((40, 40)))
    return path


@pytest.fixture(autouse=True)
def ended():
    """No process outlives its test."""
    yield
    while STARTED:
        if (process := STARTED.pop()).poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


STARTED = []


def learn(photo, out, *options):
    command = [sys.executable, "-m", "jconv", "learn", "--image", photo, "--kernels", "sobel_x", "--out", out, *options]
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where the tests themselves run in the background
    STARTED.append(subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, preexec_fn=heed))
    return STARTED[-1]


def wait_for(condition, running, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def saved(out):
    return sorted(int(seal.stem) for seal in (out / "checkpoints").glob("[0-9]*.json"))


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(photo, tmp_path):
    out = tmp_path / "out"
    running = learn(photo, out, "--steps", "400000", "--checkpoint-every", "50")
    wait_for(lambda: len(saved(out)) > 1, running)
    second = learn(photo, out, "--steps", "5")
    assert "another run is writing to" in second.communicate()[1]
    assert second.returncode == 2
    running.send_signal(signal.SIGINT)
    told = running.communicate()[1]
    assert running.returncode == 130
    steps = saved(out)
    assert all(step % 50 == 0 for step in steps)
    assert f"interrupted; the same command with --resume goes on after step {steps[-1]}" in told
    assert len(steps) == 2
    (out / "checkpoints" / "17").mkdir()  # as a process leaves it that is killed while it saves

    again = learn(photo, out, "--steps", "400000", "--resume")  # saves as often as before, without being told
    wait_for(lambda: saved(out)[-1] > steps[-1] + 50, again)  # after the first, leftovers are gone
    assert saved(out)[-1] % 50 == 0
    assert not (out / "checkpoints" / "17").exists()
    again.send_signal(signal.SIGTERM)
    told = again.communicate()[1]
    assert again.returncode == 143
    assert "terminated; the same command with --resume goes on after step" in told
    assert "warn" not in told.lower()  # as Orbax does by itself, on resuming


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 130, "inter"), (signal.SIGTERM, 143, "term")])
def test_a_run_that_saved_nothing_leaves_no_folder(photo, tmp_path, number, code, word):
    running = learn(photo, tmp_path / "new" / "out", "--steps", "400000")
    wait_for((tmp_path / "new" / "out").exists, running)
    running.send_signal(number)
    told = running.communicate()[1]
    assert running.returncode == code
    assert word in told
    assert "nothing was saved. With --checkpoint-every N" in told
    assert not list(tmp_path.iterdir())


def test_a_folder_is_held_by_one_at_a_time_and_by_no_dead_process(tmp_path):
    with hold_output(tmp_path / "out"):
        with pytest.raises(ValueError, match="another run is writing to"), hold_output(tmp_path / "out"):
            pass
        assert (tmp_path / "out").is_dir()
        (tmp_path / "out" / "file").touch()
    code = "import os, pathlib, sys; from jconv.cli._output import hold_output\n"
    code += "with hold_output(pathlib.Path(sys.argv[1])): os._exit(3)"
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "out"]).returncode == 3
    with hold_output(tmp_path / "out"):
        pass
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_a_folder_that_was_there_before_stays(tmp_path):
    with contextlib.suppress(KeyboardInterrupt), hold_output(tmp_path):
        raise KeyboardInterrupt
    assert tmp_path.is_dir()
    assert _output.resume_hint(type("Args", (), {})()) == ""


REPORTS = [
    Report(None, {}, 0, 1500, 0.0, 4),
    Report(None, {"loss": np.array([0.123456]), "accuracy": np.array([0.5])}, 700, 1500, 3.0, 4),
    Report(None, {"loss": np.array([0.0123456]), "accuracy": np.array([0.9])}, 1500, 1500, 6.0, 4, True),
]


def drawn(columns, label="learning kernels"):
    """What a terminal of so many columns is sent."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    before = sys.stderr, os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        with os.fdopen(follower, "w", closefd=False) as sys.stderr:
            bar = ProgressBar(label)
            for report in REPORTS:
                bar(report)
            sys.stderr.flush()
    finally:
        sys.stderr = before[0]
        del os.environ["COLUMNS"]
        if before[1] is not None:
            os.environ["COLUMNS"] = before[1]
    os.close(follower)
    text = b""
    with contextlib.suppress(OSError):
        while part := os.read(leader, 65536):
            text += part
    os.close(leader)
    return [line for line in re.split(r"[\r\n]+", text.decode().replace("\x1b[A", "")) if line.strip()]


@pytest.mark.parametrize("columns", [200, 120, 80, 60, 40])
def test_a_bar_fits_the_terminal(columns):
    lines = drawn(columns)
    assert all(len(line) <= columns for line in lines)
    assert all(line.count("|") == 2 and len(line.split("|")[1]) >= 10 for line in lines)
    assert not any(line.count("[") != line.count("]") for line in lines)
    assert "1500/1500" in lines[-1]
    assert ("compiling" in lines[0]) == (columns >= 60)
    assert ("accuracy=0.9" in lines[-1]) == (columns >= 120)
    assert ("learning kernels: " in lines[-1]) == (columns >= 60)


def test_a_log_gets_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    bar = ProgressBar("learning", seconds=0.05)
    bar(REPORTS[0])
    assert sys.stderr.getvalue() == ""
    time.sleep(0.06)
    bar(REPORTS[1])
    bar(REPORTS[2])
    line = "learning: 700 of 1500 steps, loss 0.123, accuracy 0.5, samples/s 1\n"
    assert sys.stderr.getvalue() == line
