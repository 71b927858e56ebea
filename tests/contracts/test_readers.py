"""One contract for every reader and every importer that is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from anlage.data.importers import (
    Imported,
    ImportOptions,
    import_records,
)
from anlage.data.readers import Header, Limits, RawImage, Reader, Source, open_reader
from anlage.errors import ConfigError, DataError
from anlage.plugins import available, load

GREY = np.random.default_rng(0).integers(0, 250, (20, 30), np.uint8)
VOXELS = np.random.default_rng(1).integers(0, 900, (6, 7, 8)).astype(np.int16)
SECRET = "JANE-QUIXOTE"


def write_dicom(path: Path, pixels: np.ndarray = GREY) -> None:
    dataset = Dataset()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta = meta
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientID, dataset.Modality = SECRET, "CR"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path, enforce_file_format=True)


# one small file of each format: a new reader adds its own
SAMPLES: dict[str, Callable[[Path], None]] = {
    "dicom": write_dicom,
    "nifti": lambda path: nib.Nifti1Image(VOXELS, np.eye(4)).to_filename(path),
    "npy": lambda path: np.save(path, GREY),
    "raster": lambda path: Image.fromarray(GREY).save(path),
    "tiff": lambda path: tifffile.imwrite(path, GREY),
}
READERS = available("data/readers")
IMPORTERS = available("data/importers")


def test_every_reader_has_a_sample() -> None:
    assert set(SAMPLES) == set(READERS)


@pytest.fixture(params=READERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def reader(name: str) -> Reader:
    found: Reader = load("data/readers", name)()
    return found


@pytest.fixture
def sample(name: str, reader: Reader, tmp_path: Path) -> Path:
    path = tmp_path / f"{SECRET}{reader.suffixes[0]}"
    SAMPLES[name](path)
    return path


def both(reader: Reader, path: Path, limits: Limits | None = None) -> tuple[Header, RawImage]:
    source = Source(paths=(path,))
    return reader.header(source, limits or Limits()), reader.read(source, limits or Limits())


def refused(reader: Reader, path: Path, limits: Limits | None = None) -> None:
    for attempt in (reader.header, reader.read):
        with pytest.raises(DataError) as caught:
            attempt(Source(paths=(path,)), limits or Limits())
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_header_says_what_the_pixels_are(reader: Reader, sample: Path) -> None:
    header, image = both(reader, sample)
    assert header.shape == image.pixels.shape
    assert header.bits == image.bits
    assert header.spacing_mm == image.spacing_mm


def test_pixels_are_whole_finite_and_in_order(reader: Reader, sample: Path) -> None:
    _, image = both(reader, sample)
    expected = VOXELS if image.pixels.ndim == 4 else GREY
    np.testing.assert_array_equal(image.pixels[0], expected)
    assert image.pixels.flags.c_contiguous
    assert image.pixels.dtype.isnative
    assert np.isfinite(image.pixels).all()
    assert (image.affine is None) or image.affine.shape == (4, 4)


def test_reading_twice_gives_the_same_and_changes_nothing(reader: Reader, sample: Path) -> None:
    before = sample.read_bytes()
    first, second = both(reader, sample)[1], both(reader, sample)[1]
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert (first.facts, first.notes) == (second.facts, second.notes)
    assert sample.read_bytes() == before


def test_nothing_of_the_patient_is_reported(reader: Reader, sample: Path) -> None:
    header, image = both(reader, sample)
    assert SECRET not in repr(header) + repr(image.facts) + repr(image.notes)


def test_content_finds_the_reader_and_others_do_not_claim_it(
    name: str, reader: Reader, sample: Path
) -> None:
    bare = sample.rename(sample.with_name("no-suffix"))
    assert type(open_reader(Source(paths=(bare,)))) is type(reader)
    head = bare.read_bytes()[:512]
    claims = [
        other for other in READERS if load("data/readers", other)().recognises(Path("-"), head)
    ]
    assert claims == [name]


def test_suffixes_are_in_lower_case_and_claim_what_content_does_not(reader: Reader) -> None:
    assert reader.suffixes
    for suffix in reader.suffixes:
        assert suffix == suffix.lower()
        assert suffix.startswith(".")
        assert reader.recognises(Path(f"A{suffix.upper()}"), b"\1" * 64)


def test_folder_layouts_list_what_readers_name(reader: Reader, sample: Path) -> None:
    _, found = import_records(sample.parent, ImportOptions())
    assert [record.image.paths for record in found.records] == [(sample,)]


def test_what_is_no_image_is_not_recognised_by_content(reader: Reader) -> None:
    for head in (b"", b"<html>", b"hello world" * 40, bytes(512)):
        assert not reader.recognises(Path("-"), head)


@pytest.mark.parametrize("percent", [10, 30, 60, 90])
def test_a_file_that_was_cut_off_is_refused(reader: Reader, sample: Path, percent: int) -> None:
    whole = sample.read_bytes()
    sample.write_bytes(whole[: len(whole) * percent // 100])
    with pytest.raises(DataError) as caught:
        reader.read(Source(paths=(sample,)), Limits())
    assert SECRET not in str(caught.value)


def test_a_missing_last_byte_is_refused_or_costs_no_pixel(reader: Reader, sample: Path) -> None:
    whole = reader.read(Source(paths=(sample,)), Limits()).pixels
    sample.write_bytes(sample.read_bytes()[:-1])
    try:
        found = reader.read(Source(paths=(sample,)), Limits()).pixels
    except DataError:
        return
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("content", [b"", b"\0" * 2000, b"<html>nothing here</html>", b"a\nb" * 99])
def test_what_only_has_the_name_is_refused(reader: Reader, sample: Path, content: bytes) -> None:
    sample.write_bytes(content)
    refused(reader, sample)


def test_a_file_that_is_gone_or_a_folder_is_refused(reader: Reader, sample: Path) -> None:
    sample.unlink()
    refused(reader, sample)
    sample.mkdir()
    refused(reader, sample)


def test_limits_hold_before_and_while_reading(reader: Reader, sample: Path) -> None:
    refused(reader, sample, Limits(max_bytes=100))


def test_two_files_are_not_taken_for_one(reader: Reader, sample: Path) -> None:
    other = Path(shutil.copy(sample, sample.with_stem("other")))
    with pytest.raises(DataError):
        reader.read(Source(paths=(sample, other)), Limits())


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (9, 9), np.uint8)).save(path)


def volume(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(VOXELS, np.eye(4)), path)


def _dicom_tree(root: Path) -> None:
    for number in range(3):
        (root / f"{number}").mkdir(parents=True)
        write_dicom(root / f"{number}" / "a.dcm", GREY + number)


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
