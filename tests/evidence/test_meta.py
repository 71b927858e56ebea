"""Random effects, against printed results, statsmodels and formulas written a second time.

The BCG trials (Colditz et al. 1994) are the worked example of metafor; its printed REML results
are tau^2 0.3132, I^2 92.22%, Q 152.23, risk ratio 0.489 [0.344, 0.696], prediction interval
0.155 to 1.549, both intervals with normal limits.
"""

import math

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

from anlage.errors import ConfigError
from anlage.evidence.meta import between_variance, random_effects, student_limit

BCG = np.array(
    [
        [4, 119, 11, 128],
        [6, 300, 29, 274],
        [3, 228, 11, 209],
        [62, 13536, 248, 12619],
        [33, 5036, 47, 5761],
        [180, 1361, 372, 1079],
        [8, 2537, 10, 619],
        [505, 87886, 499, 87892],
        [29, 7470, 45, 7232],
        [17, 1699, 65, 1600],
        [186, 50448, 141, 27197],
        [5, 2493, 3, 2338],
        [27, 16886, 29, 17825],
    ],
    dtype=float,
)


@pytest.fixture(scope="module")
def bcg():
    """Log risk ratios and their variances."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_the_bcg_trials_give_the_printed_results(bcg):
    found = random_effects(*bcg, estimator="reml")
    assert found.tau2 == pytest.approx(0.3132, abs=5e-5)
    assert 100 * found.i2 == pytest.approx(92.22, abs=5e-3)
    assert found.q == pytest.approx(152.23, abs=5e-3)
    assert found.q_df == 12
    assert found.q_p < 0.001
    assert math.exp(found.mean) == pytest.approx(0.489, abs=5e-4)


def test_normal_limits_on_the_same_model_give_the_printed_intervals(bcg):
    y, v = bcg
    found = random_effects(y, v, estimator="reml")
    se = (1 / (v + found.tau2)).sum() ** -0.5
    mean, near, far = found.mean, 1.96 * se, 1.96 * math.sqrt(found.tau2 + se**2)
    assert np.exp([mean - near, mean + near]) == pytest.approx([0.344, 0.696], abs=5e-4)
    assert np.exp([mean - far, mean + far]) == pytest.approx([0.155, 1.549], abs=1e-3)


def test_cochrans_test_has_one_degree_of_freedom_less_than_studies():
    found = random_effects([1.0, 2.0, 4.0], [1.0, 1.0, 1.0])
    assert found.q == pytest.approx(14 / 3)
    assert found.q_p == pytest.approx(stats.chi2.sf(14 / 3, 2))


@pytest.mark.parametrize(("estimator", "theirs"), [("pm", "iterated"), ("dl", "chi2")])
def test_statsmodels_agrees(bcg, estimator, theirs):
    y, v = bcg
    found = random_effects(y, v, estimator=estimator, is_modified=False)
    other = combine_effects(y, v, method_re=theirs, use_t=True, atol=1e-12)
    assert found.tau2 == pytest.approx(other.tau2, abs=1e-5)
    assert found.mean == pytest.approx(other.mean_effect_re, abs=1e-5)
    assert found.se == pytest.approx(other.sd_eff_w_re_hksj, abs=1e-5)
    assert (found.low, found.high) == pytest.approx(other.conf_int(use_t=True)[3], abs=1e-4)
    assert found.q == pytest.approx(other.q)


def test_reml_is_where_the_restricted_likelihood_peaks(bcg):
    y, v = bcg

    def minus_log_likelihood(tau2):
        w = 1 / (v + tau2)
        mean = np.average(y, weights=w)
        return 0.5 * (np.log(v + tau2).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum())

    peak = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(0, 5), method="bounded", options={"xatol": 1e-10}
    ).x
    assert between_variance(y, v, estimator="reml") == pytest.approx(peak, abs=1e-6)


def test_dersimonian_laird_is_its_closed_formula(bcg):
    y, v = bcg
    w = 1 / v
    q = (w * (y - np.average(y, weights=w)) ** 2).sum()
    expected = (q - 12) / (w.sum() - (w**2).sum() / w.sum())
    assert between_variance(y, v, estimator="dl") == pytest.approx(expected)


def test_paule_mandel_makes_the_weighted_squares_what_they_should_be(bcg):
    y, v = bcg
    w = 1 / (v + between_variance(y, v, estimator="pm"))
    assert (w * (y - np.average(y, weights=w)) ** 2).sum() == pytest.approx(12)


def test_the_prediction_interval_has_two_degrees_of_freedom_less_than_studies(bcg):
    found = random_effects(*bcg)
    reach = stats.t.ppf(0.975, 11) * math.sqrt(found.tau2 + found.se**2)
    assert found.predicted_high == pytest.approx(found.mean + reach)
    assert found.predicted_low == pytest.approx(found.mean - reach)


def test_agreement_by_chance_does_not_narrow_the_modified_interval():
    y, v = [1.0, 1.01, 0.99, 1.0], [0.2, 0.2, 0.2, 0.2]
    modified, plain = random_effects(y, v), random_effects(y, v, is_modified=False)
    assert modified.se == pytest.approx(math.sqrt(0.2 / 4))
    assert plain.se < modified.se / 10


def test_one_study_has_no_interval():
    found = random_effects([3.0], [4.0])
    assert (found.mean, found.se, found.k) == (3.0, 2.0, 1)
    assert (found.low, found.high, found.predicted_low, found.i2, found.q) == (None,) * 5


def test_two_studies_have_an_interval_but_no_prediction():
    found = random_effects([0.0, 2.0], [1.0, 1.0])
    assert found.mean == pytest.approx(1.0)
    assert found.low < 0 < 2 < found.high
    assert found.predicted_low is None


def test_equal_effects_have_no_variance_between_them():
    found = random_effects([2.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.mean, found.tau2, found.i2) == (pytest.approx(2.0), 0.0, 0.0)
    assert found.q == pytest.approx(0.0)


def test_without_sampling_variance_the_interval_is_students():
    y = [1.0, 4.0, 2.5, 7.0]
    found = random_effects(y, [0.0] * 4)
    expected = stats.t.interval(0.95, 3, loc=np.mean(y), scale=stats.sem(y))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.tau2 == pytest.approx(np.var(y, ddof=1))
    assert found.q is None


def test_without_any_variance_the_interval_is_a_point():
    found = random_effects([2.0, 2.0, 2.0], [0.0, 0.0, 0.0])
    assert (found.low, found.high) == (2.0, 2.0)


def test_one_exact_study_among_others_rules_but_does_not_break():
    found = random_effects([5.0, 1.0, 1.2], [0.0, 1.0, 1.0])
    assert math.isfinite(found.low)
    assert math.isfinite(found.predicted_high)


@pytest.mark.parametrize("estimator", ["pm", "dl", "reml"])
def test_a_shift_moves_the_mean_and_a_scale_the_spread(bcg, estimator):
    y, v = bcg
    before = random_effects(y, v, estimator=estimator)
    after = random_effects(3 * y + 1, 9 * v, estimator=estimator)
    assert after.mean == pytest.approx(3 * before.mean + 1)
    assert after.tau2 == pytest.approx(9 * before.tau2, rel=1e-5)
    assert after.i2 == pytest.approx(before.i2, rel=1e-5)


@pytest.mark.parametrize(
    ("effects", "variances", "words"),
    [
        ([], [], "at least one effect"),
        ([1.0], [1.0, 2.0], "1 effects and 2 variances"),
        ([1.0], [-1.0], "zero or above"),
        ([float("nan")], [1.0], "finite"),
    ],
)
def test_what_cannot_be_pooled_is_refused(effects, variances, words):
    with pytest.raises(ConfigError, match=words):
        random_effects(effects, variances)


def test_the_limit_is_students():
    assert student_limit(5) == pytest.approx(stats.t.ppf(0.975, 5))


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    hits = predicted = 0
    for _ in range(300):
        truth = rng.normal(2, 4, 9)
        v = rng.uniform(0.3, 2, 9)
        found = random_effects(truth[:8] + rng.normal(0, np.sqrt(v[:8])), v[:8])
        hits += found.low <= 2 <= found.high
        predicted += found.predicted_low <= truth[8] <= found.predicted_high
    assert 0.92 <= hits / 300 <= 0.99
    assert 0.90 <= predicted / 300 <= 0.98
