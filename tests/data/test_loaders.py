"""Loaders on small files that the tests write, and all that can be wrong with such files."""

import gzip
import json
import struct

import numpy as np
import pytest
from PIL import Image

from jconv import InputError
from jconv.data import (
    ImageFiles,
    check_labels,
    image_folder,
    load_cifar,
    load_coco,
    load_idx,
    load_mnist,
    load_rows,
    mask_folders,
    stream,
)

RNG = np.random.default_rng(0)
EIGHT_BITS = 1 / 255


def picture(path, shape=(6, 5, 3), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return pixels / 255


@pytest.fixture
def pets(tmp_path):
    """Two classes: three colour pictures, and a grey one in a folder of its own."""
    pixels = [picture(tmp_path / "pets" / "cat" / f"{i}.png") for i in range(3)]
    pixels.append(np.dstack([picture(tmp_path / "pets" / "dog" / "deep" / "one.png", (6, 5))] * 3))
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no picture, and not taken for one")
    (tmp_path / "pets" / "cat" / ".hidden.png").write_text("nor this")
    (tmp_path / "pets" / ".git").mkdir()
    return tmp_path / "pets", np.stack(pixels)


def test_a_folder_of_pictures_by_class(pets):
    folder, pixels = pets
    found = image_folder(folder)
    np.testing.assert_allclose(found.inputs, pixels, atol=1e-6)
    assert found.inputs.dtype == np.float32
    assert found.labels.tolist() == [0, 0, 0, 1]
    assert found.names == ("cat", "dog")
    assert found.skipped == ()
    grey = image_folder(folder, channels=1)
    np.testing.assert_allclose(grey.inputs, pixels.mean(axis=-1, keepdims=True), atol=1e-6)


def test_pictures_are_resized_when_asked(pets):
    folder, pixels = pets
    picture(folder / "dog" / "wide.jpg", (12, 30, 3))
    with pytest.raises(InputError, match=r"wide.jpg' is 12×30 and '.*0.png' 6×5; pass a `size`"):
        image_folder(folder)
    found = image_folder(folder, size=(6, 5))
    assert found.inputs.shape == (5, 6, 5, 3)
    np.testing.assert_allclose(found.inputs[:4], pixels, atol=1e-6)
    assert found.inputs[4].std() < np.asarray(Image.open(folder / "dog" / "wide.jpg")).std() / 255 / 2  # antialiased


def test_damaged_pictures_are_named_and_skipped_only_when_asked(pets):
    folder, pixels = pets
    whole = (folder / "cat" / "1.png").read_bytes()
    (folder / "cat" / "1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cannot read '.*1.png' as a PNG.*; repair or remove it, or ask to skip"):
        image_folder(folder)
    found = image_folder(folder, skip_damaged=True)
    np.testing.assert_allclose(found.inputs, pixels[[0, 2, 3]], atol=1e-6)
    assert found.labels.tolist() == [0, 0, 1]
    (message,) = found.skipped
    assert "1.png" in message
    (folder / "dog" / "deep" / "one.png").write_text("none")
    with pytest.raises(InputError, match="of the classes 'dog' no picture could be read"):
        image_folder(folder, skip_damaged=True)


def test_folders_that_hold_no_classes_are_refused(pets, tmp_path):
    folder, _ = pets
    (folder / "bird").mkdir()
    (folder / "fish").mkdir()
    with pytest.raises(InputError, match=r"the class folders 'bird', 'fish' hold no file that ends in .png"):
        image_folder(folder)
    with pytest.raises(InputError, match=r"there is no folder '.*gone'"):
        image_folder(tmp_path / "gone")
    with pytest.raises(InputError, match="has no folders in it; make one for each class"):
        image_folder(folder / "dog" / "deep")
    with pytest.raises(ValueError, match="`channels` must be 1 or 3, got 2"):
        load_rows([{"image": np.ones((2, 2)), "label": 0}], channels=2)


@pytest.fixture
def masked(tmp_path):
    images = [picture(tmp_path / "images" / f"{name}.jpg") for name in "ab"]
    masks = [RNG.integers(0, 3, (6, 5), np.uint8) for _ in "ab"]
    (tmp_path / "masks").mkdir()
    for name, mask in zip("ab", masks):
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path / "images", tmp_path / "masks", np.stack(images), np.stack(masks)


def test_pictures_and_masks(masked):
    images, masks, _, levels = masked
    found, classes = mask_folders(images, masks, classes=3)
    assert found.shape == (2, 6, 5, 3)
    assert classes.dtype == np.int32
    np.testing.assert_array_equal(classes, levels)
    palette = Image.fromarray(levels[0], mode=None).convert("P")
    palette.putdata(levels[0].ravel().tolist())
    palette.save(masks / "a.png")
    np.testing.assert_array_equal(mask_folders(images, masks, classes=3)[1], levels)


def test_masks_that_do_not_fit_are_named(masked):
    images, masks, _, levels = masked
    with pytest.raises(InputError, match=r"the mask '.*a.png' holds the label 2 at \(\d, \d\).* outside 0 … 1"):
        mask_folders(images, masks, classes=2)
    Image.fromarray(levels[0][:4]).save(masks / "b.png")
    with pytest.raises(InputError, match=r"the mask '.*b.png' is 4×5 and its picture '.*b.jpg' 6×5; make both"):
        mask_folders(images, masks, classes=3)
    found, classes = mask_folders(images, masks, classes=3, skip_damaged=True)
    assert len(found) == len(classes) == 1
    (masks / "b.png").unlink()
    with pytest.raises(InputError, match=r"the picture '.*b.jpg' has no mask of that name"):
        mask_folders(images, masks, classes=3)
    picture(masks / "b.png")
    with pytest.raises(InputError, match=r"the mask '.*b.png' has shape \(6, 5, 3\); save it as a grey picture"):
        mask_folders(images, masks, classes=3)
    (masks / "none").mkdir()
    with pytest.raises(InputError, match="holds no file that ends in"):
        mask_folders(masks / "none", masks, classes=3)


def idx(array):
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[array.dtype.str[1:]]
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_idx_files_zipped_or_not(tmp_path, dtype):
    array = RNG.integers(0, 100, (4, 3, 2)).astype(dtype)
    (tmp_path / "a").write_bytes(idx(array))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("a", "a.gz"):
        found = load_idx(tmp_path / name)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_mnist(tmp_path):
    pixels, labels = RNG.integers(0, 256, (7, 4, 5), np.uint8), RNG.integers(0, 10, 7, np.uint8)
    (tmp_path / "images").write_bytes(idx(pixels))
    (tmp_path / "labels").write_bytes(gzip.compress(idx(labels)))
    found = load_mnist(tmp_path / "images", tmp_path / "labels")
    np.testing.assert_allclose(found.inputs[..., 0], pixels / 255, atol=1e-7)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.names == tuple("0123456789")

    def refused(message, name, content):
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            load_mnist(tmp_path / "images", tmp_path / "labels")
        (tmp_path / name).write_bytes(before)

    refused(
        r"is cut off or damaged: its header asks for shape \(7, 4, 5\), 140 bytes, and 139", "images", idx(pixels)[:-1]
    )
    refused("is cut off or damaged", "images", idx(pixels) + b"x")
    refused("is cut off or damaged", "images", idx(pixels)[:9])
    refused("is not an IDX file", "images", b"P5 4 5")
    refused("is not an IDX file", "images", b"")
    refused(r"pass bytes of shape \(N, H, W\)", "images", idx(labels))
    refused(r"7 pictures, and '.*labels' labels of shape \(6,\)", "labels", idx(labels[:6]))
    refused(
        r"labels' holds the label 10 at 2, and 0 more outside 0 … 9", "labels", idx(np.uint8([1, 2, 10, 3, 4, 5, 6]))
    )
    refused("cannot read", "labels", gzip.compress(idx(labels))[:-9])
    with pytest.raises(InputError, match=r"cannot read '.*gone'"):
        load_mnist(tmp_path / "gone", tmp_path / "labels")


def test_cifar(tmp_path):
    pixels = RNG.integers(0, 256, (3, 32, 32, 3), np.uint8)
    record = lambda head, image: bytes(head) + image.transpose(2, 0, 1).tobytes()
    (tmp_path / "ten.bin").write_bytes(b"".join(record([i], image) for i, image in enumerate(pixels)))
    found = load_cifar(tmp_path / "ten.bin", tmp_path / "ten.bin")
    np.testing.assert_allclose(found.inputs, np.concatenate([pixels, pixels]) / 255, atol=1e-7)
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 2]
    (tmp_path / "hundred.bin").write_bytes(b"".join(record([9, 97 + i], image) for i, image in enumerate(pixels)))
    assert load_cifar(tmp_path / "hundred.bin", classes=100).labels.tolist() == [97, 98, 99]
    with pytest.raises(InputError, match=r"is not a binary file of CIFAR-10, or is cut off: its 9222 bytes"):
        load_cifar(tmp_path / "hundred.bin")
    (tmp_path / "wrong.bin").write_bytes(record([10], pixels[0]))
    with pytest.raises(InputError, match=r"wrong.bin' holds the label 10 at 0, and 0 more outside 0 … 9"):
        load_cifar(tmp_path / "wrong.bin")
    (tmp_path / "empty.bin").touch()
    with pytest.raises(InputError, match=r"empty.bin' is not a binary file"):
        load_cifar(tmp_path / "empty.bin")
    with pytest.raises(InputError, match="no CIFAR files were named"):
        load_cifar()


