"""Small-study effects, who reports, and the share of negative transfer."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

from anlage.evidence.bias import egger, negative_share, own_against_other
from anlage.evidence.effects import VarianceModel


def test_egger_is_the_regression_of_the_standardised_effect():
    rng = np.random.default_rng(5)
    se = rng.uniform(0.5, 3, 20)
    y = 1 + 0.8 * se + rng.normal(0, se)
    found = egger(y, se)
    fit = sm.OLS(y / se, sm.add_constant(1 / se)).fit()
    assert found.intercept == pytest.approx(fit.params[0])
    assert found.se == pytest.approx(fit.bse[0])
    assert found.p == pytest.approx(fit.pvalues[0])
    assert found.k == 20


def test_egger_finds_small_studies_that_report_more():
    rng = np.random.default_rng(6)
    se = rng.uniform(0.5, 3, 40)
    assert egger(2 + 3 * se + rng.normal(0, se), se).p < 0.01
    assert egger(2 + rng.normal(0, se), se).p > 0.01


@pytest.mark.parametrize("se", [[1.0] * 12, list(range(1, 10))])
def test_egger_is_silent_where_it_cannot_speak(se):
    assert egger([1.0] * len(se), se) is None


def _rows(make, origin, effects, start):
    return [
        make(study=f"S{start + n:03d}", origin=origin, ssl=0.5 + e / 100, baseline=0.5)
        for n, e in enumerate(effects)
    ]


def test_methods_that_shine_at_home_are_noticed(make):
    rows = _rows(make, "own", [9, 10, 11, 10], 1) + _rows(make, "other", [1, 2, 3, 2], 50)
    gap = own_against_other(rows, VarianceModel(variance=1.0))
    assert gap.difference == pytest.approx(8.0)
    assert gap.low > 0
    assert (gap.k_own, gap.k_other) == (4, 4)


def test_the_gap_needs_three_studies_on_either_side(make):
    rows = _rows(make, "own", [9, 10, 11], 1) + _rows(make, "other", [1, 2], 50)
    assert own_against_other(rows, VarianceModel(variance=1.0)) is None


def test_the_share_below_zero_counts_every_study_once(make):
    rows = [make(study="S001", ssl=s) for s in (0.6, 0.8, 0.9, 0.9)] + [make(study="S002", ssl=0.6)]
    found = negative_share(rows)
    assert found.share == pytest.approx((0.25 + 1) / 2)
    assert found.k == 2


def test_the_interval_is_wilsons(make):
    rows = _rows(make, "own", [-1, 1, 2, 3, 4, 5, 6, 7, 8, -2], 1)
    found = negative_share(rows)
    assert (found.low, found.high) == pytest.approx(proportion_confint(2, 10, method="wilson"))


def test_no_difference_is_not_negative_transfer(make):
    assert negative_share([make(ssl=0.7, baseline=0.7)]).share == 0.0


def test_without_results_there_is_no_share(make):
    assert negative_share([make(status="unread", ssl="", baseline="")]) is None
