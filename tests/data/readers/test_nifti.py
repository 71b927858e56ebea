"""NIfTI: axes against nibabel, every repair with its note, and what is refused."""

from __future__ import annotations

import gzip
import resource
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.nifti import Nifti
from anlage.errors import DataError

VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
SCALED = np.diag([2.0, 3.0, 4.0, 1.0])
OBLIQUE = np.array([[0, 1.9, 0.5, 7], [-3, 0, 0, 8], [0, -0.4, 2.4, 9], [0, 0, 0, 1.0]])


def write(
    path: Path,
    voxels: np.ndarray = VOXELS,
    affine: np.ndarray = SCALED,
    kind: Any = nib.Nifti1Image,
    **fields: Any,
) -> Path:
    """Write an uncompressed file, then set header fields on disk, unchecked."""
    image = kind(voxels, affine)
    plain = path.with_name("plain.nii")
    nib.save(image, plain)
    data = plain.read_bytes()
    size = 348 if kind is nib.Nifti1Image else 540
    header = kind.header_class(data[:size], check=False)
    for name, value in fields.items():
        header[name] = value
    data = header.binaryblock + data[size:]
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(path: Path, limits: Limits | None = None) -> RawImage:
    source = Source(paths=(path,))
    image = Nifti().read(source, limits or Limits())
    header = Nifti().header(source, limits or Limits())
    assert header.shape == image.pixels.shape
    assert (header.bits, header.spacing_mm) == (image.bits, image.spacing_mm)
    assert header.unit == ("arbitrary" if image.unit == "hu" else image.unit)
    return image


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Nifti().read(Source(paths=(path,)), limits or Limits())
    assert path.name not in str(caught.value)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("affine", [SCALED, OBLIQUE, np.diag([-1.0, -1, 2, 1])])
def test_canonical_as_nibabel(tmp_path: Path, name: str, kind: Any, affine: np.ndarray) -> None:
    path = write(tmp_path / name, affine=affine, kind=kind)
    image = read(path)
    expected = nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(image.pixels[0], np.asarray(expected.dataobj))
    np.testing.assert_allclose(image.affine, expected.affine, atol=1e-6)
    np.testing.assert_allclose(image.spacing_mm, expected.header.get_zooms(), rtol=1e-6)
    assert (image.pixels.dtype, image.bits, image.notes) == (np.int16, 16, ())


def test_flipped_pair_gives_one_array(tmp_path: Path) -> None:
    """A volume stored left to right, and stored right to left with a matching affine."""
    image = read(write(tmp_path / "a.nii"))
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = VOXELS.shape[0] - 1
    flipped = read(write(tmp_path / "b.nii", VOXELS[::-1], SCALED @ flip))
    np.testing.assert_array_equal(flipped.pixels, image.pixels)
    np.testing.assert_allclose(flipped.affine, image.affine)


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
def test_types(tmp_path: Path, dtype: Any, kept: Any, bits: int, unit: str) -> None:
    path = tmp_path / "a.nii"
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    nib.save(nib.Nifti1Image(VOXELS.astype(dtype), SCALED, header), path)
    image = read(path)
    assert (image.pixels.dtype, image.bits, image.unit) == (kept, bits, unit)
    np.testing.assert_array_equal(image.pixels[0], VOXELS)


def test_big_endian(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(VOXELS, SCALED, header), path)
    assert path.read_bytes()[:4] == b"\0\0\x01\x5c"
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    assert image.pixels.dtype == np.dtype("=i2")


@pytest.mark.parametrize(
    ("lowest", "dtype", "unit"),
    [(-500, np.int16, "hu"), (-499, np.int16, "arbitrary"), (-1000.5, np.float32, "hu")],
)
def test_air_means_hounsfield_units(tmp_path: Path, lowest: float, dtype: Any, unit: str) -> None:
    voxels = VOXELS.astype(dtype)
    voxels[0, 0, 0] = lowest
    assert read(write(tmp_path / "a.nii", voxels)).unit == unit


def test_scaling(tmp_path: Path) -> None:
    whole = read(write(tmp_path / "a.nii", scl_slope=2, scl_inter=-1024))
    np.testing.assert_array_equal(whole.pixels[0], 2 * VOXELS - 1024)
    assert (whole.pixels.dtype, whole.bits, whole.unit) == (np.int16, 16, "hu")
    half = read(write(tmp_path / "a.nii", VOXELS.astype(np.uint8), scl_slope=0.5, scl_inter=1))
    np.testing.assert_array_equal(half.pixels[0], 0.5 * VOXELS + 1)
    assert (half.pixels.dtype, half.bits, half.unit) == (np.float32, 0, "arbitrary")
    none = read(write(tmp_path / "a.nii", scl_slope=0, scl_inter=5))
    np.testing.assert_array_equal(none.pixels[0], VOXELS)
    assert none.notes == ()


