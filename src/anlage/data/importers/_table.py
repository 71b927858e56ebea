"""Read the wanted columns of a CSV or Parquet table, and remember the line of every row.

Text tables are parsed here rather than by polars, because a fault must be told with the line
on which a row begins, also if a quoted cell runs over several lines.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from anlage.data.importers._kinds import counted
from anlage.errors import DataError
from anlage.plugins import nearest

__all__ = ["Cell", "Table", "read_table", "require"]

Cell = str | int | float | None
Choose = Callable[[tuple[str, ...]], Iterable[str]]

_MAX_BYTES = 1024**3
_SEPARATORS = (",", ";", "\t")
_SHOWN = 5
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Some columns of a table.

    Attributes:
        columns: Names of all its columns.
        lines: Line on which each row begins, counted from 1; number of the row in Parquet.
        cells: Values by column; an empty cell is None.
        is_typed: Whether the file itself tells numbers from text, as Parquet does.
        has_decimal_comma: Whether 0,5 is a number: only where semicolons separate cells.
    """

    columns: tuple[str, ...]
    lines: tuple[int, ...]
    cells: Mapping[str, Sequence[Cell]]
    is_typed: bool = False
    has_decimal_comma: bool = False

    def at(self, rows: Sequence[int]) -> str:
        """Name rows for a message: "lines 3, 7 and 12 more"."""
        word = "row" if self.is_typed else "line"
        shown = ", ".join(str(self.lines[row]) for row in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
        return f"{word if len(rows) == 1 else word + 's'} {shown}{more}"

    def text(self, column: str, row: int) -> str | None:
        """Return a cell as text without blanks at its ends."""
        cell = self.cells[column][row]
        return None if cell is None else str(cell).strip()

    def number(self, cell: Cell) -> int | float | None:
        """Return a cell as a finite number; None if it is none."""
        if isinstance(cell, str):
            text = cell.strip()
            text = text.replace(",", ".") if self.has_decimal_comma else text
            if self.is_typed or not _NUMBER.fullmatch(text):
                return None
            cell = int(text) if _WHOLE.fullmatch(text) else float(text)
        return cell if cell is not None and math.isfinite(cell) else None


def read_table(path: Path, choose: Choose) -> Table:
    """Read a table.

    Args:
        path: A Parquet file by its suffix; else text, whose cells are separated by commas,
            semicolons or tabs.
        choose: Says which columns to keep when it is given the names of all; may refuse.

    Raises:
        DataError: If the file cannot be read, is empty or has a header only, repeats a column,
            or has rows of differing length.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(
                f"a table may have up to {_MAX_BYTES:,} bytes, this one has more. Keep the "
                "columns that are needed."
            )
        is_parquet = path.suffix.lower() == ".parquet"
        table = _parquet(path, choose) if is_parquet else _text(path.read_bytes(), choose)
    except OSError as error:
        raise DataError(
            f"a table must be readable, the system says: {error.strerror}. Check the path and "
            "its permissions."
        ) from None
    if not table.lines:
        raise DataError(
            "a table must have at least one row below its header, this one has none. Fill it in."
        )
    return table


def require(column: str, columns: Sequence[str], *, setting: str) -> str:
    """Return a column's name if the table has it.

    Args:
        column: The name.
        columns: Names of all columns.
        setting: What the user set to name it, for the message.

    Raises:
        DataError: If the table has no such column.
    """
    if column in columns:
        return column
    shown = ", ".join(repr(name[:40]) for name in columns[:30])
    raise DataError(
        f"the table must have a column {column!r} ({setting}), it has: {shown}."
        f"{nearest(column, columns)} Name another column, or correct the header."
    )


def _text(content: bytes, choose: Choose) -> Table:
    text = _decoded(content)
    separator, columns = _header(text)
    kept = _positions(columns, choose)
    cells: dict[str, list[Cell]] = {name: [] for name in kept}
    lines: list[int] = []
    ragged: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        next(reader)
        begin = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                (lines if len(row) == len(columns) else ragged).append(begin)
                if len(row) == len(columns):
                    for name, position in kept.items():
                        cells[name].append(row[position] if row[position].strip() else None)
            begin = reader.line_num + 1
    except csv.Error:
        raise DataError(
            f"the quotes of a table must be balanced, those after line {reader.line_num} are "
            "not, or a cell is longer than 131,072 letters. Correct that line."
        ) from None
    if ragged:
        where = Table(columns=columns, lines=tuple(ragged), cells={}).at(range(len(ragged)))
        raise DataError(
            f"each row must have {counted(len(columns), 'cell')} as the header has, but not so "
            f"{where}. Quote cells that contain the separator {separator!r}."
        )
    return Table(
        columns=columns, lines=tuple(lines), cells=cells, has_decimal_comma=separator == ";"
    )


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"a table must be text in UTF-8, line {line} is not. Save it as 'CSV UTF-8'."
        ) from None
    if "\0" in text:
        raise DataError(
            "a table must be text, this file holds zero bytes. Save it as 'CSV UTF-8'; a Parquet "
            "table must be named .parquet."
        )
    if not text.strip():
        raise DataError(
            "a table must have a header line and a row per image, this file is empty. Fill it in."
        )
    return text


def _header(text: str) -> tuple[str, tuple[str, ...]]:
    """Find the separator that cuts the header into most columns; a comma if none does."""
    headers = {}
    for separator in _SEPARATORS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            headers[separator] = tuple(name.strip() for name in next(reader))
        except csv.Error:
            continue
    if not headers:
        raise DataError(
            "the quotes in a table's header must be balanced, they are not. Correct it."
        )
    separator = max(headers, key=lambda separator: len(headers[separator]))
    return separator, headers[separator]


def _positions(columns: tuple[str, ...], choose: Choose) -> dict[str, int]:
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        names = ", ".join(repr(name[:40]) for name in repeated[:_SHOWN])
        raise DataError(
            f"each column of a table must have its own name, several are called {names}. Rename "
            "all but one."
        )
    return {name: columns.index(name) for name in choose(columns)}


def _parquet(path: Path, choose: Choose) -> Table:
    try:
        columns = tuple(pl.read_parquet_schema(path))
        kept = list(_positions(columns, choose))
        frame = pl.read_parquet(path, columns=kept)
        cells = {name: _plain(frame[name]) for name in kept}
    except pl.exceptions.PolarsError:
        raise DataError(
            "a Parquet table must be readable, with numbers or text in the columns that are "
            "used; this one is damaged or holds something else. Write it again."
        ) from None
    return Table(
        columns=columns, lines=tuple(range(1, frame.height + 1)), cells=cells, is_typed=True
    )


def _plain(series: pl.Series) -> list[Cell]:
    if not series.dtype.is_numeric():
        texts: list[str | None] = series.cast(pl.String).to_list()
        return [text if text and text.strip() else None for text in texts]
    if not series.dtype.is_integer():
        series = series.cast(pl.Float64)
    numbers: list[int | float | None] = series.to_list()
    return [None if number is None or math.isnan(number) else number for number in numbers]
