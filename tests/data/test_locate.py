"""From an id back to the file, with the source and the key."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from anlage.data.locate import locate
from anlage.data.prepare import prepare
from anlage.data.store import Store


@pytest.fixture
def files(tmp_path: Path, write_source) -> Path:
    return write_source(tmp_path / "files")


def test_ids_of_a_store_and_its_quarantine_are_found(files: Path, tmp_path: Path) -> None:
    (files / "images" / "bad.png").write_bytes(b"bad")
    out = tmp_path / "store"
    prepare(files, out=out, workers=0)
    with (out / "quarantine.csv").open(newline="") as file:
        (bad,) = [row["id"] for row in csv.DictReader(file)]
    found = locate([*Store.open(out).ids, bad], source=files)
    assert sorted(map(str, found.values())) == [
        *[f"images/{number}.png" for number in range(8)],
        "images/bad.png",
    ]
    assert found[bad] == "images/bad.png"
    assert list(found) == [*Store.open(out).ids, bad]


def test_labels_without_an_image_are_found_too(files: Path, tmp_path: Path) -> None:
    (files / "images" / "3.png").unlink()
    prepare(files, out=tmp_path / "store", workers=0)
    with (tmp_path / "store" / "quarantine.csv").open(newline="") as file:
        (missing,) = [row["id"] for row in csv.DictReader(file)]
    assert locate([missing], source=files) == {missing: "images/3.png"}


def test_unknown_ids_and_ids_of_another_key_are_none(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(files, out=tmp_path / "store", workers=0)
    first = Store.open(tmp_path / "store").ids[0]
    assert locate(["0" * 16], source=files) == {"0" * 16: None}
    monkeypatch.setenv("ANLAGE_HOME", str(tmp_path / "elsewhere"))
    assert locate([first], source=files) == {first: None}


def test_the_table_and_column_of_the_store_can_be_named(tmp_path: Path, write_source) -> None:
    files = write_source(tmp_path / "files")
    table = (files / "labels.csv").read_text().replace("image,", "file,")
    (files / "other.csv").write_text(table)
    (files / "labels.csv").unlink()
    prepare(files, out=tmp_path / "store", labels=files / "other.csv", image="file", workers=0)
    ids = Store.open(tmp_path / "store").ids
    found = locate(ids, source=files, labels=files / "other.csv", image="file", layout="manifest")
    assert None not in found.values()
