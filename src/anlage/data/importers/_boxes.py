"""Boxes from a table: corner columns, JSON cells, or a table with one row per box.

Tables name x first, as pictures do: x runs along columns, y along rows. Our boxes are in array
order, (rows, columns) in 2D. In 3D, x, y and z are the array's axes as they come.

Real tables have boxes without area, from a click instead of a drag. They are given as None, for
the caller to count and report.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from anlage.data.importers import Box
from anlage.data.importers._places import Places
from anlage.data.importers._table import Cell, Table, read_table, require
from anlage.errors import DataError

__all__ = ["Boxes", "boxes_by_image", "boxes_from_columns", "boxes_from_json", "corner_columns"]

_FLAT = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))
_DEEP = (("z0", "z1"), ("zmin", "zmax"))
Boxes = tuple[Box | None, ...]

_UNNAMED = "object"  # label of boxes in a table that has no place for one


def corner_columns(columns: Collection[str]) -> tuple[str, ...] | None:
    """Return the names of a box's corners, low ones first: x, y (, z), x, y (, z).

    They are called x0, y0, x1, y1 (, z0, z1) or xmin, ymin, xmax, ymax (, zmin, zmax). None if
    one of the first four is missing.
    """
    for flat, deep in zip(_FLAT, _DEEP, strict=True):
        if set(flat) <= set(columns):
            if set(deep) <= set(columns):
                return (*flat[:2], deep[0], *flat[2:], deep[1])
            return flat
    return None


def boxes_from_columns(table: Table, corners: Sequence[str]) -> list[Boxes]:
    """Return the box of each row; none where all its corners are empty.

    Raises:
        DataError: If some corners are missing or are no numbers.
    """
    found: list[Boxes] = []
    for row in range(len(table.lines)):
        cells = [table.cells[name][row] for name in corners]
        is_empty = all(cell is None for cell in cells)
        found.append(() if is_empty else (_box(table, row, cells, _UNNAMED),))
    return found


def boxes_from_json(table: Table, column: str) -> list[Boxes]:
    """Return the boxes of each row from cells such as ``[{"label": "a", "x0": 1, ...}]``.

    Raises:
        DataError: If a cell is no such list.
    """
    return [_parsed(table, column, row) for row in range(len(table.lines))]


def boxes_by_image(path: Path, places: Places, image_column: str) -> dict[Path, Boxes]:
    """Read a table of boxes.

    Args:
        path: Table with an image, a label and the corners on each row.
        places: Where its image paths may point.
        image_column: Name of the column of image paths.

    Returns:
        Boxes by the path of their image.

    Raises:
        DataError: If the table is damaged, or a row lacks its image, label or a corner.
    """
    table = read_table(path, lambda columns: _wanted(columns, image_column))
    corners = corner_columns(table.columns)
    assert corners is not None, "_wanted checked it"
    found: dict[Path, list[Box | None]] = {}
    for row in range(len(table.lines)):
        written, label = table.cells[image_column][row], table.text("label", row)
        place = None if written is None else places.find(str(written))
        if place is None or label is None:
            raise DataError(
                "each box must name its label and an image inside the source, but not so "
                f"{table.at([row])} of the boxes. Correct that row."
            )
        box = _box(table, row, [table.cells[name][row] for name in corners], label)
        found.setdefault(place, []).append(box)
    return {place: tuple(boxes) for place, boxes in found.items()}


def _wanted(columns: tuple[str, ...], image_column: str) -> list[str]:
    corners = corner_columns(columns) or _FLAT[0]
    for name in corners:
        require(name, columns, setting="a corner of the boxes")
    image = require(image_column, columns, setting="--image, in the table of boxes")
    return [image, require("label", columns, setting="label of the boxes"), *corners]


def _parsed(table: Table, column: str, row: int) -> Boxes:
    text = table.text(column, row)
    if text is None:
        return ()
    try:
        entries = json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise DataError(
            f"column {column!r} must hold boxes as JSON, such as "
            '[{"label": "nodule", "x0": 3, "y0": 4, "x1": 9, "y1": 12}], but not so '
            f"{table.at([row])}. Correct that cell."
        )
    found = []
    for entry in entries:
        corners = corner_columns(entry)
        assert corners is not None, "_is_entry checked it"
        found.append(_box(table, row, [entry[name] for name in corners], entry["label"]))
    return tuple(found)


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, Mapping)
        and corner_columns(entry) is not None
        and isinstance(entry.get("label"), str)
    )


def _box(table: Table, row: int, cells: Sequence[Cell], label: str) -> Box | None:
    numbers = [table.number(cell) for cell in cells if isinstance(cell, str | int | float)]
    corners = [float(number) for number in numbers if number is not None]
    if len(corners) < len(cells):
        raise DataError(
            f"a box must have numbers for all {len(cells)} corners, but {table.at([row])} has "
            f"{len(corners)}. Correct it or leave the box out."
        )
    half = len(cells) // 2
    low, high = corners[:half], corners[half:]
    if any(a >= b for a, b in zip(low, high, strict=True)):
        return None
    if half == 2:
        low, high = low[::-1], high[::-1]  # (x, y) -> (rows, columns)
    return Box(low=tuple(low), high=tuple(high), label=label)
