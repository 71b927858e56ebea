"""The linear probe equals scikit-learn's; pixels as features are the image, made small."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.evaluate.probes import linear_probabilities, pixel_features
from anlage.train.scene import measure_intensities, scene_of

EMPTY = (np.empty((0, 6), np.float32), np.empty(0, np.int64))
EMPTY_30 = (np.empty((0, 30), np.float32), np.empty(0, np.int64))


@pytest.fixture
def features():
    """Train, validation and test features of three classes that overlap."""
    rng = np.random.default_rng(0)
    sizes = (45, 30, 20)
    targets = [rng.integers(0, 3, size) for size in sizes]
    scales = np.array([1, 5, 0.1, 20, 1, 3])
    return [((rng.normal(size=(len(t), 6)) + 0.8 * np.eye(3, 6)[t]) * scales, t) for t in targets]


def probe(train, validation, test, classes=3, unlabelled=None):
    x, y = train
    many = x if unlabelled is None else unlabelled
    return linear_probabilities(
        x.astype(np.float32),
        y,
        *validation,
        test[0].astype(np.float32),
        unlabelled=many.astype(np.float32),
        classes=classes,
    )


def reference(train, test, strength):
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    )
    x, y = train
    return model.fit(x.astype(np.float32), y).predict_proba(test[0].astype(np.float32))


def test_without_validation_it_is_sklearn_with_strength_one(features):
    train, _, test = features
    np.testing.assert_allclose(
        probe(train, EMPTY, test), reference(train, test, 1.0), rtol=1e-4, atol=1e-6
    )


def test_the_strength_is_the_one_that_is_best_on_validation(features):
    train, validation, test = features
    grid = (0.001, 0.01, 0.1, 1.0, 10.0)
    scores = [
        balanced_accuracy_score(validation[1], reference(train, validation, c).argmax(axis=1))
        for c in grid
    ]
    expected = reference(train, test, grid[int(np.argmax(scores))])
    np.testing.assert_allclose(probe(train, validation, test), expected, rtol=1e-4, atol=1e-6)


def test_validation_labels_choose_and_test_cases_do_not(features):
    train, validation, test = features
    others = (test[0][:5] * 100, test[1][:5])
    both = (np.concatenate([test[0], others[0]]), None)
    np.testing.assert_allclose(
        probe(train, validation, both)[: len(test[0])], probe(train, validation, test), rtol=1e-6
    )


def test_two_cases_are_scaled_by_the_many_that_have_no_label():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 400)
    x = rng.normal(size=(400, 30)) * 0.3
    x[:, 0] += 2.0 * target
    two = [int(np.argmax(target == label)) for label in (0, 1)]
    train, test = (x[two], target[two]), (x[200:], None)
    right = [
        balanced_accuracy_score(target[200:], probe(train, EMPTY_30, test, 2, many).argmax(axis=1))
        for many in (x[:200], x[two])
    ]
    assert right[0] > right[1] + 0.05


def test_images_without_finite_features_scale_nothing(features):
    train, _, test = features
    broken = train[0].copy()
    broken[3, 2] = np.nan
    kept = np.delete(train[0], 3, axis=0)
    found, expected = (probe(train, EMPTY, test, unlabelled=many) for many in (broken, kept))
    np.testing.assert_array_equal(found, expected)


def test_features_are_scaled_by_training_cases_alone(features):
    train, validation, test = features
    shifted = [(x * np.float32(7) + 3, y) for x, y in (train, validation, test)]
    np.testing.assert_allclose(
        probe(*shifted), probe(train, validation, test), rtol=2e-3, atol=1e-4
    )
    moved = (test[0] + 100, None)
    assert not np.allclose(probe(train, validation, moved), probe(train, validation, test))


def test_a_class_without_training_cases_gets_nothing(features):
    (x, y), _, test = features
    kept = y != 1
    found = probe((x[kept], y[kept]), EMPTY, test)
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_a_case_without_finite_features_fails_alone(features):
    train, _, (x, y) = features
    broken = x.copy()
    broken[3, 2] = np.nan
    found = probe(train, EMPTY, (broken, y))
    assert np.isnan(found[3]).all()
    whole = probe(train, EMPTY, (x, y))
    np.testing.assert_allclose(np.delete(found, 3, axis=0), np.delete(whole, 3, axis=0))


def test_no_finite_case_at_all_gives_no_number(features):
    train, _, (x, y) = features
    assert np.isnan(probe(train, EMPTY, (np.full_like(x, np.inf), y))).all()


def test_constant_features_give_even_odds(features):
    (_, y), _, test = features
    flat = np.ones((len(y), 6))
    found = probe((flat, y), EMPTY, (np.ones_like(test[0]), None))
    np.testing.assert_allclose(found, 1 / 3, atol=1e-3)


def test_one_class_is_refused(features):
    (x, _), _, test = features
    with pytest.raises(ConfigError, match="at least two classes, got 45 of one"):
        probe((x, np.zeros(45, np.int64)), EMPTY, test)


@pytest.mark.parametrize("part", [0, 1])
def test_training_on_no_numbers_is_refused(features, part):
    features[part][0][0, 0] = np.nan
    with pytest.raises(DataError, match="needs finite features"):
        probe(*features)


@pytest.mark.parametrize(("name", "width"), [("slices_store", 256), ("volumes_store", 512)])
def test_pixels_are_small_images(name, width, request):
    store = Store.open(request.getfixturevalue(name))
    rows = np.arange(6)
    scene = scene_of(store, size=(32,), field="image")
    intensities = measure_intensities(store, rows, window=None)
    found = pixel_features(store, rows, scene, intensities)
    assert found.shape == (6, width)
    for row in range(6):
        unit = np.asarray(store.image(row), np.float64).mean()
        unit = (unit - intensities.low) / (intensities.high - intensities.low)
        expected = (unit - intensities.mean[0]) / intensities.std[0]
        assert found[row].mean() == pytest.approx(expected, abs=0.15)
    assert len({row.tobytes() for row in found}) == 6


def test_pixels_are_of_whole_images_where_encoders_are_shown_windows(volumes_store):
    store, rows = Store.open(volumes_store), np.arange(3)
    intensities = measure_intensities(store, rows, window=None)
    whole, windows = (
        pixel_features(store, rows, scene_of(store, size=(16,), field=field), intensities)
        for field in ("image", "window")
    )
    np.testing.assert_array_equal(whole, windows)
