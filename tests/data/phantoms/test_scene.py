"""Sites and scenes: signatures lie apart, do not depend on how many there are, and are tied."""

import itertools

import numpy as np
import pytest

from anlage import plugins
from anlage.data.phantoms import CohortConfig
from anlage.data.phantoms._scene import signature


def test_signatures_lie_apart_and_scale_with_the_strength():
    for seed in range(5):
        config = CohortConfig(site_strength=1, seed=seed)
        sites = [signature(config, "cxr", site) for site in range(3)]
        for first, second in itertools.combinations(sites, 2):
            assert np.abs(first - second).min() > 0.4
        assert np.abs(sites).max() <= 1
        half = signature(CohortConfig(site_strength=0.5, seed=seed), "cxr", 1)
        assert half == pytest.approx(sites[1] / 2)
        assert not signature(CohortConfig(site_strength=0, seed=seed), "cxr", 1).any()


def test_signatures_are_those_of_seed_modality_and_site():
    one = CohortConfig(num_sites=1)
    assert np.array_equal(signature(one, "cxr", 0), signature(CohortConfig(num_sites=9), "cxr", 0))
    assert not np.array_equal(signature(one, "cxr", 0), signature(one, "oct", 0))
    assert not np.array_equal(
        signature(one, "cxr", 0), signature(CohortConfig(num_sites=1, seed=1), "cxr", 0)
    )


@pytest.mark.parametrize(("shortcut", "least", "most"), [(0, 0, 0.25), (1, 1, 1)])
def test_the_shortcut_is_the_association_of_site_and_label(shortcut, least, most):
    phantom = plugins.load("data/phantoms", "oct")()
    config = CohortConfig(size=32, lesion_mm=(0.2, 0.2), shortcut=shortcut, lesion_share=2 / 3)
    cases = [phantom.draw(config, patient) for patient in range(150)]
    labels = sorted({case.labels["lesion"] for case in cases})
    table = np.zeros((3, 3))
    for case in cases:
        table[labels.index(case.labels["lesion"]), int(case.site[-1]) - 1] += 1
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    cramer = np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum() / 2)
    assert least - 1e-9 <= cramer <= most + 1e-9
    assert table.sum(axis=1).min() > 30  # labels are balanced
