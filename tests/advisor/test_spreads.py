"""Spreads are where the posterior has its mode."""

import numpy as np
import pytest
from scipy.stats import halfnorm, multivariate_normal

from anlage.advisor.spreads import _badness, search_spreads


def world(groups=30, each=6, *, spread=4.0, noise=2.0, seed=0):
    rng = np.random.default_rng(seed)
    words = np.repeat(np.arange(groups), each)
    effects = rng.normal(0, spread, groups)[words] + rng.normal(0, noise, len(words))
    same = np.equal.outer(words, words).astype(float)
    alone, zeros = np.eye(len(words)), np.full(len(words), 1e-6)
    return {"group": same}, (alone, zeros), effects


def test_known_spreads_are_found():
    parts, noise, residual = world()
    found = search_spreads(np.zeros_like(parts["group"]), parts, noise, residual)
    assert found["group"] == pytest.approx(4.0, abs=1.0)
    assert found["noise"] == pytest.approx(2.0, abs=0.4)


def test_badness_is_minus_the_log_posterior():
    parts, noise, residual = world(groups=4, each=3)
    noise = (noise[0] + 0.3 * parts["group"], noise[1])
    fixed = np.full_like(parts["group"], 2.0)

    def by_hand(group, own):
        covariance = fixed + group**2 * parts["group"] + noise[0] * own**2 + np.diag(noise[1])
        return -(
            multivariate_normal(cov=covariance).logpdf(residual)
            + halfnorm(scale=5).logpdf(group)
            + halfnorm(scale=5).logpdf(own)
        )

    def ours(group, own):
        logs = {"group": np.log(group), "noise": np.log(own)}
        return _badness(logs, fixed, parts, noise, residual)

    assert ours(3.0, 1.5) - ours(0.5, 4.0) == pytest.approx(by_hand(3.0, 1.5) - by_hand(0.5, 4.0))


def test_a_spread_that_is_not_there_becomes_small():
    parts, noise, residual = world(spread=0.0, noise=2.0)
    found = search_spreads(np.zeros_like(parts["group"]), parts, noise, residual)
    assert found["group"] < 1.0
