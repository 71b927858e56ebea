"""NIfTI: values, types and channels, every repair with its note, and what is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from anlage.data.readers import RawImage
from anlage.data.readers.nifti import Nifti

WriteNifti = Callable[..., Path]
ReadNifti = Callable[..., RawImage]
VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
SCALED = np.diag([2.0, 3.0, 4.0, 1.0])


@pytest.mark.parametrize(
    ("dtype", "kept", "bits", "unit"),
    [
        (np.uint8, np.uint8, 8, "display"),
        (np.int8, np.int8, 8, "arbitrary"),
        (np.uint16, np.uint16, 16, "arbitrary"),
        (np.int32, np.int32, 32, "arbitrary"),
        (np.int64, np.int32, 64, "arbitrary"),
        (np.float32, np.float32, 0, "arbitrary"),
        (np.float64, np.float32, 0, "arbitrary"),
    ],
)
def test_types(
    tmp_path: Path, dtype: Any, kept: Any, bits: int, unit: str, read_nifti: ReadNifti
) -> None:
    path = tmp_path / "a.nii"
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    nib.save(nib.Nifti1Image(VOXELS.astype(dtype), SCALED, header), path)
    image = read_nifti(path)
    assert (image.pixels.dtype, image.bits, image.unit) == (kept, bits, unit)
    np.testing.assert_array_equal(image.pixels[0], VOXELS)


def test_big_endian(tmp_path: Path, read_nifti: ReadNifti) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(VOXELS, SCALED, header), path)
    assert path.read_bytes()[:4] == b"\0\0\x01\x5c"
    image = read_nifti(path)
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    assert image.pixels.dtype == np.dtype("=i2")


@pytest.mark.parametrize(
    ("lowest", "dtype", "unit"),
    [(-500, np.int16, "hu"), (-499, np.int16, "arbitrary"), (-1000.5, np.float32, "hu")],
)
def test_air_means_hounsfield_units(
    tmp_path: Path,
    lowest: float,
    dtype: Any,
    unit: str,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
) -> None:
    voxels = VOXELS.astype(dtype)
    voxels[0, 0, 0] = lowest
    assert read_nifti(write_nifti(tmp_path / "a.nii", voxels)).unit == unit


def test_scaling(tmp_path: Path, write_nifti: WriteNifti, read_nifti: ReadNifti) -> None:
    whole = read_nifti(write_nifti(tmp_path / "a.nii", scl_slope=2, scl_inter=-1024))
    np.testing.assert_array_equal(whole.pixels[0], 2 * VOXELS - 1024)
    assert (whole.pixels.dtype, whole.bits, whole.unit) == (np.int16, 16, "hu")
    half = read_nifti(
        write_nifti(tmp_path / "a.nii", VOXELS.astype(np.uint8), scl_slope=0.5, scl_inter=1)
    )
    np.testing.assert_array_equal(half.pixels[0], 0.5 * VOXELS + 1)
    assert (half.pixels.dtype, half.bits, half.unit) == (np.float32, 0, "arbitrary")
    none = read_nifti(write_nifti(tmp_path / "a.nii", scl_slope=0, scl_inter=5))
    np.testing.assert_array_equal(none.pixels[0], VOXELS)
    assert none.notes == ()


@pytest.mark.parametrize("intercept", [0, np.nan])
def test_slope_that_is_no_number(
    tmp_path: Path, intercept: float, write_nifti: WriteNifti, read_nifti: ReadNifti
) -> None:
    image = read_nifti(write_nifti(tmp_path / "a.nii", scl_slope=np.nan, scl_inter=intercept))
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    assert image.notes == ("scl_slope is not a number: voxels taken unscaled",)


@pytest.mark.parametrize(
    ("slope", "intercept"), [(np.nan, 3), (np.inf, 0), (2, np.nan), (1, -np.inf)]
)
def test_senseless_scaling_is_refused(
    tmp_path: Path,
    slope: float,
    intercept: float,
    write_nifti: WriteNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    nifti_is_refused(
        write_nifti(tmp_path / "a.nii", scl_slope=slope, scl_inter=intercept),
        "scl_slope and scl_inter must be finite",
    )


def test_overflow_is_refused(
    tmp_path: Path, write_nifti: WriteNifti, nifti_is_refused: Callable[..., None]
) -> None:
    big = np.full((2, 2, 2), 2**31, np.int64)
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int64)
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(big, SCALED, header), path)
    nifti_is_refused(path, "must fit int32")
    nifti_is_refused(
        write_nifti(path, VOXELS + 1, scl_slope=2.0**30, scl_inter=0), "must fit int32"
    )
    nifti_is_refused(write_nifti(path, np.full((2, 2, 2), 1e39)), "must fit int32 or float32")
    floats = np.full((2, 2, 2), 1e30, np.float32)
    nifti_is_refused(write_nifti(path, floats, scl_slope=1e30, scl_inter=0), "must fit float32")


def test_nan_voxels_are_repaired_with_a_note(
    tmp_path: Path,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    voxels = VOXELS.astype(np.float32) - 30
    voxels[0, 0, :3] = np.nan, np.inf, -np.inf
    image = read_nifti(write_nifti(tmp_path / "a.nii", voxels))
    np.testing.assert_array_equal(image.pixels[0, 0, 0, :4], -27)  # the smallest finite one
    assert image.notes == ("3 of 24 numbers were NaN or infinity: set to the smallest one",)
    nifti_is_refused(
        write_nifti(tmp_path / "a.nii", np.full((2, 2, 2), np.nan)), "all of these are NaN"
    )


def test_channels(
    tmp_path: Path,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    path = tmp_path / "a.nii"
    voxels = np.arange(48, dtype=np.int16).reshape(2, 3, 4, 2)
    image = read_nifti(write_nifti(path, voxels))
    np.testing.assert_array_equal(image.pixels, np.moveaxis(voxels, -1, 0))
    vector = read_nifti(write_nifti(path, voxels[:, :, :, None]))
    np.testing.assert_array_equal(vector.pixels, image.pixels)
    assert read_nifti(write_nifti(path, VOXELS[..., None])).pixels.shape == (1, 2, 3, 4)
    assert read_nifti(write_nifti(path, VOXELS[..., 0])).pixels.shape == (1, 2, 3, 1)
    nifti_is_refused(write_nifti(path, np.zeros((2, 2, 2, 17), np.int16)), "up to 16 channels")
    nifti_is_refused(write_nifti(path, np.zeros((2, 2, 2, 2, 2), np.int16)), "Split time series")


def test_rgb(tmp_path: Path, write_nifti: WriteNifti, read_nifti: ReadNifti) -> None:
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels = np.zeros((2, 3, 4), kind)
    voxels["G"] = VOXELS
    image = read_nifti(write_nifti(tmp_path / "a.nii", voxels))
    assert image.pixels.shape == (3, 2, 3, 4)
    np.testing.assert_array_equal(image.pixels[1], VOXELS)
    assert (image.bits, image.unit) == (8, "display")


def test_complex_voxels_are_refused(
    tmp_path: Path, write_nifti: WriteNifti, nifti_is_refused: Callable[..., None]
) -> None:
    nifti_is_refused(
        write_nifti(tmp_path / "a.nii", VOXELS.astype(np.complex64)), "these are complex or wider"
    )


def test_surplus_is_noted(tmp_path: Path, write_nifti: WriteNifti, read_nifti: ReadNifti) -> None:
    path = write_nifti(tmp_path / "a.nii")
    path.write_bytes(path.read_bytes() + b"junk")
    assert read_nifti(path).notes == ("bytes after the voxels ignored",)


def test_pairs_are_refused(tmp_path: Path, nifti_is_refused: Callable[..., None]) -> None:
    nib.save(nib.Nifti1Pair(VOXELS, SCALED), tmp_path / "a.hdr")
    nifti_is_refused(tmp_path / "a.hdr", "pair of .hdr and .img")
    assert Nifti().recognises(Path("a.img"), b"")


def test_recognises(tmp_path: Path, write_nifti: WriteNifti) -> None:
    nameless = Path("-")
    for name in ("a.nii", "a.nii.gz"):
        head = write_nifti(tmp_path / name).read_bytes()[:512]
        assert Nifti().recognises(nameless, head)
    assert not Nifti().recognises(nameless, gzip.compress(b"hello" * 100))
    assert not Nifti().recognises(nameless, b"\x1f\x8b")
    assert Nifti().recognises(Path("x.nii.gz"), b"")
