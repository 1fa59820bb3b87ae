"""Own files in the tasks: pictures as people have them, splits by file, what is refused and what is warned of."""

import json

import numpy as np
import pytest
from PIL import Image

from jconv import InputError, ndimage
from jconv.cli import main
from jconv.data import read_picture, write_picture
from jconv.tasks import (
    ClassificationSettings,
    DenoisingSettings,
    learn_from_outputs,
    predict,
    train_classification,
)
from jconv.tasks._deblurring import _material
from jconv.tasks._own_data import cut_squares, split_by_class, weigh_classes
from jconv.tasks._own_detection import frame, load_boxes
from jconv.tasks._own_segmentation import load_pictures

RNG = np.random.default_rng(0)


def stripes(across, rows, columns):
    """A picture of stripes along one axis, in noise."""
    at = np.arange(columns)[None] if across else np.arange(rows)[:, None]
    wave = 0.5 + 0.4 * np.sin(at * 1.2 + RNG.uniform(0, 6)) * np.ones((rows, columns))
    return np.clip(wave + 0.05 * RNG.normal(size=(rows, columns)), 0, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes in pictures of several sizes, depths and kinds."""
    root = tmp_path_factory.mktemp("pictures")
    for name in ("across", "längs"):
        (root / name).mkdir()
        for index in range(12):
            picture = stripes(name == "across", 20 + index, 31 - index)
            if index % 4 == 0:
                write_picture(root / name / f"{index}.png", np.rint(picture * 65535).astype(np.uint16)[None])
            elif index % 4 == 1:
                Image.fromarray(np.dstack([np.uint8(picture * 255)] * 3)).save(root / name / f"{index}.jpg", quality=95)
            elif index % 4 == 2:
                Image.fromarray(np.uint8(picture * 255)).convert("P").save(root / name / f"{index}.gif")
            else:
                write_picture(root / name / f"{index}.tif", picture.astype(np.float32)[None])
    return root


SMALL = ["--size", "16", "--widths", "4", "--batch-size", "8"]


def test_pictures_by_class_from_the_command_line(folder, tmp_path, capsys):
    command = ["train", "classification", "--data", str(folder), *SMALL, "--steps", "120", "--no-mirror"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr()
    assert "unseen pictures right" in shown.out
    assert "jconv: warning: only 4 pictures were tested on" in shown.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["classes"] == ["across", "längs"]
    assert metrics["test_size"] == 4
    assert metrics["test_accuracy"] == 1
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"curves.png", "confusion.png", "examples.png", "model.npz"} <= names
    files = [folder / "across" / "3.tif", folder / "längs" / "3.tif", folder / "across" / "1.jpg"]
    rows = predict(tmp_path / "run", files, tmp_path / "new")
    assert [row["class"] for row in rows] == ["across", "längs", "across"]
    assert {path.name for path in (tmp_path / "new").glob("*.png")} == {f"{n}.class.png" for n in ("3", "3-2", "1")}


def test_what_is_wrong_with_own_pictures_is_said(folder, tmp_path):
    settings = lambda **options: ClassificationSettings(size=16, widths=(4,), batch_size=4, steps=2, **options)
    with pytest.raises(InputError, match="this task needs your pictures"):
        train_classification(settings())
    for name in "ab":
        (tmp_path / name).mkdir()
    write_picture(tmp_path / "a" / "1.png", np.zeros((1, 20, 20)))
    with pytest.raises(InputError, match="the class folders 'b' hold no file"):
        train_classification(settings(data=str(tmp_path)))
    (tmp_path / "b").rmdir()
    with pytest.raises(InputError, match="there is only one class, 'a', so that every answer is right"):
        train_classification(settings(data=str(tmp_path)))
    (tmp_path / "b").mkdir()
    write_picture(tmp_path / "b" / "1.png", np.ones((1, 20, 20)))
    with pytest.raises(InputError, match="the class 'a' has one picture; it takes two"):
        train_classification(settings(data=str(tmp_path)))
    for name in "ab":
        write_picture(tmp_path / name / "2.png", RNG.random((1, 20, 20)))
        (tmp_path / name / "3.png").write_text("no picture")
    with pytest.raises(InputError, match=r"3.png.*; repair or remove it, or ask to skip"):
        train_classification(settings(data=str(tmp_path)))
    result = train_classification(settings(data=str(tmp_path), skip_damaged=True, class_weights=True, grey=True))
    assert len(result.metrics()["skipped_files"]) == 2
    assert result.metrics()["test_size"] == 2


def test_splits_are_by_class_and_by_seed():
    labels = np.repeat([0, 1, 2], [100, 10, 2])
    tested = split_by_class(labels, "abc", "picture", np.random.default_rng(0))
    assert np.bincount(labels[tested]).tolist() == [20, 2, 1]
    again = split_by_class(labels, "abc", "picture", np.random.default_rng(0))
    np.testing.assert_array_equal(tested, again)
    assert (tested != split_by_class(labels, "abc", "picture", np.random.default_rng(1))).any()
    weights = weigh_classes(labels, 3)
    np.testing.assert_allclose([weights[label] * np.sum(labels == label) for label in range(3)], 112 / 3, rtol=1e-6)


def test_clean_pictures_are_cut_without_resizing_and_split_by_file(tmp_path):
    pictures = [np.full((60 + 30 * i, 130 - 10 * i), 40 * i + 20, np.uint8) for i in range(5)]
    for index, picture in enumerate(pictures):
        picture[0::2] += 1  # which resizing would smooth
        write_picture(tmp_path / f"{index}.png", picture[None])
    train, test, skipped = cut_squares(str(tmp_path), least=56, multiple=4, margin=16, seed=0, skip_damaged=False)
    assert skipped == ()
    assert train.shape[1:] == test.shape[1:] == (60, 60, 3)
    assert len(test) == 1
    levels = lambda squares: {int(square.min()) for square in squares}
    assert not levels(train) & levels(test)
    assert all(np.ptp(square) == 1 for square in (*train, *test))
    write_picture(tmp_path / "small.png", np.zeros((1, 30, 90)))
    settings = DenoisingSettings(data=str(tmp_path), size=40)
    with pytest.raises(InputError, match=r"small.png' is 30×90; pieces of it need 56×56 pixels"):
        _material(settings)
    train, test, skipped = _material(DenoisingSettings(data=str(tmp_path), size=40, skip_damaged=True))
    assert len(skipped) == 1
    assert train.shape[1:3] == (60, 60)


@pytest.fixture
def masked(tmp_path):
    """Bright disks on dark pictures of several sizes, and their masks."""
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for index in range(6):
        rows, columns = 50 + 6 * index, 90 - 7 * index
        at = np.indices((rows, columns)) - RNG.uniform(20, 30, (2, 1, 1))
        mask = (at**2).sum(axis=0) < 12**2
        picture = np.clip(0.2 + 0.6 * mask + 0.05 * RNG.normal(size=mask.shape), 0, 1)
        write_picture(tmp_path / "images" / f"{index}.png", picture[None])
        write_picture(tmp_path / "masks" / f"{index}.tif", mask.astype(np.uint8)[None])
    return tmp_path


def test_pictures_with_masks_are_stacked_and_split_by_file(masked):
    pictures = load_pictures(str(masked), size=64, seed=0, skip_damaged=False)
    assert pictures.names == ("background", "class 1")
    assert (len(pictures.train.images), len(pictures.test.images)) == (5, 1)
    assert pictures.train.images.shape[1:] == (80, 90, 3)
    assert (pictures.train.sizes >= 64).all()
    everywhere = np.concatenate([pictures.train.true_sizes, pictures.test.true_sizes])
    assert sorted(map(tuple, everywhere)) == [(50 + 6 * i, 90 - 7 * i) for i in range(6)]
    for image, mask in zip(pictures.train.images, pictures.train.masks):
        assert image[mask == 1].mean() > 190 > 65 > image[mask == 0].mean()  # also where both are mirrored
    for index in range(6):
        mask = read_picture(masked / "masks" / f"{index}.tif").frames
        write_picture(masked / "masks" / f"{index}.tif", mask * 255)
    again = load_pictures(str(masked), size=64, seed=0, skip_damaged=False)
    np.testing.assert_array_equal(again.train.masks, pictures.train.masks)


def test_masks_that_mark_nothing_or_too_much_are_refused(masked):
    for level, message in ((0, "hold the level 0 alone"), (200, "number the classes 0, 1, 2, … below 64")):
        for index in range(6):
            write_picture(
                masked / "masks" / f"{index}.tif", np.full((1, 50 + 6 * index, 90 - 7 * index), level, np.uint8)
            )
        with pytest.raises(InputError, match=message):
            load_pictures(str(masked), size=64, seed=0, skip_damaged=False)
    (masked / "masks" / "3.tif").unlink()
    with pytest.raises(InputError, match="has no mask of that name"):
        load_pictures(str(masked), size=64, seed=0, skip_damaged=False)


@pytest.mark.slow
def test_own_classes_are_segmented(masked):
    out = masked / "run"
    options = ["--steps", "60", "--size", "48", "--widths", "8", "16", "--batch-size", "4"]
    assert main(["train", "segmentation", "--data", str(masked), *options, "--out", str(out)]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics["iou"]) == {"background", "class 1"}
    assert metrics["mean_iou"] > 0.8
    rows = predict(out, [masked / "images" / "0.png"], out / "new")
    assert set(rows[0]["pixels"]) == {"background", "class 1"}
    assert (out / "new" / "0.overlay.png").is_file()


@pytest.fixture
def boxed(tmp_path):
    """Bright and dark squares on grey pictures of several sizes, in a COCO-style file."""
    content = {"images": [], "annotations": [], "categories": [{"id": 4, "name": "dark"}, {"id": 9, "name": "bright"}]}
    for index in range(10):
        rows, columns = 60 + 5 * index, 110 - 4 * index
        picture = 0.5 + 0.03 * RNG.normal(size=(rows, columns, 3))
        content["images"].append({"id": index, "file_name": f"{index}.png", "height": rows, "width": columns})
        for kind, left in ((4, 5), (9, columns - 28)):
            top = int(RNG.integers(2, rows - 25))
            picture[top : top + 20, left : left + 20] += 0.4 if kind == 9 else -0.4
            bbox = [left, top, 20, 20]
            content["annotations"].append({"image_id": index, "category_id": kind, "bbox": bbox})
        write_picture(tmp_path / f"{index}.png", np.clip(picture, 0, 1)[None])
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    return tmp_path / "boxes.json"


def test_boxes_follow_their_pictures_into_the_frame(boxed):
    data = load_boxes(str(boxed), None, size=48, seed=0, skip_damaged=False)
    assert data.names == ("dark", "bright")
    assert (len(data.train.images), len(data.test.images)) == (8, 2)
    for image, boxes, labels in zip(*data.train):
        assert image.shape == (48, 48, 3)
        for (top, left, bottom, right), label in zip(np.rint(boxes).astype(int), labels):
            inside = image[top + 1 : bottom - 1, left + 1 : right - 1].mean()
            assert inside < 0.25 if label == 0 else inside > 0.75
    framed, scale = frame(np.zeros((100, 50)), 48)
    assert scale == 0.48
    assert not framed[:, :24].any()
    assert (framed[:, 24:] == 0.5).all()


@pytest.mark.slow
def test_own_boxes_are_detected(boxed, tmp_path):
    out = tmp_path / "run"
    options = ["--steps", "150", "--size", "48", "--widths", "8", "16", "24", "--pyramid", "16", "--batch-size", "8"]
    assert main(["train", "detection", "--data", str(boxed), *options, "--out", str(out)]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["classes"] == ["dark", "bright"]
    assert metrics["test_size"] == 2
    assert metrics["map_at_50"] > 0.5
    (row,) = predict(out, [boxed.parent / "0.png"], out / "new")
    assert {thing["class"] for thing in row["objects"]} <= {"dark", "bright"}
    assert (out / "new" / "0.boxes.png").is_file()


@pytest.mark.slow
def test_noise_is_taken_from_own_pictures(tmp_path):
    for index in range(6):
        picture = stripes(index % 2, 120, 100) * 0.5 + 0.25 * np.linspace(0, 1, 100)
        write_picture(tmp_path / f"{index}.png", np.uint8(picture * 255)[None])
    out = tmp_path / "run"
    options = ["--data", str(tmp_path), "--steps", "60", "--size", "40", "--widths", "8", "16", "--batch-size", "8"]
    assert main(["train", "denoising", *options, "--out", str(out)]) == 0
    assert json.loads((out / "metrics.json").read_text())["psnr_gain"] > 2
    assert (out / "examples.png").is_file()


def test_kernels_are_found_from_filtered_pictures(tmp_path, capsys):
    image = np.clip(np.cumsum(RNG.normal(size=(60, 70)), axis=1) / 40 + 0.5, 0, 1).astype(np.float32)
    kernels = {"blur": np.ones((3, 3)) / 9, "shift": np.pad([[1.0]], ((1, 1), (2, 0)))}
    write_picture(tmp_path / "before.tif", image[None])
    for name, kernel in kernels.items():
        write_picture(tmp_path / f"{name}.tif", ndimage.correlate(image, kernel).astype(np.float32)[None])
    files = [str(tmp_path / f"{name}.tif") for name in kernels]
    command = ["learn", "--image", str(tmp_path / "before.tif"), "--size", "3", "--steps", "800"]
    assert main([*command, "--outputs", *files, "--out", str(tmp_path / "run")]) == 0
    assert "off least squares" in capsys.readouterr().out
    with np.load(tmp_path / "run" / "kernels.npz") as banks:
        for index, kernel in enumerate(kernels.values()):
            np.testing.assert_allclose(banks["least_squares"][..., index], kernel, atol=1e-4)
            np.testing.assert_allclose(banks["learned"][..., index], kernel, atol=1e-2)
    assert (tmp_path / "run" / "kernels.png").is_file()


def test_filtered_pictures_that_do_not_fit_are_refused():
    image = RNG.random((30, 30))
    for outputs, size, message in [
        ({"a": np.ones((30, 31))}, (3, 3), r"the output 'a' has shape \(30, 31\) and the picture \(30, 30\)"),
        ({"a": image}, (4, 3), r"`kernel_size` must be odd, got \(4, 3\)"),
        ({"a": image}, (11, 11), "kernels of 11×11 need at least 33×33"),
        ({}, (3, 3), "no outputs were named"),
    ]:
        with pytest.raises(InputError, match=message):
            learn_from_outputs(image, outputs, size)
    with pytest.warns(UserWarning, match="of the output 'edges' is black or white"):
        learn_from_outputs(image, {"edges": np.clip(2 * image - 1, 0, 1)}, (1, 1), steps=1)
