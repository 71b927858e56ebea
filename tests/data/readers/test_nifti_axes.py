"""NIfTI: axes, orientation and spacing against nibabel, and which header field counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from anlage.data.readers import RawImage

WriteNifti = Callable[..., Path]
ReadNifti = Callable[..., RawImage]
VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
SCALED = np.diag([2.0, 3.0, 4.0, 1.0])
OBLIQUE = np.array([[0, 1.9, 0.5, 7], [-3, 0, 0, 8], [0, -0.4, 2.4, 9], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("affine", [SCALED, OBLIQUE, np.diag([-1.0, -1, 2, 1])])
def test_canonical_as_nibabel(
    tmp_path: Path,
    name: str,
    kind: Any,
    affine: np.ndarray,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
) -> None:
    path = write_nifti(tmp_path / name, affine=affine, kind=kind)
    image = read_nifti(path)
    expected = nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(image.pixels[0], np.asarray(expected.dataobj))
    np.testing.assert_allclose(image.affine, expected.affine, atol=1e-6)
    np.testing.assert_allclose(image.spacing_mm, expected.header.get_zooms(), rtol=1e-6)
    assert (image.pixels.dtype, image.bits, image.notes) == (np.int16, 16, ())


def test_flipped_pair_gives_one_array(
    tmp_path: Path, write_nifti: WriteNifti, read_nifti: ReadNifti
) -> None:
    """A volume stored left to right, and stored right to left with a matching affine."""
    image = read_nifti(write_nifti(tmp_path / "a.nii"))
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = VOXELS.shape[0] - 1
    flipped = read_nifti(write_nifti(tmp_path / "b.nii", VOXELS[::-1], SCALED @ flip))
    np.testing.assert_array_equal(flipped.pixels, image.pixels)
    np.testing.assert_allclose(flipped.affine, image.affine)


def test_orientation_is_taken_from_sform_then_qform(tmp_path: Path, read_nifti: ReadNifti) -> None:
    path = tmp_path / "a.nii"
    image = nib.Nifti1Image(VOXELS, SCALED)
    image.set_qform(np.diag([2.0, 3, 4, 1]) + np.eye(4, k=3) * 5, code=1)
    image.set_sform(SCALED, code=0)
    nib.save(image, path)
    affine = read_nifti(path).affine
    assert affine is not None
    np.testing.assert_allclose(affine[:3, 3], (5, 0, 0))
    image.set_sform(SCALED, code=1)
    nib.save(image, path)
    np.testing.assert_allclose(read_nifti(path).affine, SCALED)


def test_file_without_orientation(
    tmp_path: Path, write_nifti: WriteNifti, read_nifti: ReadNifti
) -> None:
    image = read_nifti(write_nifti(tmp_path / "a.nii", sform_code=0, qform_code=0))
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    np.testing.assert_allclose(image.affine, SCALED)
    assert image.notes == ("no orientation stated: axes taken as right, front, top",)


def edges(*mm: float) -> np.ndarray:
    return np.array([1, *mm, 0, 0, 0, 0], np.float32)


def test_pixdim(
    tmp_path: Path,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    path = tmp_path / "a.nii"
    for wrong in (0.0, -2.0, 5.0, np.nan):
        image = read_nifti(write_nifti(path, pixdim=edges(wrong, 3, 4)))
        np.testing.assert_allclose(image.affine, SCALED)
        assert image.notes == ("pixdim disagrees with the sform: the sform counts",)
    assert read_nifti(write_nifti(path, pixdim=edges(2.01, 3, 4))).notes == ()
    image = read_nifti(write_nifti(path, pixdim=edges(-2, 3, 4), sform_code=0))
    np.testing.assert_allclose(image.affine, SCALED)
    np.testing.assert_array_equal(image.pixels[0], VOXELS)
    assert image.notes[0] == "negative pixdim: sign dropped"
    for wrong in (0.0, np.nan):
        nifti_is_refused(
            write_nifti(path, pixdim=edges(wrong, 3, 4), sform_code=0), "pixdim must hold the voxel"
        )


def test_unusable_affine(
    tmp_path: Path,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    path = tmp_path / "a.nii"
    for row in ([0, 0, 0, 0], [0, 3, 0, 0], [np.nan, 0, 0, 0]):
        nifti_is_refused(write_nifti(path, srow_x=row), "finite numbers|invertible")
    image = read_nifti(write_nifti(path, srow_x=[0, 0, 0, 0], qform_code=1))
    assert image.spacing_mm == (2, 3, 4)
    assert image.notes == ("unusable sform: the qform gives position and orientation",)


def test_units_of_length(tmp_path: Path, write_nifti: WriteNifti, read_nifti: ReadNifti) -> None:
    path = tmp_path / "a.nii"
    image = read_nifti(write_nifti(path, xyzt_units=3))
    np.testing.assert_allclose(image.spacing_mm, (0.002, 0.003, 0.004))
    assert image.notes == ("micrometres turned into mm",)
    np.testing.assert_allclose(
        read_nifti(write_nifti(path, xyzt_units=1)).spacing_mm, (2000, 3000, 4000)
    )
