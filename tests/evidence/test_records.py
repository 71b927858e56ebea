"""The schema of a row and a rule: what is refused, and how an effect gets its sign."""

import math

import pytest

from anlage.errors import ConfigError
from anlage.evidence.records import Row, Rule, columns


def test_a_higher_better_metric_gives_points_in_favour(make):
    row = make(ssl=0.85, baseline=0.80)
    assert row.effect == pytest.approx(5.0)
    assert row.delta == pytest.approx(0.05)


def test_a_lower_better_bounded_metric_is_turned(make):
    row = make(metric="error_rate", task="anomaly", ssl=0.33, baseline=0.49)
    assert row.effect == pytest.approx(16.0)
    assert row.delta == pytest.approx(-0.16)


def test_an_error_is_compared_as_a_logarithm_of_the_ratio(make):
    row = make(metric="mae", unit="weeks", task="regression", ssl=1.22, baseline=1.65)
    assert row.effect == pytest.approx(100 * math.log(1.65 / 1.22))


def test_a_metric_without_common_scale_has_no_effect(make):
    assert make(metric="psnr", task="reconstruction", ssl=31.0, baseline=30.0).effect is None


def test_a_row_without_figures_has_no_effect(make):
    row = make(ssl="", baseline="", status="unread")
    assert row.effect is None
    assert row.delta is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"modality": "xray"}, "no 'xray'"),
        ({"task": "grading"}, "no 'grading'"),
        ({"paradigm": "generativ"}, "Did you mean 'generative'"),
        ({"metric": "jaccard"}, "no 'jaccard'"),
        ({"modality": "CT"}, "must be spelt as in the vocabulary, got 'CT'"),
        ({"modality": ""}, "must name a modality"),
        ({"ssl": 69.8}, "must lie in 0 to 1 for dice"),
        ({"ssl": float("nan")}, "finite"),
        ({"ssl": ""}, "must hold both figures"),
        ({"modality": "ct|mri"}, "must name one modality"),
        ({"metric": "unstated"}, "must name its metric"),
        ({"baseline_type": ""}, "must name its metric and baseline_type"),
        ({"metric": "mae"}, "mae must have a unit"),
        ({"metric": "mae", "unit": "y", "ssl": 0.0}, "ssl must be above 0"),
        ({"status": "unread"}, "its status cannot be unread"),
        ({"status": "partial"}, "its status cannot be partial"),
        ({"status": "unread", "ssl": ""}, "must hold no figure"),
        ({"row": "112"}, "row"),
        ({"study": "1"}, "study"),
        ({"label_fraction": 10}, "label_fraction"),
        ({"delta_se": 0}, "delta_se"),
        ({"origin": "us"}, "origin"),
        ({"source": ""}, "source"),
        ({"p_value": 0.01}, "there is no setting 'p_value'"),
    ],
)
def test_a_row_that_breaks_the_schema_says_where(plain, changed, words):
    with pytest.raises(ConfigError, match=words):
        Row.parse({**plain, **changed}, where="test")


def test_a_partial_row_may_hold_one_figure(make):
    assert make(ssl=0.9, baseline="", status="partial").ssl == 0.9


def test_a_row_survives_writing_and_reading(make):
    row = make(modality="ct", label_count=5, delta_se=0.01, encoder="ResNet-18")
    assert Row.parse(row.plain(), where="test") == row
    assert tuple(row.plain()) == columns()


def test_second_hand_figures_are_not_verified(make):
    assert make(status="derived").is_verified
    assert not make(status="secondary").is_verified


@pytest.mark.parametrize(("kind", "is_control"), [("scratch", True), ("ssl", False)])
def test_only_baselines_without_ssl_are_controls(make, kind, is_control):
    assert make(baseline_type=kind).is_control is is_control


def test_a_rule_must_have_a_known_kind():
    rule = {"id": "R01", "group": "objective", "condition": "task=x", "advice": "prefer y"}
    with pytest.raises(ConfigError, match="kind"):
        Rule.parse({**rule, "kind": "maybe", "status": "verified"}, where="test")
