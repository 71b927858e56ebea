"""The store tells most of the case."""

import json
import shutil

import pytest

from anlage.advisor.from_store import store_facts
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.evidence.base import own_study


@pytest.fixture(scope="module")
def train(slices_store):
    store = Store.open(slices_store)
    return store, store.split()["train"]


def test_images_are_described(slices_store, train):
    facts = store_facts(slices_store, task="classification", label=("lesion",))
    store, rows = train
    assert (facts["modality"], facts["dims"]) == ("mri", 2)
    assert facts["image_size"] == tuple(store.shape(int(rows[0]))[1:])
    assert "spacing_mm" not in facts  # all 1, as where a picture states none
    assert facts["unlabelled"] == len(set(store.patients[rows].tolist()))


def test_only_training_patients_count(slices_store, train):
    store, rows = train
    facts = store_facts(slices_store, task="segmentation")
    labelled = {int(store.patients[row]) for row in rows if store.has_mask[row]}
    assert facts["labelled"] == len(labelled)
    assert facts["labelled"] < len(store)


def test_the_rarest_class_and_the_sites_are_counted(slices_store, train):
    store, rows = train
    facts = store_facts(slices_store, task="classification", label=("lesion",))
    values = [store.labels("lesion")[row] for row in rows]
    least = min(values.count(value) for value in set(values))
    assert facts["rarest_share"] == pytest.approx(least / len(values))
    assert facts["sites"] == len({store.index["site"][int(row)] for row in rows})


def test_a_missing_label_is_named(slices_store):
    with pytest.raises(ConfigError, match="label 'lesions'"):
        store_facts(slices_store, task="classification", label=("lesions",))


def test_no_store_and_a_damaged_one_are_told_apart(tmp_path, slices_store):
    with pytest.raises(DataError, match="finished store"):
        store_facts(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(slices_store, copy)
    (copy / "index.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="damaged"):
        store_facts(copy)


def test_own_results_on_these_images_are_found(slices_store, monkeypatch, tmp_path):
    monkeypatch.setenv("ANLAGE_HOME", str(tmp_path))
    assert "study" not in store_facts(slices_store)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "studies.csv").write_text("row\n")
    fingerprint = Store.open(slices_store).fingerprint
    facts = store_facts(slices_store, task="classification", label=("lesion",))
    assert facts["study"] == own_study(fingerprint, "classification", ["lesion"])
    dense = store_facts(slices_store, task="segmentation", label=("lesion",))
    assert dense["study"] == own_study(fingerprint, "segmentation", ())


def test_boxes_say_how_large_lesions_are(tmp_path, slices_store):
    import polars as pl

    copy = tmp_path / "copy"
    shutil.copytree(slices_store, copy)
    table = pl.read_parquet(copy / "index.parquet")
    boxes = [json.dumps([[2.0, 3.0, 6.0, 13.0, "x"]])] * len(table)
    spacing = [[0.5, 0.8]] * len(table)
    changed = table.with_columns(boxes=pl.Series(boxes), spacing_mm=pl.Series(spacing))
    changed.write_parquet(copy / "index.parquet")
    facts = store_facts(copy)
    assert facts["lesion_mm"] == pytest.approx(10 * 0.8)
    assert facts["spacing_mm"] == (0.5, 0.8)
