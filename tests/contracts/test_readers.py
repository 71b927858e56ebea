"""One contract for every reader that is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from anlage.data.importers import ImportOptions, import_records
from anlage.data.readers import Header, Limits, RawImage, Reader, Source, open_reader
from anlage.errors import DataError
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
