"""Sort DICOM files into images: slices of one series belong together, other files stand alone.

Only a few elements of each file are read. A file is taken for a slice of a volume if it has one
frame and says where it lies in the patient; all such files with one SeriesInstanceUID are one
image. A radiograph, an ultrasound picture or a multi-frame file is an image of its own, whatever
series it is in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anlage.data.readers import Limits, Source
from anlage.data.readers._dicom_file import DicomFile, open_dicom
from anlage.data.readers._dicom_tags import NOT_IMAGES, SERIES, tags
from anlage.data.readers._dicom_values import numbers, text, whole
from anlage.data.readers._quiet import quiet
from anlage.errors import DataError

__all__ = ["DicomSeries", "Scanned", "Skipped", "series_of"]

_WANTED = tags(SERIES)


@dataclass(frozen=True, kw_only=True)
class DicomSeries:
    """One image that some files form.

    Attributes:
        key: Its identifier: SeriesInstanceUID, with SOPInstanceUID added for a file that
            stands alone. Not to be stored or printed unhashed.
        patient: PatientID as written, not to be stored unhashed; None if there is none.
        study: StudyInstanceUID, not to be stored unhashed; None if there is none.
        modality: DICOM's code, such as ``CT``; None if there is none.
        paths: Its files, in the order in which they were given.
        num_slices: Slices of a volume; frames of a multi-frame file; 1 for a single image.
        is_multiframe: Whether it is one file with several frames.
    """

    key: str
    patient: str | None
    study: str | None
    modality: str | None
    paths: tuple[Path, ...]
    num_slices: int
    is_multiframe: bool

    @property
    def source(self) -> Source:
        """What to hand to the reader."""
        return Source(paths=self.paths, is_series=len(self.paths) > 1)


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A file that is no image, or cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a scan of files found."""

    series: tuple[DicomSeries, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    key: str
    instance: str | None
    patient: str | None
    study: str | None
    modality: str | None
    frames: int


def series_of(paths: Iterable[Path], limits: Limits) -> Scanned:
    """Scan the headers of files and sort them into images.

    Args:
        paths: Files of any kind.
        limits: Bounds on what one file may cost.

    Returns:
        Images in the order of their first file, and the files that are none. A second copy of
        a slice (one SOPInstanceUID) is skipped.
    """
    groups: dict[str, list[_File]] = {}
    skipped = []
    seen: set[str] = set()
    with quiet:
        for path in paths:
            try:
                file = _scanned(path, limits)
            except DataError as error:
                skipped.append(Skipped(path=path, reason=str(error)))
                continue
            if file.instance in seen:
                skipped.append(Skipped(path=path, reason="a second copy of an image; skipped"))
                continue
            if file.instance:
                seen.add(file.instance)
            groups.setdefault(file.key, []).append(file)
    return Scanned(
        series=tuple(_joined(key, files) for key, files in groups.items()),
        skipped=tuple(skipped),
    )


def _scanned(path: Path, limits: Limits) -> _File:
    file = open_dicom(path, _WANTED, limits)
    dataset = file.dataset
    modality = text(dataset, "Modality")
    kind = NOT_IMAGES.get(modality or "")
    if kind or file.pixels is None:
        raise DataError(f"an image was expected, got {kind or 'a file without pixels'}. Skipped.")
    series = text(dataset, "SeriesInstanceUID")
    instance = text(dataset, "SOPInstanceUID")
    frames = whole(dataset, "NumberOfFrames", low=1, high=2**31 - 1, default=1)
    if series is None:
        raise DataError(
            "a DICOM image must state its SeriesInstanceUID, this one does not. Give it as a "
            "single file instead of in a tree."
        )
    return _File(
        path=path,
        key=series if _is_slice(file, frames) else f"{series} {instance or path.name}",
        instance=instance,
        patient=text(dataset, "PatientID"),
        study=text(dataset, "StudyInstanceUID"),
        modality=modality,
        frames=frames,
    )


def _is_slice(file: DicomFile, frames: int) -> bool:
    return (
        frames == 1
        and numbers(file.dataset, "ImagePositionPatient", count=3) is not None
        and numbers(file.dataset, "ImageOrientationPatient", count=6) is not None
    )


def _joined(key: str, files: list[_File]) -> DicomSeries:
    first = files[0]
    is_multiframe = len(files) == 1 and first.frames > 1
    return DicomSeries(
        key=key,
        patient=first.patient,
        study=first.study,
        modality=first.modality,
        paths=tuple(file.path for file in files),
        num_slices=first.frames if is_multiframe else len(files),
        is_multiframe=is_multiframe,
    )
