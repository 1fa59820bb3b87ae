"""Pictures are drawn without pyplot, for one kernel or many, and saved whole."""

import subprocess
import sys

import numpy as np
from matplotlib.image import imread

from jconv import plotting


def drawn(figure, path):
    plotting.save(figure, path)
    pixels = imread(path)
    assert pixels[..., :3].std() > 0.02
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return pixels


def test_recovery_of_one_grey_picture_with_large_and_empty_kernels(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.stack([rng.normal(size=(7, 7)), np.zeros((7, 7)), np.eye(7)], axis=-1)
    figure = plotting.kernel_recovery(
        ["a", "b", "c"], rng.random((1, 30, 40)), truth, 0 * truth, truth + 1e-3, np.full((5, 3), 0.1)
    )
    drawn(figure, tmp_path / "a.png")


def test_kernels_curves_and_confusion(tmp_path):
    for kernels in ([np.eye(3)], [np.eye(3)] * 9, [np.ones((2, 7))]):
        drawn(plotting.kernel_grid(kernels, ["name"] * len(kernels), shared=True), tmp_path / "a.png")
    drawn(plotting.learning_curves({"loss": np.ones(3), "other": np.arange(99.0)}), tmp_path / "a.png")
    drawn(plotting.confusion(np.array([[5, 0], [1, 0]]), ["a", "b"], title="t"), tmp_path / "a.png")


def test_drawing_never_loads_pyplot():
    code = (
        "import sys, numpy as np; from jconv import plotting; plotting.kernel_grid([np.eye(3)]).canvas.draw(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
