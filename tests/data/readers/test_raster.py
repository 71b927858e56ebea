"""Everyday pictures: channels, bits, orientation, transparency, and bombs."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.raster import Raster
from anlage.errors import DataError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (5, 7), np.uint8)
COLOUR = RANDOM.integers(0, 256, (5, 7, 3), np.uint8)


def read(path: Path, limits: Limits | None = None) -> RawImage:
    source = Source(paths=(path,))
    image = Raster().read(source, limits or Limits())
    header = Raster().header(source, limits or Limits())
    assert header.shape[1:] == image.pixels.shape[1:]
    assert header.shape[0] in {3, image.pixels.shape[0]}
    assert (header.bits, header.unit) == (image.bits, image.unit) == (image.bits, "display")
    assert image.spacing_mm is None
    assert image.affine is None
    assert image.pixels.flags.c_contiguous
    return image


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Raster().read(Source(paths=(path,)), limits or Limits())
    assert path.name not in str(caught.value)


def png(width: int, height: int, rows: bytes, *, depth: int, colour: int) -> bytes:
    """A PNG written by hand; ``rows`` each start with a filter byte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        )

    head = struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif"])
def test_grey_stays_one_channel(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(GREY).save(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, GREY[None])
    assert image.bits == 8


@pytest.mark.parametrize(("suffix", "tolerance"), [("png", 0), ("bmp", 0), ("webp", 0), ("jpg", 4)])
def test_colour(tmp_path: Path, suffix: str, tolerance: int) -> None:
    path = tmp_path / f"a.{suffix}"
    ramp = np.mgrid[0:50, 0:70].sum(axis=0)
    colours = np.dstack([ramp, 2 * ramp, 120 - ramp]).astype(np.uint8)
    Image.fromarray(colours).save(path, lossless=True, quality=100)
    image = read(path)
    expected = np.moveaxis(colours, -1, 0).astype(int)
    np.testing.assert_allclose(image.pixels.astype(int), expected, atol=tolerance)
    assert image.notes == ()


def test_16_bit_grey(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    wide = RANDOM.integers(0, 65536, (5, 7), np.uint16)
    Image.fromarray(wide).save(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, wide[None])
    assert (image.bits, image.pixels.dtype) == (16, np.dtype("=u2"))


def test_16_bit_colour_is_rounded_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    colours = np.array([[[0x1234, 0xABCD, 0x00FF]]], ">u2")
    path.write_bytes(png(1, 1, b"\0" + colours.tobytes(), depth=16, colour=2))
    image = read(path)
    np.testing.assert_array_equal(image.pixels.ravel(), [0x12, 0xAB, 0x00])
    assert image.notes == ("16-bit colour rounded to 8 bits",)


def test_1_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.eye(9, dtype=np.uint8) * 255).convert("1").save(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], np.eye(9))
    assert (image.bits, image.pixels.dtype) == (1, np.uint8)


def test_equal_channels_become_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.repeat(GREY[..., None], 3, axis=2)).save(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, GREY[None])
    assert image.notes == ("three identical colour channels kept as one",)
    for other in range(3):
        colours = np.repeat(GREY[..., None], 3, axis=2)
        colours[0, 0, other] ^= 1
        Image.fromarray(colours).save(path)
        assert len(read(path).pixels) == 3


def test_palette(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(COLOUR).quantize(200)
    picture.save(path)
    image = read(path)
    np.testing.assert_array_equal(
        image.pixels, np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    )
    assert image.notes == ("palette expanded to colours",)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_black(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    opacity = np.array([[0, 255, 128]], np.uint8)
    grey = np.array([[200, 200, 200]], np.uint8)
    planes = [grey] * (len(mode) - 1) + [opacity]
    Image.fromarray(np.dstack(planes), mode).save(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, [[[0, 200, 100]]])
    assert image.notes[0] == "transparency removed: the image was laid on black"


def test_transparent_palette_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.save(path, transparency=0)
    np.testing.assert_array_equal(read(path).pixels, [[[0, 0]], [[0, 255]], [[0, 0]]])


def test_cmyk(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(path, quality=100)
    np.testing.assert_allclose(read(path).pixels[:, 4, 4], [255, 0, 0], atol=5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(GREY).save(path, exif=exif)
    from PIL import ImageOps

    image = read(path)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    np.testing.assert_array_equal(image.pixels[0], expected)
    assert bool(image.notes) == (orientation > 1)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], GREY)
    assert "only the first frame of several was read" in image.notes


def test_bomb_of_400_megapixels(tmp_path: Path) -> None:
    """40 KB on disk; Pillow's own limit must neither be needed nor be left changed."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\0" * (20000 // 8)
    data = packer.compress(row * 20000) + packer.flush()
    header = png(20000, 20000, b"", depth=1, colour=0)
    path = tmp_path / "a.png"
    path.write_bytes(header.replace(zlib.compress(b""), data))
    allowed = Image.MAX_IMAGE_PIXELS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path, "up to 200,000,000 pixels, this one claims 20000 x 20000 = 400,000,000")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB
    assert allowed == Image.MAX_IMAGE_PIXELS
    assert allowed is not None


def test_limits_may_exceed_pillows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = tmp_path / "a.png"
    Image.fromarray(GREY).save(path)
    assert read(path, Limits(max_pixels_2d=35)).pixels.shape == (1, 5, 7)
    refused(path, "up to 34 pixels", Limits(max_pixels_2d=34))
    refused(path, "up to 30 bytes", Limits(max_bytes=30))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp"])
@pytest.mark.parametrize("percent", [1, *range(10, 100, 10)])
def test_truncated(tmp_path: Path, suffix: str, percent: int) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RANDOM.integers(0, 256, (60, 70, 3), np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    refused(path, "decodable to its end")


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    found = {}
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP"):
        buffer = io.BytesIO()
        Image.fromarray(COLOUR).save(buffer, kind)
        found[kind] = buffer.getvalue()
    return found


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "BMP", "GIF", "WEBP"]),
    cut=st.integers(0, 900),
    changes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=3),
)
def test_any_damage_ends_in_an_image_or_a_data_error(
    samples: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    cut: int,
    changes: list[tuple[int, int]],
) -> None:
    data = bytearray(samples[kind])
    for position, value in changes:
        data[position % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(bytes(data)[: len(data) - cut % len(data)])
    for attempt in (Raster().read, Raster().header):
        try:
            attempt(Source(paths=(path,)), Limits(max_pixels_2d=10**6))
        except DataError:
            continue


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"<html></html>")
    refused(path, "decodable to its end")
    refused(tmp_path / "none.png", "decodable to its end")
    Image.fromarray(GREY).save(path, "TIFF")
    refused(path, "decodable to its end")
    with pytest.raises(DataError, match="got 2 files of another format"):
        Raster().read(Source(paths=(path, path)), Limits())


def test_recognises(samples: dict[str, bytes]) -> None:
    for data in samples.values():
        assert Raster().recognises(Path("-"), data[:512])
    assert Raster().recognises(Path("a.JPG"), b"")
    assert not Raster().recognises(Path("a.tif"), b"RIFF1234WAVE")
