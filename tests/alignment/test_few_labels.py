"""A probe of few labels: who is fitted on and who is tested, and what its interval covers."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from anlage.alignment import few_labels
from anlage.alignment.few_labels import _splits, compared
from anlage.alignment.material import Target


def target_of(values, classes=("a", "b")):
    return Target(name="kind", classes=classes, values=np.asarray(values, dtype=float))


def cohort(count=60, *, signal=1.0, seed=0):
    """Two images per patient, two classes, features of noise and one with the signal."""
    rng = np.random.default_rng(seed)
    patients = np.arange(count) // 2
    classes = patients % 2
    noise, other = rng.normal(size=(2, count, 5))
    noise[:, 0] += signal * classes
    return noise, other, classes, patients


def of(first, second, classes, patients, **more):
    asked = {"shots": 5, "seed": 0, **more}
    return compared(first, second, target_of(classes), patients, **asked)


def test_scores_are_those_of_ridge_regression_on_the_drawn_patients(monkeypatch):
    good, bad, classes, patients = cohort()
    seen = []

    def kept(*args, **more):
        found = list(_splits(*args, **more))
        seen.append(found)
        return found

    monkeypatch.setattr(few_labels, "_splits", kept)
    found = of(bad, good, classes, patients)
    expected = []
    for fit, test in seen[0]:
        pair = []
        for features in (bad, good):
            scaled = features - features.mean(axis=0)
            scaled = scaled / np.sqrt(np.square(scaled).sum(axis=1).mean())
            alpha = np.square(scaled[fit]).sum(axis=1).mean()
            model = Ridge(alpha=alpha, fit_intercept=False)
            model.fit(scaled[fit], classes[fit] - classes[fit].mean())
            pair.append(roc_auc_score(classes[test], model.predict(scaled[test])))
        expected.append(pair)
    before, after = np.mean(expected, axis=0)
    assert found.first == pytest.approx(before)
    assert found.value == pytest.approx(after - before)
    assert found.fitted == 5
    # the interval leaves out a tenth of the patients at a time
    assert len(seen) == 11
    tested = [
        {int(patients[one]) for one in part[0][1]} | {int(patients[one]) for one in part[0][0]}
        for part in seen
    ]
    assert [len(one) for one in tested] == [30] + [27] * 10
    assert set.union(*(tested[0] - one for one in tested[1:])) == tested[0]


def test_better_features_are_better_and_their_interval_says_so():
    good, bad, classes, patients = cohort(200, signal=3)
    found = of(bad, good, classes, patients)
    assert found.low > 0.1
    assert found.low < found.value < found.high
    back = of(good, bad, classes, patients)
    assert back.value == pytest.approx(-found.value)


def test_intervals_of_labels_that_say_nothing_hold_zero():
    missed = 0
    for seed in range(10):
        good, bad, _, patients = cohort(80, seed=seed)
        classes = np.random.default_rng(seed).integers(0, 2, 40)[patients]
        found = of(bad, good, classes, patients, seed=seed)
        missed += not found.low <= 0 <= found.high
    assert missed <= 2


def test_fewer_than_twenty_patients_get_no_number():
    good, bad, classes, patients = cohort(40)
    assert of(bad, good, classes, patients).low is not None
    assert of(bad[:38], good[:38], classes[:38], patients[:38]) is None


def test_features_that_are_all_alike_are_no_crash():
    good, bad, classes, patients = cohort()
    assert of(np.zeros_like(bad), np.zeros_like(good), classes, patients).value == 0
    assert of(bad[:, :0], good, classes, patients) is None


def test_a_class_of_one_patient_is_left_out():
    good, bad, classes, patients = cohort()
    other = classes.astype(float)
    other[:2] = 2
    gone = classes.astype(float)
    gone[:2] = np.nan
    given = [
        compared(bad, good, target_of(one, ("a", "b", "c")), patients, shots=5, seed=0)
        for one in (other, gone)
    ]
    assert given[0] == given[1]


def test_images_without_a_label_are_left_out_and_draws_follow_their_seed():
    good, bad, classes, patients = cohort()
    some = classes.astype(float)
    some[40:] = np.nan
    values = {
        of(bad, good, *more, patients, seed=seed, shots=shots).value
        for more, seed, shots in (
            ((classes,), 0, 5),
            ((some,), 0, 5),
            ((classes,), 1, 5),
            ((classes,), 0, 4),
        )
    }
    assert len(values) == 4


def test_a_quantity_is_read_with_twice_the_labels():
    good, bad, _, patients = cohort()
    quantity = Target(name="age", classes=(), values=good[:, 1] + good[:, 2])
    found = compared(bad, good, quantity, patients, shots=5, seed=0)
    assert found.fitted == 10
    assert found.value > 0.4
    many = compared(bad, good, quantity, patients, shots=50, seed=0)
    assert many.fitted == 15  # half of the patients


def test_no_patient_is_fitted_on_and_tested():
    rng = np.random.default_rng(5)
    patients = rng.integers(0, 20, 80)
    values = rng.integers(0, 3, 80).astype(float)
    values[::7] = np.nan
    orders = [rng.permutation(80) for _ in range(20)]
    splits = list(_splits(values, patients, orders, shots=4, is_class=True))
    assert splits
    for fit, test in splits:
        assert not set(patients[fit]) & set(patients[test])
        assert len(set(patients[fit])) == len(fit)
        assert np.isfinite(values[fit]).all()
        assert np.isfinite(values[test]).all()
        assert np.unique(values[fit], return_counts=True)[1].max() <= 4


def test_half_of_a_class_is_left_to_be_tested():
    values = np.array([0.0] * 3 + [1.0] * 20)
    orders = [np.arange(23)]
    ((fit, test),) = _splits(values, np.arange(23), orders, shots=4, is_class=True)
    assert [int((values[fit] == one).sum()) for one in (0, 1)] == [1, 4]
    assert len(test) == 18


def test_a_draw_without_a_patient_of_some_class_is_left_out():
    values = np.array([0.0] + [1.0] * 20)
    assert not list(_splits(values, np.arange(21), [np.arange(21)], shots=4, is_class=True))
