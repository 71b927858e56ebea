"""One contract for every importer that is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, generate_uid

from anlage.data.importers import Imported, ImportOptions, import_records
from anlage.data.readers import Limits, open_reader
from anlage.errors import ConfigError, DataError
from anlage.plugins import available, load

GREY = np.random.default_rng(0).integers(0, 250, (20, 30), np.uint8)
VOXELS = np.random.default_rng(1).integers(0, 900, (6, 7, 8)).astype(np.int16)
SECRET = "JANE-QUIXOTE"
IMPORTERS = available("data/importers")


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (9, 9), np.uint8)).save(path)


def volume(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(VOXELS, np.eye(4)), path)


def dicom(path: Path, pixels: np.ndarray) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientID, dataset.Modality = SECRET, "CR"
    dataset.set_pixel_data(pixels, "MONOCHROME2", 8)
    dataset.save_as(path, enforce_file_format=True)


def _dicom_tree(root: Path) -> None:
    for number in range(3):
        (root / f"{number}").mkdir(parents=True)
        dicom(root / f"{number}" / "a.dcm", GREY + number)


def _folders(root: Path) -> None:
    for number in range(4):
        picture(root / ("ill" if number % 2 else "well") / f"{number}.png", number)


def _images(root: Path) -> None:
    for number in range(3):
        picture(root / f"scan {number}.png", number)


def _manifest(root: Path) -> None:
    _images(root)
    lines = ["image", *[f"scan {number}.png" for number in range(3)]]
    (root / "labels.csv").write_text("\n".join(lines))


def _medmnist(root: Path) -> None:
    root.mkdir()
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = np.zeros((2, 8, 8), np.uint8)
        arrays[f"{part}_labels"] = np.zeros((2, 1), np.int64)
    np.savez(root / "set.npz", **arrays)


def _msd(root: Path) -> None:
    for number in range(2):
        volume(root / "imagesTr" / f"case_{number}.nii.gz")
        volume(root / "labelsTr" / f"case_{number}.nii.gz")
    listed = {
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "a"},
        "training": [
            {"image": f"./imagesTr/case_{n}.nii.gz", "label": f"./labelsTr/case_{n}.nii.gz"}
            for n in range(2)
        ],
        "test": [],
    }
    (root / "dataset.json").write_text(json.dumps(listed))


def _nnunet(root: Path) -> None:
    for number in range(2):
        volume(root / "imagesTr" / f"case_{number}_0000.nii.gz")
        volume(root / "labelsTr" / f"case_{number}.nii.gz")
    listed = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "a": 1},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(json.dumps(listed))


# one small source of each layout: a new importer adds its own
LAYOUTS: dict[str, Callable[[Path], None]] = {
    "dicom_tree": _dicom_tree,
    "folders": _folders,
    "images": _images,
    "manifest": _manifest,
    "medmnist": _medmnist,
    "msd": _msd,
    "nnunet": _nnunet,
}


def test_every_importer_has_a_source_and_a_rank_of_its_own() -> None:
    assert set(LAYOUTS) == set(IMPORTERS)
    ranks = [load("data/importers", layout).rank for layout in IMPORTERS]
    assert len(set(ranks)) == len(ranks)


@pytest.fixture(params=IMPORTERS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(layout: str, tmp_path: Path) -> Path:
    root = tmp_path / SECRET
    LAYOUTS[layout](root)
    return root


def listed(root: Path, layout: str = "auto") -> Imported:
    return import_records(root, ImportOptions(), layout)[1]


def files(root: Path) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.as_posix(), path.read_bytes(), path.stat().st_mtime_ns


def test_a_source_is_recognised_and_may_be_named(layout: str, source: Path) -> None:
    assert import_records(source, ImportOptions())[0] == layout
    assert listed(source) == listed(source, layout)


def test_keys_are_unlike_sorted_relative_and_the_same_every_time(source: Path) -> None:
    records = listed(source).records
    keys = [record.key for record in records]
    assert keys == sorted(set(keys))
    assert len(keys) >= 2
    assert not any(SECRET in key or key.startswith("/") for key in keys)
    assert listed(source) == listed(source)


def test_a_source_that_moved_keeps_its_keys(source: Path, tmp_path: Path) -> None:
    keys = [record.key for record in listed(source).records]
    moved = source.rename(tmp_path / "elsewhere")
    assert [record.key for record in listed(moved).records] == keys


def test_every_record_can_be_read_and_listing_changes_nothing(source: Path) -> None:
    before = list(files(source))
    for record in listed(source).records:
        image = open_reader(record.image).read(record.image, Limits())
        assert image.pixels.size > 0
        for path in record.image.paths:
            assert path.is_absolute()
            assert path.is_file()
        if record.mask is not None:
            assert open_reader(record.mask).read(record.mask, Limits()).pixels.size > 0
    assert list(files(source)) == before


def test_nothing_is_said_that_names_the_source(source: Path) -> None:
    found = listed(source)
    assert SECRET not in " ".join([*found.notes, *[item.reason for item in found.problems]])


def test_an_empty_folder_is_refused_without_its_name(layout: str, tmp_path: Path) -> None:
    empty = tmp_path / SECRET
    empty.mkdir()
    with pytest.raises((ConfigError, DataError)) as caught:
        listed(empty, layout)
    assert SECRET not in str(caught.value)


def test_an_archive_around_a_source_changes_only_the_front_of_keys(
    source: Path, tmp_path: Path
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    keys = [record.key for record in listed(source).records]
    source.rename(outer / "inner")
    assert [record.key for record in listed(outer).records] == [f"inner/{key}" for key in keys]
