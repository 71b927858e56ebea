"""What an audit looks at: images with lesions first, no more than fit, and a copy of the method."""

import numpy as np
import polars as pl
import pytest

from anlage.data.store import Store
from anlage.train import audited as module
from anlage.train.audited import audited_rows, has_lesion_marks, strategy_of
from anlage.train.distributed import World
from anlage.train.pretrain import PretrainConfig
from anlage.train.pretrain_job import PretrainJob

MUCH = {"pixels": 1 << 30, "held_bytes": 1 << 40, "seed": 0}


def job_of(store, **settings):
    given = {"encoder": "resnet10", "image_size": [32], "batch_size": 8, **settings}
    job = PretrainJob(Store.open(store), PretrainConfig(**given), World())
    job.close()
    return job


@pytest.fixture
def job(slices_store):
    return job_of(slices_store)


def test_boxes_mark_a_lesion_as_label_maps_do(slices_store, monkeypatch):
    store = Store.open(slices_store)
    boxes = ["[]"] * len(store)
    boxes[2] = "[[1.0, 1.0, 4.0, 4.0, null]]"
    store.index = store.index.with_columns(boxes=pl.Series(boxes))
    known = np.zeros(len(store), dtype=bool)
    known[0] = True
    monkeypatch.setattr(Store, "has_mask", property(lambda self: known))
    assert has_lesion_marks(store, np.array([0, 1, 2, 3])).tolist() == [True, False, True, False]


def test_images_with_lesions_go_first_where_no_label_is_asked_for(job, monkeypatch):
    known = np.zeros(len(job.store), dtype=bool)
    known[job.rows[-12:]] = True
    monkeypatch.setattr(module, "has_lesion_marks", lambda _store, rows: known[rows])
    chosen = audited_rows(job, job.rows, [], count=12, **MUCH)
    assert chosen.tolist() == job.rows[-12:].tolist()


def test_classes_of_the_first_label_are_taken_in_turn(job):
    chosen = audited_rows(job, job.rows, ["lesion"], count=10, **MUCH)
    labels = [job.store.labels("lesion")[row] for row in chosen.tolist()]
    assert sorted(labels.count(name) for name in set(labels)) == [5, 5]


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        ({}, 18),
        ({"pixels": 15 * 32 * 32}, 15),
        ({"held_bytes": 12 * 32 * 32 * 12}, 12),  # two bytes of a pixel, ten of its label map
        ({"pixels": 1}, 10),  # never fewer than ten
    ],
)
def test_no_more_than_fits_in_time_and_memory(job, limits, count):
    assert len(audited_rows(job, job.rows, [], count=18, **{**MUCH, **limits})) == count


def test_a_strategy_is_what_pretraining_does(slices_store):
    job = job_of(slices_store)
    found = strategy_of(job, "global")
    assert found.plan is job.plan
    assert (found.spec, found.region) == (job.method.spec, job.scene.region)
    assert (found.modality, found.signal, found.patch) == ("mri", "global", None)
    assert found.is_joint
    assert found.errors is None
    guided = job_of(slices_store, method="mae", augmentation={"mask": {"kind": "loss"}})
    masked = strategy_of(guided, None)
    assert not masked.is_joint
    assert masked.errors is not None
