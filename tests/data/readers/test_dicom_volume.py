"""Series of slices and multi-frame files: order, axes, affine, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import RLELossless

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.dicom import Dicom
from anlage.errors import DataError

SLICES = np.arange(4 * 3 * 2, dtype=np.int16).reshape(4, 3, 2)  # (N, rows, columns)
AXIAL = (1, 0, 0, 0, 1, 0)
SAGITTAL = (0, 1, 0, 0, 0, -1)
CORONAL = (1, 0, 0, 0, 0, -1)
OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


def read(paths: list[Path]) -> RawImage:
    source = Source(paths=tuple(paths), is_series=True)
    image = Dicom().read(source, Limits())
    header = Dicom().header(source, Limits())
    assert header.shape == image.pixels.shape
    assert header.spacing_mm == image.spacing_mm
    assert (header.bits, header.unit) == (image.bits, image.unit)
    return image


def refused(paths: list[Path], words: str) -> None:
    for read_it in (Dicom().read, Dicom().header):
        with pytest.raises(DataError, match=words) as caught:
            read_it(Source(paths=tuple(paths), is_series=True), Limits())
        assert "SECRET" not in str(caught.value)


def patient_mm(orientation: Any, k: int, r: int, c: int) -> np.ndarray:
    """Where a pixel lies by PS3.3 C.7.6.2.1.1, in mm right, front, top."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    origin = np.array([-10.0, -20.0, 30.0]) + 2.5 * k * np.cross(row, column)
    left_back_top = origin + row * 0.75 * c + column * 0.5 * r
    return left_back_top * (-1, -1, 1)


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, CORONAL, OBLIQUE])
def test_every_voxel_lies_where_dicom_says(
    write_series: Callable[..., list[Path]], orientation: Any
) -> None:
    image = read(write_series(SLICES, orientation=orientation))
    assert image.affine is not None
    for k, r, c in np.ndindex(SLICES.shape):
        where = np.append(patient_mm(orientation, k, r, c), 1)
        x, y, z = np.rint(np.linalg.solve(image.affine, where)[:3]).astype(int)
        assert image.pixels[0, x, y, z] == SLICES[k, r, c]
        np.testing.assert_allclose((image.affine @ (x, y, z, 1))[:3], where[:3], atol=1e-6)
    towards = image.affine[:3, :3]
    assert (np.argmax(np.abs(towards), axis=0) == (0, 1, 2)).all(), "axes are right, front, top"
    assert (np.diag(towards) > 0).all()
    np.testing.assert_allclose(sorted(image.spacing_mm or ()), [0.5, 0.75, 2.5])


def test_order_on_disk_changes_nothing(write_series: Callable[..., list[Path]]) -> None:
    expected = read(write_series(SLICES))
    shuffled = read([write_series(SLICES)[index] for index in (2, 0, 3, 1)])
    np.testing.assert_array_equal(shuffled.pixels, expected.pixels)
    np.testing.assert_array_equal(shuffled.affine, expected.affine)
    misnumbered = read(
        write_series(SLICES, changes={k: {"InstanceNumber": 9 - k} for k in range(4)})
    )
    np.testing.assert_array_equal(misnumbered.pixels, expected.pixels)


def test_multiframe_equals_single_frames(
    write_series: Callable[..., list[Path]], write_multiframe: Callable[..., Path]
) -> None:
    single = read(
        write_series(SLICES, orientation=SAGITTAL, RescaleSlope=2, RescaleIntercept=-1000)
    )
    normal = np.cross(SAGITTAL[:3], SAGITTAL[3:])
    order = [3, 1, 0, 2]
    positions = [np.array([-10.0, -20.0, 30.0]) + 2.5 * k * normal for k in order]
    multi = read(
        [
            write_multiframe(
                SLICES[order],
                positions=positions,
                orientation=SAGITTAL,
                rescales=[(2, -1000)] * 4,
            )
        ]
    )
    np.testing.assert_array_equal(multi.pixels, single.pixels)
    np.testing.assert_allclose(multi.affine, single.affine, atol=1e-9)
    assert (multi.unit, multi.bits, multi.pixels.dtype) == ("hu", 16, single.pixels.dtype)


def test_each_slice_has_its_own_rescale(
    write_series: Callable[..., list[Path]], write_multiframe: Callable[..., Path]
) -> None:
    changes = {k: {"RescaleSlope": k + 1, "RescaleIntercept": 10 * k} for k in range(4)}
    single = read(write_series(SLICES, changes=changes))
    expected = np.stack([SLICES[k] * (k + 1) + 10 * k for k in range(4)])
    assert np.unique(single.pixels).tolist() == np.unique(expected).tolist()
    positions = [(-10, -20, 30 + 2.5 * k) for k in range(4)]
    multi = read(
        [
            write_multiframe(
                SLICES, positions=positions, rescales=[(k + 1, 10 * k) for k in range(4)]
            )
        ]
    )
    np.testing.assert_array_equal(multi.pixels, single.pixels)


def test_colour_volume(write_series: Callable[..., list[Path]]) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (3, 4, 5, 3), np.uint8)
    image = read(write_series(colours, Modality="XC"))
    assert image.pixels.shape == (3, 5, 4, 3)  # channels, columns, rows, slices
    for k, r, c in np.ndindex(3, 4, 5):  # LPS axes: right and front are reversed
        assert (image.pixels[:, 4 - c, 3 - r, k] == colours[k, r, c]).all()


