"""Choosing a reader by content and name, and joining files as channels."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from anlage import plugins
from anlage.data.readers import (
    Limits,
    Reader,
    Source,
    open_reader,
    read_header,
    read_image,
)
from anlage.data.readers._quiet import quiet
from anlage.errors import DataError

GREY = np.arange(20, dtype=np.uint8).reshape(4, 5)


def write_all(folder: Path, write_dicom: Callable[..., Path]) -> dict[str, Path]:
    """Write one file of each format, all without a suffix that says so."""
    Image.fromarray(GREY).save(folder / "a.png")
    tifffile.imwrite(folder / "a.tif", GREY)
    np.save(folder / "a.npy", GREY)
    nib.save(nib.Nifti1Image(GREY[..., None], np.eye(4)), folder / "a.nii.gz")
    files = {
        "raster": folder / "a.png",
        "tiff": folder / "a.tif",
        "npy": folder / "a.npy",
        "nifti": folder / "a.nii.gz",
        "dicom": write_dicom(GREY),
    }
    return {name: path.rename(folder / f"{name}-nameless") for name, path in files.items()}


def test_content_decides(tmp_path: Path, write_dicom: Callable[..., Path]) -> None:
    files = write_all(tmp_path, write_dicom)
    assert set(files) == set(plugins.available("data/readers"))
    for name, path in files.items():
        expected = plugins.load("data/readers", name)
        for suffix in ("", ".png", ".dcm", ".nii.gz", ".npz", ".tif"):
            named = path.with_name(f"misnamed{suffix}")
            named.write_bytes(path.read_bytes())
            source = Source(paths=(named,))
            assert isinstance(open_reader(source), expected)
            image = read_image(source, Limits())
            assert image.pixels.size == 20
            assert read_header(source, Limits()).shape == image.pixels.shape


def test_every_reader_keeps_the_contract() -> None:
    for name in plugins.available("data/readers"):
        reader = plugins.load("data/readers", name)()
        assert isinstance(reader, Reader)
        assert not reader.recognises(Path("-"), b"")
        assert not reader.recognises(Path("notes.txt"), b"hello")
        for attempt in (reader.header, reader.read):
            with pytest.raises(DataError):
                attempt(Source(paths=(Path("/nowhere/at-all"),)), Limits())


def test_name_decides_where_content_does_not(tmp_path: Path) -> None:
    for suffix, words in ((".dcm", "DICM"), (".nii", "NIfTI"), (".npz", "NumPy"), (".tif", "TIFF")):
        path = tmp_path / f"page{suffix}"
        path.write_text("<html>" + "x" * 1000)
        with pytest.raises(DataError, match=words) as caught:
            read_image(Source(paths=(path,)), Limits())
        assert "page" not in str(caught.value)


def test_what_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "JANE DOE.txt"
    path.write_text("hello")
    known = "dicom, nifti, npy, raster, tiff"
    with pytest.raises(DataError, match=rf"known format \({known}\)") as caught:
        read_image(Source(paths=(path,)), Limits())
    assert "JANE" not in str(caught.value)
    path.write_bytes(b"")
    for source, words in (
        (Source(paths=(path,)), "this file is empty"),
        (Source(paths=(tmp_path,)), "this is a folder"),
        (Source(paths=(tmp_path / "gone",)), "a device or missing"),
        (Source(paths=(Path("/dev/zero"),)), "a device"),
        (Source(paths=()), "at least one file"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            open_reader(source)
        assert "JANE" not in str(caught.value)


def test_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="a device"):
        read_header(Source(paths=(tmp_path / "pipe.png",)), Limits())


@pytest.mark.parametrize(
    "name", ["a\nb.png", "-rf.png", "ä漢\u202e.png", "x" * 251 + ".png", "a'\"`$(ls).png"]
)
def test_odd_file_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(GREY).save(path)
    np.testing.assert_array_equal(read_image(Source(paths=(path,)), Limits()).pixels[0], GREY)


def volumes(folder: Path, *affines: np.ndarray, edge: int = 4) -> Source:
    paths = []
    for index, affine in enumerate(affines):
        voxels = np.full((edge + index % 2 * (edge - 4), 5, 6), index, np.int16)
        path = folder / f"channel{index}.nii"
        nib.save(nib.Nifti1Image(voxels, affine), path)
        paths.append(path)
    return Source(paths=tuple(paths))


def test_files_become_channels(tmp_path: Path) -> None:
    source = volumes(tmp_path, np.eye(4), np.eye(4), np.eye(4))
    image = read_image(source, Limits())
    assert image.pixels.shape == (3, 4, 5, 6)
    assert [channel.max() for channel in image.pixels] == [0, 1, 2]
    header = read_header(source, Limits())
    assert (header.shape, header.bits, header.unit) == (image.pixels.shape, 16, "arbitrary")
    assert header.spacing_mm == image.spacing_mm == (1, 1, 1)
    np.testing.assert_array_equal(image.affine, np.eye(4))


def test_channels_of_mixed_kinds(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", GREY.astype(np.float32))
    image = read_image(Source(paths=(tmp_path / "a.png", tmp_path / "b.npy")), Limits())
    assert (image.bits, image.unit, image.pixels.dtype) == (0, "arbitrary", np.float32)
    np.testing.assert_array_equal(image.pixels[0], image.pixels[1])


def test_channels_on_other_grids_are_refused(tmp_path: Path) -> None:
    twice = np.diag([2.0, 1, 1, 1])
    moved = np.eye(4)
    moved[0, 3] = 0.3
    near = np.eye(4)
    near[0, 3] = 0.2
    for attempt in (read_image, read_header):
        with pytest.raises(DataError, match=r"one grid, these have \(4, 5, 6\)"):
            attempt(volumes(tmp_path, np.eye(4), twice), Limits())
        with pytest.raises(DataError, match=r"\(5, 5, 6\) at .* and \(6, 5, 6\)"):
            attempt(volumes(tmp_path, np.eye(4), np.eye(4), edge=5), Limits())
    with pytest.raises(DataError, match=r"at one place, these lie 0.3 mm apart"):
        read_image(volumes(tmp_path, np.eye(4), moved), Limits())
    assert read_image(volumes(tmp_path, np.eye(4), near), Limits()).pixels.shape[0] == 2


def test_series_of_another_format_is_refused(tmp_path: Path) -> None:
    source = volumes(tmp_path, np.eye(4), np.eye(4))
    with pytest.raises(DataError, match="got 2 files of another format"):
        read_image(Source(paths=source.paths, is_series=True), Limits())


def test_quiet_is_undone_by_the_last_thread() -> None:
    logger = logging.getLogger("pydicom")
    before = (logger.level, Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with quiet:
            inside.set()
            leave.wait(5)

    other = threading.Thread(target=hold)
    other.start()
    assert inside.wait(5)
    with quiet:
        assert not logger.isEnabledFor(logging.CRITICAL)
        assert not logging.getLogger("pydicom.pixels").isEnabledFor(logging.CRITICAL)
    assert not logger.isEnabledFor(logging.CRITICAL), "the other thread is still inside"
    assert Image.MAX_IMAGE_PIXELS is None
    leave.set()
    other.join()
    assert (logger.level, Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_threads_read_different_rows(tmp_path: Path) -> None:
    table = np.random.default_rng(0).integers(0, 256, (50, 6, 7), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", table=table)
    wrong = []

    def read_some(offset: int) -> None:
        for step in range(40):
            row = (offset * 13 + step * 7) % 50
            source = Source(paths=(tmp_path / "a.npz",), entry=f"table:{row}")
            if not (read_image(source, Limits()).pixels[0] == table[row]).all():
                wrong.append(row)

    threads = [threading.Thread(target=read_some, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