@pytest.mark.parametrize("intercept", [0, np.nan])
def test_slope_that_is_no_number(tmp_path: Path, intercept: float) -> None:
    image = read(write(tmp_path / "a.nii", scl_slope=np.nan, scl_inter=intercept))
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    assert image.notes == ("scl_slope is not a number: voxels taken unscaled",)


@pytest.mark.parametrize(
    ("slope", "intercept"), [(np.nan, 3), (np.inf, 0), (2, np.nan), (1, -np.inf)]
)
def test_senseless_scaling_is_refused(tmp_path: Path, slope: float, intercept: float) -> None:
    refused(
        write(tmp_path / "a.nii", scl_slope=slope, scl_inter=intercept),
        "scl_slope and scl_inter must be finite",
    )


def test_overflow_is_refused(tmp_path: Path) -> None:
    big = np.full((2, 2, 2), 2**31, np.int64)
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int64)
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(big, SCALED, header), path)
    refused(path, "must fit int32")
    refused(write(path, VOXELS + 1, scl_slope=2.0**30, scl_inter=0), "must fit int32")
    refused(write(path, np.full((2, 2, 2), 1e39)), "must fit int32 or float32")
    floats = np.full((2, 2, 2), 1e30, np.float32)
    refused(write(path, floats, scl_slope=1e30, scl_inter=0), "must fit float32")


def test_nan_voxels_are_repaired_with_a_note(tmp_path: Path) -> None:
    voxels = VOXELS.astype(np.float32) - 30
    voxels[0, 0, :3] = np.nan, np.inf, -np.inf
    image = read(write(tmp_path / "a.nii", voxels))
    np.testing.assert_array_equal(image.pixels[0, 0, 0, :4], -27)  # the smallest finite one
    assert image.notes == ("3 of 24 numbers were NaN or infinity: set to the smallest one",)
    refused(write(tmp_path / "a.nii", np.full((2, 2, 2), np.nan)), "all of these are NaN")


