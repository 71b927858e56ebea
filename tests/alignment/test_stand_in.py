"""The stand-in's directions against other solutions of the same problems."""

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge

from anlage.alignment.stand_in import predicting, shared


def views(common, own, count=4000, seed=0):
    """Two views of images: the first coordinates are common to both, the others are not."""
    rng = np.random.default_rng(seed)
    shared_part = rng.normal(size=(1, count, common)) * np.ones((2, 1, 1))
    return np.concatenate([shared_part, 3 * rng.normal(size=(2, count, own))], axis=2)


@pytest.mark.parametrize("ridge", [1e-9, 0.5])
def test_shared_directions_are_those_of_the_generalised_eigenproblem(ridge):
    given = views(2, 3) @ np.random.default_rng(1).normal(size=(5, 5))
    found = shared(given, ridge=ridge)
    one, two = given - given.mean(axis=(0, 1))
    every = (one.T @ one + two.T @ two) / (2 * len(one))
    every += ridge * np.trace(every) / 5 * np.eye(5)
    across = (one.T @ two + two.T @ one) / (2 * len(one))
    lengths = eigh(across, every, eigvals_only=True)[::-1].clip(0)
    assert np.allclose(found.T @ every @ found, np.diag(lengths), atol=1e-6)


def test_the_first_direction_is_that_of_canonical_correlation():
    given = views(1, 4, count=3000)
    first = shared(given, rank=1, ridge=1e-9)
    other = CCA(1).fit(*given).x_rotations_
    scores = [given[0] @ first, given[0] @ other]
    assert abs(np.corrcoef(scores[0][:, 0], scores[1][:, 0])[0, 1]) > 0.999


def test_what_views_share_is_found_although_the_rest_varies_more():
    found = shared(views(1, 4))
    assert abs(found[0, 0]) > 20 * np.abs(found[1:, 0]).max()


def test_views_with_nothing_in_common_leave_nothing():
    lengths = np.square(shared(views(0, 4))).sum(axis=0)
    assert lengths.max() < 0.05 / 9  # of directions with unit variance, 1 / 9
    assert np.isfinite(shared(np.zeros((2, 10, 3)))).all()


def test_more_views_than_two_are_compared_in_pairs():
    rng = np.random.default_rng(2)
    given = rng.normal(size=(1, 5000, 1)) + rng.normal(size=(4, 5000, 1))
    # half of the variance is common, whatever the number of views
    assert np.square(shared(given, ridge=0)).sum() * given.var() == pytest.approx(0.5, abs=0.03)


def test_predicting_directions_are_those_of_reduced_rank_regression():
    rng = np.random.default_rng(3)
    seen = rng.normal(size=(1, 500, 6)) @ rng.normal(size=(6, 6))
    wanted = seen @ rng.normal(size=(6, 6)) + rng.normal(size=(1, 500, 6))
    fitted = LinearRegression().fit(seen[0], wanted[0]).predict(seen[0])
    found = (seen[0] - seen[0].mean(axis=0)) @ predicting(seen, wanted, rank=2, ridge=1e-12)
    expected = PCA(2).fit(fitted).transform(fitted)
    assert np.allclose(np.abs(found), np.abs(expected), atol=1e-6)


def test_the_ridge_of_predicting_is_that_of_ridge_regression():
    rng = np.random.default_rng(5)
    seen = rng.normal(size=(1, 400, 3)) * np.array((1.0, 2.0, 3.0))
    wanted = seen[:, :, :1] @ np.ones((1, 3)) + rng.normal(size=(1, 400, 3))
    every = np.cov(seen[0].T, bias=True)
    alpha = 0.5 * np.trace(every) / 3
    weights = Ridge(alpha=400 * alpha).fit(seen[0], wanted[0]).coef_.T
    root = np.linalg.cholesky(every + alpha * np.eye(3)).T
    lengths = np.linalg.svd(root @ weights, compute_uv=False)
    found = predicting(seen, wanted, ridge=0.5)
    assert np.allclose(np.linalg.svd(root @ found, compute_uv=False), lengths, atol=1e-8)


def test_what_predicts_nothing_has_no_length():
    rng = np.random.default_rng(4)
    seen, wanted = rng.normal(size=(2, 1, 20000, 3))
    assert np.abs(predicting(seen, wanted)).max() < 0.05


@pytest.mark.parametrize(
    "found", [shared(views(2, 3), rank=2), predicting(*[views(2, 3)] * 2, rank=2)]
)
def test_no_more_directions_than_asked_for(found):
    assert found.shape == (5, 2)
