import itertools

import numpy as np
import pytest
from scipy import stats

from anlage.errors import ShapeError
from anlage.metrics.classification.auroc import auroc_score
from anlage.metrics.classification.sensitivity_at_specificity import (
    sensitivity_at_specificity_score,
)
from anlage.metrics.segmentation.dice import dice_score
from anlage.metrics.segmentation.volume_error import volume_error
from anlage.metrics.statistics.case_mean import case_mean
from anlage.metrics.statistics.cluster_bootstrap import cluster_bootstrap
from anlage.metrics.statistics.paired_difference import paired_difference


def arm(values, metric=dice_score):
    return case_mean(values, metric=metric)


def test_interval_and_p_value_agree_with_the_paired_t_test(rng):
    base = rng.normal(0.7, 0.1, 120)
    first, second = base + rng.normal(0.01, 0.05, 120), base
    found = paired_difference(arm(first), arm(second), seed=0, num_replicates=8000)
    oracle = stats.ttest_rel(first, second)
    low, high = oracle.confidence_interval()
    assert found.delta.value == pytest.approx((first - second).mean())
    assert (found.delta.low, found.delta.high) == pytest.approx((low, high), abs=0.0006)
    assert found.p_value == pytest.approx(oracle.pvalue, abs=0.012)
    assert found.probability_better == pytest.approx(1 - oracle.pvalue / 2, abs=0.01)


def test_p_value_is_at_least_that_of_the_exact_swap_test(rng):
    first, second = rng.normal(0.75, 0.1, 9), rng.normal(0.6, 0.1, 9)
    signs = np.array(list(itertools.product((1, -1), repeat=9)))
    gaps = first - second
    exact = np.mean(np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-12)
    found = paired_difference(arm(first), arm(second), seed=0, num_permutations=20000)
    assert found.p_value >= exact - 0.01
    student = 2 * stats.t.sf(abs(gaps.mean()) / (gaps.std(ddof=1) / 3), 8)
    assert found.p_value == pytest.approx(max(exact, student), rel=0.25)


def test_swapping_the_arms_turns_everything_round(rng):
    first, second = arm(rng.random(60)), arm(rng.random(60))
    there = paired_difference(first, second, seed=0)
    back = paired_difference(second, first, seed=0)
    assert there.delta.value == pytest.approx(-back.delta.value)
    assert (there.delta.low, there.delta.high) == pytest.approx((-back.delta.high, -back.delta.low))
    assert there.probability_better == pytest.approx(1 - back.probability_better)
    assert there.p_value == pytest.approx(back.p_value)


def test_better_follows_the_direction(rng):
    values = rng.random(80)
    for metric, expected in ((dice_score, 1.0), (volume_error, 0.0)):
        found = paired_difference(arm(values + 0.1, metric), arm(values, metric), seed=0)
        assert found.probability_better == expected
        assert found.direction == metric.direction
        assert found.delta.value == pytest.approx(0.1)


def test_identical_arms_do_not_differ(rng):
    target, score = np.arange(80) % 2, rng.random(80)
    run = auroc_score.prepare(target, score)
    found = paired_difference(run, run, strata=target, seed=0)
    turned = paired_difference(
        arm(np.c_[score, score / 3]), arm(np.c_[score / 3, score]), seed=0
    )  # sums of the same numbers in another order
    assert (turned.p_value, turned.probability_better) == (1.0, 0.5)
    assert (found.delta.value, found.delta.low, found.delta.high) == (0.0, 0.0, 0.0)
    assert (found.p_value, found.probability_better) == (1.0, 0.5)


def test_pairing_narrows_the_interval(rng):
    base = rng.normal(0.6, 0.15, 100)
    first, second = arm(base + 0.02 + rng.normal(0, 0.01, 100)), arm(base)
    paired = paired_difference(first, second, seed=0)
    alone = cluster_bootstrap(first, seed=0)
    assert paired.delta.high - paired.delta.low < 0.2 * (alone.high - alone.low)
    assert paired.p_value < 0.001