COCO = {
    "images": [
        {"id": 7, "file_name": "a.png", "height": 6, "width": 5},
        {"id": 3, "file_name": "b.png", "height": 6, "width": 5},
    ],
    "categories": [{"id": 9, "name": "dog"}, {"id": 2, "name": "cat"}],
    "annotations": [
        {"id": 1, "image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 3, "category_id": 2, "bbox": [0, 0, 5, 6]},
        {"id": 3, "image_id": 3, "category_id": 2, "bbox": [0, 0, 5, 6], "iscrowd": 1},
    ],
}


def coco(tmp_path, change=lambda content: None):
    content = json.loads(json.dumps(COCO))
    change(content)
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    return tmp_path / "boxes.json"


def test_coco(tmp_path):
    found = load_coco(coco(tmp_path))
    assert found.names == ("cat", "dog")
    assert [boxes.tolist() for boxes in found.boxes] == [[], [[1, 2, 4, 6], [0, 0, 5, 6]]]
    assert [labels.tolist() for labels in found.labels] == [[], [1, 0]]
    assert found.boxes[0].shape == (0, 4)
    pixels = picture(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"b.png': no such file"):
        found.load()
    picture(tmp_path / "b.png", (5, 6, 3))
    with pytest.raises(InputError, match=r"b.png' is 5×6, and the JSON says 6×5"):
        found.load()
    images, kept, skipped = found.load(skip_damaged=True)
    assert kept == [0]
    assert len(skipped) == 1
    np.testing.assert_allclose(images[0], pixels, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"][1].update(image_id=8), "annotation 2 has the image_id 8, which is not listed"),
        (
            lambda c: c["annotations"][0].update(category_id=1),
            "annotation 1 has the category_id 1, which is not",
        ),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 0, 4]), r"has the bbox \[1, 2, 0, 4\] on a picture of 6×5"),
        (lambda c: c["annotations"][0].update(bbox=[6, 2, 30, 4]), "must lie on it"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "it must be left, top, width, height"),
        (lambda c: c["annotations"][0].pop("bbox"), "has the bbox None"),
        (lambda c: c["images"][0].pop("height"), "lacks something in its images or categories: KeyError"),
        (lambda c: c.pop("categories"), "has no list 'categories' of records"),
        (lambda c: c.update(images=[]), "names no pictures or no categories"),
        (lambda c: c.update(annotations=[5]), "has no list 'annotations' of records"),
    ],
)
def test_coco_files_that_are_wrong(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        load_coco(coco(tmp_path, change))


def test_what_is_clipped_or_left_out_of_coco_files_is_named(tmp_path):
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    assert load_coco(coco(tmp_path)).problems == ("annotation 3 is a crowd, and was left out",)

    def change(content):
        content["annotations"][0].update(bbox=[-1, 3, 4, 8])
        content["images"][0].update(height=7)
        content["images"].append({"id": 8, "file_name": "gone.png", "height": 6, "width": 5})

    found = load_coco(coco(tmp_path, change))
    assert found.boxes[1].tolist() == [[0, 3, 3, 6], [0, 0, 5, 6]]
    assert found.rows_columns()[1].tolist() == [[3, 0, 6, 3], [0, 0, 6, 5]]
    size, missing, clipped, crowd = found.problems
    assert "a.png' is 6×5, and the JSON says 7×5" in size
    assert "gone.png': no such file" in missing
    assert clipped == "annotation 1 reaches beyond b.png, and was clipped to it"
    assert "annotation 3 is a crowd" in crowd


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["images"][0].update(id=3), "lists the image id 3 more than once"),
        (lambda c: c["categories"][0].update(id=2), "lists the category id 2 more than once"),
        (lambda c: c["images"][0].update(file_name="b.png"), "lists the file name 'b.png' more than once"),
    ],
)
def test_coco_files_that_are_ambiguous_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        load_coco(coco(tmp_path, change))


