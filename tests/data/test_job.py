"""Settings, quarantine and card of a store in the making."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anlage.data._decode import Layout
from anlage.data._job import StoreJob
from anlage.data.identity import Identity
from anlage.data.importers import Box, Problem, Record
from anlage.data.readers import Source
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.version import __version__

LAYOUT = Layout(dims=2, channels=1, kind="display", storage="uint8")


@pytest.fixture
def job(tmp_path: Path) -> StoreJob:
    (tmp_path / "store").mkdir()
    return StoreJob(tmp_path / "store", LAYOUT, "generic", Identity(tmp_path))


@pytest.fixture
def records(tmp_path: Path, draw) -> list[Record]:
    found = []
    for number in range(4):
        path = tmp_path / f"{number}.png"
        Image.fromarray(draw(number)).save(path)
        found.append(Record(key=path.name, image=Source(paths=(path,))))
    return found


def test_settings_are_kept_and_others_refused(job: StoreJob) -> None:
    job.remember_settings()
    before = (job.root / "settings.json").read_bytes()
    job.remember_settings()
    assert (job.root / "settings.json").read_bytes() == before
    other = StoreJob(job.root, LAYOUT, "mri", job.identity)
    with pytest.raises(ConfigError, match="modality: 'generic' -> 'mri'"):
        other.remember_settings()
    assert (job.root / "settings.json").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_damaged_settings_are_named(job: StoreJob, content: bytes) -> None:
    (job.root / "settings.json").write_bytes(content)
    with pytest.raises(DataError, match="settings of this store, but is damaged"):
        job.remember_settings()


@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_a_reason_is_no_formula_for_a_spreadsheet(job: StoreJob, first: str) -> None:
    job.write_quarantine([Problem(key="b", reason=f"{first}1, 2"), Problem(key="a", reason="no")])
    with (job.root / "quarantine.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [job.identity.image("a"), job.identity.image("b")]
    assert [row["reason"] for row in rows] == ["no", f"'{first}1, 2"]


def test_only_what_is_new_or_changed_is_decoded(job: StoreJob, records: list[Record], draw) -> None:
    assert job.decode(records[:3], workers=0) == (3, [])
    assert job.decode(records, workers=0) == (1, [])
    assert job.decode(records, workers=0) == (0, [])
    Image.fromarray(draw(9)).save(records[0].image.paths[0])
    assert job.decode(records, workers=0) == (1, [])
    boxed = [Record(key=r.key, image=r.image, boxes=(BOX,)) for r in records[:2]]
    assert job.decode(boxed, workers=0) == (2, [])
    masked = [Record(key=r.key, image=r.image, mask=records[3].image) for r in records[:1]]
    assert job.decode(masked, workers=0) == (1, [])


BOX = Box(low=(1.0, 1.0), high=(2.0, 3.0), label="a")


def test_a_file_that_vanished_is_a_problem(job: StoreJob, records: list[Record]) -> None:
    records[1].image.paths[0].unlink()
    new, problems = job.decode(records, workers=0)
    assert new == 3
    assert [problem.key for problem in problems] == ["1.png"]


def test_the_index_holds_the_records_in_their_order(job: StoreJob, records: list[Record]) -> None:
    job.remember_settings()
    job.decode(records[::-1], workers=0)
    job.index(records, seed=0, allow_leaks=False)
    store = Store.open(job.root)
    assert store.ids == [job.identity.image(record.key) for record in records]
    assert store.meta.anlage_version == __version__
    for row, record in enumerate(records):
        expected = np.asarray(Image.open(record.image.paths[0]))
        np.testing.assert_array_equal(store.image(row)[0], expected)
    card = json.loads((job.root / "store.json").read_text())
    assert card["size"] == [40, 40]


def test_nothing_stored_is_an_error(job: StoreJob, records: list[Record]) -> None:
    with pytest.raises(DataError, match=r"readable, got none: see .*quarantine\.csv"):
        job.index(records, seed=0, allow_leaks=False)
