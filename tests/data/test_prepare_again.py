"""A second run goes on from the first: what is new is read, what is known is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anlage.data.prepare import Prepared, prepare
from anlage.data.store import Store
from anlage.data.verify import verify


def run(source: Path, out: Path, **options) -> Prepared:
    return prepare(source, out=out, **{"workers": 0, **options})


def content(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_a_second_run_does_nothing(files: Path, out: Path) -> None:
    first = run(files, out, label=["grade"], patient="patient")
    before = content(out)
    second = run(files, out, label=["grade"], patient="patient")
    assert (first.new, second.new, second.stored) == (8, 0, 8)
    assert content(out) == before


def test_workers_make_the_same_bytes(files: Path, out: Path, tmp_path: Path) -> None:
    run(files, out, workers=2)
    run(files, tmp_path / "here", workers=0)
    assert content(out) == content(tmp_path / "here")


def test_new_and_changed_files_are_added_and_lost_ones_left_out(
    files: Path, out: Path, draw
) -> None:
    run(files, out)
    Image.fromarray(draw(50)).save(files / "images" / "0.png")
    Image.fromarray(draw(51)).save(files / "images" / "new.png")
    (files / "images" / "3.png").unlink()
    found = run(files, out)
    assert (found.new, found.stored) == (2, 8)
    store = Store.open(out)
    assert verify(out) == []
    expected = {draw(number).tobytes() for number in (1, 2, 4, 5, 6, 7, 50, 51)}
    assert {store.image(row).tobytes() for row in range(8)} == expected


@pytest.mark.parametrize("key", ["id", "offset", "mask_bytes", "mask_shard", "state", "sha256"])
def test_a_damaged_row_of_the_journal_costs_its_image_a_second_reading(
    files: Path, out: Path, key: str
) -> None:
    run(files, out)
    first, *others = (out / "journal.jsonl").read_text().splitlines(keepends=True)
    (out / "journal.jsonl").write_text("".join([first.replace(f'"{key}"', '"ke~"'), *others]))
    found = run(files, out)
    assert (found.new, found.stored) == (1, 8)
    assert verify(out) == []


def test_a_file_that_got_worse_is_no_longer_in_the_store(files: Path, out: Path) -> None:
    """Only decoding finds out, when an older reading of it is stored already."""
    run(files, out)
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(files / "masks" / "0.png")
    found = run(files, out)
    assert (found.stored, found.quarantined) == (7, 1)
    run(files, out.with_name("once"))
    assert Store.open(out).fingerprint == Store.open(out.with_name("once")).fingerprint