def test_one_slice_is_a_2d_image(write_series: Callable[..., list[Path]]) -> None:
    image = read(write_series(SLICES[:1]))
    np.testing.assert_array_equal(image.pixels, SLICES[:1])
    assert (image.affine, image.spacing_mm) == (None, (0.5, 0.75))


def test_tilted_gantry_keeps_its_shear(write_series: Callable[..., list[Path]]) -> None:
    positions = [(-10, -20 + 0.5 * k, 30 + 2.5 * k) for k in range(4)]
    image = read(write_series(SLICES, positions=positions))
    assert image.affine is not None
    np.testing.assert_allclose(image.affine[:3, 2], (0, -0.5, 2.5))


def at(depths: list[float]) -> list[tuple[float, float, float]]:
    return [(0.0, 0.0, depth) for depth in depths]


@pytest.mark.parametrize(
    ("depths", "words"),
    [
        ([0, 1, 3, 4], "about 1 are missing: the largest gap is 2.000 mm"),
        ([0, 1, 1, 2], "1 of 4 lie on another one"),
        ([0, 0, 0, 0], "lie on another one"),
        ([0, 1, 2.2, 3.2], r"evenly spaced within 10%, these lie 1.000 to 1.200 mm"),
    ],
)
def test_uneven_slices_are_refused(
    write_series: Callable[..., list[Path]], depths: list[float], words: str
) -> None:
    refused(write_series(SLICES, positions=at(depths)), words)


def test_gaps_within_ten_percent_are_accepted(write_series: Callable[..., list[Path]]) -> None:
    image = read(write_series(SLICES, positions=at([0, 1, 2.09, 3.09])))
    assert image.spacing_mm is not None
    assert image.spacing_mm[2] == pytest.approx(1.03)


def test_slices_off_the_line_are_refused(write_series: Callable[..., list[Path]]) -> None:
    positions = [(0, 0, 0), (0, 0, 1), (3, 0, 2), (0, 0, 3)]
    refused(write_series(SLICES, positions=positions), "lie evenly along a straight line")
    drifting = at([0, *np.cumsum([1.0] * 15 + [1.09] * 16)])  # each gap alone would pass
    many = np.zeros((32, 2, 2), np.int16)
    refused(write_series(many, positions=drifting), "off its place")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ImageOrientationPatient": list(SAGITTAL)}, "one orientation, these have several"),
        ({"SeriesInstanceUID": "9.9"}, "one SeriesInstanceUID, these have 2"),
        ({"Modality": "MR"}, "one Modality"),
        ({"PixelSpacing": [0.5, 0.8]}, "one pixel spacing"),
        ({"PixelSpacing": [0, 0.75]}, "PixelSpacing above 0"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "two perpendicular directions"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, "two perpendicular directions"),
        ({"ImagePositionPatient": None}, "must state ImagePositionPatient"),
    ],
)
def test_mixed_series_are_refused(
    write_series: Callable[..., list[Path]], change: dict[str, Any], words: str
) -> None:
    refused(write_series(SLICES, changes={2: change}), words)


def test_mixed_sizes_are_refused(
    write_series: Callable[..., list[Path]], write_dicom: Callable[..., Path]
) -> None:
    paths = write_series(SLICES)
    paths[1] = write_dicom(SLICES[1].T.copy(), "turned.dcm", RescaleSlope=1, RescaleIntercept=0)
    refused(paths, "one size, these have 2")


def test_mixed_rescale_is_refused(
    write_series: Callable[..., list[Path]], write_dicom: Callable[..., Path]
) -> None:
    paths = write_series(SLICES)
    paths[1] = write_dicom(SLICES[1], "bare.dcm")
    refused(paths, "one unit, these have 2")


def test_films_are_refused(write_dicom: Callable[..., Path]) -> None:
    film = np.zeros((5, 4, 4, 3), np.uint8)
    refused([write_dicom(film, NumberOfFrames=5, Modality="US")], "the file is a film")


def test_multiframe_faults(
    write_multiframe: Callable[..., Path], write_series: Callable[..., list[Path]]
) -> None:
    refused([write_multiframe(SLICES, positions=at([0, 1, 2]))], "4 frames, this one describes 3")
    path = write_multiframe(SLICES, positions=at([0, 1, 0, 1]))
    refused([path], "time points or echoes")
    both = [write_multiframe(SLICES, positions=at([0, 1, 2, 3])), *write_series(SLICES)]
    refused(both, "one frame each")


def test_too_few_fragments_are_refused(write_multiframe: Callable[..., Path]) -> None:
    path = write_multiframe(
        SLICES, positions=at([0, 1, 2, 3]), syntax=RLELossless, encoded=[b"\0" * 64]
    )
    refused([path], "claims 4 frames and holds 1 fragments")


def test_volume_limit(write_series: Callable[..., list[Path]]) -> None:
    source = Source(paths=tuple(write_series(SLICES)), is_series=True)
    Dicom().read(source, Limits(max_bytes=48))
    with pytest.raises(DataError, match="up to 47 bytes decoded, this one claims 1 x 2 x 3 x 4"):
        Dicom().read(source, Limits(max_bytes=47))
