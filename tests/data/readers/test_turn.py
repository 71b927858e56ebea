"""What was turned can be followed: boxes of the file's pixels find theirs in the image."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel import orientations
from PIL import Image

from anlage.data.readers import Limits, RawImage, Source, Turn, read_image
from anlage.data.readers._canonical import canonical, canonical_turn
from anlage.data.readers._upright import turn_upright, upright

LOW, HIGH = (1, 2, 3), (4, 4, 8)


def read(path: Path) -> RawImage:
    return read_image(Source(paths=(path,)), Limits())


def marked(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros with a box of ones."""
    voxels = np.zeros(shape, np.int16)
    voxels[tuple(slice(a, b) for a, b, _ in zip(LOW, HIGH, shape, strict=False))] = 1
    return voxels


def follows(image: RawImage, low: tuple[int, ...] = LOW, high: tuple[int, ...] = HIGH) -> None:
    shape = image.pixels.shape[1:]
    corners = low[: len(shape)], high[: len(shape)]
    if image.turn is not None:
        corners = image.turn.box(*corners, shape)
    window = tuple(slice(int(a), int(b)) for a, b in zip(*corners, strict=True))
    inside = image.pixels[0] > 0
    assert inside[window].all()
    assert inside[window].sum() == inside.sum() > 0


@pytest.mark.parametrize("codes", ["RAS", "LPS", "LPI", "ASR", "PIR", "SLA", "IPR", "RSP"])
def test_nifti(tmp_path: Path, codes: str) -> None:
    turn = orientations.axcodes2ornt(codes)
    affine = np.zeros((4, 4))
    for axis, (towards, sign) in enumerate(turn):
        affine[int(towards), axis] = sign * (1 + axis)
    affine[:, 3] = (5, -7, 9, 1)
    path = tmp_path / "a.nii.gz"
    nib.save(nib.Nifti1Image(marked((6, 7, 9)), affine), path)
    follows(read(path))


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (0, -1, 0, -1, 0, 0)]
)
def test_series_of_dicom_slices(
    write_series: Callable[..., list[Path]], orientation: tuple[int, ...]
) -> None:
    """Boxes are in columns, rows and slices along the normal."""
    slices = np.ascontiguousarray(marked((6, 7, 9)).transpose(2, 1, 0))  # (N, rows, columns)
    paths = write_series(slices, orientation=orientation)
    image = read_image(Source(paths=tuple(paths), is_series=True), Limits())
    follows(image)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(marked((6, 7)).astype(np.uint8)).save(tmp_path / "a.png", exif=exif)
    image = read(tmp_path / "a.png")
    follows(image)
    assert (image.turn is None) == (orientation == 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("is_stack", [False, True])
def test_tiff(tmp_path: Path, orientation: int, is_stack: bool) -> None:
    path = tmp_path / "a.tif"
    tag = [(274, "H", 1, orientation, True)]
    if is_stack:
        pages = marked((6, 7, 9)).transpose(2, 1, 0)  # (N, rows, columns)
        tifffile.imwrite(path, pages.astype(np.uint8), extratags=tag, photometric="minisblack")
    else:
        tifffile.imwrite(path, marked((6, 7)).astype(np.uint8), extratags=tag)
    image = read(path)
    assert image.pixels.ndim == (4 if is_stack else 3)
    follows(image)


def test_numpy_and_single_dicom_are_not_turned(
    tmp_path: Path, write_dicom: Callable[..., Path]
) -> None:
    np.save(tmp_path / "a.npy", marked((6, 7, 9)))
    assert read(tmp_path / "a.npy").turn is None
    assert read(write_dicom(marked((6, 7)))).turn is None


def test_every_turn_of_a_volume_moves_boxes_with_voxels() -> None:
    for axes, signs in itertools.product(
        itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)
    ):
        affine = np.zeros((4, 4))
        for source, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
            affine[axis, source] = sign
        affine[3, 3] = 1
        pixels, _ = canonical(marked((6, 7, 9))[None], affine)
        low, high = canonical_turn(affine).box(LOW, HIGH, pixels.shape[1:])
        window = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        assert pixels[0][window].all()
        assert pixels[0][window].sum() == pixels.sum()


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 8), st.floats(0, 5), st.floats(0, 5), st.floats(0.1, 2), st.floats(0.1, 2))
def test_a_box_keeps_its_area_and_stays_inside(
    orientation: int, top: float, left: float, rows: float, columns: float
) -> None:
    shape = upright(np.zeros((1, 7, 8)), orientation).shape[1:]
    turn = turn_upright(orientation)
    assert turn is not None
    low, high = turn.box((top, left), (top + rows, left + columns), shape)
    edges = np.subtract(high, low)
    np.testing.assert_allclose(edges.prod(), rows * columns, rtol=1e-6)
    assert min(low) >= -1e-9
    assert all(far <= edge + 1e-9 for far, edge in zip(high, shape, strict=True))


def test_orientations_that_change_nothing_have_no_turn() -> None:
    assert [turn_upright(orientation) for orientation in (0, 1, 9, 300)] == [None] * 4


def test_a_turn_swaps_before_it_flips() -> None:
    turn = Turn(axes=(1, 0), is_flipped=(True, False))
    assert turn.box((1, 2), (3, 8), (10, 7)) == ((2, 1), (8, 3))
