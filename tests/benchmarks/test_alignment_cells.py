"""A cell is what a finished study says of a strategy at its smallest budget."""

import json

import pytest
import yaml

import _alignment_cells
from _alignment_cells import audited, kept, mean_parts, measured, shots_of, smallest
from anlage.data.store import Store
from anlage.errors import DataError


def difference(arm, rung, delta=0.1, *, budget="5-shot", missing=0, **more):
    return {
        "task": "classification-side",
        "arm": arm,
        "rung": rung,
        "budget": budget,
        "delta": delta,
        "low": None if delta is None else delta - 0.02,
        "high": None if delta is None else delta + 0.03,
        "missing": missing,
        **more,
    }


def study_at(folder, fingerprint, *, comparisons):
    """Write the results of a study of two strategies, as far as they are read here."""
    results = {
        "data": {"fingerprint": fingerprint},
        "tasks": {"classification-side": {"signal": "global"}},
        "cells": [
            {"task": "classification-side", "budget": budget, "train_patients": count}
            for budget, count in (("50%", 20), ("5-shot", 10))
        ],
        "comparisons": comparisons,
        "config": {
            "tasks": [{"task": "classification", "label": ["side"]}],
            "strategies": [
                {"method": "simclr"},
                {
                    "name": "small-crops",
                    "method": "simclr",
                    "settings": {"steps": 7, "augmentation": {"crop_scale": [0.1, 0.2]}},
                },
            ],
            "budgets": ["50%", "5-shot"],
            "pretrain": {"image_size": [32], "steps": 9},
        },
    }
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(results))
    return folder


@pytest.fixture
def asked(monkeypatch):
    """Stand in for the measurements; what they were asked is kept."""
    calls = []

    def audit(store, *, recipe, task, label, seed, quick):
        assert quick
        calls.append((yaml.safe_load(recipe.read_text()), task, label, seed))
        return {"score": 0.25 * (seed + 1)}

    monkeypatch.setattr(_alignment_cells.audits, "audit", audit)
    monkeypatch.setattr(_alignment_cells, "as_json", lambda found: found)
    monkeypatch.setattr(_alignment_cells, "parts_of", lambda found, more: {**found, **more})
    monkeypatch.setattr(_alignment_cells, "what_is_shown", lambda *_, **__: {"seen": 0.5})
    monkeypatch.setattr(
        _alignment_cells,
        "rehearsed",
        lambda store, recipe, label, *, shots, seed: {"rehearsed": shots + recipe["steps"]},
    )
    return calls


def test_a_cell_joins_the_gain_with_the_audit_of_its_own_strategy(slices_store, tmp_path, asked):
    comparisons = [
        difference("simclr", "finetune", 0.1),
        difference("small-crops", "finetune", -0.2),
        difference("small-crops", "linear", 0.05),
        difference("simclr", "finetune", 0.9, budget="50%"),
    ]
    study = study_at(tmp_path / "s", Store.open(slices_store).fingerprint, comparisons=comparisons)
    (first, second), left = audited(slices_store, study, seeds=1)
    assert left == []
    assert (first.strategy, second.strategy) == ("simclr", "small-crops")
    assert first.budget == "5-shot"
    assert first.gains["fine-tuned"].value == pytest.approx(10)
    assert second.gains["fine-tuned"].value == pytest.approx(-20)
    assert second.gains["frozen"].rung == "linear"
    assert first.group == second.group
    assert first.parts == {"score": 0.25, "seen": 0.5, "rehearsed": 5 + 9}
    assert second.parts == {"score": 0.25, "seen": 0.5, "rehearsed": 5 + 7}
    recipes = [recipe for recipe, *_ in asked]
    assert [recipe["steps"] for recipe in recipes] == [9, 7]
    assert recipes[1]["augmentation"]["crop_scale"] == [0.1, 0.2]
    assert asked[0][1:] == ("classification", "side", 0)


def test_audits_are_averaged_and_kept(slices_store, tmp_path, asked):
    study = study_at(
        tmp_path / "s",
        Store.open(slices_store).fingerprint,
        comparisons=[difference("simclr", "finetune")],
    )
    (cell,), left = audited(slices_store, study, seeds=2)
    assert cell.parts["score"] == pytest.approx((0.25 + 0.5) / 2)
    assert "small-crops" in left[0]
    assert [seed for *_, seed in asked] == [0, 1]
    audited(slices_store, study, seeds=2)
    assert len(asked) == 2


def test_a_study_of_other_images_is_refused(slices_store, tmp_path):
    study = study_at(tmp_path / "s", "0123", comparisons=[])
    with pytest.raises(DataError, match="0123"):
        audited(slices_store, study, seeds=1)


def test_an_unfinished_study_is_refused(slices_store, tmp_path):
    with pytest.raises(DataError, match="finished study"):
        audited(slices_store, tmp_path, seeds=1)


def test_labels_per_class_are_those_of_the_budget():
    assert [shots_of(budget) for budget in ("5-shot", "20-shot", "10%")] == [5, 20, 10]


def test_the_smallest_budget_has_the_fewest_patients():
    cells = [
        {"task": "t", "budget": "10%", "train_patients": 9},
        {"task": "t", "budget": "10-shot", "train_patients": 40},
        {"task": "u", "budget": "1-shot", "train_patients": 2},
    ]
    assert smallest(cells, "t") == "10%"


def test_incomplete_and_undefined_differences_are_no_gains():
    rows = [difference("a", "finetune", None), difference("a", "linear", missing=1)]
    assert measured(rows, "classification-side", "a", "5-shot") == {}


def test_a_comparison_that_failed_runs_are_part_of_is_no_gain():
    assert (
        measured([difference("a", "linear", failed=1)], "classification-side", "a", "5-shot") == {}
    )


def test_a_kept_encoder_against_the_network_from_scratch_is_no_gain_over_its_twin():
    twin = difference("a", "linear", 0.1, twin_rung="linear")
    whole = difference("a", "linear", -0.3, twin_rung="finetune")
    for rows in ([twin, whole], [whole, twin]):
        found = measured(rows, "classification-side", "a", "5-shot")
        assert found["frozen"].value == pytest.approx(10)
    assert measured([whole], "classification-side", "a", "5-shot") == {}


def test_linear_goes_before_frozen_and_knn_is_neither():
    rows = [difference("a", rung) for rung in ("knn", "frozen", "linear")]
    found = measured(rows, "classification-side", "a", "5-shot")
    assert found["frozen"].rung == "linear"
    assert set(found) == {"frozen"}
    (only,) = measured(rows[:2], "classification-side", "a", "5-shot").values()
    assert only.rung == "frozen"
    assert (only.low, only.high) == pytest.approx((8, 13))


def test_parts_that_one_audit_lacks_have_no_mean():
    assert mean_parts([{"a": 1.0, "b": 2.0}, {"a": 3.0}]) == {"a": 2.0}


def test_another_question_or_other_code_is_measured_anew(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("1")
    answers = iter({"n": number} for number in range(5))

    def ask(seed):
        return kept(tmp_path, "audit", {"seed": seed}, lambda: next(answers), code=[code])["n"]

    assert [ask(0), ask(0), ask(1)] == [0, 0, 1]
    code.write_text("2")
    assert [ask(0), ask(0)] == [2, 2]
