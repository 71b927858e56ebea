"""Paired differences on one scale that can be read."""

import pytest

from anlage.report._forest import WIDTH, forests
from anlage.report._lookup import Lookup
from anlage.report._read import read_study
from anlage.report._verdict import verdict_lines


@pytest.fixture
def rows(folder):
    """Draw one row per (delta, low, high)."""

    def make(*differences):
        def change(values):
            budgets = [f"{number + 1}-shot" for number in range(len(differences))]
            cell, found = values["cells"][0], values["comparisons"][0]
            values["budgets"] = budgets
            values["cells"] = [{**cell, "budget": budget} for budget in budgets]
            values["comparisons"] = [
                {**found, "budget": budget, "delta": delta, "low": low, "high": high}
                for budget, (delta, low, high) in zip(budgets, differences, strict=True)
            ]

        (forest,) = forests(Lookup(read_study(folder(change)).results), "cls")
        return forest.rows

    return make


def test_a_lone_wide_interval_is_held_by_the_scale(rows):
    (row,) = rows((-0.034, -0.483, 0.414))
    assert not row.is_low_cut
    assert not row.is_high_cut
    assert 0 < row.low_x < row.x < row.high_x < WIDTH
    assert row.x < WIDTH / 2


def test_one_interval_far_wider_than_most_is_cut_and_not_the_others(rows):
    *narrow, wide = rows((0.05, 0.01, 0.09), (0.06, 0.02, 0.1), (0.02, -0.9, 0.94))
    assert wide.is_low_cut
    assert wide.is_high_cut
    assert not any(row.is_low_cut or row.is_high_cut for row in narrow)
    assert narrow[0].high_x - narrow[0].low_x > 15


def test_every_point_is_on_the_scale(rows):
    far, near = rows((0.6, 0.5, 0.7), (0.01, 0.0, 0.02))
    assert WIDTH / 2 < near.x < far.x < WIDTH


@pytest.mark.parametrize("ends", [(None, None), (0.05, 0.05)])
def test_without_a_width_there_is_still_a_scale(rows, ends):
    (row,) = rows((0.05, *ends))
    assert row.x > WIDTH / 2


def test_what_is_kept_as_it_is_has_a_forest_after_the_twins(folder):
    def change(values):
        cell, found = values["cells"][0], values["comparisons"][0]
        values["cells"].append({**cell, "rung": "linear", "arm": "simclr"})
        kept = {**found, "rung": "linear", "arm": "simclr", "budget": cell["budget"]}
        values["comparisons"] += [
            {**kept, "twin_rung": "finetune", "delta": 0.2, "low": 0.1, "high": 0.3},
            {**kept, "twin_rung": "linear", "twin": "random_frozen", "delta": 0.1},
        ]

    lookup = Lookup(read_study(folder(change)).results)
    *twins, kept = forests(lookup, "cls")
    assert [(f.rung, f.twin) for f in twins] == [
        ("Fine-tuning", "from scratch"),
        ("Linear probe", "random encoder"),
    ]
    assert (kept.rung, kept.twin) == ("Linear probe", "from scratch, fine-tuning")
    assert [row.delta for row in twins[1].rows] == ["+10.0"]
    assert [row.delta for row in kept.rows] == ["+20.0"]


@pytest.mark.parametrize(
    ("low", "high", "alike", "kept"),
    [
        (0.1, 0.3, "helps", "better"),
        (-0.3, -0.1, "harms (negative transfer)", "worse"),
        (-0.1, 0.1, "no evidence", "no evidence of a difference"),
    ],
)
def test_only_a_twin_can_show_that_pretraining_helps_or_harms(folder, low, high, alike, kept):
    def change(values):
        found = {**values["comparisons"][0], "rung": "linear", "low": low, "high": high}
        values["cells"][0] = {**values["cells"][0], "rung": "linear"}
        values["comparisons"] = [
            {**found, "twin_rung": rung, "delta": (low + high) / 2}
            for rung in ("linear", "finetune")
        ]

    results = read_study(folder(change)).results
    assert [f.rows[0].words for f in forests(Lookup(results), "cls")] == [alike, kept]


@pytest.mark.parametrize(("delta", "mark"), [(0.2, "helps"), (-0.2, "harms")])
def test_the_verdict_is_marked_by_what_a_twin_shows(folder, delta, mark):
    def change(values):
        sure = {"delta": delta, "low": delta - 0.1, "high": delta + 0.1}
        unsure = {"delta": 0.0, "low": -0.1, "high": 0.1}
        found = values["comparisons"][0]
        values["verdict"] = ["simclr", "mae"]
        values["comparisons"] = [
            {**found, "arm": "simclr", **unsure},
            {**found, "arm": "simclr", "rung": "linear", "twin_rung": "finetune", **sure},
            {**found, "arm": "mae", **sure},
        ]

    lines = verdict_lines(Lookup(read_study(folder(change)).results))
    assert {line.text: line.claim for line in lines} == {"simclr": "none", "mae": mark}
