"""Turn a table's cells into labels and parts of a split."""

from __future__ import annotations

from anlage.data.importers import LabelValue
from anlage.data.importers._kinds import SPLIT_WORDS
from anlage.data.importers._table import Table
from anlage.errors import DataError
from anlage.types import Split

__all__ = ["label_values", "split_values"]

_MAX_WORDS = 5  # a column with more unknown words says no split, and may name people


def label_values(table: Table, column: str) -> list[LabelValue]:
    """Return a label column: whole numbers, numbers, or text; None where a cell is empty.

    Raises:
        DataError: If some values are numbers and others are not.
    """
    texts = [table.text(column, row) for row in range(len(table.lines))]
    numbers = [table.number(cell) for cell in table.cells[column]]
    given = [row for row, text in enumerate(texts) if text is not None]
    numeric = [row for row in given if numbers[row] is not None]
    if not numeric:
        return list(texts)
    if len(numeric) < len(given):
        odd = [row for row in given if numbers[row] is None]
        rare, kind = (odd, "no numbers") if len(odd) <= len(numeric) else (numeric, "numbers")
        raise DataError(
            f"label column {column!r} must hold numbers only or text only: of {len(given):,} "
            f"values {len(rare):,} are {kind}, on {table.at(rare)}. Leave unknown values empty; "
            "if a number is the name of a class, write it as a word, as in 'grade 2'."
        )
    if all(isinstance(numbers[row], int) for row in numeric):
        return list(numbers)
    return [None if number is None else float(number) for number in numbers]


def split_values(table: Table, column: str) -> list[Split | None]:
    """Return the part of each row; None where a cell is empty.

    Raises:
        DataError: If a cell holds another word than train, val, test and their variants.
    """
    words = [(table.text(column, row) or "").casefold() for row in range(len(table.lines))]
    odd = [row for row, word in enumerate(words) if word and word not in SPLIT_WORDS]
    if odd:
        found = sorted({words[row][:20] for row in odd})
        named = ", ".join(repr(word) for word in found) if len(found) <= _MAX_WORDS else ""
        raise DataError(
            f"split column {column!r} must say one of {', '.join(SPLIT_WORDS)}, got "
            f"{named or f'{len(found):,} other values'} on {table.at(odd)}. Rename them, empty "
            "those cells, or name another column."
        )
    return [SPLIT_WORDS.get(word) for word in words]
