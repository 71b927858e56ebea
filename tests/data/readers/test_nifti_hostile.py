"""Damaged and hostile NIfTI files: each is refused with a DataError, at little cost."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.nifti import Nifti
from anlage.errors import DataError

WriteNifti = Callable[..., Path]
ReadNifti = Callable[..., RawImage]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_lies_about_size(
    tmp_path: Path, name: str, write_nifti: WriteNifti, nifti_is_refused: Callable[..., None]
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / name
    nifti_is_refused(
        write_nifti(path, dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]),
        "bytes decoded, this one claims",
    )
    nifti_is_refused(write_nifti(path, dim=[3, 900, 900, 900, 1, 1, 1, 1]), "cannot hold them")
    nifti_is_refused(write_nifti(path, dim=[3, 0, 3, 4, 1, 1, 1, 1]), "at least 1 voxel")
    nifti_is_refused(write_nifti(path, dim=[9, 2, 3, 4, 1, 1, 1, 1]), "got 9 axes")
    nifti_is_refused(write_nifti(path, dim=[3, -2, 3, 4, 1, 1, 1, 1]), "at least 1 voxel")
    nifti_is_refused(write_nifti(path, vox_offset=-5), "offset")
    nifti_is_refused(write_nifti(path, vox_offset=np.nan), "offset")
    nifti_is_refused(write_nifti(path, datatype=9999), "type")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


def test_gzip_that_ends_early_is_refused(
    tmp_path: Path, write_nifti: WriteNifti, nifti_is_refused: Callable[..., None]
) -> None:
    """A claim that deflate could reach, in a stream that does not."""
    path = write_nifti(tmp_path / "a.nii.gz", dim=[3, 20, 20, 20, 1, 1, 1, 1])
    nifti_is_refused(path, "ends too early")


def test_limit(
    tmp_path: Path,
    write_nifti: WriteNifti,
    read_nifti: ReadNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    path = write_nifti(tmp_path / "a.nii.gz")
    read_nifti(path, Limits(max_bytes=48))
    nifti_is_refused(path, "up to 47 bytes", Limits(max_bytes=47))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("percent", [*range(0, 100, 10), 99])
def test_truncated(
    tmp_path: Path,
    name: str,
    percent: int,
    write_nifti: WriteNifti,
    nifti_is_refused: Callable[..., None],
) -> None:
    path = write_nifti(
        tmp_path / name, np.random.default_rng(0).integers(0, 999, (9, 9, 9), np.int16)
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    nifti_is_refused(path, "cut off|header|end")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, write_nifti: WriteNifti) -> list[bytes]:
    folder = tmp_path_factory.mktemp("samples")
    return [write_nifti(folder / name).read_bytes() for name in ("a.nii", "a.nii.gz")]


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


def test_checksum_of_gzip_is_checked(
    tmp_path: Path, write_nifti: WriteNifti, nifti_is_refused: Callable[..., None]
) -> None:
    path = write_nifti(tmp_path / "a.nii.gz")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1
    path.write_bytes(bytes(data))
    nifti_is_refused(path, "compression is damaged")
