"""MedMNIST: one npz file with images and labels of the parts train, val and test.

Each row of ``train_images`` is an image, with entry ``train_images:12``. One label per row is
label ``label``; several are ``label_0`` and up. Labels are read without pickle, after a check of
what they claim to take; images are only counted.

Source: Yang et al., Scientific Data 10, 41 (2023), and medmnist.com.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anlage.data._zip_file import open_zip
from anlage.data.importers import Imported, Importer, ImportOptions, LabelValue, Record
from anlage.data.importers._options import refuse_table_options
from anlage.data.importers._places import entries
from anlage.data.readers import Limits, Source
from anlage.data.readers._npz_rows import opened_member
from anlage.errors import DataError
from anlage.types import Split

__all__ = ["MedMnist"]

_PARTS: tuple[Split, ...] = ("train", "val", "test")
_MAX_MEMBERS = 10_000
_LABEL_LIMITS = Limits(max_bytes=256 * 1024**2)
_LABEL = "label"
_IMAGE_AXES = (3, 4, 5)  # rows of (H, W), (H, W, 3) or (D, H, W), and (D, H, W, C)


class MedMnist(Importer):
    """A MedMNIST file, or a folder with nothing else in it."""

    rank = 40

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether an npz file holds arrays with MedMNIST's names."""
        path = _file(root)
        return path is not None and bool(_parts(path))

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List the rows of all parts."""
        path = _file(root)
        parts = [] if path is None else _parts(path)
        if path is None or not parts:
            raise DataError(
                "layout 'medmnist' needs one npz file with arrays such as train_images, this "
                "source has none. Choose another layout."
            )
        records: list[Record] = []
        for part in parts:
            records += _records(path, part)
        names = dict.fromkeys(name for record in records for name in record.labels)
        refuse_table_options(options, "medmnist", own_labels=list(names))
        return Imported(records=tuple(_only(record, options.labels) for record in records))


def _file(root: Path) -> Path | None:
    """Return the npz file: the source itself, or the only visible file in it."""
    if root.is_file():
        return root if root.suffix.lower() == ".npz" else None
    visible = entries(root)
    is_alone = len(visible) == 1 and visible[0].is_file()
    return visible[0] if is_alone and visible[0].suffix.lower() == ".npz" else None


def _parts(path: Path) -> list[Split]:
    with open_zip(path, max_entries=_MAX_MEMBERS) as archive:
        names = set(archive.namelist())
    return [part for part in _PARTS if f"{part}_images.npy" in names]


def _records(path: Path, part: Split) -> list[Record]:
    shape = opened_member(path, f"{part}_images", Limits()).header.shape
    if len(shape) not in _IMAGE_AXES:
        raise DataError(
            f"array {part}_images must hold a row per image, (N, H, W) to (N, D, H, W, C), got "
            f"{shape}. It is no MedMNIST file; save one image per file."
        )
    labels = _labels(path, part, shape[0])
    return [
        Record(
            # the row with leading zeros: keys are sorted as text, rows are read fastest in order
            key=f"{path.name}:{part}_images:{row:09d}",
            image=Source(paths=(path,), entry=f"{part}_images:{row}"),
            labels=labels[row],
            split=part,
        )
        for row in range(shape[0])
    ]


def _labels(path: Path, part: Split, num_images: int) -> Sequence[dict[str, LabelValue]]:
    name = f"{part}_labels"
    with open_zip(path, max_entries=_MAX_MEMBERS) as archive:
        if f"{name}.npy" not in archive.namelist():
            return [{}] * num_images
    member = opened_member(path, name, _LABEL_LIMITS)
    shape = member.header.shape
    if member.header.num_bytes > _LABEL_LIMITS.max_bytes or len(shape) not in (1, 2):
        raise DataError(
            f"array {name} must be (N,) or (N, K) and take up to {_LABEL_LIMITS.max_bytes:,} "
            f"bytes, got {shape}. It is no MedMNIST file."
        )
    if shape[0] != num_images:
        raise DataError(
            f"array {name} must have a row per image, got {shape[0]:,} rows for {num_images:,} "
            "images. Save them again together."
        )
    rows = member.all().reshape(num_images, -1)
    width = rows.shape[1]
    names = [_LABEL] if width == 1 else [f"{_LABEL}_{index}" for index in range(width)]
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]


def _only(record: Record, wanted: Sequence[str]) -> Record:
    if not wanted:
        return record
    return replace(
        record, labels={name: value for name, value in record.labels.items() if name in wanted}
    )
