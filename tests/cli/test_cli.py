"""The command line as a user meets it: results, exit codes, one clear line, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
import tifffile
from PIL import Image

from jconv.cli import main
from jconv.data import read_picture, write_picture
from jconv.tasks import load_image, photograph, save_image

COMMANDS = ([], ["learn"], ["train"], ["train", "digits"], ["predict"], ["filter"], ["kernels"], ["info"])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as done:
        main([*command, "--help"])
    assert done.value.code == 0
    assert "example: jconv" in " ".join(capsys.readouterr().out.split())


def test_learn_leaves_its_results(tmp_path, capsys):
    save_image(tmp_path / "photo.png", photograph()[50:150, 100:220])
    command = ["learn", "--image", str(tmp_path / "photo.png"), "--out", str(tmp_path / "out")]
    options = ["--kernels", "sobel_x", "gaussian", "sharpen", "--steps", "1000", "--seed", "2"]
    assert main([*command, *options]) == 0
    shown = capsys.readouterr()
    assert "largest error" in shown.out
    lines = shown.err.splitlines()  # one every ten seconds, on a slow machine
    assert all(line.startswith("learning kernels: ") for line in lines)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["seed"] == 2
    assert metrics["steps"] == 1000
    assert set(metrics["kernels"]) == {"sobel_x", "gaussian", "sharpen"}
    assert all(row["max_abs_error"] < 1e-3 for row in metrics["kernels"].values())
    with Image.open(tmp_path / "out" / "kernels.png") as picture:
        assert min(picture.size) > 400


@pytest.mark.optimized  # as the killed process, which this one continues
def test_digits_killed_in_the_middle_end_in_the_same_bits(tmp_path, capsys):
    small = ["--widths", "4", "4", "--batch-size", "16"]  # which compiles and runs in a fraction of the time
    options = ["train", "digits", "--steps", "80", "--checkpoint-every", "20", "--seed", "1", *small]
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    running = subprocess.Popen(
        [sys.executable, "-m", "jconv", *options, "--out", str(cut)],
        env={**os.environ, "JAX_ENABLE_X64": "1"},  # as in this process
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 300
    while not (cut / "checkpoints" / "40.json").exists():
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    assert not (cut / "metrics.json").exists()
    capsys.readouterr()

    assert main([*options, "--out", str(cut)]) == 2
    assert "holds an unfinished run; add --resume" in capsys.readouterr().err
    assert main([*options, "--out", str(cut), "--resume", "--seed", "3"]) == 2
    assert "belongs to another run: its option seed is 1, here it is 3" in capsys.readouterr().err
    assert main([*options, "--out", str(cut), "--resume"]) == 0
    assert main([*options, "--out", str(whole)]) == 0

    with np.load(cut / "model.npz") as a, np.load(whole / "model.npz") as b:
        assert len(a.files) == 13
        assert set(a.files) == set(b.files)
        for name in a.files:
            assert a[name].tobytes() == b[name].tobytes(), name
    first, second = (json.loads((folder / "metrics.json").read_text()) for folder in (cut, whole))
    assert {k: v for k, v in first.items() if k != "seconds"} == {k: v for k, v in second.items() if k != "seconds"}
    assert np.array(first["confusion_matrix"]).sum() == 360
    low, high = first["test_accuracy_95_percent_interval"]
    assert low < first["test_accuracy"] < high
    wanted = {"checkpoints", "confusion.png", "curves.png", "kernels.png", "metrics.json", "model.npz", "config.toml"}
    assert {p.name for p in whole.iterdir()} == wanted

    seal = whole / "checkpoints" / "80.json"
    seal.write_text(seal.read_text()[:50])
    before = (whole / "metrics.json").read_bytes()
    assert main([*options, "--out", str(whole), "--resume"]) == 2
    assert "is damaged" in capsys.readouterr().err
    assert (whole / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 3), (9, 12, 4), (5, 9, 12)])
def test_filter_keeps_depth_alpha_and_frames(tmp_path, capsys, shape, dtype, suffix):
    frames = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    frames = frames if shape[0] == 5 else frames[None]
    write_picture(tmp_path / f"in{suffix}", frames)
    stored = read_picture(tmp_path / f"in{suffix}").frames
    capsys.readouterr()
    command = ["filter", str(tmp_path / f"in{suffix}"), str(tmp_path / f"out{suffix}"), "--kernel", "identity"]
    assert main(command) == 0
    result = read_picture(tmp_path / f"out{suffix}").frames
    if suffix == ".tif":  # plain numbers
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, stored / np.iinfo(dtype).max, atol=1e-6)
    else:
        assert result.dtype == stored.dtype
        np.testing.assert_array_equal(result, stored)
    assert capsys.readouterr().out == ""


def test_filter_says_what_is_not_kept(tmp_path, capsys):
    write_picture(tmp_path / "in.png", np.full((1, 9, 12, 4), 5000, np.uint16))
    assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "out.jpg"), "--kernel", "box"]) == 0
    said = capsys.readouterr().out
    assert "16 bits became 8" in said
    assert "alpha was dropped" in said
    Image.fromarray(np.arange(108, dtype=np.uint8).reshape(9, 12)).convert("P").save(tmp_path / "p.png")
    assert main(["filter", str(tmp_path / "p.png"), str(tmp_path / "out.png"), "--kernel", "box"]) == 0
    assert "the palette was expanded to its colours" in capsys.readouterr().out


def test_a_response_becomes_a_picture_that_can_be_seen(tmp_path, capsys):
    save_image(tmp_path / "in.png", photograph()[50:100, 100:160, 1])
    for name in ("gabor", "sobel_x", "laplacian_of_gaussian", "box:normalized=False", "steerable", "log_gabor"):
        assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "out.png"), "--kernel", name]) == 0
        assert "× response" in capsys.readouterr().out
        shown = load_image(tmp_path / "out.png")
        assert 0.2 < shown.mean() < 0.8, name
        assert np.ptp(shown) > 0.3, name
    options = ["--kernel", "sobel_x", "--centre", "0.25", "--scale", "0.5"]
    assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "out.png"), *options]) == 0
    assert capsys.readouterr().out == "shown as 0.25 + 0.5 × response\n"
    assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "plain.tif"), "--kernel", "sobel_x"]) == 0
    wanted = np.clip(0.25 + 0.5 * load_image(tmp_path / "plain.tif"), 0, 1)
    np.testing.assert_allclose(load_image(tmp_path / "out.png"), wanted, atol=0.51 / 255)


def test_info_for_people_and_for_programs(capsys, monkeypatch):
    monkeypatch.setenv("JCONV_WISDOM", "/no/such/file")
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {"versions", "machine", "fast paths", "files", "environment variables"} == set(facts)
    assert facts["versions"]["jax"] == jax.__version__
    assert facts["environment variables"]["JCONV_WISDOM"] == "/no/such/file"
    assert facts["files"]["wisdom"] == "/no/such/file (there is no such file)"
    for section, entries in facts.items():
        assert f"{section}:" in text
        assert all(f"  {name}: " in text for name in entries)


def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "jconv", "kernels", "identity"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "jconv: error: cannot write the output: No space left on device\n"


def test_filter_and_kernels(tmp_path, capsys):
    image = photograph()[:40, :50]
    save_image(tmp_path / "in.png", image)
    assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "same.png"), "--kernel", "identity"]) == 0
    np.testing.assert_array_equal(load_image(tmp_path / "same.png"), load_image(tmp_path / "in.png"))
    assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "edges.tif"), "--kernel", "sobel_x"]) == 0
    assert load_image(tmp_path / "edges.tif").min() < 0
    assert main(["filter", str(tmp_path / "in.png"), str(tmp_path / "edges.jpg"), "--kernel", "sobel"]) == 0
    assert abs(float(np.median(load_image(tmp_path / "edges.jpg"))) - 0.5) < 0.1
    capsys.readouterr()
    assert main(["kernels"]) == 0
    listed = capsys.readouterr().out
    assert "gaussian  5×5, sum 1" in listed
    assert "sobel_y  3×3, sum 0" in listed
    assert main(["kernels", "sobel_y", "--out", str(tmp_path / "k.png")]) == 0
    assert "[-1. -2. -1.]" in capsys.readouterr().out
    with Image.open(tmp_path / "k.png") as picture:
        assert picture.format == "PNG"


@pytest.fixture
def files(tmp_path):
    save_image(tmp_path / "good.png", photograph()[:40, :50])
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "pixel.png")
    tifffile.imwrite(tmp_path / "nan.tif", np.full((30, 30), np.nan, np.float32))
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 30, 30, 3), np.float32))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "model.npz").write_text("no archive")
    (tmp_path / "typo.toml").write_text("step = 5")
    (tmp_path / "type.toml").write_text('steps = "many"')
    (tmp_path / "real.toml").write_text("steps = 1.5")
    (tmp_path / "list.toml").write_text("widths = 16")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("learn --image {}/text.png --out {}/o", "cannot read"),
        ("learn --image {}/pixel.png --out {}/o", "the image is 1×1; kernels of 5×5 need at least 15×15"),
        ("learn --image {}/nan.tif --out {}/o", "holds NaN"),
        ("learn --image {}/stack.tif --out {}/o", "has shape (5, 30, 30, 3)"),
        ("learn --image {}/good.png --kernels gaussian:size=41 --out {}/o", "kernels of 41×41 need at least"),
        ("learn --kernels sobl_x --out {}/o", "unknown kernel 'sobl_x'; did you mean 'sobel_x'? Known kernels: "),
        ("learn --out {}/file/o", "cannot write to the output folder"),
        ("learn --out {}/file", "cannot write to the output folder"),
        ("train digits --out {}/file", "cannot write to the output folder"),
        ("train digits --steps 0 --out {}/o", "argument --steps: must be an integer >= 1, got 0"),
        ("train digits --seed x --out {}/o", "argument --seed: must be an integer >= 0, got 'x'"),
        ("train digits --learning-rate 0 --out {}/o", "--learning-rate: must be a number > 0, got 0.0"),
        ("train digits --learning-rate nan --out {}/o", "--learning-rate: must be a number > 0, got nan"),
        (
            "train digits --widths 4 0 --out {}/o",
            "a list of integers >= 1, got [4, 0]",
        ),
        ("train digits --config {}/typo.toml --out {}/o", "there is no setting 'step'; did you mean 'steps'? Known"),
        ("train digits --config {}/type.toml --out {}/o", "`steps` must be an integer >= 1, got 'many'"),
        ("train digits --config {}/real.toml --out {}/o", "`steps` must be an integer >= 1, got 1.5"),
        ("train digits --config {}/list.toml --out {}/o", "`widths` must be a list of integers"),
        ("train digits --config {}/text.png --out {}/o", "text.png' is not TOML: "),
        ("train digits --config {}/gone.toml --out {}/o", "cannot read the config file"),
        ("learn --steps 0 --out {}/o", "expected an integer >= 1, got '0'"),
        ("predict {}/o {}/good.png", "there is no trained model"),
        ("predict {} {}/good.png", "/model.npz' is not a model of jconv, or is damaged"),
        ("predict digits", "the following arguments are required: FILE"),
        ("train digits --resume --checkpoint-every 0 --out {}/o", "--resume needs checkpoints"),
        ("train cats", "invalid choice: 'cats'"),
        ("lern", "invalid choice: 'lern'"),
        ("", "the following arguments are required: COMMAND"),
        ("filter {}/good.png {}/o.png", "the following arguments are required: --kernel"),
        ("filter {}/good.png {}/o.bmp --kernel box", "its ending must be one of"),
        ("filter {} {}/o.png --kernel box", "it is a folder; name a file in it"),
        ("filter {}/good.png {}/o.png --kernel box --scale x", "argument --scale: expected a number, got 'x'"),
        ("filter {}/stack.tif {}/o.jpg --kernel box", "cannot write 5 pictures into"),
        ("filter {}/nan.tif {}/o.png --kernel box", "nan.tif' holds NaN or infinity"),
        ("kernels gaussian:size=100001", "the kernel 'gaussian:size=100001' asks for 320.0 GB of memory"),
        ("kernels disk:radius=1e9", "and the limit is 2.1 GB"),
        ("kernels gaussian:size=abc", "`size` must be a number or several in parentheses, got 'abc'"),
        ("kernels gaussian:size=7,size=9", "gives 'size' twice; give it once"),
        ("kernels nope", "unknown kernel 'nope'. Known kernels: identity"),
        ("learn --kernels sobel_x sobel_x --out {}/o", "the kernel 'sobel_x' is named twice"),
        ("train digits --data x --out {}/o", "jconv train digits: error: unknown arguments: --data x"),
        ("train digits --step 5 --out {}/o", "unknown arguments: --step 5; did you mean 'steps'?"),
        ("predict {}/model.npz {}/good.png", "/model.npz' is not a model of jconv, or is damaged"),
        ("filter {}/good.png {}/no/o.png --kernel box", "cannot write"),
        ("filter {}/good.png {}/file.png --kernel box:size=99", "the kernel is 99×99 and the image 40×50"),
        ("filter {}/gone.png {}/o.png --kernel box", "no such file"),
        ("kernels sobol", "unknown kernel 'sobol'"),
        ("kernels --out {}/k.txt", "its ending must be .png"),
        ("kernels --out {}/no/k.png", "cannot write"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(files, capsys, command, message):
    before = {p: p.read_bytes() for p in files.iterdir()}
    words = command.replace("{}", str(files)).split()
    try:
        code = main(words)
    except SystemExit as done:
        code = done.code
    shown = capsys.readouterr()
    assert code == 2
    assert shown.err.count("\n") == 1
    assert message in shown.err
    assert {p: p.read_bytes() for p in files.iterdir() if p.is_file()} == before


def test_a_real_process_ends_the_same_way(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "jconv", "learn", "--kernels", "sobl", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("jconv: error: unknown kernel 'sobl'; did you mean 'sobel")
    assert done.stderr.count("\n") == 1
