"""Importers: one dataset layout per file, from a folder to a list of records.

An importer finds which images there are and what is known of each. It opens no image. What it
cannot pair (a label without an image, a mask without an image) becomes a Problem, which
`prepare` writes to quarantine.csv; nothing is dropped in silence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from anlage.config import BaseConfig
from anlage.data.importers._places import absolute, entries, exists
from anlage.data.readers import Source
from anlage.errors import ConfigError, DataError
from anlage.plugins import available, load
from anlage.types import Split

__all__ = [
    "Box",
    "ImportOptions",
    "Imported",
    "Importer",
    "LabelValue",
    "Problem",
    "Record",
    "find_importer",
    "import_records",
]

_ROOM = "data/importers"

LabelValue = str | float | int | None


@dataclass(frozen=True, kw_only=True)
class Box:
    """A labelled box on the pixels as the file stores them, before any turn to RAS+ or upright.

    Corners are edges, not pixels: a box from 3 to 9 covers pixels 3 to 8. They are in array axis
    order: (rows, columns) in 2D; in 3D the file's axes, or (columns, rows, slices).
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    label: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One image of a dataset, and what is known of it.

    Attributes:
        key: Its name inside the source, stable from run to run; hashed, never stored.
        image: Where it lies.
        mask: Where its label map lies; None if it has none.
        boxes: Its boxes.
        labels: Values of the label columns the user named.
        patient: The patient's identifier as written; hashed, never stored. None if unknown.
        site: Site or scanner name, if a column was named for it.
        split: The part that the source itself assigns.
    """

    key: str
    image: Source
    mask: Source | None = None
    boxes: tuple[Box, ...] = ()
    labels: Mapping[str, LabelValue] = field(default_factory=dict)
    patient: str | None = None
    site: str | None = None
    split: Split | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in the source that cannot be used, and why."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an importer found."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


class ImportOptions(BaseConfig):
    """What the user says about a dataset; column names refer to the manifest.

    Attributes:
        manifest: CSV or Parquet table with one row per image.
        labels: Label columns to keep; a column that is not named is not read.
        image_column: Column of image paths, relative to the source folder.
        mask_column: Column of mask paths; None to use ``mask`` if the table has it.
        boxes_column: Column of boxes as JSON; None to use x0, y0, x1, y1 (, z0, z1) if present.
        boxes: A second table with one row per box, joined by image path.
        patient_column: Column of patient identifiers.
        site_column: Column of site or scanner names.
        split_column: Column that says train, val or test.
    """

    manifest: Path | None = None
    labels: tuple[str, ...] = ()
    image_column: str = "image"
    mask_column: str | None = None
    boxes_column: str | None = None
    boxes: Path | None = None
    patient_column: str | None = None
    site_column: str | None = None
    split_column: str | None = None


class Importer(ABC):
    """One dataset layout.

    Attributes:
        rank: Importers are asked in rising rank: the surest signs first, any folder last.
    """

    rank: ClassVar[int]

    @abstractmethod
    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether a source has this layout. The first importer that says yes is used."""

    @abstractmethod
    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List the images of a source.

        Raises:
            DataError: If the source is empty, or its table lacks a column or repeats an image.
        """


def find_importer(root: Path, options: ImportOptions, layout: str = "auto") -> tuple[str, Importer]:
    """Find the importer for a source: the named one, or the first that recognises it.

    They are asked in this order: a table (manifest), Medical Segmentation Decathlon (msd),
    nnU-Net raw data (nnunet), MedMNIST (medmnist), a tree of DICOM files (dicom_tree), folders
    named by class (folders), any folder of images (images).

    Returns:
        Name of the layout, and its importer.

    Raises:
        ConfigError: If there is no such layout or source, or the source is a file that the
            layout does not take.
        DataError: If the source cannot be read.
    """
    if not exists(root):
        raise ConfigError(
            "the source must be a folder of images or a MedMNIST npz file, there is nothing at "
            f"{root}. Check the path, and that its disk is mounted."
        )
    names = available(_ROOM) if layout == "auto" else (layout,)
    kinds: list[tuple[str, type[Importer]]] = [(name, load(_ROOM, name)) for name in names]
    is_named = layout != "auto" and root.is_dir()
    for name, kind in sorted(kinds, key=lambda item: item[1].rank):
        importer = kind()
        if is_named or importer.recognises(root, options):
            return name, importer
    raise ConfigError(
        f"the source must be a folder of images or a MedMNIST npz file, got a file that layout "
        f"{layout!r} does not take. Unpack an archive first; give a table as the manifest, and "
        "the folder of its images as the source."
    )


def import_records(
    root: Path, options: ImportOptions, layout: str = "auto"
) -> tuple[str, Imported]:
    """List the images of a source, in a fixed order.

    Where a folder holds one folder and nothing else, as unpacked archives do, the inner one is
    read; keys stay relative to the outer one.

    Returns:
        Name of the layout that was used, and what was found: records in the order of their
        keys, each key once.

    Raises:
        ConfigError: As :func:`find_importer`, or if an option does not fit the layout.
        DataError: If there is no usable image, or the layout is damaged.
    """
    outer = absolute(root)
    inner = outer if options.manifest else _unwrapped(outer)
    name, importer = find_importer(inner, options, layout)
    found = importer.records(inner, options)
    if not found.records:
        raise DataError(
            f"the source must hold at least one image, none was found (layout {name}; "
            f"{len(found.problems)} problems). {' '.join((*found.notes, 'Check the folder,'))} "
            "or name its layout."
        )
    prefix = "" if inner == outer else f"{inner.relative_to(outer).as_posix()}/"
    records = sorted(
        (replace(record, key=prefix + record.key) for record in found.records),
        key=lambda record: record.key,
    )
    assert len({record.key for record in records}) == len(records), f"{name} repeats a key"
    problems = tuple(replace(problem, key=prefix + problem.key) for problem in found.problems)
    return name, Imported(records=tuple(records), problems=problems, notes=found.notes)


def _unwrapped(root: Path) -> Path:
    """Descend while a folder holds one folder and nothing else."""
    while exists(root) and root.is_dir():
        visible = entries(root)
        if len(visible) != 1 or visible[0].is_symlink() or not visible[0].is_dir():
            break
        root = visible[0]
    return root
