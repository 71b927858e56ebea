"""_table: what a text or Parquet table holds, and on which line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.importers._table import Table, read_table, require
from anlage.errors import DataError


def read(path: Path, content: str | bytes) -> Table:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, lambda columns: columns)


def texts(table: Table, column: str) -> list[str | None]:
    return [table.text(column, row) for row in range(len(table.lines))]


CELL = st.text(st.sampled_from("ab ,;\t\"'\n\r1é"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6),
    separator=st.sampled_from(",;\t"),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_a_written_table_is_read_back_with_its_lines(rows, separator, ending, tmp_path_factory):
    rows = [("x", "y"), *rows]
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=separator, lineterminator=ending, quoting=csv.QUOTE_ALL, strict=True
    )
    expected, lines = [], []
    for number, row in enumerate(rows):
        # an independent count: universal newlines as a text editor shows them
        line = buffer.getvalue().replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
        writer.writerow(row)
        if number and any(cell.strip() for cell in row):
            expected.append(tuple(cell if cell.strip() else None for cell in row))
            lines.append(line)
    path = tmp_path_factory.mktemp("t") / "t.csv"
    if not expected:
        with pytest.raises(DataError, match="at least one row below its header"):
            read(path, buffer.getvalue())
        return
    table = read(path, buffer.getvalue())
    assert list(zip(table.cells["x"], table.cells["y"], strict=True)) == expected
    assert list(table.lines) == lines


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separators_byte_order_marks_and_line_ends(tmp_path, separator, start, ending):
    rows = ["image,label", "a.png,1", "", ",", "b.png,2"]
    content = start + ending.join(row.replace(",", separator) for row in rows)
    table = read(tmp_path / "t.csv", content)
    assert table.columns == ("image", "label")
    assert texts(table, "image") == ["a.png", "b.png"]
    assert table.lines == (2, 5)


def test_polars_reads_the_same_cells(tmp_path):
    content = 'image,note\na.png,"two\nlines"\nb.png,"a ""word"""\n"c,d.png",\n'
    table = read(tmp_path / "t.csv", content)
    theirs = pl.read_csv(tmp_path / "t.csv", infer_schema=False)
    assert {name: list(cells) for name, cells in table.cells.items()} == theirs.to_dict(
        as_series=False
    )
    assert table.lines == (2, 4, 5)


def test_only_the_chosen_columns_are_kept(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("image,name,label\na.png,Jane Doe,1\n")
    table = read_table(path, lambda columns: ["label"])
    assert table.columns == ("image", "name", "label")
    assert dict(table.cells) == {"label": ["1"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "this file is empty"),
        (b"\xef\xbb\xbf \n", "this file is empty"),
        (b"image,label\n", "at least one row below its header"),
        (b"image,label\n,\n\n", "at least one row below its header"),
        (b"image,label,label\na,1,2\n", "several are called 'label'"),
        (b"image,label\na,1\nb\nc,1\nd,1,2\n", "2 cells as the header has, but not so lines 3, 5"),
        (b"image,label\na,1\n\xe4,2\n", "text in UTF-8, line 3 is not"),
        ("image,label\n".encode("utf-16"), "text in UTF-8, line 1 is not"),
        (b"image,label\na\0,1\n", "holds zero bytes"),
        (b'image,label\na,1\n"b,2\nc,3\n', "quotes of a table must be balanced, those after line"),
        (b'image,label\na,"1"2\n', "quotes of a table must be balanced"),
        (b"image,label\na," + b"x" * 140_000 + b"\n", "longer than 131,072 letters"),
        (b'"image', "quotes in a table's header"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path, content, words):
    with pytest.raises(DataError, match=words):
        read(tmp_path / "t.csv", content)


def test_a_missing_column_names_those_there_and_the_nearest():
    with pytest.raises(DataError, match=r"'lable' \(labels\), it has: 'image', 'label'. Did you"):
        require("lable", ("image", "label"), setting="labels")
    assert require("label", ("image", "label"), setting="labels") == "label"


def test_lines_are_named_up_to_five():
    table = Table(columns=(), lines=tuple(range(2, 20)), cells={})
    assert table.at([0]) == "line 2"
    assert table.at(list(range(7))) == "lines 2, 3, 4, 5, 6 and 2 more"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("3", 3),
        (" -04 ", -4),
        ("+2.50", 2.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("12345678901234567890", 1.2345678901234567e19),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1_000", None),
        ("٣", None),
        ("0x10", None),
        ("12 mm", None),
        ("0,5", None),
        (None, None),
        (float("inf"), None),
        (7, 7),
    ],
)
def test_what_counts_as_a_number(cell, number):
    found = Table(columns=(), lines=(), cells={}).number(cell)
    assert found == number
    assert type(found) is type(number)


def test_a_decimal_comma_counts_only_between_semicolons(tmp_path):
    assert read(tmp_path / "a.csv", "x;y\n0,5;1\n").number("0,5") == 0.5
    assert read(tmp_path / "b.csv", 'x,y\n"0,5",1\n').number("0,5") is None


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "image": ["a", "b", " "],
            "code": ["1", "2a", None],
            "n": [1, None, 3],
            "x": [0.5, float("nan"), None],
            "flag": [True, False, None],
        }
    ).write_parquet(path)
    table = read_table(path, lambda columns: columns)
    assert table.is_typed
    assert dict(table.cells) == {
        "image": ["a", "b", None],
        "code": ["1", "2a", None],
        "n": [1, None, 3],
        "x": [0.5, None, None],
        "flag": ["true", "false", None],
    }
    assert table.at([0, 2]) == "rows 1, 3"
    assert table.number("1") is None


def test_a_damaged_parquet_table_is_refused_without_its_path(tmp_path):
    path = tmp_path / "doe.parquet"
    path.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match="Parquet table must be readable") as caught:
        read_table(path, lambda columns: columns)
    assert "doe" not in str(caught.value)
    pl.DataFrame({"image": [["a"], ["b"]]}).write_parquet(path)
    with pytest.raises(DataError, match="numbers or text"):
        read_table(path, lambda columns: columns)


def test_a_table_that_cannot_be_opened_or_is_too_large(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="the system says: No such file"):
        read_table(tmp_path / "none.csv", lambda columns: columns)
    monkeypatch.setattr("anlage.data.importers._table._MAX_BYTES", 5)
    with pytest.raises(DataError, match="up to 5 bytes"):
        read(tmp_path / "t.csv", "image\na\n")
