"""What cannot be used is set aside with a reason, and the run goes on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.errors import DataError


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def quarantine(out: Path) -> list[str]:
    with (out / "quarantine.csv").open(newline="") as file:
        return [row["reason"] for row in csv.DictReader(file)]


def test_unreadable_files_are_listed_with_a_reason_and_the_run_goes_on(
    files: Path, out: Path
) -> None:
    whole = (files / "images" / "0.png").read_bytes()
    damage = {
        "cut.png": whole[: len(whole) // 2],
        "empty.png": b"",
        "page.png": b"<html>not found</html>",
        "text.png": b"hello " * 50,
    }
    for name, data in damage.items():
        (files / "images" / name).write_bytes(data)
    found = run(files, out)
    assert (found.stored, found.quarantined) == (8, 4)
    reasons = quarantine(out)
    assert len(reasons) == 4
    assert all(len(reason) > 20 for reason in reasons)
    assert any("empty" in reason for reason in reasons)
    assert "<h2>Quarantined</h2>" in (out / "report.html").read_text()


def test_strict_fails_on_any_unreadable_file(files: Path, out: Path) -> None:
    (files / "images" / "bad.png").write_bytes(b"bad")
    with pytest.raises(DataError, match=r"with --strict, got 1 that are not: see .*quarantine"):
        run(files, out, strict=True)
    assert len(quarantine(out)) == 1


def test_nothing_readable_is_an_error(tmp_path: Path, out: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.png").write_bytes(b"bad")
    with pytest.raises(DataError, match="at least one image must be readable, got 1"):
        run(tmp_path / "files", out)
    assert not (out / "store.json").exists()


def test_an_image_that_fails_late_is_set_aside_too(files: Path, out: Path) -> None:
    """Its header is fine, so that only decoding finds out."""
    whole = (files / "images" / "0.png").read_bytes()
    (files / "images" / "0.png").write_bytes(whole[:-30])
    found = run(files, out)
    assert (found.stored, found.quarantined) == (7, 1)
    assert "decodable to its end" in quarantine(out)[0]


def test_labels_and_images_that_do_not_meet(files: Path, out: Path, draw) -> None:
    (files / "images" / "2.png").unlink()
    Image.fromarray(draw(30)).save(files / "images" / "extra.png")
    found = run(files, out, label=["grade"])
    assert (found.stored, found.quarantined) == (8, 1)
    assert quarantine(out) == ["labels without an image, line 4 of the table."]
    store = Store.open(out)
    assert sorted(map(str, store.labels("grade"))) == ["None", *["high"] * 4, *["low"] * 3]
    row = store.labels("grade").index(None)
    np.testing.assert_array_equal(store.image(row)[0], draw(30))
    assert store.mask(row) is None


def test_a_label_map_on_another_grid_is_set_aside(files: Path, out: Path) -> None:
    Image.fromarray(np.zeros((40, 39), np.uint8)).save(files / "masks" / "4.png")
    found = run(files, out)
    assert (found.stored, found.quarantined) == (7, 1)
    assert "got 40x39 for an image of 40x40" in quarantine(out)[0]
