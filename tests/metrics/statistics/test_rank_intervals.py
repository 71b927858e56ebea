import numpy as np
import pytest
from scipy.stats import kendalltau, rankdata

from anlage.errors import ConfigError, DataError
from anlage.metrics.classification.auroc import auroc_score
from anlage.metrics.regression.mean_absolute_error import mean_absolute_error
from anlage.metrics.regression.pearson import pearson_score
from anlage.metrics.segmentation.dice import dice_score
from anlage.metrics.statistics.case_mean import case_mean
from anlage.metrics.statistics.rank_intervals import _mean_tau, _ranks, rank_intervals


def arm(values):
    return case_mean(values, metric=dice_score)


def test_clear_order_is_firm_and_a_tie_is_not(rng):
    base = rng.normal(0.7, 0.05, 60)
    arms = {
        "poor": arm(base - 0.2),
        "good": arm(base + 0.1),
        "same": arm(base + 0.1 + rng.normal(0, 0.02, 60)),
    }
    table = rank_intervals(arms, seed=0)
    assert list(table.ranks) == ["poor", "good", "same"]
    assert (table.ranks["poor"].low, table.ranks["poor"].high) == (3.0, 3.0)
    assert (table.ranks["good"].low, table.ranks["good"].high) == (1.0, 2.0)
    assert sum(rank.probability_best for rank in table.ranks.values()) == pytest.approx(1)
    assert table.ranks["poor"].probability_best == 0.0
    assert 1 / 3 < table.kendall_tau < 1
    firm = rank_intervals({name: arms[name] for name in ("poor", "good")}, seed=0)
    assert firm.kendall_tau == 1.0


def test_lower_is_better_for_errors(rng):
    target = rng.normal(size=60)
    arms = {
        name: mean_absolute_error.prepare(target, target + spread * rng.normal(size=60))
        for name, spread in (("rough", 1.0), ("fine", 0.1))
    }
    assert rank_intervals(arms, seed=0).ranks["fine"].rank == 1.0


def test_equal_arms_share_their_rank():
    table = rank_intervals({"a": arm([0.1, 0.2]), "b": arm([0.1, 0.2])}, seed=0)
    assert {(rank.rank, rank.probability_best) for rank in table.ranks.values()} == {(1.5, 0.5)}
    assert table.kendall_tau == 0.0


def test_ranks_and_tau_equal_scipy(rng):
    full, drawn = rng.integers(0, 4, (1, 6)), rng.integers(0, 4, (30, 6))
    expected = [rankdata(-row) for row in drawn]
    assert _ranks(drawn.astype(float)) == pytest.approx(np.array(expected))
    taus = [kendalltau(full[0], row).statistic for row in drawn]
    found = _mean_tau(full.astype(float), drawn.astype(float))
    assert found == pytest.approx(np.mean(np.nan_to_num(taus)))


def test_noisy_runs_widen_ranks(rng):
    base = rng.normal(0.7, 0.02, 100)
    steady = {"a": [arm(base)] * 3, "b": [arm(base + 0.05 + rng.normal(0, 0.01, 100))] * 3}
    shaky = {"a": [arm(base + shift) for shift in (-0.1, 0.0, 0.1)], "b": steady["b"]}
    assert rank_intervals(steady, seed=0).ranks["a"].low == 2.0
    assert rank_intervals(shaky, seed=0).ranks["a"].low == 1.0


def test_arm_that_a_resample_leaves_undefined_comes_last_in_it(rng):
    target = np.arange(40.0)
    constant_but_for_one = np.r_[np.zeros(39), 1.0]
    arms = {
        "fragile": pearson_score.prepare(target, constant_but_for_one),
        "poor": pearson_score.prepare(target, -target),
    }
    table = rank_intervals(arms, seed=0)
    assert table.ranks["fragile"].rank == 1.0
    assert table.ranks["poor"].probability_best == pytest.approx((39 / 40) ** 40, abs=0.03)


def test_undefined_arm_and_single_arm_are_refused():
    undefined = auroc_score.prepare([1, 1], [0.1, 0.2])
    with pytest.raises(DataError, match="got none for b"):
        rank_intervals({"b": undefined, "c": undefined}, seed=0)
    with pytest.raises(ConfigError, match="two arms or more, got 1"):
        rank_intervals({"a": arm([0.1, 0.2])}, seed=0)
