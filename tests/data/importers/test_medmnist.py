"""medmnist: rows of an npz file."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from anlage.data.importers import ImportOptions, import_records
from anlage.errors import ConfigError, DataError


def take(source, layout="auto", **options):
    return import_records(source, ImportOptions(**options), layout)


def arrays(width=1, **changes):
    rng = np.random.default_rng(0)
    sizes = {"train": 12, "val": 3, "test": 2}
    made = {}
    for part, size in sizes.items():
        made[f"{part}_images"] = rng.integers(0, 255, (size, 4, 4), np.uint8)
        made[f"{part}_labels"] = rng.integers(0, 5, (size, width), np.uint8)
    return made | changes


def test_a_record_per_row_in_the_order_of_rows(source):
    path, made = source / "some.npz", arrays()
    np.savez_compressed(path, **made)
    layout, imported = take(path)
    assert layout == "medmnist"
    expected = {
        (part, row): int(label)
        for part in ("train", "val", "test")
        for row, label in enumerate(made[f"{part}_labels"][:, 0])
    }
    found = {}
    for record in imported.records:
        assert record.image.paths == (path,)
        name, row = str(record.image.entry).split(":")
        assert name == f"{record.split}_images"
        found[record.split, int(row)] = record.labels["label"]
        assert type(record.labels["label"]) is int
    assert found == expected
    rows = [r.image.entry for r in imported.records if r.split == "train"]
    assert rows == [f"train_images:{row}" for row in range(12)]
    assert imported.records[0].key == "some.npz:test_images:000000000"


def test_several_labels_have_a_number_each(source):
    path, made = source / "multi.npz", arrays(width=3)
    np.savez(path, **made)
    records = take(path)[1].records
    assert all(list(record.labels) == ["label_0", "label_1", "label_2"] for record in records)
    test = [list(record.labels.values()) for record in records if record.split == "test"]
    assert test == made["test_labels"].tolist()
    chosen = take(path, labels=("label_1",))[1].records
    assert [list(r.labels.values()) for r in chosen if r.split == "test"] == (
        made["test_labels"][:, 1:2].tolist()
    )
    with pytest.raises(ConfigError, match="has 'label_0', 'label_1', 'label_2', got 'label'"):
        take(path, labels=("label",))


def test_a_folder_with_only_the_file_is_the_same(source):
    np.savez(source / "a.npz", **arrays())
    layout, imported = take(source)
    assert layout == "medmnist"
    assert imported == take(source / "a.npz")[1]
    np.savez(source / "b.npz", **arrays())
    assert take(source)[0] == "images"


def test_parts_and_labels_may_be_absent(source):
    made = arrays()
    made["val_labels"] = made["val_labels"][:, 0]
    for name in ("test_images", "test_labels", "train_labels"):
        del made[name]
    np.savez(source / "a.npz", **made)
    records = take(source)[1].records
    assert {record.split for record in records} == {"train", "val"}
    assert {dict(r.labels) == {} for r in records if r.split == "train"} == {True}
    labels = [r.labels["label"] for r in records if r.split == "val"]
    assert labels == made["val_labels"].tolist()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_labels": np.zeros((5, 1), np.uint8)}, "got 5 rows for 12 images"),
        ({"train_labels": np.zeros((12, 1, 1), np.uint8)}, "must be .N,. or .N, K."),
        ({"train_labels": np.array([{}] * 12)}, "Python objects are never loaded"),
        ({"train_images": np.zeros((12, 4), np.uint8)}, "must hold a row per image"),
    ],
)
def test_faulty_arrays_are_refused(source, changes, words):
    np.savez(source / "a.npz", **arrays(**changes))
    with pytest.raises(DataError, match=words):
        take(source)


def test_labels_that_claim_too_much_are_refused_before_loading(source):
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (10, 10**9)}
    np.lib.format.write_array_header_1_0(buffer, header)
    np.savez(source / "a.npz", train_images=np.zeros((10, 2, 2), np.uint8))
    with zipfile.ZipFile(source / "a.npz", "a") as archive:
        archive.writestr("train_labels.npy", buffer.getvalue() + bytes(1000))
    tracemalloc.start()
    with pytest.raises(DataError):
        take(source)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_labels_beyond_the_limit_are_refused(source, monkeypatch):
    np.savez(source / "a.npz", **arrays(width=200))
    limits = "anlage.data.importers.medmnist._LABEL_LIMITS"
    from anlage.data.readers import Limits

    monkeypatch.setattr(limits, Limits(max_bytes=1000))
    with pytest.raises(DataError, match="take up to 1,000 bytes"):
        take(source)


def test_an_npz_of_other_arrays_or_a_damaged_one(source):
    np.savez(source / "a.npz", x=np.zeros(3))
    with pytest.raises(ConfigError, match="a file that layout 'auto' does not take"):
        take(source / "a.npz")
    with pytest.raises(DataError, match="layout 'medmnist' needs one npz file"):
        take(source, "medmnist")
    (source / "a.npz").write_bytes(b"PK\3\4 cut off")
    with pytest.raises(DataError, match="zip file"):
        take(source / "a.npz")


def test_options_that_need_a_table_are_refused(source):
    np.savez(source / "a.npz", **arrays())
    with pytest.raises(ConfigError, match="patient_column can be used only with a table"):
        take(source, patient_column="p")