def test_orientation_is_taken_from_sform_then_qform(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    image = nib.Nifti1Image(VOXELS, SCALED)
    image.set_qform(np.diag([2.0, 3, 4, 1]) + np.eye(4, k=3) * 5, code=1)
    image.set_sform(SCALED, code=0)
    nib.save(image, path)
    affine = read(path).affine
    assert affine is not None
    np.testing.assert_allclose(affine[:3, 3], (5, 0, 0))
    image.set_sform(SCALED, code=1)
    nib.save(image, path)
    np.testing.assert_allclose(read(path).affine, SCALED)


def test_file_without_orientation(tmp_path: Path) -> None:
    image = read(write(tmp_path / "a.nii", sform_code=0, qform_code=0))
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    np.testing.assert_allclose(image.affine, SCALED)
    assert image.notes == ("no orientation stated: axes taken as right, front, top",)


def edges(*mm: float) -> np.ndarray:
    return np.array([1, *mm, 0, 0, 0, 0], np.float32)


def test_pixdim(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    for wrong in (0.0, -2.0, 5.0, np.nan):
        image = read(write(path, pixdim=edges(wrong, 3, 4)))
        np.testing.assert_allclose(image.affine, SCALED)
        assert image.notes == ("pixdim disagrees with the sform: the sform counts",)
    assert read(write(path, pixdim=edges(2.01, 3, 4))).notes == ()
    image = read(write(path, pixdim=edges(-2, 3, 4), sform_code=0))
    np.testing.assert_allclose(image.affine, SCALED)
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    assert image.notes[0] == "negative pixdim: sign dropped"
    for wrong in (0.0, np.nan):
        refused(write(path, pixdim=edges(wrong, 3, 4), sform_code=0), "pixdim must hold the voxel")


def test_unusable_affine(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    for row in ([0, 0, 0, 0], [0, 3, 0, 0], [np.nan, 0, 0, 0]):
        refused(write(path, srow_x=row), "finite numbers|invertible")
    image = read(write(path, srow_x=[0, 0, 0, 0], qform_code=1))
    assert image.spacing_mm == (2, 3, 4)
    assert image.notes == ("unusable sform: the qform gives position and orientation",)


def test_units_of_length(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    image = read(write(path, xyzt_units=3))
    np.testing.assert_allclose(image.spacing_mm, (0.002, 0.003, 0.004))
    assert image.notes == ("micrometres turned into mm",)
    np.testing.assert_allclose(read(write(path, xyzt_units=1)).spacing_mm, (2000, 3000, 4000))


def test_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    voxels = np.arange(48, dtype=np.int16).reshape(2, 3, 4, 2)
    image = read(write(path, voxels))
    np.testing.assert_array_equal(image.pixels, np.moveaxis(voxels, -1, 0))
    vector = read(write(path, voxels[:, :, :, None]))
    np.testing.assert_array_equal(vector.pixels, image.pixels)
    assert read(write(path, VOXELS[..., None])).pixels.shape == (1, 2, 3, 4)
    assert read(write(path, VOXELS[..., 0])).pixels.shape == (1, 2, 3, 1)
    refused(write(path, np.zeros((2, 2, 2, 17), np.int16)), "up to 16 channels")
    refused(write(path, np.zeros((2, 2, 2, 2, 2), np.int16)), "Split time series")


def test_rgb(tmp_path: Path) -> None:
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels = np.zeros((2, 3, 4), kind)
    voxels["G"] = VOXELS
    image = read(write(tmp_path / "a.nii", voxels))
    assert image.pixels.shape == (3, 2, 3, 4)
    np.testing.assert_array_equal(image.pixels[1], VOXELS)
    assert (image.bits, image.unit) == (8, "display")


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.nii", VOXELS.astype(np.complex64)), "these are complex or wider")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_lies_about_size(tmp_path: Path, name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / name
    refused(write(path, dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]), "bytes decoded, this one claims")
    refused(write(path, dim=[3, 900, 900, 900, 1, 1, 1, 1]), "cannot hold them")
    refused(write(path, dim=[3, 0, 3, 4, 1, 1, 1, 1]), "at least 1 voxel")
    refused(write(path, dim=[9, 2, 3, 4, 1, 1, 1, 1]), "got 9 axes")
    refused(write(path, dim=[3, -2, 3, 4, 1, 1, 1, 1]), "at least 1 voxel")
    refused(write(path, vox_offset=-5), "offset")
    refused(write(path, vox_offset=np.nan), "offset")
    refused(write(path, datatype=9999), "type")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


def test_gzip_that_ends_early_is_refused(tmp_path: Path) -> None:
    """A claim that deflate could reach, in a stream that does not."""
    path = write(tmp_path / "a.nii.gz", dim=[3, 20, 20, 20, 1, 1, 1, 1])
    refused(path, "ends too early")


def test_limit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii.gz")
    read(path, Limits(max_bytes=48))
    refused(path, "up to 47 bytes", Limits(max_bytes=47))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("percent", [*range(0, 100, 10), 99])
def test_truncated(tmp_path: Path, name: str, percent: int) -> None:
    path = write(tmp_path / name, np.random.default_rng(0).integers(0, 999, (9, 9, 9), np.int16))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    refused(path, "cut off|header|end")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("samples")
    return [write(folder / name).read_bytes() for name in ("a.nii", "a.nii.gz")]


@settings(max_examples=200, deadline=None)
@given(
    is_gzip=st.booleans(),
    cut=st.integers(0, 400),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3),
)
def test_any_damage_ends_in_an_image_or_a_data_error(
    samples: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
    is_gzip: bool,
    cut: int,
    changes: list[tuple[int, int]],
) -> None:
    data = bytearray(samples[is_gzip])
    for position, value in changes:
        data[position % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.nii"
    path.write_bytes(bytes(data)[: len(data) - cut % len(data)])
    for attempt in (Nifti().read, Nifti().header):
        try:
            attempt(Source(paths=(path,)), Limits(max_bytes=10**7))
        except DataError:
            continue


def test_checksum_of_gzip_is_checked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii.gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(bytes(data))
    refused(path, "compression is damaged")


def test_surplus_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii")
    path.write_bytes(path.read_bytes() + b"junk")
    assert read(path).notes == ("bytes after the voxels ignored",)


def test_pairs_are_refused(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(VOXELS, SCALED), tmp_path / "a.hdr")
    refused(tmp_path / "a.hdr", "pair of .hdr and .img")
    assert Nifti().recognises(Path("a.img"), b"")


def test_recognises(tmp_path: Path) -> None:
    nameless = Path("-")
    for name in ("a.nii", "a.nii.gz"):
        head = write(tmp_path / name).read_bytes()[:512]
        assert Nifti().recognises(nameless, head)
    assert not Nifti().recognises(nameless, gzip.compress(b"hello" * 100))
    assert not Nifti().recognises(nameless, b"\x1f\x8b")
    assert Nifti().recognises(Path("x.nii.gz"), b"")
