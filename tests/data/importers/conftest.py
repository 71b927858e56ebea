"""Sources made of files that are no images, so that an importer which opens one is caught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

Touch = Callable[..., list[Path]]
WriteDicom = Callable[..., Path]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def touch(source: Path) -> Touch:
    """Create files below the source that hold nothing readable."""

    def create(*names: str) -> list[Path]:
        paths = [source / name for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not an image")
        return paths

    return create


@pytest.fixture
def table(source: Path) -> Callable[..., Path]:
    """Write labels.csv, or another text table of the source."""

    def create(text: str, name: str = "labels.csv") -> Path:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    return create


@pytest.fixture
def dicom(source: Path) -> WriteDicom:
    """Write a DICOM file with pixels; a slice of a volume unless ``position`` is None."""

    def create(
        name: str,
        *,
        series: str = "1.2.3",
        instance: str,
        position: float | None = 0.0,
        patient: str | None = "P1",
        modality: str = "MR",
        frames: int = 1,
        sop_class: str = "1.2.840.10008.5.1.4.1.1.4",
    ) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = sop_class
        dataset.file_meta.MediaStorageSOPInstanceUID = instance
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, instance
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2", series
        dataset.Modality = modality
        if patient is not None:
            dataset.PatientID = patient
        if position is not None:
            dataset.ImagePositionPatient = [0.0, 0.0, position]
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        if frames > 1:
            dataset.NumberOfFrames = frames
        dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 2, 2, 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.PixelRepresentation = 0
        dataset.PixelData = bytes(4 * frames)
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return create
