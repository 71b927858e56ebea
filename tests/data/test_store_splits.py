"""Splits of a store: every row once, no patient torn, none of another store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anlage.data.prepare import prepare
from anlage.data.store import Store
from anlage.errors import DataError

AFFINE = np.diag([2.0, 1.0, 0.5, 1.0])


@pytest.fixture(scope="module", params=[2, 3])
def made(request, tmp_path_factory: pytest.TempPathFactory, write_source) -> Path:
    folder = tmp_path_factory.mktemp("made")
    shape = (40, 30) if request.param == 2 else (20, 24, 12)
    files = write_source(folder / "files", shape=shape, affine=AFFINE, with_masks=True)
    out = folder / "store"
    prepare(files, out=out, label=["grade"], patient="patient", workers=0)
    return out


@pytest.fixture(scope="module")
def store(made: Path) -> Store:
    return Store.open(made)


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store"))


def test_the_split_gives_every_row_once(store: Store) -> None:
    rows = store.split()
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(8))
    parts = store.parts()
    for part, members in rows.items():
        assert {parts[store.ids[row]] for row in members} <= {part}


def test_a_split_of_another_store_is_refused(copy: Path) -> None:
    split = copy / "splits" / "default.csv"
    split.write_text("id,split,sha256\nabc,train,0\n")
    with pytest.raises(DataError, match="names no image"):
        Store.open(copy).split()
    with pytest.raises(DataError, match="no split named 'other'"):
        Store.open(copy).split("other")


def _own_split(root: Path, parts: list[str], hashes: list[str] | None = None) -> Store:
    """Write splits/mine.csv by hand and open the store."""
    store = Store.open(root)
    columns = {"id": store.ids, "split": parts} | ({"sha256": hashes} if hashes else {})
    pl.DataFrame(columns).write_csv(root / "splits" / "mine.csv")
    return store


TORN = ["train", "train", "train", "val", "val", "test", "test", "test"]


def test_a_split_of_the_users_own_is_used(copy: Path) -> None:
    store = _own_split(copy, TORN)
    rows = store.split("mine")
    assert {part: found.tolist() for part, found in rows.items()} == {
        "train": [0, 1, 2],
        "val": [3, 4],
        "test": [5, 6, 7],
    }
    store = _own_split(copy, TORN, ["", *list(store.index["sha256"])[1:]])
    assert store.split("mine")["test"].tolist() == [5, 6, 7]


@pytest.mark.parametrize(("column", "what"), [("patient", "patients"), ("sha256", "equal images")])
def test_a_split_of_the_users_own_that_leaks_is_refused(copy: Path, column: str, what: str) -> None:
    store = _own_split(copy, TORN)
    assert len(store.split("mine")["train"]) == 3
    values = list(store.index[column])
    values[7] = values[0]
    leaky = Store(copy, store.meta, store.index.with_columns(pl.Series(column, values)))
    with pytest.raises(DataError, match=rf"'mine' 1 .*{what} lie in .* Correct the file mine\.csv"):
        leaky.split("mine")
    _own_split(copy, [*TORN[:7], ""])  # an image that is not used leaks nothing
    assert leaky.split("mine")["test"].tolist() == [5, 6]
    _own_split(copy, TORN)
    with pytest.raises(DataError, match="lie in more than one"):
        leaky.split("mine")  # a file that changed is checked again
    leaky.meta = store.meta.model_copy(update={"notes": ("LEAK allowed: 1 patients lie",)})
    assert leaky.split("mine")["test"].tolist() == [5, 6, 7]


def test_images_without_a_patient_are_no_leak(copy: Path) -> None:
    store = _own_split(copy, TORN)
    unknown = store.index.with_columns(pl.Series("patient", [None] * 8, dtype=pl.String))
    assert len(Store(copy, store.meta, unknown).split("mine")["train"]) == 3


def test_a_split_made_for_other_pixels_is_refused(copy: Path) -> None:
    hashes = list(Store.open(copy).index["sha256"])
    store = _own_split(copy, TORN, [*hashes[:6], "0" * 64, hashes[7]])
    with pytest.raises(DataError, match=rf"but 1 images have another sha256.*{store.ids[6]}"):
        store.split("mine")


def test_a_split_that_leaks_by_permission_still_opens(tmp_path: Path, write_source) -> None:
    columns = {"patient": [*"abcdefg", "a"], "part": TORN}
    files = write_source(tmp_path / "files", columns=columns)
    out = tmp_path / "store"
    prepare(files, out=out, patient="patient", split="part", allow_leaks=True, workers=0)
    assert len(Store.open(out).split()["train"]) == 3
