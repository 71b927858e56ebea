"""Many pages in one TIFF: volumes, channels, times and pyramids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

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


def test_stack_is_a_volume(tmp_path: Path) -> None:
    for metadata in ({}, None):
        path = write(tmp_path / "a.tif", STACK, metadata=metadata, photometric="minisblack")
        image = read(path)
        assert image.pixels.shape == (1, 20, 18, 4)
        for z, y, x in ((0, 0, 0), (3, 17, 19), (2, 5, 11)):
            assert image.pixels[0, x, y, z] == STACK[z, y, x]
        assert image.spacing_mm is None


def test_colour_stack(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 256, (4, 18, 20, 3), np.uint8)
    image = read(write(tmp_path / "a.tif", pixels, photometric="rgb"))
    np.testing.assert_array_equal(image.pixels, pixels.transpose(3, 2, 1, 0))


def test_imagej_stack_has_spacing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    options = {"imagej": True, "resolution": (2, 4)}
    write(path, STACK, metadata={"axes": "ZYX", "spacing": 3, "unit": "mm"}, **options)
    assert read(path).spacing_mm == (0.5, 0.25, 3.0)
    write(path, STACK, metadata={"axes": "ZYX", "unit": "mm"}, **options)
    assert read(path).spacing_mm is None
    write(path, STACK[0], metadata={"unit": "um"}, **options)
    assert read(path).spacing_mm == (0.00025, 0.0005)
    write(path, STACK[0], metadata={"unit": "parsec"}, **options)
    assert read(path).spacing_mm is None


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_channels_and_time(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    write(path, STACK, metadata={"axes": "CYX"}, **{kind: True})
    np.testing.assert_array_equal(read(path).pixels, STACK)
    both = RANDOM.integers(0, 9, (4, 2, 18, 20), np.uint16)
    write(path, both, metadata={"axes": "ZCYX"}, **{kind: True})
    np.testing.assert_array_equal(read(path).pixels, both.transpose(1, 3, 2, 0))
    write(path, STACK, metadata={"axes": "TYX"}, **{kind: True})
    refused(path, "these are 4 time points")


def test_ome_with_slices_fastest(tmp_path: Path) -> None:
    both = RANDOM.integers(0, 9, (2, 4, 18, 20), np.uint16)
    path = write(tmp_path / "a.tif", both, ome=True, metadata={"axes": "CZYX"})
    np.testing.assert_array_equal(read(path).pixels, both.transpose(0, 3, 2, 1))


def test_pages_that_do_not_add_up(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": "CYX"})
    path.write_bytes(path.read_bytes().replace(b"channels=4", b"channels=9"))
    refused(path, "states 9 channels and 1 slices, it has 4 pages")
    with tifffile.TiffWriter(path) as writer:
        writer.write(GREY, metadata=None)
        writer.write(GREY[:9], metadata=None)
    refused(path, "one size and type")


def test_pyramid_is_read_at_full_size(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(GREY, tile=(16, 16), metadata=None)
        writer.write(GREY[::2, ::2], tile=(16, 16), subfiletype=1, metadata=None)
    np.testing.assert_array_equal(read(path).pixels[0], GREY)


def test_whole_slides_ask_for_tiles(tmp_path: Path) -> None:
    path = write(tmp_path / "a.svs", COLOUR, tile=(16, 16), photometric="rgb")
    refused(path, r"tiled \(a whole slide\?\) with 18 x 20. Cut it", Limits(max_pixels_2d=359))
    read(path, Limits(max_pixels_2d=360))
    refused(path, "up to 1079 bytes|up to 1,079 bytes", Limits(max_bytes=1079))
