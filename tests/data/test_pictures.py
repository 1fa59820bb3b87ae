"""The one reader of pictures: types, frames, alpha; formats by content; sizes bounded before decoding; the writer."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from jconv import InputError, ndimage
from jconv.data import load_frames, load_image, read_picture, write_picture
from jconv.data._png16 import decode, encode

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (9, 7, 4), np.uint8)
DEEP = RNG.integers(0, 65536, (9, 7, 4), np.uint16)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(1, 9, 7), (1, 9, 7, 2), (1, 9, 7, 3), (1, 9, 7, 4), (5, 9, 7), (5, 9, 7, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_come_back_in_their_own_depth(tmp_path, dtype, shape, suffix):
    if dtype == "bool" and len(shape) == 4:
        pytest.skip("a black and white picture has no channels")
    frames = RNG.random(shape)
    frames = frames < 0.5 if dtype == "bool" else (frames * {"uint8": 256, "uint16": 65536}.get(dtype, 1)).astype(dtype)
    lost = write_picture(tmp_path / f"a{suffix}", frames)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.frames.shape == shape
    assert picture.has_alpha == (len(shape) == 4 and shape[-1] in (2, 4))
    if lost or (suffix == ".png" and dtype == "float32"):
        assert suffix == ".png"
        assert lost == (() if dtype == "float32" else ("16 bits became 8",))  # animated PNG files have 8 bits
        scale = 1 if dtype == "float32" else 65535
        np.testing.assert_allclose(picture.frames / 255, frames / scale, atol=0.51 / 255)
    elif suffix == ".png" and dtype == "bool" and len(frames) > 1:  # black and white are 0 and 255 in an animation
        np.testing.assert_array_equal(picture.frames, frames * 255)
    else:
        assert picture.frames.dtype == frames.dtype
        np.testing.assert_array_equal(picture.frames, frames)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations_keep_their_frames_and_speed(tmp_path, suffix):
    frames = np.kron(RNG.integers(0, 2, (4, 3, 3), np.uint8) * 255, np.ones((1, 5, 5), np.uint8))
    write_picture(tmp_path / f"a{suffix}", frames, milliseconds=40)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert len(picture.frames) == 4
    assert picture.milliseconds == 40
    first = picture.frames if picture.frames.ndim == 3 else picture.frames[..., 0]
    np.testing.assert_array_equal(first, frames)


def test_palettes_and_transparency(tmp_path):
    colours = Image.fromarray(BYTES[..., :3]).quantize(16)
    colours.save(tmp_path / "p.png", transparency=0)
    picture = read_picture(tmp_path / "p.png")
    assert picture.palette
    np.testing.assert_array_equal(picture.frames[0, ..., :3], np.asarray(colours.convert("RGB")))
    np.testing.assert_array_equal(picture.frames[0, ..., 3], np.where(np.asarray(colours) == 0, 0, 255))
    assert load_image(tmp_path / "p.png").shape == (9, 7, 3)


def filtered(pixels, kind):
    """A PNG file of 16 bits whose rows are stored by one of the five filters, written as the specification has it."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step, out = 2 * channels, []
    for r in range(height):
        line = [kind]
        for c in range(rows.shape[1]):
            a = rows[r, c - step] if c >= step else 0
            b = rows[r - 1, c] if r else 0
            corner = rows[r - 1, c - step] if r and c >= step else 0
            p = a + b - corner
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - corner), 2, corner))[2]
            line.append((rows[r, c] - [0, a, b, (a + b) // 2, near][kind]) % 256)
        out.append(bytes(int(v) for v in line))
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(out))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_deep_colours_of_every_filter(kind, channels):
    np.testing.assert_array_equal(decode(filtered(DEEP[..., :channels], kind), "x"), DEEP[..., :channels])
    np.testing.assert_array_equal(decode(encode(DEEP[..., :channels]), "x"), DEEP[..., :channels])


def test_pillow_reads_the_deep_files_that_are_written():
    for channels in (2, 3, 4):
        with Image.open(io.BytesIO(encode(DEEP[..., :channels]))) as picture:
            top = np.asarray(picture)  # the upper bytes
            top = top[..., [0, 3]] if channels == 2 else top
        assert np.abs(top.astype(int) - (DEEP[..., :channels] >> 8)).max() <= 1


def test_a_damaged_deep_file_is_named(tmp_path):
    content = bytearray(encode(DEEP))
    content[60] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="cut off or damaged: the checksum"):
        read_picture(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(encode(DEEP)[:-40])
    with pytest.raises(InputError, match="cut off"):
        read_picture(tmp_path / "a.png")


def test_ndimage_and_data_read_alike(tmp_path):
    for name, frames in [("deep.png", DEEP[None]), ("stack.tif", RNG.random((3, 9, 7)).astype(np.float32))]:
        write_picture(tmp_path / name, frames)
        np.testing.assert_array_equal(ndimage.read_video(tmp_path / name), read_picture(tmp_path / name).frames)
        np.testing.assert_array_equal(ndimage.read_image(tmp_path / name), frames[0])
    np.testing.assert_allclose(load_image(tmp_path / "deep.png"), DEEP[..., :3] / 65535, atol=1e-6)
    assert load_frames(tmp_path / "stack.tif").shape == (3, 9, 7)
    with pytest.raises(InputError, match=r"has shape \(3, 9, 7\).*read all 3 with `load_frames`"):
        load_image(tmp_path / "stack.tif")
    ndimage.write_image(tmp_path / "again.png", DEEP)
    np.testing.assert_array_equal(ndimage.read_image(tmp_path / "again.png"), DEEP)


def test_a_file_may_not_run_a_program(tmp_path):
    """PostScript under the name of a picture: Pillow's reader of EPS would call Ghostscript."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "bin" / "gs").chmod(0o755)
    script = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    for name in ("x.png", "x.jpg", "x.tif", "x.eps"):
        (tmp_path / name).write_text(script)
        code = "from jconv import data, ndimage\nfor f in (data.load_image, ndimage.read_image, ndimage.read_video):\n"
        code += f" try: f({str(tmp_path / name)!r})\n except ValueError as e: assert 'none of these' in str(e)"
        env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()


def test_the_content_decides_and_not_the_name(tmp_path):
    Image.fromarray(BYTES[..., :3]).save(tmp_path / "a.png")
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.png").read_bytes())
    np.testing.assert_allclose(load_image(tmp_path / "a.tif"), BYTES[..., :3] / 255, atol=1e-6)


def declared_png(width, height):
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_declared_sizes_are_bounded_before_decoding(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(declared_png(12000, 12000))
    monkeypatch.setenv("JCONV_MAX_BYTES", "1000000")
    with pytest.raises(InputError, match=r"asks for 1.2 GB of memory, and the limit is 1.0 MB; .*JCONV_MAX_BYTES"):
        load_image(tmp_path / "a.png")
    Image.fromarray(np.zeros((600, 600, 3), np.uint8)).save(tmp_path / "b.jpg")
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((600, 600), np.float64), compression="zlib")
    for name in ("b.jpg", "c.tif"):
        with pytest.raises(InputError, match=r"and the limit is 1\.0 MB"):
            load_image(tmp_path / name)
    monkeypatch.delenv("JCONV_MAX_BYTES")
    assert load_image(tmp_path / "b.jpg").shape == (600, 600, 3)


@pytest.mark.parametrize(
    ("name", "frames", "lost"),
    [
        ("a.jpg", DEEP[None], ("16 bits became 8", "alpha was dropped")),
        ("a.jpg", BYTES[None, ..., :3], ()),
        ("a.gif", DEEP[None, ..., 0], ("16 bits became 8",)),
    ],
)
def test_what_a_format_cannot_keep_is_said(tmp_path, name, frames, lost):
    assert write_picture(tmp_path / name, frames) == lost
    assert read_picture(tmp_path / name).frames.shape[1:3] == (9, 7)


def test_pictures_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match=r"cannot write 3 pictures into .*JPEG holds one"):
        write_picture(tmp_path / "a.jpg", np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match=r"`frames` must have shape \(T, H, W\)"):
        write_picture(tmp_path / "a.png", np.zeros((4, 4)))
    assert not list(tmp_path.iterdir())
