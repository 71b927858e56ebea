"""Single DICOM images: what numbers mean, how they become calibrated, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

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


def test_rescale_makes_hounsfield_units(write_dicom: WriteDicom) -> None:
    path = write_dicom(GREY, RescaleSlope=2, RescaleIntercept=-1024, PixelSpacing=[0.5, 0.25])
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], 2.0 * GREY - 1024)
    assert (image.pixels.dtype, image.unit, image.bits) == (np.int16, "hu", 16)
    assert image.spacing_mm == (0.5, 0.25)
    assert image.affine is None


def test_fractional_rescale_is_float(write_dicom: WriteDicom) -> None:
    image = read(write_dicom(GREY, RescaleSlope=0.5, RescaleIntercept=-1))
    np.testing.assert_allclose(image.pixels[0], 0.5 * GREY - 1)
    assert (image.pixels.dtype, image.bits) == (np.float32, 0)


def test_wide_values_do_not_overflow(write_dicom: WriteDicom) -> None:
    top = np.array([[0, 65535]], np.uint16)
    image = read(write_dicom(top, RescaleSlope=1, RescaleIntercept=-1024))
    np.testing.assert_array_equal(image.pixels[0], [[-1024, 64511]])


@pytest.mark.parametrize(
    ("elements", "unit"),
    [
        ({}, "arbitrary"),  # CT without a rescale
        ({"RescaleSlope": 1, "RescaleIntercept": 0}, "hu"),
        ({"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "US"}, "arbitrary"),
        ({"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "HU", "Modality": "PT"}, "hu"),
        ({"RescaleSlope": 1, "RescaleIntercept": 0, "Modality": "MR"}, "arbitrary"),
        ({"Modality": "DX"}, "display"),
        ({"Modality": "DX", "RescaleSlope": 1, "RescaleIntercept": 0}, "display"),
        ({"Modality": "DX", "RescaleSlope": 2, "RescaleIntercept": 0}, "arbitrary"),
    ],
)
def test_unit(write_dicom: WriteDicom, elements: dict[str, object], unit: str) -> None:
    assert read(write_dicom(GREY, **elements)).unit == unit


@pytest.mark.parametrize(
    "elements",
    [
        {"RescaleSlope": 1},
        {"RescaleIntercept": 1},
        {"RescaleSlope": 0, "RescaleIntercept": 1},
        {"RescaleSlope": "NaN", "RescaleIntercept": 1},
        {"RescaleSlope": "inf", "RescaleIntercept": 1},
        {"RescaleSlope": "", "RescaleIntercept": 1},
    ],
)
def test_unclear_rescale_is_refused(write_dicom: WriteDicom, elements: dict[str, object]) -> None:
    slope = str(elements.get("RescaleSlope", "drop"))
    intercept = str(elements.get("RescaleIntercept", "drop"))
    path = _with_rescale(write_dicom, slope, intercept)
    refused(path, "RescaleSlope and RescaleIntercept must both be finite")


def _with_rescale(write_dicom: WriteDicom, slope: str, intercept: str) -> Path:
    """Write values that pydicom would not write, by patching placeholders of equal length."""
    elements = {"RescaleSlope": "7.77", "RescaleIntercept": "8.88"}
    drop = [k for k, v in zip(elements, (slope, intercept), strict=True) if v == "drop"]
    path = write_dicom(GREY, drop=drop, **elements)
    data = path.read_bytes()
    data = data.replace(b"7.77", slope.encode().ljust(4))
    path.write_bytes(data.replace(b"8.88", intercept.encode().ljust(4)))
    return path


def test_modality_table_is_refused(write_dicom: WriteDicom) -> None:
    refused(write_dicom(GREY, ModalityLUTSequence=[]), "ModalityLUTSequence")


def test_monochrome1_is_inverted_once(write_dicom: WriteDicom) -> None:
    elements = {"Modality": "DX", "BitsStored": 12, "HighBit": 11}
    plain = read(write_dicom(GREY, **elements))
    image = read(write_dicom(GREY, PhotometricInterpretation="MONOCHROME1", **elements))
    np.testing.assert_array_equal(image.pixels, 4095 - plain.pixels)
    assert (image.bits, image.unit, image.notes) == (12, "display", ("MONOCHROME1 inverted",))


def test_monochrome1_is_inverted_before_the_rescale(write_dicom: WriteDicom) -> None:
    image = read(
        write_dicom(
            GREY.astype(np.uint8),
            Modality="CR",
            PhotometricInterpretation="MONOCHROME1",
            RescaleSlope=2,
            RescaleIntercept=10,
        )
    )
    np.testing.assert_array_equal(image.pixels[0], 2 * (255 - GREY.astype(int)) + 10)


def test_hounsfield_units_are_not_inverted(write_dicom: WriteDicom) -> None:
    image = read(
        write_dicom(
            GREY, PhotometricInterpretation="MONOCHROME1", RescaleSlope=1, RescaleIntercept=0
        )
    )
    np.testing.assert_array_equal(image.pixels[0], GREY)
    assert image.notes == ("MONOCHROME1 ignored for HU",)


def test_signed_12_bit(write_dicom: WriteDicom) -> None:
    values = np.array([[-2048, -1, 0, 2047]], np.int16)
    dirty = (values & 0x0FFF).astype(np.uint16).view(np.int16)  # the upper bits are not the sign
    elements = {"BitsStored": 12, "HighBit": 11}
    np.testing.assert_array_equal(read(write_dicom(dirty, **elements)).pixels[0], values)
    shown = read(write_dicom(dirty, Modality="XA", **elements))
    np.testing.assert_array_equal(shown.pixels[0], values.astype(int) + 2048)
    assert (shown.unit, shown.bits) == ("display", 12)
    assert shown.notes == ("signed values moved up to start at zero",)


def test_signed_monochrome1(write_dicom: WriteDicom) -> None:
    values = np.array([[-128, -1, 0, 127]], np.int8)
    image = read(write_dicom(values, Modality="MR", PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(image.pixels[0], [[127, 0, -1, -128]])


def test_window_is_a_fact_and_changes_no_pixel(write_dicom: WriteDicom) -> None:
    image = read(write_dicom(GREY, WindowCenter=5, WindowWidth=2))
    np.testing.assert_array_equal(image.pixels[0], GREY)
    assert (image.facts["WindowCenter"], image.facts["WindowWidth"]) == (5.0, 2.0)


def test_spacing_falls_back_to_the_detector(write_dicom: WriteDicom) -> None:
    assert read(write_dicom(GREY, ImagerPixelSpacing=[0.1, 0.2])).spacing_mm == (0.1, 0.2)
    both = read(write_dicom(GREY, ImagerPixelSpacing=[0.1, 0.2], PixelSpacing=[0.3, 0.4]))
    assert both.spacing_mm == (0.3, 0.4)
    assert read(write_dicom(GREY, PixelSpacing=[0, 1])).spacing_mm is None
    assert read(write_dicom(GREY)).spacing_mm is None


def test_float_pixels(write_dicom: WriteDicom) -> None:
    values = np.array([[0.5, -3.0]], np.float64)
    keywords = {"Rows": 1, "Columns": 2, "BitsAllocated": 64, "Modality": "MR"}
    path = write_dicom(GREY, drop=["PixelData"], DoubleFloatPixelData=values.tobytes(), **keywords)
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], values)
    assert (image.bits, image.unit, image.pixels.dtype) == (0, "arbitrary", np.float32)
    bad = np.array([[np.nan, 1.0]])
    path = write_dicom(GREY, drop=["PixelData"], DoubleFloatPixelData=bad.tobytes(), **keywords)
    with pytest.raises(DataError, match="finite numbers"):
        Dicom().read(Source(paths=(path,)), Limits())


def test_what_is_no_image_is_refused(write_dicom: WriteDicom) -> None:
    refused(write_dicom(GREY, Modality="SEG"), "got a segmentation")
    refused(write_dicom(GREY, drop=["PixelData"]), "must hold pixels")


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Rows": 0}, "Rows must be a whole number from 1"),
        ({"BitsAllocated": 12}, "BitsAllocated must be 1, 8, 16 or 32"),
        ({"BitsStored": 17}, "BitsStored must be a whole number from 1 to 16"),
        ({"BitsStored": 12, "HighBit": 15}, "HighBit must be BitsStored - 1 = 11"),
        ({"PhotometricInterpretation": "HSV"}, "got another mix"),
        ({"SamplesPerPixel": 2}, "got another mix, with 2"),
        ({"PixelRepresentation": 5}, "PixelRepresentation must be"),
    ],
)
def test_senseless_headers_are_refused(
    write_dicom: WriteDicom, elements: dict[str, object], words: str
) -> None:
    refused(write_dicom(GREY, **elements), words)


@pytest.mark.parametrize("keyword", ["Rows", "BitsAllocated", "BitsStored"])
def test_missing_elements_are_refused(write_dicom: WriteDicom, keyword: str) -> None:
    refused(write_dicom(GREY, drop=[keyword]), f"{keyword} must be .* got none")


def test_limits(write_dicom: WriteDicom) -> None:
    path = write_dicom(GREY)
    refused(path, "up to 11 pixels, this one claims 3 x 4 = 12", Limits(max_pixels_2d=11))
    refused(path, "up to 23 bytes decoded", Limits(max_bytes=23))
    read(path, Limits(max_bytes=24, max_pixels_2d=12))
