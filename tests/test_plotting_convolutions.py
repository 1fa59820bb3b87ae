"""What pictures of convolutions, responses, plans and errors draw: their data, units and colours."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage

import jconv
from jconv import plotting
from jconv.plotting._figure import PALE, SERIES
from tests.artists import curves, images, limits, outlines, texts

RNG = np.random.default_rng(3)


def test_a_frequency_response_along_one_axis_ends_at_nyquist():
    kernel = np.array([0.25, 0.5, 0.25])
    fig = plotting.frequency_response(np.fft.fft(kernel, 64), spacing=0.5, unit="m", floor=-60, title="t")
    above, below = fig.axes
    frequency, gain = above.lines[0].get_data()
    np.testing.assert_allclose(frequency, np.arange(33) / 32)  # half a cycle per sample is one per metre
    law = np.cos(np.pi * np.arange(33) / 64) ** 2
    np.testing.assert_allclose(gain, 20 * np.log10(np.maximum(law, 1e-3)), atol=1e-9)
    assert (above.get_ylabel(), below.get_ylabel()) == ("gain in dB", "phase in degrees")
    assert below.get_xlabel() == "frequency in cycles per m"
    phase = below.lines[0].get_ydata()
    assert np.isnan(phase[-1])  # the response is zero there
    np.testing.assert_allclose(phase[:30], -180 * np.arange(30) / 32, atol=1e-9)  # one sample late
    whole = plotting.frequency_response(np.fft.fft(kernel * 1j ** np.arange(3), 64)).axes[0].lines[0]
    np.testing.assert_allclose(whole.get_xdata(), np.arange(-32, 32) / 64)  # a complex kernel
    with pytest.raises(ValueError, match=r"`response` must have rank 1 or 2, got shape \(2, 2, 2\)"):
        plotting.frequency_response(np.ones((2, 2, 2)))


def test_a_frequency_response_along_two_axes_has_zero_in_the_middle():
    response = np.fft.fft2(np.outer([0.25, 0.5, 0.25], [1, -1]), (32, 16))
    plane, cuts, bar = plotting.frequency_response(response, floor=-50).axes
    gain = np.fft.fftshift(20 * np.log10(np.maximum(np.abs(response), 10**-2.5)))
    np.testing.assert_allclose(images(plane)[0], gain)
    left, right, bottom, top = plane.images[0].get_extent()
    assert (left, right, bottom, top) == (-0.5 - 1 / 32, 0.5 - 1 / 32, -0.5 - 1 / 64, 0.5 - 1 / 64)
    assert plane.get_xlabel() == "along columns: frequency in cycles per sample"
    assert bar.get_ylabel() == "gain in dB"
    drawn = curves(cuts)
    np.testing.assert_allclose(drawn["along columns"], [np.arange(-8, 8) / 16, gain[16]])
    np.testing.assert_allclose(drawn["along rows"], [np.arange(-16, 16) / 32, gain[:, 8]])


def test_an_image_a_kernel_and_its_response_stand_side_by_side():
    image, edge, box = RNG.random((8, 10, 3)), np.array([[1.0, -1.0]]), np.ones((2, 2))
    signed = np.array([[-2.0, 0.5], [1.0, 0.0]])
    fig = plotting.image_kernel_response(image, [edge, box], [signed, signed + 3], ["edge"], title="t")
    rows = np.array(fig.axes[:6]).reshape(2, 3)
    assert [[axes.get_title() for axes in row] for row in rows] == [
        ["image", "edge", "response"],
        ["image", "kernel", "response"],
    ]
    for row, kernel, response in zip(rows, (edge, box), (signed, signed + 3)):
        for axes, array in zip(row, (image, kernel, response)):
            np.testing.assert_array_equal(images(axes)[0], array)
    assert limits(rows[0, 2]) == (-np.percentile([0, 0.5, 1, 2], 99), np.percentile([0, 0.5, 1, 2], 99))
    assert limits(rows[1, 2]) == tuple(np.percentile(signed + 3, (0.5, 99.5)))
    assert rows[0, 2].images[0].get_cmap().name == "RdBu_r"
    assert rows[1, 2].images[0].get_cmap().name == "gray"
    assert len(fig.axes) == 7  # one colour bar, beside the signed response
    with pytest.raises(ValueError, match="`responses` must have one array for each of the 2 kernels, got 1"):
        plotting.image_kernel_response(image, [edge, box], [signed])


def test_a_history_shows_kernels_at_several_steps_and_their_errors():
    truth = RNG.normal(size=(3, 3, 2))
    steps = np.array([0, 10, 20, 30, 40])
    kernels = truth + np.array([1, 0.1, 0.01, 0.001, 0.0])[:, None, None, None] * np.sign(truth)
    fig = plotting.kernel_history(kernels, truth, steps, ["a"], most=3, title="t")
    *cells, errors = fig.axes
    grid = np.array(cells).reshape(2, 4)
    assert [axes.get_title() for axes in grid[0]] == ["step 0", "step 20", "step 40", "true kernel"]
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["a", "kernel 2"]
    for k, row in enumerate(grid):
        for axes, kernel in zip(row, [*kernels[[0, 2, 4], ..., k], truth[..., k]]):
            np.testing.assert_array_equal(images(axes)[0], kernel)
            assert limits(axes) == (-np.abs(truth[..., k]).max(), np.abs(truth[..., k]).max())
    drawn = curves(errors)
    assert list(drawn) == ["a", "kernel 2"]
    np.testing.assert_allclose(drawn["a"], [steps, [1, 0.1, 0.01, 0.001, np.nan]])  # an error of zero has no place
    assert (errors.get_yscale(), errors.get_xlabel()) == ("log", "step")
    with pytest.raises(ValueError, match=r"`kernels` must have shape \(steps, kh, kw, K\) = \(5, 3, 3, 2\), got"):
        plotting.kernel_history(kernels[:2], truth, steps)


def test_a_plan_is_bars_of_time_and_reasons():
    x, w = jax.ShapeDtypeStruct((1, 1, 128, 128), jnp.float32), jax.ShapeDtypeStruct((1, 1, 31, 31), jnp.float32)
    plan = jconv.plan(x, w, (1, 1), "SAME")
    (axes,) = plotting.plan_chart(plan).axes
    usable = sorted((c for c in plan.candidates if c.refused is None), key=lambda c: c.seconds)
    refused = [c for c in plan.candidates if c.refused is not None]
    assert [label.get_text() for label in axes.get_yticklabels()] == [c.algorithm for c in (*usable, *refused)]
    assert axes.get_xlabel() == "estimated time in ms"
    assert axes.yaxis_inverted()  # the fastest on top
    for bar, c in zip(axes.patches, usable, strict=True):
        assert bar.get_width() == pytest.approx(1e3 * c.seconds)
        assert bar.get_facecolor()[:3] == to_rgb(SERIES[0] if c.algorithm == plan.algorithm else PALE)
    words = [text.get_text() for text in axes.texts]
    factor, unit = (1e3, "ms") if usable[0].seconds >= 1e-4 else (1e6, "µs")
    assert words[0].startswith(f" {factor * usable[0].seconds:.3g} {unit}")
    for text, c in zip(words[len(usable) :], refused, strict=True):
        assert text == f" refused: {c.refused}"
    measured = plotting.plan_chart(dataclasses.replace(plan, effort="measure"), title="mine")
    assert (measured.axes[0].get_xlabel(), measured.get_suptitle()) == ("measured time in ms", "mine")


def test_errors_against_the_degree():
    degrees = np.arange(1, 5)
    errors = {"exp": np.array([1e-1, 1e-3, 1e-9, 0.0]), "jump": np.array([1.0, 0.5, 0.4, 0.3])}
    fig = plotting.convergence(degrees, errors, estimates={"exp": 2 * errors["exp"]}, rounding=1e-16, unit="mV")
    (axes,) = fig.axes
    drawn = curves(axes)
    assert list(drawn) == ["exp", "exp, estimated", "jump", "rounding, 1.0e-16"]
    np.testing.assert_array_equal(drawn["exp"], [degrees, [1e-1, 1e-3, 1e-9, np.nan]])
    np.testing.assert_array_equal(drawn["exp, estimated"], [degrees, [2e-1, 2e-3, 2e-9, np.nan]])
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("degree", "largest error in mV", "log")


def test_a_spectrogram_has_time_to_the_right_and_frequency_upwards():
    levels = RNG.normal(size=(5, 3)) * 30
    times, frequencies, sound = np.arange(5) / 4, np.array([100.0, 200.0, 400.0]), np.arange(100.0)
    fig = plotting.spectrogram(levels, times, frequencies, sound=sound, rate=80, span=40)
    above, axes, bar = fig.axes
    np.testing.assert_array_equal(above.lines[0].get_data(), [np.arange(100) / 80, sound])
    (mesh,) = axes.collections
    np.testing.assert_array_equal(mesh.get_array(), levels.T)
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], np.arange(-0.5, 5) / 4)
    assert mesh.get_clim() == (levels.max() - 40, levels.max())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time in s", "frequency in Hz")
    assert (above.get_ylabel(), bar.get_ylabel()) == ("amplitude", "level in dB")
    with pytest.raises(ValueError, match=r"`levels` must have shape \(times, frequencies\) = \(5, 3\), got \(3, 5\)"):
        plotting.spectrogram(levels.T, times, frequencies)
    with pytest.raises(ValueError, match="`rate` must be the samples of `sound` per second"):
        plotting.spectrogram(levels, times, frequencies, sound=sound)


def decay(s):
    return np.exp(-s)


def box(s):
    return np.ones_like(s)


def test_a_sliding_function_shows_both_functions_their_product_and_its_area():
    fig = plotting.sliding_function(decay, box, 1.5, f_domain=(0, 4), g_domain=(0, 1), unit="s", title="t")
    both, product, result = fig.axes
    f, g = curves(both)["f(s)"], curves(both)["g(t − s)"]
    np.testing.assert_allclose(f[1], np.where((f[0] >= 0) & (f[0] <= 4), np.exp(-f[0]), 0))
    np.testing.assert_array_equal(g[1], (g[0] >= 0.5) & (g[0] <= 1.5))
    np.testing.assert_allclose(product.lines[0].get_ydata(), f[1] * g[1])
    area = np.exp(-0.5) - np.exp(-1.5)
    assert product.get_title() == f"their product: area {area:.3g}"
    ((t, value),) = zip(*result.lines[-1].get_data())
    assert (t, value) == (1.5, pytest.approx(area, abs=2e-3))
    ts, whole = result.lines[0].get_data()
    law = np.exp(-np.clip(ts - 1, 0, 4)) - np.exp(-np.clip(ts, 0, 4))
    np.testing.assert_allclose(whole, law, atol=2e-3)
    assert result.lines[1].get_xdata()[-1] == 1.5  # drawn strongly up to t
    assert (product.get_xlabel(), result.get_xlabel()) == ("s in s", "t in s")
    with pytest.raises(ValueError, match="`g_domain` must be given for a function that has no `domain`"):
        plotting.sliding_function(decay, box, 1.5, f_domain=(0, 4))
    with pytest.raises(ValueError, match=r"`f_domain` must be finite and ascending, got \(0.0, inf\)"):
        plotting.sliding_function(decay, box, 1.5, f_domain=(0, np.inf), g_domain=(0, 1))


def test_function_objects_bring_their_domains_and_their_convolution():
    f = jconv.continuous.Function.fit(jnp.ones_like, (0, 1), degree=0)
    fig = plotting.sliding_function(f, f, 0.75, result=f @ f)
    assert fig.axes[1].get_title() == "their product: area 0.75"
    ts, values = fig.axes[2].lines[0].get_data()
    np.testing.assert_allclose(values, np.clip(1 - np.abs(ts - 1), 0, 1), atol=1e-6)


def test_a_continuous_animation_moves_t_over_the_overlap():
    film = plotting.animate_continuous(decay, box, f_domain=(0, 4), g_domain=(-1, 1), frames=5, dark=True)
    assert list(film.new_frame_seq()) == pytest.approx([-1, 0.5, 2, 3.5, 5])
    film._draw_frame(2.0)
    (t,) = film._fig.axes[2].lines[-1].get_xdata()
    assert t == 2.0
    assert film._fig.get_facecolor()[:3] == to_rgb("#16181d")


SIGNAL, TAPS = np.array([1.0, 2.0, -1.0, 3.0, 0.0, 4.0]), np.array([1.0, -2.0])


def test_a_kernel_slides_over_a_signal():
    fig = plotting.sliding_kernel(SIGNAL, TAPS, step=1, strides=2, padding=((1, 0),), dilation=3)
    signal, kernel, output = fig.axes
    padded = np.array([[0, 1, 2, -1, 3, 0, 4.0]])
    np.testing.assert_array_equal(images(signal)[0], padded)
    assert [axes.get_title() for axes in fig.axes] == ["signal, zeros around it", "kernel", "output"]
    np.testing.assert_array_equal(images(kernel)[0], [[np.nan, np.nan, 1, np.nan, np.nan, -2, np.nan]])
    np.testing.assert_array_equal(images(output)[0], [[0 - 2 * -1, 2 - 0]])
    assert fig.get_suptitle() == "2 · 1 = 2"  # products with zeros are left out
    assert outlines(signal) == [(0.5, -0.5, 6, 1), (1.5, -0.5, 1, 1), (4.5, -0.5, 1, 1)]
    assert texts(output) == {(0, 0): "2", (1, 0): "2"}


@pytest.mark.parametrize("ndim", [1, 2])
def test_outputs_are_those_of_the_engine(ndim):
    image, kernel = RNG.normal(size=(7, 6)[:ndim]), RNG.normal(size=(2, 3)[:ndim])
    spatial = "HW"[-ndim:]
    numbers = (f"NC{spatial}", f"OI{spatial}", f"NC{spatial}")
    for options in (
        {"strides": (2, 1)[:ndim], "padding": "SAME", "dilation": (1, 2)[:ndim]},
        {"padding": ((2, -1), (0, 3))[:ndim], "input_dilation": (2, 3)[:ndim]},
        {"strides": 2, "padding": 1},
    ):
        fig = plotting.sliding_kernel(image, kernel, step=0, **options)
        drawn = plotting.animate_sliding_kernel(image, kernel, **options)
        *_, last = drawn.new_frame_seq()
        drawn._draw_frame(last)
        padding = options["padding"]
        expected = jconv.conv_general_dilated(
            jnp.asarray(image)[None, None], jnp.asarray(kernel)[None, None],
            np.broadcast_to(options.get("strides", 1), ndim).tolist(),
            [(padding, padding)] * ndim if isinstance(padding, int) else padding,
            np.broadcast_to(options.get("input_dilation", 1), ndim).tolist(),
            np.broadcast_to(options.get("dilation", 1), ndim).tolist(), numbers,
        )[0, 0]  # fmt: skip
        np.testing.assert_allclose(images(drawn._fig.axes[2])[0].reshape(expected.shape), expected, atol=1e-5)
        assert ("between" in fig.axes[0].get_title()) == ("input_dilation" in options)


def test_a_transposed_convolution_has_zeros_between_its_samples():
    fig = plotting.sliding_kernel(np.ones((2, 2)), np.ones((2, 2)), input_dilation=2, padding=1)
    assert fig.axes[0].get_title() == "image, zeros between and around its samples"
    np.testing.assert_array_equal(images(fig.axes[0])[0][1:-1, 1:-1], [[1, 0, 1], [0, 0, 0], [1, 0, 1]])
    assert images(fig.axes[2])[0].shape == (4, 4)
    with pytest.raises(ValueError, match=r"`padding` must be an integer, 'SAME', 'VALID' or 2 pairs"):
        plotting.sliding_kernel(np.ones((2, 2)), np.ones((2, 2)), padding=((1, 1),))
    with pytest.raises(ValueError, match=r"`kernel` must fit into the padded input of shape \(2, 2\), got shape"):
        plotting.sliding_kernel(np.ones((2, 2)), np.ones((3, 3)))


def test_long_animations_are_thinned_and_steps_can_be_chosen():
    film = plotting.animate_sliding_kernel(np.ones((40, 40)), np.ones((3, 3)))
    frames = list(film.new_frame_seq())
    assert (len(frames), frames[0], frames[-1]) == (200, 0, 38 * 38 - 1)
    chosen = plotting.animate_sliding_kernel(np.ones(9), np.ones(3), steps=[0, 4])
    assert list(chosen.new_frame_seq()) == [0, 4]


def test_an_animation_is_a_page_a_gif_or_a_film(tmp_path):
    film = plotting.animate_sliding_kernel(SIGNAL, TAPS, steps=[0, 1, 2])
    plotting.save_animation(film, tmp_path / "a.gif", fps=4, dpi=40)
    from PIL import Image

    with Image.open(tmp_path / "a.gif") as file:
        assert (file.n_frames, file.info["duration"]) == (3, 250)
    assert film._repr_html_().count("data:image/png;base64") == 3
    plotting.save_animation(film, tmp_path / "a.html")
    assert "<script" in (tmp_path / "a.html").read_text()
    with pytest.raises(ValueError, match=r"`path` must end in one of \.html, \.gif, \.mp4; got 'a\.avi'"):
        plotting.save_animation(film, "a.avi")


def test_an_mp4_needs_ffmpeg(tmp_path):
    from jconv.plotting._film import _Mpeg

    film = plotting.animate_sliding_kernel(SIGNAL, TAPS, steps=[0, 1])
    if _Mpeg.isAvailable():
        plotting.save_animation(film, tmp_path / "a.mp4")
        assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    else:
        with pytest.raises(RuntimeError, match="pip install imageio-ffmpeg"):
            plotting.save_animation(film, tmp_path / "a.mp4")
        assert list(tmp_path.iterdir()) == []


RESPONSE = np.fft.fft2(np.outer([0.25, 0.5, 0.25], [1, -1]), (32, 16))
KINDS = {
    "line": lambda: plotting.frequency_response(RESPONSE[:, 3], title="t"),
    "plane": lambda: plotting.frequency_response(RESPONSE, title="t"),
    "panels": lambda: plotting.image_kernel_response(np.eye(4), [np.eye(2)], [np.eye(3) - 0.5], title="t"),
    "history": lambda: plotting.kernel_history(np.ones((2, 3, 3, 1)), np.eye(3)[..., None], [0, 1], title="t"),
    "plan": lambda: plotting.plan_chart(jconv.plan(np.ones((1, 1, 9, 9)), np.ones((1, 1, 5, 5)), (1, 1), "SAME")),
    "errors": lambda: plotting.convergence(np.arange(3), {str(k): np.ones(3) for k in range(8)}, rounding=0.1),
    "spectrogram": lambda: plotting.spectrogram(np.eye(4), np.arange(4), np.arange(4), sound=np.ones(9), rate=9),
    "continuous": lambda: plotting.sliding_function(decay, box, 1.5, f_domain=(0, 4), g_domain=(0, 1)),
    "sliding": lambda: plotting.sliding_kernel(SIGNAL, TAPS),
    "curves": lambda: plotting.learning_curves({"loss": np.ones(9)}, title="t"),
    "gallery": lambda: plotting.gallery([np.eye(3)] * 2, ["a", "b"], right=[True, False], title="t"),
    "confusion": lambda: plotting.confusion(np.eye(3, dtype=int), ["a", "b", "c"]),
}
"""A figure of each kind that has labels or curves."""


def luminance(colour):
    """Of a colour, by the rule of the Web Content Accessibility Guidelines 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def contrast(colour, ground):
    light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_words_and_curves_stand_out_from_the_ground(name, dark):
    fig = KINDS[name]()
    if dark:
        plotting.darken(fig)
    fig.canvas.draw()
    ground = fig.get_facecolor()
    assert (luminance(ground) < 0.02) == dark
    faint = []
    for axes in fig.axes:
        on_picture = set(axes.texts) if any(isinstance(image, AxesImage) for image in axes.images) else set()
        words = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title, axes.xaxis.label, axes.yaxis.label]
        words += [text for text in axes.texts if text not in on_picture]
        words += axes.get_legend().get_texts() if axes.get_legend() else []
        faint += [w.get_text() for w in words if w.get_text() and contrast(w.get_color(), ground) < 4.5]
        if not on_picture and not axes.images:
            assert contrast(axes.get_facecolor(), ground) < 1.3
            lines = [line for line in axes.lines if line.get_alpha() is None]
            faint += [line.get_label() for line in lines if contrast(line.get_color(), ground) < 2.0]
    assert faint == []
    heading = fig._suptitle
    assert heading is None or contrast(heading.get_color(), ground) > 7
