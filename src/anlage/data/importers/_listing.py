"""What a user's tables say: one row per image, with paths resolved and values parsed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anlage.data.importers import Box, ImportOptions, LabelValue, Problem
from anlage.data.importers._boxes import (
    Boxes,
    boxes_by_image,
    boxes_from_columns,
    boxes_from_json,
    corner_columns,
)
from anlage.data.importers._options import given_file
from anlage.data.importers._places import Places, exists
from anlage.data.importers._table import Table, read_table, require
from anlage.data.importers._values import label_values, split_values
from anlage.data.importers._walk import relative
from anlage.errors import ConfigError, DataError
from anlage.types import Split

__all__ = ["Listing", "Row", "read_listing"]

_DEFAULT_MASK = "mask"
_NOTHING = "labels without an image"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row whose image is there.

    Attributes:
        index: Its position in the table.
        image: File or folder that it names.
        mask: Its label map, if that is there.
        boxes: Its boxes.
        labels: Values of the label columns.
        patient: Patient identifier as written.
        site: Site as written.
        split: Part that it is assigned to.
    """

    index: int
    image: Path
    mask: Path | None
    boxes: tuple[Box, ...]
    labels: dict[str, LabelValue]
    patient: str | None
    site: str | None
    split: Split | None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What the tables of a source say.

    Attributes:
        root: The source folder, absolute.
        table: The main table; names the line of a row.
        rows: Rows whose image is there.
        masks: Every label map that is named, there or not.
        labels: Names of the label columns.
        problems: Rows and label maps without a file.
    """

    root: Path
    table: Table
    rows: tuple[Row, ...]
    masks: frozenset[Path]
    labels: tuple[str, ...]
    problems: tuple[Problem, ...]

    def unlabelled(self) -> dict[str, LabelValue]:
        """Return the labels of an image that the table does not name."""
        return dict.fromkeys(self.labels)


def read_listing(root: Path, path: Path, options: ImportOptions) -> Listing:
    """Read the main table, and the table of boxes if there is one.

    Raises:
        ConfigError: If boxes are named twice.
        DataError: If a table is damaged, lacks a named column, names an image twice or outside
            the source, or holds values that do not fit.
    """
    if options.boxes is not None and options.boxes_column is not None:
        raise ConfigError(
            "boxes must come from one place, got both a column and a table of boxes. Give one."
        )
    table = read_table(path, lambda columns: _wanted(columns, options))
    places = Places.of(root, path)
    reader = _RowReader(table, places, options)
    rows = [row for index in range(len(table.lines)) if (row := reader.row(index)) is not None]
    _refuse_repeats(table, rows)
    problems = [*reader.problems, *_boxes_alone(reader, rows)]
    if not rows:
        raise DataError(
            f"a table's image column must name files of the source, but none of its "
            f"{len(table.lines):,} rows does. Paths are taken relative to the table's folder, "
            "then to the source; write them with their suffix."
        )
    return Listing(
        root=places.root,
        table=table,
        rows=tuple(rows),
        masks=frozenset(reader.masks),
        labels=tuple(dict.fromkeys(options.labels)),
        problems=tuple(problems),
    )


class _RowReader:
    """Holds the parsed columns of one table while its rows are put together."""

    def __init__(self, table: Table, places: Places, options: ImportOptions) -> None:
        self.table, self.places, self.options = table, places, options
        self.problems: list[Problem] = []
        self.masks: set[Path] = set()
        self.mask_column = options.mask_column or _DEFAULT_MASK
        self.labels = {name: label_values(table, name) for name in options.labels}
        self.splits = (
            None if options.split_column is None else split_values(table, options.split_column)
        )
        self.listed_boxes = _listed_boxes(table, options)
        self.boxes_of: dict[Path, Boxes] = {}
        if options.boxes is not None:
            path = given_file(options.boxes, places.root, what="the table of boxes")
            self.boxes_of = boxes_by_image(path, Places.of(places.root, path), options.image_column)

    def row(self, index: int) -> Row | None:
        """Return one row; None, and a problem, if its image is not there."""
        image, mask = self._path(self.options.image_column, index), self._mask(index)
        if image is None or not exists(image):
            where = self.table.at([index])
            self._report(
                image or mask or self.places.root / where, f"{_NOTHING}, {where} of the table."
            )
            return None
        if mask is not None and not exists(mask):
            self._report(
                mask,
                "a label map that is not there, its image is used without it: "
                f"{self.table.at([index])} of the table.",
            )
            mask = None
        return Row(
            index=index,
            image=image,
            mask=mask,
            boxes=self._boxes(image, index),
            labels={name: values[index] for name, values in self.labels.items()},
            patient=self._text(self.options.patient_column, index),
            site=self._text(self.options.site_column, index),
            split=None if self.splits is None else self.splits[index],
        )

    def _report(self, path: Path, reason: str) -> None:
        self.problems.append(Problem(key=relative(path, self.places.root), reason=reason))

    def _mask(self, index: int) -> Path | None:
        if self.mask_column not in self.table.cells:
            return None
        mask = self._path(self.mask_column, index)
        if mask is not None:
            self.masks.add(mask)
        return mask

    def _boxes(self, image: Path, index: int) -> tuple[Box, ...]:
        found = (*self.listed_boxes[index], *self.boxes_of.get(image, ()))
        flat = found.count(None)
        if flat:
            self._report(image, f"boxes without area, {flat} of them: left out.")
        return tuple(box for box in found if box is not None)

    def _path(self, column: str, index: int) -> Path | None:
        written = self.table.cells[column][index]
        if written is None:
            return None
        path = self.places.find(str(written))
        if path is None:
            raise DataError(
                f"paths in column {column!r} must lie inside the source, but not so "
                f"{self.table.at([index])}. Give the folder that holds all files as the source."
            )
        return path

    def _text(self, column: str | None, index: int) -> str | None:
        return None if column is None else self.table.text(column, index)


def _wanted(columns: tuple[str, ...], options: ImportOptions) -> list[str]:
    named = {
        "image_column": options.image_column,
        "mask_column": options.mask_column,
        "boxes_column": options.boxes_column,
        "patient_column": options.patient_column,
        "site_column": options.site_column,
        "split_column": options.split_column,
    }
    wanted = [
        require(column, columns, setting=f"--{setting.removesuffix('_column')}")
        for setting, column in named.items()
        if column is not None
    ]
    wanted += [require(label, columns, setting="--label") for label in options.labels]
    if options.mask_column is None and _DEFAULT_MASK in columns:
        wanted.append(_DEFAULT_MASK)
    if options.boxes is None and options.boxes_column is None:
        wanted += corner_columns(columns) or ()
    return list(dict.fromkeys(wanted))


def _listed_boxes(table: Table, options: ImportOptions) -> Sequence[Boxes]:
    if options.boxes_column is not None:
        return boxes_from_json(table, options.boxes_column)
    corners = None if options.boxes is not None else corner_columns(table.columns)
    if corners is not None:
        return boxes_from_columns(table, corners)
    return [()] * len(table.lines)


def _refuse_repeats(table: Table, rows: Sequence[Row]) -> None:
    by_image: dict[Path, list[int]] = defaultdict(list)
    for row in rows:
        by_image[row.image].append(row.index)
    repeats = [indices for indices in by_image.values() if len(indices) > 1]
    if repeats:
        raise DataError(
            f"a table must name each image once, but {table.at(repeats[0])} name the same "
            f"({len(repeats):,} such images). Join several label maps into one; give several "
            "boxes as a table of their own."
        )


def _boxes_alone(reader: _RowReader, rows: Sequence[Row]) -> list[Problem]:
    listed = {row.image for row in rows}
    return [
        Problem(
            key=relative(place, reader.places.root),
            reason=f"boxes without an image, {len(boxes)} of them: no row of the table has it.",
        )
        for place, boxes in reader.boxes_of.items()
        if place not in listed
    ]
