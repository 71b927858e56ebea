"""The words of the base: known ones are found, others name the nearest."""

from typing import get_args

import pytest

from anlage import plugins
from anlage.errors import ConfigError
from anlage.evidence.vocabulary import (
    BASELINES,
    CONTROLS,
    METRICS,
    MODALITIES,
    PARADIGMS,
    Direction,
    known_word,
)


def test_paradigms_are_the_folders_of_methods():
    folders = {plugins.family("methods", name) for name in plugins.available("methods")}
    assert folders <= set(PARADIGMS)


def test_every_modality_plug_in_is_known_to_the_base():
    assert set(plugins.available("modalities")) <= set(MODALITIES)


def test_every_metric_has_a_direction_and_bounds():
    for metric in METRICS.values():
        assert metric.direction in get_args(Direction)
        assert metric.bounds[0] < metric.bounds[1]


def test_only_a_metric_that_is_not_stated_has_no_direction():
    assert [name for name, m in METRICS.items() if m.direction == "unstated"] == ["unstated"]


def test_errors_are_lower_better_and_on_a_ratio_scale():
    assert {n for n, m in METRICS.items() if m.scale == "ratio"} == {"mae", "rmse", "nmse"}
    assert all(m.direction == "lower" for m in METRICS.values() if m.scale == "ratio")


def test_controls_are_baselines_without_self_supervision():
    assert set(CONTROLS) < set(BASELINES)
    assert not {"ssl", "natural_ssl", "ablation", "human"} & set(CONTROLS)


def test_case_and_hyphens_do_not_matter():
    assert known_word("method", " Barlow-Twins ", {"barlow_twins"}) == "barlow_twins"


def test_an_unknown_word_lists_the_nearest():
    with pytest.raises(ConfigError, match=r"no 'mrii'. Did you mean 'mri'\? Choose one of: ct"):
        known_word("modality", "mrii", MODALITIES)
