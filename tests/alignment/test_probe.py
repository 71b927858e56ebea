"""The probe and its scores, against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import roc_auc_score

from anlage.alignment.features import _averaged, _halved, image_features, place_features
from anlage.alignment.intervals import interval, mean_share, patient_weights
from anlage.alignment.preservation import Reading, kept_signal
from anlage.alignment.probe import folds, kernel_of, out_of_fold, scores, weighted_auroc

RNG = np.random.default_rng(0)


def test_the_weighted_area_is_scikit_learns_with_ties():
    predicted = RNG.integers(0, 5, 60).astype(float)
    truth = RNG.random(60) < 0.4
    weights = RNG.integers(0, 4, (3, 60)).astype(float)
    found = weighted_auroc(predicted, truth, weights)
    wanted = [roc_auc_score(truth, predicted, sample_weight=row) for row in weights]
    assert found == pytest.approx(wanted)


def test_a_missing_class_has_no_area():
    assert np.isnan(weighted_auroc(np.arange(4.0), np.ones(4, bool), np.ones((1, 4)))).all()


def test_a_class_that_a_draw_misses_is_left_out_of_its_mean():
    predicted, values = RNG.random((30, 3)), np.arange(30) % 3
    weights = np.stack([np.ones(30), (values != 2).astype(float)])
    found = scores(predicted, values.astype(float), weights, num_classes=3)
    held = values != 2
    wanted = [roc_auc_score(values[held] == one, predicted[held, one]) for one in (0, 1)]
    assert found[1] == pytest.approx(np.mean(wanted))
    assert np.isnan(scores(predicted, np.zeros(30), weights, num_classes=3)).all()


def test_the_weighted_correlation_is_that_of_repeated_cases():
    predicted, values = RNG.normal(size=(2, 20))
    weights = RNG.integers(0, 3, 20)
    found = scores(predicted[:, None], values, weights[None].astype(float), num_classes=0)
    repeated = np.corrcoef(np.repeat(predicted, weights), np.repeat(values, weights))[0, 1]
    assert found == pytest.approx([repeated])


def test_predictions_are_those_of_kernel_ridge_on_the_other_folds():
    block = torch.from_numpy(RNG.normal(size=(30, 4)))
    values, patients = RNG.normal(size=30), np.arange(30) // 2
    kernel = kernel_of([block])
    found = out_of_fold(kernel, values, patients, num_classes=0, seed=0)
    fold = folds(np.zeros(30), patients, seed=0)
    for number in range(fold.max() + 1):
        fit, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = KernelRidge(alpha=0.3, kernel="precomputed")
        model.fit(kernel[np.ix_(fit, fit)], values[fit] - values[fit].mean())
        wanted = model.predict(kernel[np.ix_(test, fit)]) + values[fit].mean()
        assert found[test, 0] == pytest.approx(wanted, rel=1e-4)


def test_no_patient_is_in_two_folds_and_every_fold_has_every_class():
    patients = RNG.integers(0, 20, 80)
    values = (patients % 2).astype(float)
    fold = folds(values, patients, seed=1)
    assert all(len(set(fold[patients == one])) == 1 for one in set(patients.tolist()))
    assert all(len(set(values[fold == number])) == 2 for number in range(5))


def test_constant_features_say_nothing():
    assert not kernel_of([torch.ones(4, 3)]).any()


def test_patients_are_drawn_with_all_their_images():
    weights = patient_weights(np.array([7, 7, 2, 2, 2, 9]), replicates=50, seed=0)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 4]).all()
    assert (weights[:, [0, 2, 5]].sum(axis=1) == 3).all()


def test_a_mean_leaves_out_what_is_undefined():
    weights = patient_weights(np.arange(40), replicates=400, seed=0)
    values = np.where(np.arange(40) % 2, np.nan, np.arange(40.0))
    share, _ = mean_share(values, weights)
    assert share.value == pytest.approx(19.0)
    assert share.low < 19 < share.high
    nothing, replicates = mean_share(np.full(40, np.nan), weights)
    assert nothing.value is None
    assert interval(replicates) is None


def test_the_kept_share_is_paired():
    clean = Reading(score=0.9, replicates=np.linspace(0.8, 1.0, 50), chance=0.5)
    view = Reading(score=0.7, replicates=0.5 + (clean.replicates - 0.5) / 2, chance=0.5)
    found = kept_signal(clean, view)
    assert found.share.value == pytest.approx(0.5)
    assert found.share.high - found.share.low < 1e-9  # what both share cancels


def test_signal_that_is_not_there_cannot_be_kept():
    clean = Reading(score=0.55, replicates=np.linspace(0.4, 0.7, 50), chance=0.5)
    assert kept_signal(clean, clean) is None


@pytest.mark.parametrize("shape", [(3, 24, 24), (1, 16, 16, 16)])
def test_features_do_not_depend_on_the_batch(shape):
    torch.manual_seed(0)
    unit = torch.rand(3, *shape)
    together, alone = image_features(unit), image_features(unit[1:2])
    for whole, one in zip(together, alone, strict=True):
        assert torch.allclose(whole[1:2], one, atol=1e-5)
    places = torch.tensor([[0, 5]] * 3)
    assert place_features(unit, places).shape[:2] == (3, 2)


@pytest.mark.parametrize("dims", [2, 3])
def test_averages_axis_by_axis_are_those_of_boxes(dims):
    image = torch.rand(2, 1, *[9] * dims)
    pool = torch.nn.functional.avg_pool2d if dims == 2 else torch.nn.functional.avg_pool3d
    wanted = pool(image, 5, stride=1, padding=2, count_include_pad=False)
    assert torch.allclose(_averaged(image, 5), wanted, atol=1e-6)


def test_places_in_a_volume_are_found_again_at_half_its_resolution():
    size = (5, 6, 7)
    marks = torch.zeros(1, *size)
    places = torch.tensor([[3 * 42 + 4 * 7 + 6]])
    marks.view(-1)[places] = 1
    small = torch.nn.functional.max_pool3d(marks, 2, ceil_mode=True)
    assert small.view(-1)[_halved(places, size)] == 1


def test_standardised_features_do_not_see_brightness_and_the_others_do():
    torch.manual_seed(0)
    unit = 0.3 + 0.2 * torch.rand(1, 1, 40, 40)
    first, second = image_features(unit), image_features(unit * 1.5)
    assert torch.allclose(first[3], second[3], atol=1e-3)
    assert not torch.allclose(first[0], second[0], atol=1e-2)
    assert not torch.allclose(first[2], second[2], atol=1e-2)
