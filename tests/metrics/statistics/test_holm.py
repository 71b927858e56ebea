import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from anlage.errors import ConfigError
from anlage.metrics.statistics.holm import holm


@pytest.mark.parametrize("count", [1, 2, 7])
def test_equals_statsmodels_and_the_definition(rng, count):
    p_values = np.round(rng.random(count) ** 3, 2).tolist()
    found = holm(p_values)
    assert found == pytest.approx(multipletests(p_values, method="holm")[1])
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    running = 0.0
    for step, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[place]))
        assert found[place] == pytest.approx(running)


def test_undefined_stays_undefined_and_still_counts():
    assert holm([0.01, None, 0.04]) == pytest.approx((0.03, None, 0.08))
    assert holm([]) == ()


def test_only_p_values_are_taken():
    with pytest.raises(ConfigError, match=r"must lie in \[0, 1\]"):
        holm([0.5, 1.2])
    with pytest.raises(ConfigError, match=r"must lie in \[0, 1\]"):
        holm([0.5, float("nan")])
