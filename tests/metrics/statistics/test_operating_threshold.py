import numpy as np
import pytest

from anlage.errors import ConfigError, DataError
from anlage.metrics.classification.sensitivity import sensitivity_score
from anlage.metrics.classification.sensitivity_at_specificity import (
    sensitivity_at_specificity_score,
)
from anlage.metrics.classification.specificity import specificity_score
from anlage.metrics.classification.specificity_at_sensitivity import (
    specificity_at_sensitivity_score,
)
from anlage.metrics.statistics.operating_threshold import operating_threshold


@pytest.mark.parametrize("rate", [0.0, 0.35, 0.9, 1.0])
def test_keeps_the_rate_and_gives_the_best_of_the_other(binary, rate):
    threshold = operating_threshold(*binary, specificity=rate)
    assert specificity_score(*binary, threshold=threshold).value >= rate
    best = sensitivity_at_specificity_score(*binary, specificity=rate).value
    assert sensitivity_score(*binary, threshold=threshold).value == best
    threshold = operating_threshold(*binary, sensitivity=rate)
    assert sensitivity_score(*binary, threshold=threshold).value >= rate
    best = specificity_at_sensitivity_score(*binary, sensitivity=rate).value
    assert specificity_score(*binary, threshold=threshold).value == best


def test_perfect_specificity_below_a_top_negative_needs_infinity():
    assert operating_threshold([1, 0], [0.3, 0.9], specificity=1.0) == np.inf


def test_failed_cases_play_no_part(binary):
    target, score = binary
    with_failed = np.r_[target, 0, 1], np.r_[score, np.nan, np.nan]
    for rate in ({"specificity": 0.8}, {"sensitivity": 0.8}):
        assert operating_threshold(*with_failed, **rate) == operating_threshold(*binary, **rate)


def test_options_are_checked():
    with pytest.raises(ConfigError, match="exactly one of specificity and sensitivity, got None"):
        operating_threshold([0, 1], [0.1, 0.2])
    with pytest.raises(ConfigError, match="exactly one"):
        operating_threshold([0, 1], [0.1, 0.2], specificity=0.9, sensitivity=0.9)
    with pytest.raises(ConfigError, match=r"in \[0, 1\], got 90"):
        operating_threshold([0, 1], [0.1, 0.2], specificity=90)
    with pytest.raises(ConfigError, match="needs a binary task, got 3"):
        operating_threshold([0, 1, 2], np.eye(3), specificity=0.9)
    with pytest.raises(DataError, match="got none"):
        operating_threshold([1, 1], [0.1, 0.2], specificity=0.9)