def test_coco_files_that_are_none(tmp_path):
    path = coco(tmp_path)
    path.write_text(path.read_text()[:50])
    with pytest.raises(InputError, match=r"boxes.json' is not JSON"):
        load_coco(path)
    with pytest.raises(InputError, match="cannot read the COCO file"):
        load_coco(tmp_path / "gone.json")
    path.write_text("[]")
    with pytest.raises(InputError, match="has no list 'images'"):
        load_coco(path)


class HubDataset(list):
    """As a `datasets.Dataset` looks from outside."""

    class Label:
        names = ("no", "yes")

    features = {"image": None, "label": Label()}  # noqa: RUF012


def test_rows():
    pixels = RNG.integers(0, 256, (3, 4, 5, 3), np.uint8)
    rows = HubDataset({"image": Image.fromarray(p), "label": i % 2} for i, p in enumerate(pixels))
    found = load_rows(rows)
    np.testing.assert_allclose(found.inputs, pixels / 255, atol=1e-6)
    assert found.labels.tolist() == [0, 1, 0]
    assert found.names == ("no", "yes")
    plain = [{"img": (p / 255).mean(axis=-1), "y": np.int64(i)} for i, p in enumerate(pixels)]
    assert load_rows(plain, image="img", label="y", channels=1, size=(8, 8)).inputs.shape == (3, 8, 8, 1)
    assert load_rows(plain, image="img", label="y").names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "the data set has no rows"),
        (
            [{"image": np.ones((2, 2)), "lable": 0}],
            {},
            r"has no 'label'; did you mean 'lable'\? It has: image, lable",
        ),
        (HubDataset([{"image": np.ones((2, 2)), "label": 2}]), {}, "the column 'label' holds the label 2 at 0"),
        ([{"image": np.ones((2, 2)), "label": -1}], {}, "holds the label -1 at 0"),
        ([{"image": np.ones((2, 2)), "label": 0.5}], {}, "a label must be an integer, got 0.5"),
        ([{"image": np.ones(2), "label": 0}], {}, r"the picture of row 0 has shape \(2,\)"),
        ([{"image": np.full((2, 2), 999), "label": 0}], {}, "integers outside 0 … 255"),
        ([{"image": np.full((2, 2), np.nan), "label": 0}], {}, "that are not finite numbers"),
        ([{"image": np.ones((2, 2)), "label": 0}, {"image": np.ones((3, 2)), "label": 0}], {}, "pass a `size`"),
    ],
)
def test_rows_that_are_wrong(rows, options, message):
    with pytest.raises(InputError, match=message):
        load_rows(rows, **options)


