"""Lesions are measured in the label maps of the very cases that a study was judged on."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

from _corruption_cases import Source, diameter, places, terciles
from anlage.data.store import Store
from anlage.errors import DataError
from anlage.study.ledger import Ledger

RUNS = [(draw, draw % 2) for draw in range(4)]


@pytest.fixture
def told(slices_store, tmp_path):
    """Return a source, a study judged on all images of a store, and the rows of these."""
    store = Store.open(slices_store)
    rows = np.arange(len(store))
    ledger = Ledger(tmp_path / "study")
    keys = []
    for draw, seed in RUNS:
        keys.append(f"segmentation-scratch-finetune-2-shot-draw{draw}-seed{seed}-0")
        facts = {
            "task": "segmentation",
            "arm": "scratch",
            "rung": "finetune",
            "budget": "2-shot",
            "draw": draw,
            "seed": seed,
        }
        cases = pl.DataFrame({"row": rows[::-1], "failed": 0.0, "dice:1": np.arange(len(rows)) / 9})
        ledger.keep(keys[-1], facts, cases)
    results = {
        "jobs": [*keys, "one-that-is-not-done"],
        "failures": [],
        "tasks": {"segmentation": {"signal": "dense"}},
        "data": {"fingerprint": store.fingerprint},
        "config": {
            "draws": 5,
            "pretrain_seeds": 2,
            "is_crossed": False,
            "seed": 3,
            "replicates": 200,
        },
    }
    (tmp_path / "study" / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return Source(store=slices_store, study=tmp_path / "study", edges_mm=(2.0, 20.0, 60.0)), rows


def test_a_lesion_is_as_wide_as_the_disc_of_its_area():
    mask = np.zeros((40, 40), int)
    mask[5:25, 5:15] = 2
    assert diameter(mask, (0.5, 2.0)) == pytest.approx(2 * np.sqrt(200 / np.pi))


def test_a_lesion_is_as_wide_as_the_ball_of_its_volume():
    assert diameter(np.ones((4, 5, 6)), (1, 1, 3)) == pytest.approx((6 * 360 / np.pi) ** (1 / 3))


def test_the_largest_of_several_lesions_counts():
    mask = np.zeros((20, 20))
    mask[:3, :3] = mask[10:14, 10:14] = 1
    mask[14, 14] = 1  # touches at a corner
    assert diameter(mask, (1, 1)) == pytest.approx(2 * np.sqrt(17 / np.pi))


def test_an_empty_label_map_has_no_lesion():
    assert diameter(np.zeros((5, 5)), (1, 1)) == 0


def test_terciles_hold_equally_many():
    edges = terciles([1, 2, 3, 4, 5, 6])
    assert np.histogram([1, 2, 3, 4, 5, 6], edges)[0].tolist() == [2, 2, 2]


def test_terciles_of_two_lesions_are_refused():
    with pytest.raises(DataError, match="three"):
        terciles([1, 2])


def test_cases_meet_the_lesion_of_their_own_image(told):
    source, rows = told
    (place,), _ = places(source)
    store = Store.open(source.store)
    wanted = [diameter(store.mask(row), store.spacing_mm[row]) for row in rows.tolist()]
    assert place.sizes == pytest.approx(wanted)
    assert (
        place.arms["scratch"][0, 0]["dice:1"].to_list() == (np.arange(len(rows))[::-1] / 9).tolist()
    )
    assert place.groups.tolist() == store.patients[rows].tolist()


def test_runs_that_are_planned_but_not_done_are_known(told):
    (place,), _ = places(told[0])
    assert (len(place.arms["scratch"]), place.planned_runs, place.twin) == (4, 5, "scratch")


def test_without_edges_sizes_are_shares_of_the_picture(told):
    source, _ = told
    (in_mm,), _ = places(source)
    (share,), _ = places(dataclasses.replace(source, edges_mm=None))
    store = Store.open(source.store)
    edge_mm = store.shape(0)[1] * store.spacing_mm[0][0]
    assert share.sizes == pytest.approx(100 * in_mm.sizes / edge_mm)
    assert (in_mm.unit, share.unit) == ("mm", "%")
    assert share.edges == terciles(share.sizes[share.sizes > 0])


def test_bins_are_closed_below_and_healthy_cases_are_in_none(told):
    (place,), _ = places(told[0])
    at = dataclasses.replace(place, sizes=np.array([0.0, 1.9, 19.9, 20.0, 70.0]))
    assert at.bins.tolist() == [-1, 0, 0, 1, 1]
    assert at.bin_names == ("up to 20 mm", "from 20 mm")


def test_another_store_is_refused(told):
    path = told[0].study / "results.json"
    results = json.loads(path.read_text())
    path.write_text(json.dumps({**results, "data": {"fingerprint": "other"}}))
    with pytest.raises(DataError, match="store"):
        places(told[0])


def test_runs_on_other_cases_are_refused(told):
    source, rows = told
    key = json.loads((source.study / "results.json").read_text())["jobs"][0]
    ledger = Ledger(source.study)
    ledger.keep(key, ledger.result(key), ledger.cases(key).head(len(rows) - 1))
    with pytest.raises(DataError, match="same cases"):
        places(source)
