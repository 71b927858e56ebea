import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from anlage.errors import ConfigError, DataError, ShapeError
from anlage.metrics.classification.accuracy import accuracy_score
from anlage.metrics.classification.auroc import auroc_score
from anlage.metrics.classification.expected_calibration_error import expected_calibration_error
from anlage.metrics.regression.mean_absolute_error import mean_absolute_error
from anlage.metrics.segmentation.dice import dice_score
from anlage.metrics.segmentation.volume_error import volume_error
from anlage.metrics.statistics.case_mean import case_mean
from anlage.metrics.statistics.cluster_bootstrap import cluster_bootstrap


def clustered_scores(rng, patients, gap=1.5):
    """Return scores of ill and healthy patients with one to three cases each."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    target = (rng.permutation(patients) < 0.4 * patients)[patient].astype(int)
    shared = rng.normal(size=patients)[patient]
    score = gap * target + np.sqrt(0.5) * (shared + rng.normal(size=len(patient)))
    return target, score, patient


def test_agrees_with_scipy_on_independent_cases(rng):
    values = rng.beta(6, 2, 400)
    found = cluster_bootstrap(case_mean(values, metric=dice_score), seed=0, num_replicates=8000)
    oracle = stats.bootstrap((values,), np.mean, n_resamples=8000, rng=rng, method="BCa")
    interval = oracle.confidence_interval
    width = interval.high - interval.low
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(interval), abs=0.05 * width)
    assert found.replicates.std() == pytest.approx(oracle.standard_error, rel=0.04)


def test_skewed_sample_shifts_the_interval_as_scipy_does(rng):
    values = rng.exponential(0.1, 60)
    found = cluster_bootstrap(case_mean(values, metric=dice_score), seed=0, num_replicates=8000)
    oracle = stats.bootstrap((values,), np.mean, n_resamples=8000, rng=rng, method="BCa")
    interval = oracle.confidence_interval
    ours = (found.high - found.value) / (found.value - found.low)
    theirs = (interval.high - values.mean()) / (values.mean() - interval.low)
    assert theirs > 1.15
    assert ours == pytest.approx(theirs, rel=0.1)


def test_cases_of_a_patient_are_not_independent(rng):
    values = np.repeat(rng.beta(6, 2, 100), 5)
    patient = np.repeat(np.arange(100), 5)
    alone = cluster_bootstrap(case_mean(values[::5], metric=dice_score), seed=0)
    naive = cluster_bootstrap(case_mean(values, metric=dice_score), seed=0)
    right = cluster_bootstrap(case_mean(values, metric=dice_score), groups=patient, seed=0)
    assert right.high - right.low == pytest.approx(alone.high - alone.low, rel=1e-6)
    assert right.high - right.low > 2 * (naive.high - naive.low)
    assert (right.num_cases, right.num_patients) == (500, 100)


@pytest.mark.parametrize("patients", [50, 200])
def test_covers_the_truth(patients):
    rng, truth = np.random.default_rng(patients), ndtr(1.5 / np.sqrt(2))
    inside = []
    for _ in range(300):
        target, score, patient = clustered_scores(rng, patients)
        run = auroc_score.prepare(target, score)
        found = cluster_bootstrap(run, groups=patient, strata=target, seed=rng, num_replicates=800)
        inside.append(found.low <= truth <= found.high)
    assert 0.92 < np.mean(inside) < 0.98  # 95 % wanted; benchmarks/coverage.py has more trials


def test_covers_the_truth_over_runs():
    rng, inside = np.random.default_rng(1), []
    for _ in range(300):
        patients = rng.normal(0.5, 0.1, 60)
        runs = [
            case_mean(patients + shift + rng.normal(0, 0.05, 60), metric=dice_score)
            for shift in rng.normal(0, 0.02, 3)
        ]
        found = cluster_bootstrap(runs, seed=rng, num_replicates=800)
        inside.append(found.low <= 0.5 <= found.high)
    assert 0.92 < np.mean(inside) < 0.98


def test_spread_between_runs_widens_the_interval(rng):
    values = rng.beta(6, 2, 100)
    same = [case_mean(values, metric=dice_score)] * 3
    apart = [case_mean(values + shift, metric=dice_score) for shift in (-0.05, 0.0, 0.05)]
    steady, shaky = cluster_bootstrap(same, seed=0), cluster_bootstrap(apart, seed=0)
    assert steady.value == pytest.approx(shaky.value)
    assert shaky.high - shaky.low > 2 * (steady.high - steady.low)
    assert (shaky.num_runs, shaky.run_std) == (3, pytest.approx(0.05))
    assert steady.run_std == pytest.approx(0, abs=1e-12)
    expected = np.sqrt(values.var() / 100 + 0.05**2 / 3)
    assert shaky.replicates.std() == pytest.approx(expected, rel=0.1)


def test_runs_of_one_group_count_as_one(rng):
    values = rng.beta(6, 2, 100)
    shifts = (-0.05, -0.05, 0.0, 0.0, 0.05, 0.05)
    six = [case_mean(values + shift, metric=dice_score) for shift in shifts]
    grouped = cluster_bootstrap(six, run_groups=list("aabbcc"), seed=0)
    three = cluster_bootstrap(six[::2], seed=0)
    assert grouped.num_runs == 3
    assert (grouped.low, grouped.high) == pytest.approx((three.low, three.high))
    with pytest.raises(ShapeError, match="run_groups must hold one name for each of 6"):
        cluster_bootstrap(six, run_groups=["a"], seed=0)


def test_strata_keep_every_class(rng):
    target = np.r_[np.zeros(97, int), np.ones(3, int)]
    run = auroc_score.prepare(target, rng.random(100))
    free = cluster_bootstrap(run, seed=0)
    kept = cluster_bootstrap(run, strata=target, seed=0)
    assert free.num_undefined > 50
    assert kept.num_undefined == 0
    assert f"{free.num_undefined} of 2000 resamples lack a class" in " ".join(free.warnings)
    assert free.low is not None


def test_patient_with_two_classes_counts_for_the_rarer():
    target = np.array([0, 0, 0, 0, 0, 1, 0])
    patient = np.array([0, 1, 2, 3, 4, 5, 5])  # the only ill patient has a healthy case too
    run = auroc_score.prepare(target, np.arange(7.0))
    found = cluster_bootstrap(run, groups=patient, strata=target, seed=0)
    assert found.num_undefined == 0
    assert found.num_rare == 1


def test_only_patient_of_a_class_leaves_the_interval_defined(rng):
    target = np.r_[np.zeros(30, int), 1]
    run = auroc_score.prepare(target, np.r_[rng.random(30), 0.7])
    found = cluster_bootstrap(run, strata=target, seed=0)
    assert found.low < found.value < found.high
    target = np.r_[np.arange(60) % 2, 2]
    run = auroc_score.prepare(target, rng.random((61, 3)) + 0.4 * np.eye(3)[target])
    found = cluster_bootstrap(run, strata=target, seed=0)
    assert found.high - found.low < 0.35


def test_bias_of_resamples_is_corrected(rng):
    probability = rng.random(300)
    target = (rng.random(300) < probability).astype(int)
    run = expected_calibration_error.prepare(target, probability)
    found = cluster_bootstrap(run, seed=0)
    assert np.median(found.replicates) > 1.1 * found.value  # a resample looks less calibrated
    assert found.low < np.quantile(found.replicates, 0.01)
    assert found.high < np.quantile(found.replicates, 0.95)


@pytest.mark.parametrize(
    ("num_ill", "patients", "is_small", "words"),
    [(25, 60, False, ""), (19, 60, True, "19 patients of the rarest"), (22, 49, True, "Only 49")],
)
def test_small_samples_are_marked_and_keep_their_interval(rng, num_ill, patients, is_small, words):
    target = np.repeat((np.arange(patients) < num_ill).astype(int), 3)  # three cases each
    run = auroc_score.prepare(target, rng.random(len(target)) + 0.5 * target)
    groups = np.repeat(np.arange(patients), 3)
    found = cluster_bootstrap(run, groups=groups, strata=target, seed=0)
    assert found.is_small is is_small
    assert found.is_claimable is not is_small
    assert found.low < found.high
    assert words in " ".join(found.warnings)


def test_perfect_score_is_marked_as_saying_nothing():
    target = np.arange(100) % 2
    found = cluster_bootstrap(auroc_score.prepare(target, target), strata=target, seed=0)
    assert (found.low, found.high) == (1.0, 1.0)
    assert found.is_degenerate
    assert not found.is_claimable
    assert "the interval says nothing" in " ".join(found.warnings)


def test_interval_stays_within_the_bounds_of_the_metric(rng):
    runs = [case_mean(np.clip(rng.normal(m, 0.005, 30), 0, 1), metric=dice_score) for m in (0.9, 1)]
    assert cluster_bootstrap(runs, seed=0).high <= 1.0
    runs = [case_mean(rng.random(30) * m, metric=volume_error) for m in (0.0, 0.2)]
    assert cluster_bootstrap(runs, seed=0).low >= 0.0


def test_undefined_run_makes_the_estimate_undefined(rng):
    runs = [auroc_score.prepare([1] * 60, rng.random(60)) for _ in range(2)]
    found = cluster_bootstrap(runs, seed=0)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert "all of one kind" in found.reason
    assert not found.is_claimable


def test_failed_cases_are_added_up_over_runs(rng):
    score = rng.random(60)
    score[:2] = np.nan
    target = np.arange(60) % 2
    runs = [auroc_score.prepare(target, score), auroc_score.prepare(target, rng.random(60))]
    found = cluster_bootstrap(runs, seed=0)
    assert found.num_failed == 2
    assert "2 failed cases count as the worst value." in found.warnings


def test_seed_decides_and_order_of_cases_does_not(rng):
    target, score, patient = clustered_scores(rng, 60)
    names = np.array([f"p{number}" for number in patient])

    def estimate(order, seed):
        run = auroc_score.prepare(target[order], score[order])
        return cluster_bootstrap(
            run, groups=names[order], strata=target[order], seed=seed, num_replicates=300
        )

    plain, shuffled = np.arange(len(target)), rng.permutation(len(target))
    first = estimate(plain, 5)
    assert estimate(plain, 5).replicates.tolist() == first.replicates.tolist()
    assert estimate(shuffled, 5).replicates == pytest.approx(first.replicates, abs=1e-12)
    assert (estimate(shuffled, 5).low) == pytest.approx(first.low, abs=1e-12)
    assert estimate(plain, 6).low != first.low


def test_many_patients_are_left_out_in_blocks(rng):
    target = rng.normal(size=2500)
    run = mean_absolute_error.prepare(target, target + rng.normal(size=2500))
    found = cluster_bootstrap(run, seed=0, num_replicates=400)
    spread = np.abs(rng.normal(size=100000)).std() / np.sqrt(2500)
    assert found.high - found.low == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_level_and_replicates(rng):
    run = case_mean(rng.random(100), metric=dice_score)
    wide = cluster_bootstrap(run, seed=0, level=0.99)
    narrow = cluster_bootstrap(run, seed=0, level=0.8)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert len(cluster_bootstrap(run, seed=0, num_replicates=123).replicates) == 123


def test_what_does_not_fit_is_refused(rng):
    run = case_mean(rng.random(10), metric=dice_score)
    with pytest.raises(ShapeError, match="groups must hold one name for each of 10"):
        cluster_bootstrap(run, groups=["a"], seed=0)
    with pytest.raises(DataError, match="groups must name every case, got a missing name"):
        cluster_bootstrap(run, groups=["a", None] * 5, seed=0)
    with pytest.raises(DataError, match="groups must name every case"):
        cluster_bootstrap(run, groups=[1.0, np.nan] * 5, seed=0)
    with pytest.raises(DataError, match="two patients or more, got one"):
        cluster_bootstrap(run, groups=["a"] * 10, seed=0)
    with pytest.raises(ConfigError, match=r"got 0 and 0\.95"):
        cluster_bootstrap(run, seed=0, num_replicates=0)
    with pytest.raises(ConfigError, match="got 2000 and 95"):
        cluster_bootstrap(run, seed=0, level=95)
    with pytest.raises(ShapeError, match="Keep failed cases in"):
        cluster_bootstrap([run, case_mean(rng.random(9), metric=dice_score)], seed=0)
    with pytest.raises(ConfigError, match="scored by one metric"):
        cluster_bootstrap([run, case_mean(rng.random(10), metric=volume_error)], seed=0)
    target = np.arange(10) % 2
    others = [accuracy_score.prepare(truth, target) for truth in (target, 1 - target)]
    with pytest.raises(DataError, match="runs whose targets differ"):
        cluster_bootstrap(others, seed=0)
    with pytest.raises(ShapeError, match="every arm needs a run"):
        cluster_bootstrap([], seed=0)
