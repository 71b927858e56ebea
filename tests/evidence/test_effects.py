"""From rows to study effects: what is comparable, the variance model, one study counted once."""

import numpy as np
import pytest

from anlage.errors import ConfigError
from anlage.evidence.effects import (
    VarianceModel,
    comparable,
    scale_of,
    study_effects,
    variance_model,
)


def test_what_is_left_out_is_counted_by_reason(make):
    rows = [
        make(),
        make(metric="psnr", ssl=30.0, baseline=29.0),
        make(metric="mae", unit="years", ssl=2.0, baseline=3.0),
        make(status="unread", ssl="", baseline=""),
    ]
    kept, left_out = comparable(rows, "points")
    assert [row.metric for row in kept] == ["dice"]
    assert left_out == {
        "PSNR (dB) has no common scale": 1,
        "an error on a ratio scale": 1,
        "figures not read": 1,
    }


def test_the_other_scale_keeps_errors_only(make):
    rows = [make(), make(metric="mae", unit="years", ssl=2.0, baseline=3.0)]
    kept, left_out = comparable(rows, "ratio")
    assert [row.metric for row in kept] == ["mae"]
    assert left_out == {"a bounded metric": 1}


def test_the_scale_with_more_studies_is_taken(make):
    errors = [make(metric="mae", unit="y", ssl=2.0, baseline=3.0, study=f"S00{n}") for n in (1, 2)]
    points = [make(study="S009")] * 3
    assert scale_of([*errors, *points]) == "ratio"
    assert scale_of(points) == "points"


def test_the_common_variance_is_the_pooled_one_within_studies(make):
    rng = np.random.default_rng(1)
    values = rng.uniform(0.6, 0.9, (4, 6))
    rows = [
        make(study=f"S{s + 1:03d}", ssl=float(value), baseline=0.5)
        for s, study in enumerate(values)
        for value in study
    ]
    model = variance_model(rows, "points", correlation=0.0)
    assert model.df == 20
    assert model.variance == pytest.approx((100 * values).var(axis=1, ddof=1).mean())


def test_correlated_results_hide_part_of_the_variance(make):
    rows = [make(study=f"S{n % 2 + 1:03d}", ssl=0.5 + n / 100) for n in range(30)]
    plain = variance_model(rows, "points", correlation=0.0)
    assert variance_model(rows, "points", correlation=0.5).variance == 2 * plain.variance


@pytest.mark.parametrize(
    "changed",
    [{"task": "detection"}, {"label_fraction": 0.01}, {"baseline_type": "ssl"}, {"metric": "iou"}],
)
def test_only_results_of_one_kind_are_compared_within_a_study(make, changed):
    rows = [make(ssl=0.6 + n / 100) for n in range(12)]
    alone = variance_model(rows, "points")
    assert variance_model([*rows, make(ssl=0.99, **changed)], "points") == alone


def test_too_few_results_leave_the_variance_unknown(make):
    model = variance_model([make(ssl=0.6), make(ssl=0.9)], "points")
    assert (model.variance, model.df) == (0.0, 1)


@pytest.mark.parametrize("correlation", [-0.1, 1.0])
def test_a_correlation_outside_its_range_is_refused(correlation):
    with pytest.raises(ConfigError, match="correlation must be at least 0 and below 1"):
        variance_model([], "points", correlation=correlation)


def test_a_printed_standard_error_wins(make):
    model = VarianceModel(variance=25.0)
    assert model.of_row(make(delta_se=0.02)) == pytest.approx(4.0)
    assert model.of_row(make()) == 25.0


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_variance_of_a_mean_is_that_of_correlated_results(make, correlation):
    rows = [make(delta_se=se) for se in (0.01, 0.02, 0.04)]
    se = 100 * np.array([0.01, 0.02, 0.04])
    matrix = np.outer(se, se) * np.where(np.eye(3), 1, correlation)
    model = VarianceModel(variance=1.0, correlation=correlation)
    assert model.of_mean(rows) == pytest.approx(matrix.sum() / 9)


def test_many_rows_never_weigh_like_many_studies(make):
    model = VarianceModel(variance=10.0, correlation=0.5)
    assert model.of_mean([make()] * 100) == pytest.approx(5.0, rel=0.02)


def test_a_study_is_counted_once_with_its_mean(make):
    rows = [make(ssl=0.8), make(row="E002", ssl=0.9), make(row="E003", study="S002", ssl=0.6)]
    first, second = study_effects(rows, VarianceModel(variance=1.0))
    assert (first.study, first.rows, first.mean) == ("S001", ("E001", "E002"), pytest.approx(15))
    assert second.mean == pytest.approx(-10)
