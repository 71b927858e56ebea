"""Colours, palettes and compressions of DICOM give the image that was put in."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
)

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.dicom import Dicom
from anlage.errors import DataError

WriteDicom = Callable[..., Path]
GREY = np.arange(12, dtype=np.uint16).reshape(3, 4)


def read(path: Path, limits: Limits | None = None) -> RawImage:
    source = Source(paths=(path,))
    image = Dicom().read(source, limits or Limits())
    header = Dicom().header(source, limits or Limits())
    assert header.shape == image.pixels.shape
    assert (header.bits, header.unit) == (image.bits, image.unit)
    assert header.spacing_mm == image.spacing_mm
    return image


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    for read_it in (Dicom().read, Dicom().header):
        with pytest.raises(DataError, match=words) as caught:
            read_it(Source(paths=(path,)), limits or Limits())
        assert "SECRET" not in str(caught.value)
        assert path.name not in str(caught.value)


def test_rgb(write_dicom: WriteDicom) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    image = read(write_dicom(colours, Modality="XC"))
    np.testing.assert_array_equal(image.pixels, np.moveaxis(colours, -1, 0))
    assert (image.unit, image.bits) == ("display", 8)
    planes = np.ascontiguousarray(np.moveaxis(colours, -1, 0)).reshape(5, 4, 3)
    planar = read(write_dicom(planes, Modality="XC", PlanarConfiguration=1))
    np.testing.assert_array_equal(planar.pixels, image.pixels)


def test_ybr_becomes_rgb(write_dicom: WriteDicom) -> None:
    red_ybr = np.full((2, 2, 3), (76, 85, 255), np.uint8)
    image = read(write_dicom(red_ybr, Modality="US", PhotometricInterpretation="YBR_FULL"))
    np.testing.assert_allclose(image.pixels[:, 0, 0], [254, 0, 0], atol=2)


@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("scale", [1, 257])
def test_palette(write_dicom: WriteDicom, scale: int, first: int) -> None:
    index = np.array([[0, 1, 2, 3], [9, 2, 1, 0]], np.uint8)
    tables = {"Red": [0, 255, 10, 20], "Green": [0, 0, 11, 21], "Blue": [1, 2, 12, 22]}
    kind = np.uint8 if scale == 1 else np.uint16
    elements: dict[str, object] = {}
    for colour, values in tables.items():
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [4, first, 8 * kind().itemsize]
        table = (np.array(values) * scale).astype(kind)
        elements[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    image = read(write_dicom(index, PhotometricInterpretation="PALETTE COLOR", **elements))
    entry = np.clip(index.astype(int) - first, 0, 3)
    expected = [np.array(values)[entry] for values in tables.values()]
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.pixels.dtype == np.uint8
    assert ("16-bit palette rounded to 8 bits" in image.notes) == (scale == 257)


def test_palette_without_tables_is_refused(write_dicom: WriteDicom) -> None:
    path = write_dicom(GREY.astype(np.uint8), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(DataError, match="red, a green and a blue table"):
        Dicom().read(Source(paths=(path,)), Limits())


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_codings_give_the_same_image(write_dicom: WriteDicom, syntax: str) -> None:
    expected = read(write_dicom(GREY))
    pixels = GREY if syntax == ImplicitVRLittleEndian else GREY.astype(">u2")
    image = read(write_dicom(pixels, "other.dcm", syntax=syntax))
    np.testing.assert_array_equal(image.pixels, expected.pixels)
    assert image.pixels.dtype == np.uint16
    assert image.facts == expected.facts


def jpeg(rows: int = 8, columns: int = 16, *, kind: str = "JPEG") -> bytes:
    ramp = np.linspace(0, 255, rows * columns).astype(np.uint8).reshape(rows, columns)
    buffer = io.BytesIO()
    options = {"no_jp2": True} if kind == "JPEG2000" else {"quality": 95}
    Image.fromarray(ramp).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("syntax", "kind", "tolerance"),
    [(JPEGBaseline8Bit, "JPEG", 4), (JPEG2000Lossless, "JPEG2000", 0)],
)
def test_compressed(write_dicom: WriteDicom, syntax: str, kind: str, tolerance: int) -> None:
    ramp = np.linspace(0, 255, 128).astype(np.uint8).reshape(8, 16)
    path = write_dicom(ramp, syntax=syntax, encoded=[jpeg(kind=kind)], Modality="DX")
    np.testing.assert_allclose(read(path).pixels[0].astype(int), ramp, atol=tolerance)


def test_missing_codec_names_the_extra(
    write_dicom: WriteDicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pydicom.pixels import get_decoder

    path = write_dicom(np.zeros((8, 16), np.uint8), syntax=JPEGLSLossless, encoded=[jpeg()])
    monkeypatch.setattr(get_decoder(JPEGLSLossless), "_available", {})
    refused(path, r"JPEG-LS .* pip install 'anlage\[dicom\]'")


def test_unknown_compression_is_refused(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        np.zeros((8, 16), np.uint8), syntax="1.2.840.10008.1.2.4.100", encoded=[b"x"]
    )
    refused(path, "compressed in a way that Anlage cannot read")


def test_codestream_of_another_size_is_refused(write_dicom: WriteDicom) -> None:
    for kind, syntax in (("JPEG", JPEGBaseline8Bit), ("JPEG2000", JPEG2000Lossless)):
        path = write_dicom(
            np.zeros((8, 16), np.uint8), syntax=syntax, encoded=[jpeg(80, 160, kind=kind)]
        )
        with pytest.raises(DataError, match=r"its own size is \(80, 160, 1\)"):
            Dicom().read(Source(paths=(path,)), Limits())
    path = write_dicom(np.zeros((8, 16), np.uint8), syntax=JPEGBaseline8Bit, encoded=[b"no jpeg!"])
    with pytest.raises(DataError, match="none that can be read"):
        Dicom().read(Source(paths=(path,)), Limits())
