"""TIFF pictures: layouts, channels, and what is inverted or expanded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.tiff import Tiff
from anlage.errors import DataError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (18, 20), np.uint8)
COLOUR = RANDOM.integers(0, 256, (18, 20, 3), np.uint8)
STACK = RANDOM.integers(0, 65536, (4, 18, 20), np.uint16)


def write(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    tifffile.imwrite(path, pixels, **options)
    return path


def read(path: Path, limits: Limits | None = None) -> RawImage:
    source = Source(paths=(path,))
    image = Tiff().read(source, limits or Limits())
    header = Tiff().header(source, limits or Limits())
    assert header.shape[1:] == image.pixels.shape[1:]
    assert header.shape[0] in {3, image.pixels.shape[0]}
    assert (header.bits, header.spacing_mm) == (image.bits, image.spacing_mm)
    assert header.unit == ("arbitrary" if image.unit == "hu" else image.unit)
    assert image.affine is None
    assert image.pixels.flags.c_contiguous
    return image


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Tiff().read(Source(paths=(path,)), limits or Limits())
    assert path.name not in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "kept", "bits", "unit"),
    [
        (np.uint8, np.uint8, 8, "display"),
        (np.uint16, np.uint16, 16, "display"),
        (np.int16, np.int16, 16, "arbitrary"),
        (np.uint32, np.int32, 32, "display"),
        (np.float32, np.float32, 0, "arbitrary"),
        (np.float64, np.float32, 0, "arbitrary"),
        (np.float16, np.float32, 0, "arbitrary"),
    ],
)
def test_types(tmp_path: Path, dtype: Any, kept: Any, bits: int, unit: str) -> None:
    image = read(write(tmp_path / "a.tif", GREY.astype(dtype)))
    np.testing.assert_array_equal(image.pixels, GREY[None])
    assert (image.pixels.dtype, image.bits, image.unit) == (kept, bits, unit)


def test_air_means_hounsfield_units(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.tif", GREY.astype(np.int16) - 1000)).unit == "hu"


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"tile": (16, 16)},
        {"tile": (16, 16), "compression": "zlib"},
        {"rowsperstrip": 5},
        {"rowsperstrip": 5, "compression": "zlib"},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
)
@pytest.mark.parametrize("pixels", [GREY, COLOUR, STACK[0]])
def test_layouts_give_the_same_image(
    tmp_path: Path, pixels: np.ndarray, options: dict[str, Any]
) -> None:
    image = read(write(tmp_path / "a.tif", pixels, **options))
    expected = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    np.testing.assert_array_equal(image.pixels, expected)


def test_planar_colour(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0))
    path = write(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(path).pixels, planes)


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "packbits", "tiff_deflate"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR])
def test_files_of_pillow(tmp_path: Path, pixels: np.ndarray, compression: str) -> None:
    path = tmp_path / "a.tif"
    smooth = np.sort(np.sort(pixels, axis=0), axis=1)
    Image.fromarray(smooth).save(path, compression=compression)
    image = read(path)
    expected = smooth[None] if smooth.ndim == 2 else np.moveaxis(smooth, -1, 0)
    limit = 30 if compression == "jpeg" else 0
    np.testing.assert_allclose(image.pixels.astype(int), expected.astype(int), atol=limit)


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
def test_1_bit(tmp_path: Path, photometric: str) -> None:
    bits = np.eye(18, 20, dtype=bool)
    path = write(tmp_path / "a.tif", bits, photometric=photometric)
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], bits != (photometric == "miniswhite"))
    assert (image.bits, image.pixels.dtype) == (1, np.uint8)
    Image.fromarray(bits).save(path, compression="group4")
    refused(path, "compressed in another way")


@pytest.mark.parametrize("is_reduced", [False, True])
def test_loop_of_pages(tmp_path: Path, is_reduced: bool) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(by_hand(4, 4, compression=1, data=b"x" * 16, count=16))
    read(path)
    data = path.read_bytes()
    looped = data[:-4] + struct.pack("<L", 8 + 16)  # the next page is this page
    if is_reduced:
        looped = looped.replace(tag(277, 3, 1), tag(254, 3, 1))
    path.write_bytes(looped)
    refused(path, "repeats them without end")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(tmp_path: Path, dtype: Any) -> None:
    pixels = GREY.astype(dtype)
    image = read(write(tmp_path / "a.tif", pixels, photometric="miniswhite"))
    np.testing.assert_array_equal(image.pixels[0], np.iinfo(dtype).max - pixels)
    assert image.notes == ("white-is-zero inverted",)


def test_palette(tmp_path: Path) -> None:
    table = RANDOM.integers(0, 65536, (3, 256), np.uint16)
    image = read(write(tmp_path / "a.tif", GREY, photometric="palette", colormap=table))
    np.testing.assert_array_equal(image.pixels, (table >> 8)[:, GREY])
    assert image.notes == ("palette expanded to colours",)
    assert image.bits == 8


def test_transparency_is_laid_on_black(tmp_path: Path) -> None:
    pixels = np.full((2, 2, 4), 200, np.uint8)
    pixels[0, :, 3] = 0
    path = write(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["unassalpha"])
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], [[0, 0], [157, 157]])  # 200 * 200 / 255
    assert len(image.pixels) == 1


def test_equal_channels_become_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.repeat(GREY[..., None], 3, axis=2), photometric="rgb")
    np.testing.assert_array_equal(read(path).pixels, GREY[None])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(GREY).save(path, tiffinfo={274: orientation})
    turned = Image.fromarray(GREY)
    turned.getexif()[274] = orientation
    expected = ImageOps.exif_transpose(turned)
    np.testing.assert_array_equal(read(path).pixels[0], np.asarray(expected))


def tag(number: int, kind: int, value: int) -> bytes:
    return struct.pack("<HHLL", number, kind, 1, value)


def by_hand(width: int, height: int, *, compression: int, data: bytes, count: int) -> bytes:
    """A TIFF of one strip; ``count`` is the length it claims."""
    tags = [
        tag(256, 4, width),
        tag(257, 4, height),
        tag(258, 3, 8),
        tag(259, 3, compression),
        tag(262, 3, 1),
        tag(273, 4, 8),
        tag(277, 3, 1),
        tag(278, 4, height),
        tag(279, 4, count),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(tags) + b"\0" * 4
    data += b"\0" * (len(data) % 2)
    return b"II*\0" + struct.pack("<L", 8 + len(data)) + data + directory


def test_recognises() -> None:
    assert Tiff().recognises(Path("-"), b"II*\0")
    assert Tiff().recognises(Path("-"), b"MM\0+")
    assert Tiff().recognises(Path("a.svs"), b"")
    assert not Tiff().recognises(Path("a.png"), b"IIxx")
