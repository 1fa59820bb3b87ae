"""Pictures in and out, kernels by name, and all that is wrong with them."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from jconv import InputError
from jconv.cli._filter import display
from jconv.tasks import filter_image, kernel_from, kernel_names, learn_kernels, load_image, photograph, save_image

COLOUR = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)


def test_formats_and_depths_arrive_in_the_unit_interval(tmp_path):
    half = np.arange(63, dtype=np.uint16).reshape(9, 7) * 1000
    for name, pixels, wanted in [
        ("colour.png", COLOUR, COLOUR / 255),
        ("grey.png", COLOUR[..., 0], COLOUR[..., 0] / 255),
        ("deep.png", half, half / 65535),
        ("alpha.png", np.dstack([COLOUR, COLOUR[..., 0]]), COLOUR / 255),
        ("palette.gif.png", COLOUR[..., 0], COLOUR[..., 0] / 255),
        ("bits.png", COLOUR[..., 0] > 99, COLOUR[..., 0] > 99),
    ]:
        Image.fromarray(pixels).save(tmp_path / name)
        found = load_image(tmp_path / name)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=1e-7, err_msg=name)
    for name, pixels, wanted in [
        ("deep.tif", np.dstack([half] * 3), np.dstack([half] * 3) / 65535),
        ("real.tiff", COLOUR / 99.0, COLOUR / 99.0),
    ]:
        tifffile.imwrite(tmp_path / name, pixels)
        np.testing.assert_allclose(load_image(tmp_path / name), wanted, atol=1e-6, err_msg=name)
    Image.fromarray(np.full((16, 16, 3), (200, 100, 50), np.uint8)).save(tmp_path / "flat.jpg")
    np.testing.assert_allclose(load_image(tmp_path / "flat.jpg")[8, 8], np.array([200, 100, 50]) / 255, atol=0.01)
    Image.fromarray(COLOUR[..., 0]).convert("P").save(tmp_path / "palette.png")
    assert load_image(tmp_path / "palette.png").shape == (9, 7, 3)


def test_a_turned_jpeg_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(COLOUR).save(tmp_path / "turned.jpg", exif=exif)
    assert load_image(tmp_path / "turned.jpg").shape == (7, 9, 3)


def test_saved_pictures_come_back(tmp_path):
    save_image(tmp_path / "a.png", COLOUR / 255)
    np.testing.assert_allclose(load_image(tmp_path / "a.png"), COLOUR / 255, atol=1e-7)
    signed = COLOUR / 100.0 - 1
    save_image(tmp_path / "a.tif", signed)
    np.testing.assert_allclose(load_image(tmp_path / "a.tif"), signed, atol=1e-6)
    save_image(tmp_path / "a.jpeg", COLOUR[..., 0] / 255)
    assert load_image(tmp_path / "a.jpeg").shape == (9, 7)


def text(path):
    path.write_text("no picture")


def cut(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:3000])


def tiff(pixels):
    return lambda path: tifffile.imwrite(path, pixels)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("missing.png", lambda path: None, "no such file"),
        ("text.png", text, "cannot read .*text.png' as a PNG, JPEG or TIFF image"),
        ("text.tif", text, "cannot read .*text.tif' as a PNG, JPEG or TIFF image"),
        ("empty.jpg", lambda path: path.touch(), "cannot read"),
        ("cut.png", cut, "cannot read"),
        ("cut.jpg", cut, "cannot read"),
        ("cut.tif", lambda path: path.write_bytes(b"II*\0\x10\0"), "cannot read"),
        ("nan.tif", tiff(np.array([[0, np.nan], [1, 2]], np.float32)), "holds NaN or infinity in 1 of 4 values"),
        ("stack.tif", tiff(np.zeros((5, 6, 7, 3), np.float32)), r"has shape \(5, 6, 7, 3\); pass one grey"),
        ("complex.tif", tiff(np.zeros((5, 6), np.complex64)), "holds complex64 values"),
    ],
)
def test_bad_files(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(InputError, match=message):
        load_image(tmp_path / name)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(InputError, match="it is a folder; name a file in it"):
        load_image(tmp_path)
    with pytest.raises(InputError, match=r"its ending must be one of .png, .jpg"):
        save_image(tmp_path / "a.bmp", COLOUR / 255)
    with pytest.raises(InputError, match="cannot write"):
        save_image(tmp_path / "no" / "a.png", COLOUR / 255)


@pytest.mark.parametrize("name", ["sobel_y", "gaussian:size=7,sigma=1.5", "box:size=(2,4)"])
def test_filter_is_scipys_correlation(name):
    kernel, image = kernel_from(name), (COLOUR / 255).astype(np.float32)
    origin = [0 if n % 2 else -1 for n in kernel.shape]
    wanted = [ndimage.correlate(image[..., c], kernel, mode="nearest", origin=origin) for c in range(3)]
    found = filter_image(image, kernel)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.stack(wanted, axis=-1), atol=1e-5)
    np.testing.assert_allclose(filter_image(image[..., 0], kernel), wanted[0], atol=1e-5)


def test_signed_results_are_shown_around_grey():
    image = np.array([[-2.0, 0.0, 1.0]])
    assert display(image, kernel_from("sobel_x")) == (0.5, 0.25)  # which shows 0, 0.5, 0.75
    assert display(image, kernel_from("box")) == (0, 1)


def test_every_name_makes_a_kernel():
    assert {"identity", "box", "gaussian", "laplacian", "sharpen", "emboss"} <= set(kernel_names())
    assert {"sobel_x", "sobel_y", "prewitt_x", "scharr_y"} <= set(kernel_names())
    for name in kernel_names():
        kernel = kernel_from(name)
        assert kernel.ndim == 2
        assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel_from("scharr_y"), kernel_from("scharr").T)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sobol_x", "unknown kernel 'sobol_x'; did you mean 'sobel_x'? Known kernels: identity, box"),
        ("gauss", "did you mean 'gaussian'"),
        ("", "unknown kernel ''"),
        ("gaussian:sise=5", "'sise=5' is not an option of gaussian; write NAME:option=value, with one of size, sigma"),
        ("gaussian:size", "'size' is not an option"),
        ("gaussian:size=4", "kernel 'gaussian:size=4': .*must be odd"),
        ("gaussian:sigma=none", "kernel 'gaussian:sigma=none'"),
        ("box:size=(2,2,2)", "has rank 3; images take kernels of rank 2"),
        ("laplacian_x", "unknown kernel 'laplacian_x'; did you mean 'laplacian'"),
    ],
)
def test_bad_kernel_names(name, message):
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        kernel_from(name)


SOBEL = {"sobel": kernel_from("sobel")}


@pytest.mark.parametrize(
    ("image", "truth", "message"),
    [
        (np.zeros((1, 1)), SOBEL, "the image is 1×1; kernels of 3×3 need at least 9×9"),
        (np.zeros((0, 5)), SOBEL, "the image is empty"),
        (np.ones((20, 20)), {"big": np.ones((25, 25))}, "the image is 20×20; kernels of 25×25 need at least 75×75"),
        (np.ones((20, 20)), SOBEL, "the image is constant"),
        (np.full((20, 20), np.nan), SOBEL, "the image holds NaN"),
        (np.ones(20), SOBEL, r"`image` must have rank 2 or 3, got shape \(20,\)"),
        (np.ones((20, 20)), {}, "no kernels were named"),
    ],
)
def test_bad_images_for_learning(image, truth, message):
    with pytest.raises(ValueError, match=message):
        learn_kernels(image, truth)


def test_filter_refuses_a_kernel_larger_than_the_image():
    with pytest.raises(InputError, match="the kernel is 11×11 and the image 9×7"):
        filter_image(COLOUR / 255, kernel_from("gaussian:size=11"))


def test_the_photograph_is_one():
    image = photograph()
    assert image.shape == (300, 451, 3)
    assert 0 <= image.min() < 0.1 < 0.9 < image.max() <= 1