def test_a_data_set_of_hugging_face():
    datasets = pytest.importorskip("datasets", reason="datasets, of Hugging Face, is not installed")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["no", "yes"])})
    pixels = RNG.integers(0, 256, (3, 4, 5, 3), np.uint8)
    rows = {"image": [Image.fromarray(p) for p in pixels], "label": [1, 0, 1]}
    found = load_rows(datasets.Dataset.from_dict(rows, features=features))
    np.testing.assert_allclose(found.inputs, pixels / 255, atol=1e-6)
    assert found.labels.tolist() == [1, 0, 1]
    assert found.names == ("no", "yes")


def test_streamed_batches_are_a_function_of_seed_and_number(pets):
    pytest.importorskip("grain", reason="grain, of the extra `stream`, is not installed")
    folder, pixels = pets
    source = ImageFiles(folder, size=(6, 5))
    batches = stream(source, batch_size=2, seed=4)
    again = stream(source, batch_size=2, seed=4)
    for step in (0, 1, 7):
        for one, other in zip(batches[step], again[step]):
            np.testing.assert_array_equal(one, other)
    images, labels = (np.concatenate([batches[step][part] for step in (0, 1)]) for part in (0, 1))
    assert sorted(labels.tolist()) == [0, 0, 0, 1]  # an epoch holds each example once
    order = lambda array: array[np.lexsort(array.reshape(4, -1).T)]
    np.testing.assert_allclose(order(images), order(pixels.astype(np.float32)), atol=1e-6)
    noisy = stream(source, batch_size=4, seed=0, change=lambda example, rng: (example[0] + rng.random(), example[1]))
    np.testing.assert_array_equal(noisy[3][0], noisy[3][0])
    assert not np.allclose(noisy[3][0].sum(), noisy[4][0].sum())
    with pytest.raises(InputError, match="`batch_size` is 5, but there are only 4 examples"):
        stream(source, batch_size=5, seed=0)


def test_labels_that_are_none():
    with pytest.raises(InputError, match="here must hold integers as labels, got float64"):
        check_labels([0.5], 2, "here")
    with pytest.raises(InputError, match=r"of shape \(0,\)"):
        check_labels([], 2, "here")
