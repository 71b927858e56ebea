"""Class names that differ by accident only are pointed out, and never joined."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from anlage.data._class_names import alike_notes, plain_name
from anlage.data.importers import Record
from anlage.data.prepare import prepare
from anlage.data.readers import Source
from anlage.data.store import Store


def notes_of(*values: str | float | None) -> list[str]:
    image = Source(paths=(Path("a.png"),))
    records = [
        Record(key=str(number), image=image, labels={"kind": value})
        for number, value in enumerate(values)
    ]
    return list(alike_notes(records))


@pytest.mark.parametrize(
    "other",
    ["benign 1", "BENIGN 1", " Benign 1 ", "Benign  1", "Benign-1", "benign_1", "Benign\xa01"],
)
def test_capitals_blanks_hyphens_and_underscores_do_not_count(other: str) -> None:
    assert plain_name(other) == plain_name("Benign 1")
    assert len(notes_of("Benign 1", other, other)) == (other != "Benign 1")


@pytest.mark.parametrize(
    ("one", "other"),
    [("benign", "benign 1"), ("HER2-", "HER2"), ("HER2+", "HER2-"), ("grade 1", "grade 2")],
)
def test_names_that_mean_something_else_are_left_alone(one: str, other: str) -> None:
    assert notes_of(one, other) == []


def test_numbers_and_missing_values_are_no_names() -> None:
    assert notes_of(1.0, 2.0, None) == []


def test_the_note_names_all_ways_of_writing_with_their_counts() -> None:
    (note,) = notes_of("Benign 1", "benign 1", "benign-1", "benign 1", "cancer", None)
    assert note.startswith("warning: label 'kind' has class names that differ only in")
    assert "'Benign 1' (1) and 'benign 1' (2) and 'benign-1' (1). Each counts as a class" in note
    assert "cancer" not in note
    assert "write them alike at the source" in note


def test_many_groups_are_cut_short() -> None:
    words = [f"{letter}{letter}" for letter in "abcdefg"]
    (note,) = notes_of(*words, *(word.upper() for word in words))
    assert note.count("(1) and ") == 5
    assert "; and 2 more." in note


def test_prepare_warns_and_keeps_the_classes_apart(
    files: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (files / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, grade in zip(rows, ("Low", "low", "high") * 3, strict=False):
        row["grade"] = grade
    with (files / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    prepare(files, out=out, label=["grade"], patient="patient", workers=0)
    said = "warning: label 'grade' has class names that differ only"
    assert said in capsys.readouterr().out
    assert "'Low' (3) and 'low' (3)" in (out / "report.html").read_text().replace("&#x27;", "'")
    assert set(Store.open(out).labels("grade")) == {"Low", "low", "high"}
    prepare(files, out=out, label=["grade"], dry_run=True)
    assert said in capsys.readouterr().out
