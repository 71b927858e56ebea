"""One question to the base: which rows enter, what comes out, what an advisor can rely on."""

import math

import numpy as np
import pytest

from anlage.errors import ConfigError
from anlage.evidence.answer import MIN_SURROUNDINGS, pooled_effect
from anlage.evidence.base import Base
from anlage.evidence.meta import random_effects


@pytest.fixture
def small(make):
    """Twelve studies of two results each, 4 points apart within, and some that do not count."""
    rows = [
        make(
            row=f"E{10 * n + m:03d}",
            study=f"S{n:03d}",
            ssl=0.5 + (n + 4 * m) / 100,
            baseline=0.5,
            task="segmentation" if n % 2 else "classification",
        )
        for n in range(1, 13)
        for m in (0, 1)
    ]
    others = [
        make(row="E900", status="secondary", ssl=0.99),
        make(row="E901", baseline_type="ssl", ssl=0.99),
        make(row="E902", status="unread", ssl="", baseline=""),
        make(row="E903", metric="mae", unit="years", ssl=1.0, baseline=9.0),
    ]
    return Base((*rows, *others), ())


def test_the_number_is_the_random_effects_mean_of_study_means(small):
    found = pooled_effect(small, task="segmentation", correlation=0.0)
    means = [n + 2 for n in range(1, 13, 2)]
    expected = random_effects(means, [8 / 2] * 6)  # rows 4 points apart: variance 8
    assert found.variance.variance == pytest.approx(8)
    assert found.pooled.mean == pytest.approx(expected.mean)
    assert found.pooled.high == pytest.approx(expected.high)
    assert found.pooled.k == 6


def test_what_stays_out_is_counted(small):
    found = pooled_effect(small)
    assert found.left_out == {
        "figures read second-hand": 1,
        "compared with another method, not with a control": 1,
        "figures not read": 1,
        "an error on a ratio scale": 1,
    }
    assert len(found.listed) == len(small.rows)
    assert {"E900", "E901", "E902", "E903"}.isdisjoint(row.row for row in found.rows)


def test_all_lets_second_hand_results_in(small):
    strict, wide = pooled_effect(small), pooled_effect(small, verified_only=False)
    assert {row.row for row in wide.rows} - {row.row for row in strict.rows} == {"E900"}
    assert wide.pooled.mean > strict.pooled.mean


def test_another_baseline_is_another_question(small):
    found = pooled_effect(small, baseline="ssl")
    assert [row.row for row in found.rows] == ["E901"]


def test_results_for_and_against_are_named(make):
    rows = [make(row=f"E{n:03d}", study=f"S{n:03d}", ssl=0.7 + (n - 2) / 100) for n in (1, 2, 3)]
    found = pooled_effect(Base(tuple(rows), ()))
    assert (found.supporting, found.opposing) == (("E003",), ("E001",))
    assert found.negative.share == pytest.approx(1 / 3)


def test_errors_are_pooled_on_their_own_scale(small):
    found = pooled_effect(small, scale="ratio")
    assert found.scale == "ratio"
    assert found.pooled.mean == pytest.approx(100 * math.log(9))


def test_a_sparse_cell_leans_on_its_surroundings(small, make):
    lone = make(row="E950", study="S950", modality="oct", ssl=0.9, baseline=0.5)
    found = pooled_effect(Base((*small.rows, lone), ()), modality="oct")
    assert found.pooled.k == 1
    assert found.pooled.mean == pytest.approx(40)
    assert found.expected.mean < 40
    assert 0 < found.expected.weight < 1


def test_a_cell_without_studies_still_has_an_expectation(small):
    found = pooled_effect(small, modality="pet")
    assert found.pooled is None
    assert found.expected.k == 0
    assert found.expected.low < found.expected.high


def test_few_studies_on_a_scale_give_no_expectation(make):
    rows = [make(row=f"E{n:03d}", study=f"S{n:03d}") for n in range(1, MIN_SURROUNDINGS)]
    assert pooled_effect(Base(tuple(rows), ()), modality="ct").expected is None


def test_no_question_needs_no_expectation(small):
    assert pooled_effect(small).expected is None


@pytest.mark.parametrize(
    "question",
    [
        {"task": "classification"},
        {"labels": "<=1%"},
        {"method": "moco"},
        {"paradigm": "contrastive"},
        {"dims": "3d"},
        {"baseline": "imagenet"},
        {"modality": "mri"},
    ],
)
def test_every_part_of_a_question_changes_the_answer(base, question):
    assert pooled_effect(base, **question).pooled.mean != pooled_effect(base).pooled.mean


@pytest.mark.parametrize("option", [{"estimator": "reml"}, {"correlation": 0.8}])
def test_every_assumption_changes_the_answer(base, option):
    assert pooled_effect(base, **option).pooled.low != pooled_effect(base).pooled.low


@pytest.mark.parametrize(("labels", "gain"), [("few", 20), ("<=1%", 20), ("all", 5)])
def test_the_band_of_a_question_enters_the_expectation(make, labels, gain):
    rows = [
        make(
            row=f"E{n:03d}",
            study=f"S{n:03d}",
            label_fraction=0.01 if n % 2 else 1.0,
            ssl=0.70 if n % 2 else 0.55,
            baseline=0.5,
        )
        for n in range(1, 25)
    ]
    assert pooled_effect(Base(tuple(rows), ()), labels=labels).expected.prior == pytest.approx(
        gain, abs=1.5
    )


def test_one_method_brings_its_paradigm_along(base):
    by_method = pooled_effect(base, method="moco").expected
    both = pooled_effect(base, method="moco", paradigm="contrastive").expected
    assert by_method.prior == both.prior


def test_the_whole_base_speaks_for_pretraining_but_not_in_every_study(base):
    found = pooled_effect(base)
    assert 0 < found.pooled.low < found.pooled.mean
    assert found.pooled.predicted_low < 0 < found.pooled.predicted_high


def test_methods_do_better_where_they_are_proposed(base):
    assert pooled_effect(base).own_gap.low > 0


def test_the_conclusion_holds_for_any_assumed_correlation(base):
    lows = [pooled_effect(base, correlation=rho).pooled.low for rho in (0.0, 0.3, 0.5, 0.8)]
    assert np.all(np.array(lows) > 0)


def test_an_unknown_baseline_is_refused(base):
    with pytest.raises(ConfigError, match=r"no 'scrtch'. Did you mean 'scratch'"):
        pooled_effect(base, baseline="scrtch")


def test_egger_speaks_where_enough_sources_print_their_errors(make):
    rows = [
        make(row=f"E{n:03d}", study=f"S{n:03d}", delta_se=n / 100, ssl=0.7 + n / 100)
        for n in range(1, 13)
    ]
    found = pooled_effect(Base(tuple(rows), ()))
    assert found.egger.k == 12
    assert found.egger.intercept > 0