def draw(rng, gap, scale, patients=80, runs=1, run_std=0.0):
    """Return two AUROC arms; `scale` bends the second arm's scores without changing ranks."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 3, patients))
    target = (rng.permutation(patients) < 0.5 * patients)[patient].astype(int)
    shared = rng.normal(size=patients)[patient]
    arms = []
    for move in (gap, 0.0):
        own = rng.normal(size=(runs, len(target)))
        gaps = 1.5 + move + run_std * rng.normal(size=(runs, 1))
        scores = gaps * target + 0.7 * shared + 0.7 * own
        bent = np.exp(2 * scores) if scale and move == 0.0 else scores
        arms.append([auroc_score.prepare(target, run) for run in bent])
    return arms, patient, target


@pytest.mark.parametrize(
    ("scale", "runs", "run_std", "low"), [(False, 1, 0.0, 0.02), (True, 3, 0.3, 0.005)]
)
def test_size_under_no_difference(scale, runs, run_std, low):
    rng, rejected = np.random.default_rng(2), []
    for _ in range(300):
        (first, second), patient, target = draw(rng, 0.0, scale, runs=runs, run_std=run_std)
        found = paired_difference(
            first,
            second,
            groups=patient,
            strata=target,
            seed=rng,
            num_replicates=300,
            num_permutations=500,
        )
        rejected.append(found.p_value <= 0.05)
    assert low < np.mean(rejected) < 0.08  # 5 % wanted; benchmarks/coverage.py has more trials


def test_steps_in_a_metric_do_not_fool_the_test():
    rng, rejected = np.random.default_rng(4), []
    for _ in range(150):
        target = np.arange(120) % 2
        shared = 1.5 * target + 0.7 * rng.normal(size=120)
        first, second = (
            sensitivity_at_specificity_score.prepare(target, shared + 0.7 * rng.normal(size=120))
            for _ in range(2)
        )
        found = paired_difference(
            first, second, strata=target, seed=rng, num_replicates=300, num_permutations=300
        )
        rejected.append(found.p_value <= 0.05)
    assert np.mean(rejected) < 0.09


def test_real_difference_is_found():
    (first, second), patient, target = draw(np.random.default_rng(3), 1.5, False, 200, 3, 0.1)
    found = paired_difference(first, second, groups=patient, strata=target, seed=0)
    assert found.delta.low > 0
    assert found.p_value < 0.01
    assert found.probability_better > 0.99
    assert found.delta.num_runs == 3


def test_small_p_value_and_interval_agree(rng):
    for shift in (0.0, 0.02, 0.03, 0.05):
        base = rng.random(60)
        first = arm(base + shift + rng.normal(0, 0.1, 60))
        found = paired_difference(first, arm(base), seed=0)
        if found.p_value <= 0.05:
            assert not found.delta.low <= 0 <= found.delta.high


def test_spread_of_three_runs_is_judged_with_two_degrees_of_freedom(rng):
    base, shifts = rng.normal(0.5, 0.1, 200), np.array([0.03, 0.05, 0.08])
    first = [arm(base + shift + rng.normal(0, 0.002, 200)) for shift in shifts]
    found = paired_difference(first, [arm(base)] * 3, seed=0)
    assert found.p_value == pytest.approx(stats.ttest_1samp(shifts, 0).pvalue, rel=0.1)
    assert found.delta.low < 0 < found.delta.high


def test_three_lucky_seeds_are_not_a_better_method(rng):
    base = rng.normal(0.7, 0.02, 400)
    first = [arm(base + shift) for shift in (-0.03, 0.04, 0.05)]
    second = [arm(base)] * 3
    assert paired_difference(first, second, seed=0).p_value > 0.3
    assert paired_difference(first[1:2], second[:1], seed=0).p_value < 0.01


def test_paired_runs_share_their_luck(rng):
    base = rng.normal(0.7, 0.05, 80)
    shifts = (-0.1, 0.0, 0.1)
    first = [arm(base + 0.02 + shift + rng.normal(0, 0.01, 80)) for shift in shifts]
    second = [arm(base + shift) for shift in shifts]
    paired = paired_difference(first, second, seed=0)
    unpaired = paired_difference(first, second, are_runs_paired=False, seed=0)
    assert paired.p_value < 0.05 < unpaired.p_value
    one_control = paired_difference(first, second[:1], are_runs_paired=False, seed=0)
    assert one_control.delta.num_runs == 1
    with pytest.raises(ShapeError, match="got 3 and 1 runs"):
        paired_difference(first, second[:1], seed=0)


def test_undefined_arm(rng):
    run = auroc_score.prepare([1] * 60, rng.random(60))
    found = paired_difference(run, run, seed=0)
    assert (found.delta.value, found.p_value, found.probability_better) == (None, None, None)
    assert found.delta.reason
