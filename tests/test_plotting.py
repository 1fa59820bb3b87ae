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


def test_what_a_network_learned(tmp_path):
    rng = np.random.default_rng(0)
    colour, grey = rng.normal(size=(7, 7, 3, 20)), rng.normal(size=(3, 5, 1, 3))
    for kernels in (colour, grey, 0 * grey):
        drawn(plotting.kernel_bank(kernels, title="kernels"), tmp_path / "a.png")
    for image in (rng.random((20, 30, 3)), rng.random((20, 30))):
        stages = [rng.normal(size=(20, 30, 12)), np.zeros((5, 7, 2))]
        drawn(plotting.feature_maps(image, stages, ["first"], title="maps"), tmp_path / "a.png")
        maps = {"gradient": rng.random((20, 30)), "nothing": np.zeros((20, 30))}
        drawn(plotting.saliency_maps(image, maps), tmp_path / "a.png")
        effective = np.zeros((20, 30))
        for field in (effective, effective + np.eye(20, 30)):
            drawn(plotting.receptive_field(image, field, (-3, 10), (9, 9)), tmp_path / "a.png")


def test_a_sliding_kernel_shows_the_numbers_of_each_step(tmp_path):
    image, kernel = np.arange(12.0).reshape(3, 4), np.array([[1.0, 0.0], [-1.0, 2.0]])
    options = {"strides": (1, 2), "padding": ((1, 0), (0, 1)), "dilation": (2, 1)}
    padded = np.pad(image, options["padding"])
    output = np.array([[np.sum(padded[i : i + 3 : 2, j : j + 2] * kernel) for j in (0, 2)] for i in (0, 1)])
    figure = plotting.sliding_kernel(image, kernel, output, 2, **options)
    assert figure.get_suptitle() == "8 · −1 + 9 · 2 = 10"
    drawn(figure, tmp_path / "a.png")
    animation = plotting.animate_sliding_kernel(image, kernel, output, **options)
    animation.save(tmp_path / "b.gif", writer="pillow")
    from PIL import Image

    with Image.open(tmp_path / "b.gif") as file:
        assert file.n_frames == output.size
    with np.testing.assert_raises_regex(ValueError, r"`output` must have shape \(2, 2\) for these strides"):
        plotting.sliding_kernel(image, kernel, output.T[:1], 0, **options)
