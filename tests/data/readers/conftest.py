"""Writers of small DICOM and NIfTI files, good and bad, for the readers' tests."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.nifti import Nifti
from anlage.errors import DataError

WriteDicom = Callable[..., Path]


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """Return a function that writes pixels (rows, columns[, 3]) or frames as a DICOM file."""
    return _writer(tmp_path)


@pytest.fixture(scope="session")
def write_shared_dicom(tmp_path_factory: pytest.TempPathFactory) -> WriteDicom:
    """The same, for files that several tests read."""
    return _writer(tmp_path_factory.mktemp("shared"))


def _writer(folder: Path) -> WriteDicom:
    def write(
        pixels: Any = None,
        name: str = "image.dcm",
        *,
        syntax: str = ExplicitVRLittleEndian,
        encoded: Sequence[bytes] | None = None,
        drop: Sequence[str] = (),
        **elements: Any,
    ) -> Path:
        dataset = _described(np.asarray(pixels), elements.get("NumberOfFrames"))
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        for keyword in drop:
            delattr(dataset, keyword)
        if encoded is not None:
            dataset.PixelData = encapsulate(list(encoded))
            dataset["PixelData"].is_undefined_length = True
            dataset["PixelData"].VR = "OB"
        return _saved(dataset, folder / name, syntax)

    return write


def _saved(dataset: Dataset, path: Path, syntax: str) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", generate_uid())
    dataset.file_meta = meta
    dataset.save_as(path, enforce_file_format=True)
    return path


def _described(pixels: np.ndarray, frames: int | None) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.StudyInstanceUID = "1.2"
    dataset.PatientName = "SECRET^NAME"
    dataset.PatientID = "SECRET-ID"
    dataset.PatientBirthDate = "19500101"
    dataset.Modality = "CT"
    edges = pixels.shape[1:] if frames else pixels.shape
    dataset.Rows, dataset.Columns = edges[:2]
    is_colour = len(edges) == 3
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    return dataset


@pytest.fixture
def write_series(write_dicom: WriteDicom) -> Callable[..., list[Path]]:
    """Return a function that writes slices (N, rows, columns) as one file each."""

    def write(
        slices: np.ndarray,
        *,
        positions: Sequence[Sequence[float]] | None = None,
        orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
        spacing: Sequence[float] = (0.5, 0.75),
        changes: dict[int, dict[str, Any]] | None = None,
        **elements: Any,
    ) -> list[Path]:
        normal = np.cross(orientation[:3], orientation[3:])
        paths = []
        for index, pixels in enumerate(slices):
            position = (
                np.array([-10.0, -20.0, 30.0]) + 2.5 * index * normal
                if positions is None
                else positions[index]
            )
            described = {
                "ImagePositionPatient": [float(edge) for edge in position],
                "ImageOrientationPatient": list(orientation),
                "PixelSpacing": list(spacing),
                "RescaleSlope": 1,
                "RescaleIntercept": 0,
                **elements,
                **(changes or {}).get(index, {}),
            }
            paths.append(write_dicom(pixels, f"slice{index:03}.dcm", **described))
        return paths

    return write


@pytest.fixture
def write_multiframe(write_dicom: WriteDicom) -> Callable[..., Path]:
    """Return a function that writes frames (N, rows, columns) with functional groups."""

    def write(
        frames: np.ndarray,
        *,
        positions: Sequence[Sequence[float]],
        orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
        spacing: Sequence[float] = (0.5, 0.75),
        rescales: Sequence[tuple[float, float]] | None = None,
        **elements: Any,
    ) -> Path:
        shared = Dataset()
        shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=list(orientation))]
        shared.PixelMeasuresSequence = [_item(PixelSpacing=list(spacing))]
        own = []
        for index, position in enumerate(positions):
            groups = Dataset()
            groups.PlanePositionSequence = [_item(ImagePositionPatient=[*map(float, position)])]
            if rescales is not None:
                slope, intercept = rescales[index]
                groups.PixelValueTransformationSequence = [
                    _item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU")
                ]
            own.append(groups)
        return write_dicom(
            frames,
            "multi.dcm",
            NumberOfFrames=len(frames),
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=own,
            **elements,
        )

    return write


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


@pytest.fixture(scope="session")
def write_nifti() -> Callable[..., Path]:
    """Return a function that writes a file, then sets header fields on disk, unchecked."""
    small = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    scaled = np.diag([2.0, 3.0, 4.0, 1.0])

    def write(
        path: Path,
        voxels: np.ndarray = small,
        affine: np.ndarray = scaled,
        kind: Any = nib.Nifti1Image,
        **fields: Any,
    ) -> Path:
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

    return write


@pytest.fixture(scope="session")
def read_nifti() -> Callable[..., RawImage]:
    """Return a function that reads a file and checks that its header says the same."""

    def read(path: Path, limits: Limits | None = None) -> RawImage:
        source = Source(paths=(path,))
        image = Nifti().read(source, limits or Limits())
        header = Nifti().header(source, limits or Limits())
        assert header.shape == image.pixels.shape
        assert (header.bits, header.spacing_mm) == (image.bits, image.spacing_mm)
        assert header.unit == ("arbitrary" if image.unit == "hu" else image.unit)
        return image

    return read


@pytest.fixture(scope="session")
def nifti_is_refused() -> Callable[..., None]:
    """Return a check that a file is refused with these words, and without its name."""

    def refused(path: Path, words: str, limits: Limits | None = None) -> None:
        with pytest.raises(DataError, match=words) as caught:
            Nifti().read(Source(paths=(path,)), limits or Limits())
        assert path.name not in str(caught.value)

    return refused
