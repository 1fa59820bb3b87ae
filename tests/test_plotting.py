"""What every plotting function draws: its data, colours, labels and units, and that a file is written whole."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread

from jconv import plotting
from jconv.plotting._figure import INK, SERIES, short
from jconv.plotting._gallery import RIGHT, WRONG
from jconv.plotting._pictures import HUES
from tests.artists import has_ticks, images, limits, outlines, texts, visible

RNG = np.random.default_rng(0)


def test_a_kernel_grid_shows_each_kernel_with_its_numbers_and_name():
    kernels = [np.array([[1.0, -0.5], [0.25, 0.0]]), 4 * np.eye(3), RNG.normal(size=(2, 13))]
    fig = plotting.kernel_grid(kernels, ["a", "b"], title="three", columns=2)
    first, second, third = visible(fig)
    assert fig.get_suptitle() == "three"
    assert [axes.get_title() for axes in (first, second, third)] == ["a", "b", ""]
    for axes, kernel in zip((first, second, third), kernels):
        np.testing.assert_array_equal(images(axes)[0], kernel)
        assert limits(axes) == (-np.abs(kernel).max(), np.abs(kernel).max())
        assert axes.images[0].get_cmap().name == "RdBu_r"
        assert not has_ticks(axes)
    assert texts(first) == {(0, 0): "1", (1, 0): "−.5", (0, 1): ".25", (1, 1): "0"}
    assert texts(third) == {}  # 26 taps: too small to read
    shared = plotting.kernel_grid(kernels, shared=True)
    assert {limits(axes) for axes in visible(shared)} == {(-4.0, 4.0)}
    assert limits(visible(plotting.kernel_grid([np.zeros((3, 3))]))[0]) == (-1.0, 1.0)


def test_numbers_are_short_and_right():
    numbers = {0.0: "0", 1.0: "1", -0.5: "−.5", 10.25: "10.25", -0.001: "0", 100.0: "100", 0.999: "1", -20.0: "−20"}
    assert {value: short(value) for value in numbers} == numbers


def test_learning_curves_show_values_and_their_running_mean():
    curves = {"loss": np.arange(60.0) ** 2, "accuracy": np.array([0.5, 1.0])}
    fig = plotting.learning_curves(curves, title="run", smooth=10)
    assert fig.get_suptitle() == "run"
    for axes, (name, values), colour, width in zip(fig.axes, curves.items(), SERIES[:2], (10, 2), strict=True):
        assert (axes.get_title(), axes.get_xlabel()) == (name, "step")
        each, mean = axes.lines
        np.testing.assert_array_equal(each.get_xdata(), np.arange(1, len(values) + 1))
        np.testing.assert_array_equal(each.get_ydata(), values)
        np.testing.assert_array_equal(mean.get_xdata(), np.arange(width, len(values) + 1))
        windows = np.lib.stride_tricks.sliding_window_view(values, width)
        np.testing.assert_allclose(mean.get_ydata(), windows.mean(axis=1))
        assert each.get_color() == mean.get_color() == colour
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["each step", f"mean of {width} steps"]


def test_a_confusion_shows_counts_truth_down_and_predictions_across():
    matrix = np.array([[6, 2, 0], [0, 4, 0], [1, 0, 3]])
    fig = plotting.confusion(matrix, ["cat", "dog", "elephant"], title="t")
    (axes,) = fig.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted", "truth", "t")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog", "elephant"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog", "elephant"]
    assert texts(axes) == {(0, 0): "6", (1, 0): "2", (1, 1): "4", (0, 2): "1", (2, 2): "3"}
    share = np.array([[0.75, -0.5, 0], [0, 1, 0], [-0.5, 0, 0.75]])  # right ones blue, wrong ones red and by their root
    np.testing.assert_allclose(images(axes)[0], share)
    red, blue = (axes.images[0].get_cmap()(axes.images[0].norm(v)) for v in (-0.5, 0.75))
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_a_gallery_colours_the_titles_of_right_and_wrong():
    pictures = [RNG.random((4, 6)) for _ in range(3)]
    fig = plotting.gallery(pictures, ["a", "b", "c"], right=[True, False, True], columns=2, cmap="magma", title="all")
    axes = visible(fig)
    assert fig.get_suptitle() == "all"
    assert [a.get_title() for a in axes] == ["a", "b", "c"]
    assert [a.title.get_color() for a in axes] == [RIGHT, WRONG, RIGHT]
    for a, picture in zip(axes, pictures):
        np.testing.assert_array_equal(images(a)[0], picture)
        assert limits(a) == (picture.min(), picture.max())
        assert a.images[0].get_cmap().name == "magma"
    assert {a.title.get_color() for a in visible(plotting.gallery(pictures, ["a", "b", "c"]))} == {INK}


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_kernel_bank_shows_colour_about_grey_or_the_mean_of_channels(channels):
    kernels = RNG.normal(size=(3, 5, channels, 7))
    fig = plotting.kernel_bank(kernels, title="bank", columns=4)
    reach = np.abs(kernels).max()
    assert fig.get_suptitle() == "bank"
    assert len(visible(fig)) == 7
    for k, axes in enumerate(visible(fig)):
        if channels == 3:
            np.testing.assert_allclose(images(axes)[0], 0.5 + 0.5 * kernels[..., k] / reach)
        else:
            np.testing.assert_allclose(images(axes)[0], kernels[..., k].mean(-1))
            assert limits(axes) == (-reach, reach)
    assert limits(visible(plotting.kernel_bank(np.zeros((3, 3, 1, 1))))[0]) == (-1.0, 1.0)


@pytest.mark.parametrize("image", [RNG.random((20, 30, 3)), RNG.random((20, 30)), RNG.random((20, 30, 2))])
def test_feature_maps_are_those_that_vary_most(image):
    stage = RNG.normal(size=(10, 15, 6)) * np.array([1, 5, 3, 0.1, 4, 2])
    fig = plotting.feature_maps(image, [stage, np.zeros((5, 7, 2))], ["first"], most=4, title="maps")
    assert fig.get_suptitle() == "maps"
    picture, *rows = visible(fig)
    expected = image.mean(-1) if image.shape[-1] == 2 else image
    np.testing.assert_allclose(images(picture)[0], expected)
    assert picture.get_title() == "picture"
    assert [axes.get_xlabel() for axes in rows] == ["1", "4", "2", "5", "0", "1"]
    for axes, channel in zip(rows[:4], (1, 4, 2, 5)):
        np.testing.assert_array_equal(images(axes)[0], stage[..., channel])
    assert rows[0].get_title(loc="left") == "first: 10 × 15 × 6"
    assert rows[4].get_title(loc="left") == "stage 2: 5 × 7 × 2"


def test_saliency_is_shown_up_to_its_99th_percentile_and_as_brightness():
    image, values = RNG.random((20, 30, 3)), RNG.random((20, 30))
    values[0, 0] = 1000.0
    fig = plotting.saliency_maps(image, {"gradient": values, "nothing": np.zeros((20, 30))}, title="maps")
    picture, gradient, nothing, empty, lit, dark = fig.axes
    assert fig.get_suptitle() == "maps"
    assert [axes.get_title() for axes in (picture, gradient, nothing)] == ["picture", "gradient", "nothing"]
    share = np.clip(values / np.percentile(values, 99), 0, 1)
    np.testing.assert_allclose(images(gradient)[0], share)
    assert limits(gradient) == (0, 1)
    np.testing.assert_allclose(images(lit)[0], image * share[..., None])
    np.testing.assert_array_equal(images(nothing)[0], 0)
    np.testing.assert_array_equal(images(dark)[0], 0)
    assert not empty.axison
    grey = plotting.saliency_maps(image[..., 0], {"gradient": values})
    np.testing.assert_allclose(images(grey.axes[3])[0], image[..., 0] * share)


def test_a_receptive_field_is_a_rectangle_heat_and_two_profiles():
    image, effective = RNG.random((20, 30, 3)), np.zeros((20, 30))
    effective[5:9, 12:14] = RNG.random((4, 2))
    fig = plotting.receptive_field(image, effective, (3, 10), (9, 7), title="field")
    left, right = fig.axes
    assert fig.get_suptitle() == "field"
    assert left.get_title() == "theoretical field: 9 × 7"
    np.testing.assert_allclose(images(left)[0], 0.75 * image.mean(-1))
    np.testing.assert_allclose(images(left)[1], np.sqrt(effective / effective.max()))
    assert outlines(left) == [(9.5, 2.5, 7, 9)]
    assert right.get_yscale() == "log"
    assert (right.get_xlabel(), right.get_ylabel()) == ("pixel", "share of the largest")
    curves = {line.get_label(): line for line in right.lines if line.get_label().startswith("effective")}
    for axis, name in enumerate(("rows", "columns")):
        profile = effective.sum(1 - axis)
        want = np.where(profile > 0, profile / profile.max(), np.nan)
        np.testing.assert_allclose(curves[f"effective field along {name}"].get_ydata(), want)
    edges = [line.get_xdata()[0] for line in right.lines if line.get_label().startswith("_")]
    assert edges == [2.5, 11.5, 9.5, 16.5]
    nothing = plotting.receptive_field(image, np.zeros((20, 30)), (-30, 10), (90, 7))
    assert np.isnan(nothing.axes[1].lines[0].get_ydata()).all()
    assert [line.get_xdata()[0] for line in nothing.axes[1].lines if line.get_label().startswith("_")] == [9.5, 16.5]


def test_pictures_masks_and_boxes_are_drawn_where_they_are():
    axes = Figure().subplots()
    image = np.linspace(-0.5, 1.5, 12 * 16).reshape(12, 16)
    plotting.draw_image(axes, image, "name")
    np.testing.assert_array_equal(images(axes)[0], np.clip(image, 0, 1))
    assert (limits(axes), axes.get_title(), has_ticks(axes)) == ((0, 1), "name", False)
    mask = np.arange(12 * 16).reshape(12, 16) % 12
    plotting.draw_mask(axes, mask, opacity=0.5)
    np.testing.assert_array_equal(images(axes)[1], plotting.color_mask(mask, opacity=0.5))
    boxes = np.array([[0, 0, 1, 1], [2, 3, 7, 9]])  # the first pixel; rows 2 … 6 and columns 3 … 8
    plotting.draw_boxes(axes, boxes, ["one", "two"], hues=[1, 4], dashed=True)
    assert outlines(axes) == [(-0.5, -0.5, 1, 1), (2.5, 1.5, 6, 5)]
    assert [to_hex(p.get_edgecolor()) for p in axes.patches] == [HUES[1], HUES[4]]
    assert {p.get_linestyle() for p in axes.patches} == {"--"}
    assert [(t.get_text(), t.get_position()) for t in axes.texts] == [("one", (-0.5, -0.5)), ("two", (2.5, 1.5))]
    assert [t.get_verticalalignment() for t in axes.texts] == ["top", "bottom"]  # at the upper edge, inside
    assert to_hex(axes.texts[1].get_bbox_patch().get_facecolor()) == HUES[4]


def test_a_mask_has_a_hue_for_each_class_and_is_clear_at_zero():
    colours = plotting.color_mask(np.array([[0, 1, 2, 11]]), opacity=0.25)
    assert [to_hex(c[:3]) for c in colours[0, 1:]] == [HUES[0], HUES[1], HUES[0]]
    assert colours[0, :, 3].tolist() == [0, 0.25, 0.25, 0.25]


def test_boxes_on_a_picture():
    image = RNG.random((10, 20, 3))
    fig = plotting.boxes_on_picture(image, np.array([[1, 2, 5, 8]]), ["cat 0.9"], [3])
    (axes,) = fig.axes
    np.testing.assert_array_equal(images(axes)[0], image)
    assert outlines(axes) == [(1.5, 0.5, 6, 4)]
    assert axes.texts[0].get_text() == "cat 0.9"
    width, height = fig.get_size_inches()
    assert width == pytest.approx(2 * height)


def test_a_segmentation_grid_shows_truth_prediction_and_wrong_pixels():
    pictures = RNG.random((2, 8, 8, 3))
    truth, predicted = RNG.integers(0, 3, (2, 2, 8, 8))
    fig = plotting.segmentation_grid(pictures, truth, predicted, ["cat", "dog"], title="t")
    assert fig.get_suptitle() == "t"
    grid = np.array(fig.axes).reshape(4, 2)
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["picture", "true mask", "predicted mask", "wrong pixels"]
    for k in range(2):
        np.testing.assert_array_equal(images(grid[0, k])[0], pictures[k])
        for row, mask in ((1, truth[k]), (2, predicted[k])):
            np.testing.assert_allclose(images(grid[row, k])[0], 0.45 * pictures[k])
            np.testing.assert_array_equal(images(grid[row, k])[1], plotting.color_mask(mask))
        np.testing.assert_array_equal(images(grid[3, k])[0], truth[k] != predicted[k])
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cat", "dog"]
    assert [to_hex(patch.get_facecolor()) for patch in legend.get_patches()] == list(HUES[:2])


def test_a_detection_grid_has_truth_above_and_detections_below():
    pictures = RNG.random((2, 8, 8))
    truth = [(np.array([[1, 1, 4, 4]]), ["7"], [0]), (np.zeros((0, 4)), [], [])]
    detected = [(np.array([[1, 1, 5, 4]]), ["7 90 %"], [2]), (np.array([[0, 0, 2, 2]]), ["1"], [1])]
    fig = plotting.detection_grid(pictures, truth, detected, title="t")
    assert fig.get_suptitle() == "t"
    grid = np.array(fig.axes).reshape(2, 2)
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["truth", "detected: digit and score"]
    for k in range(2):
        for axes, (boxes, names, _) in zip(grid[:, k], (truth[k], detected[k])):
            np.testing.assert_array_equal(images(axes)[0], pictures[k])
            assert [text.get_text() for text in axes.texts] == names
            assert len(outlines(axes)) == len(boxes)
    assert outlines(grid[1, 0]) == [(0.5, 0.5, 3, 4)]


def test_kernel_recovery_shows_kernels_outputs_and_errors():
    image = RNG.random((1, 12, 16))
    edge = np.zeros((7, 7))
    edge[3, 2:5] = (-1, 0, 1)
    truth = np.stack([RNG.random((7, 7)), np.zeros((7, 7)), edge], axis=-1)
    start, learned = RNG.normal(size=truth.shape), truth + 1e-3
    errors = np.geomspace(1, 1e-3, 5)[:, None] * np.ones(3)
    fig = plotting.kernel_recovery(["box", "none", "edge"], image, truth, start, learned, errors)
    above, below, *cells = fig.axes
    assert fig.get_suptitle().startswith("Learning convolution kernels from random numbers: the true kernels made the")
    np.testing.assert_allclose(images(above)[0], image[0])
    assert (below.get_xlabel(), below.get_yscale()) == ("step", "log")
    for k, name in enumerate(("box", "none", "edge")):
        line = below.lines[k]
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 6))
        np.testing.assert_array_equal(line.get_ydata(), errors[:, k])
    rows = np.array(cells).reshape(3, 5)
    titles = [
        "random start",
        "learned kernel",
        "true kernel",
        "output of the learned kernel",
        "output of the true kernel",
    ]
    assert [axes.get_title() for axes in rows[0]] == titles
    assert [axes.get_ylabel() for axes in rows[:, 0]] == [f"{n}\nerror 1e-03" for n in ("box", "none", "edge")]
    for axes, bank in zip(rows[0], (start, learned, truth)):
        np.testing.assert_array_equal(images(axes)[0], bank[..., 0])
        assert limits(axes) == (-truth[..., 0].max(), truth[..., 0].max())
    np.testing.assert_array_equal(images(rows[2, 2])[0], [[-1, 0, 1]])  # without the border of zeros
    windows = np.lib.stride_tricks.sliding_window_view(image[0], (7, 7))
    np.testing.assert_allclose(images(rows[0, 4])[0], np.einsum("ijuv,uv->ij", windows, truth[..., 0]))
    assert limits(rows[2, 3]) == limits(rows[2, 4])
    assert limits(rows[2, 4])[0] == -limits(rows[2, 4])[1]  # a kernel that sums to zero: grey is zero
    few = plotting.kernel_recovery(["a", "b", "c"], image, truth, start, learned, errors, most=2)
    assert len(few.axes) == 2 + 2 * 5
    colour = plotting.kernel_recovery(
        ["a"], RNG.random((3, 12, 16)), *(b[..., :1] for b in (truth, start, learned)), errors
    )
    assert images(colour.axes[0])[0].shape == (12, 16, 3)


def test_restoration_shows_what_came_what_was_restored_and_what_was():
    rows = [tuple(RNG.random((6, 8, 3)) for _ in range(3)) for _ in range(2)]
    true_kernel, kernel = RNG.random((5, 5)), RNG.random((5, 5))
    fig = plotting.restoration(rows, [(20.0, 31.24), (18.5, 28.0)], true_kernel, kernel, title="t")
    *cells, above, below = fig.axes
    assert fig.get_suptitle() == "t"
    grid = np.array(cells).reshape(2, 3)
    assert [axes.get_title() for axes in grid[0]] == ["from the camera: 20.0 dB", "restored: 31.2 dB", "as it was"]
    for axes, (sharp, spoiled, restored) in zip(grid, rows):
        for one, picture in zip(axes, (spoiled, restored, sharp)):
            np.testing.assert_array_equal(images(one)[0], picture)
    for axes, shown, name in ((above, true_kernel, "true kernel"), (below, kernel, "learned kernel")):
        np.testing.assert_array_equal(images(axes)[0], shown)
        assert (limits(axes), axes.get_title()) == ((0, true_kernel.max()), name)


IMAGE, KERNEL = np.arange(12.0).reshape(3, 4), np.array([[1.0, 0.0], [-1.0, 2.0]])
OPTIONS = {"strides": (1, 2), "padding": ((1, 0), (0, 1)), "dilation": (2, 1)}
PADDED = np.pad(IMAGE, OPTIONS["padding"])
OUTPUT = np.array([[np.sum(PADDED[i : i + 3 : 2, j : j + 2] * KERNEL) for j in (0, 2)] for i in (0, 1)])


def test_a_sliding_kernel_shows_the_numbers_of_each_step():
    fig = plotting.sliding_kernel(IMAGE, KERNEL, OUTPUT, 2, **OPTIONS)
    assert fig.get_suptitle() == "8 · −1 + 9 · 2 = 10"
    left, middle, right = fig.axes
    assert [axes.get_title() for axes in fig.axes] == ["image, zeros around it", "kernel", "output"]
    np.testing.assert_array_equal(images(left)[0], PADDED)
    np.testing.assert_array_equal(images(middle)[0], KERNEL)
    np.testing.assert_array_equal(images(right)[0], [[OUTPUT[0, 0], OUTPUT[0, 1]], [OUTPUT[1, 0], np.nan]])
    frame, *taps = outlines(left)
    assert frame == (-0.5, 0.5, 4, 3)  # the image inside its zeros
    assert taps == [(c - 0.5, r - 0.5, 1, 1) for r in (1, 3) for c in (0, 1)]
    assert outlines(right) == [(-0.5, 0.5, 1, 1)]
    assert texts(right) == {(0, 0): short(OUTPUT[0, 0], 1), (1, 0): short(OUTPUT[0, 1], 1), (0, 1): "10"}
    plain = plotting.sliding_kernel(IMAGE, np.ones((3, 4)), IMAGE.sum(keepdims=True), 0)
    assert plain.axes[0].get_title() == "image"
    assert plain.get_suptitle() == " + ".join(f"{v} · 1" for v in range(1, 10)) + " + … = 66"
    with pytest.raises(ValueError, match=r"`output` must have shape \(2, 2\) for these strides"):
        plotting.sliding_kernel(IMAGE, KERNEL, OUTPUT.T[:1], 0, **OPTIONS)


def test_an_animation_has_a_frame_for_each_output(tmp_path):
    animation = plotting.animate_sliding_kernel(IMAGE, KERNEL, OUTPUT, interval=250, **OPTIONS)
    animation.save(tmp_path / "b.gif", writer="pillow")
    from PIL import Image

    with Image.open(tmp_path / "b.gif") as file:
        assert file.n_frames == OUTPUT.size
        assert file.info["duration"] == 250


def test_a_figure_is_saved_whole_and_alone(tmp_path):
    fig = plotting.kernel_grid([np.eye(3)] * 9, ["name"] * 9, title="t")
    plotting.save(fig, tmp_path / "a.png", dpi=50)
    pixels = imread(tmp_path / "a.png")
    width, height = fig.get_size_inches()
    assert pixels.shape[:2] == (int(50 * height), int(50 * width))
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(OSError, match="absent"):
        plotting.save(fig, tmp_path / "absent" / "a.png")
    assert fig._repr_png_().startswith(b"\x89PNG")


def test_drawing_never_loads_pyplot():
    code = (
        "import sys, numpy as np; from jconv import plotting; plotting.kernel_grid([np.eye(3)]).canvas.draw(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
