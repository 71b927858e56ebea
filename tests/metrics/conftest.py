"""Sets of cases that many metric tests share."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def binary(rng):
    target = rng.integers(0, 2, 80)
    score = np.round(np.clip(0.3 * target + rng.random(80) * 0.7, 0.001, 0.999), 2)  # with ties
    return target, score


@pytest.fixture
def multiclass(rng):
    target = rng.integers(0, 4, 120)
    probability = rng.dirichlet(np.ones(4), 120) + 0.4 * np.eye(4)[target]
    return target, probability / probability.sum(axis=1, keepdims=True)


@pytest.fixture
def multilabel(rng):
    target = (rng.random((90, 3)) < [0.1, 0.3, 0.6]).astype(int)
    return target, rng.random((90, 3)) + 0.2 * target


@pytest.fixture
def numbers(rng):
    target = rng.normal(50, 10, 60)
    return target, np.round(target + rng.normal(0, 6, 60))


@pytest.fixture
def ball():
    """Return a function that draws a ball of a radius in mm on a grid of a spacing."""

    def draw(shape, spacing_mm, radius_mm, centre_mm):
        grids = np.meshgrid(
            *[(np.arange(n) + 0.5) * s for n, s in zip(shape, spacing_mm, strict=True)],
            indexing="ij",
        )
        return sum((g - c) ** 2 for g, c in zip(grids, centre_mm, strict=True)) <= radius_mm**2

    return draw
