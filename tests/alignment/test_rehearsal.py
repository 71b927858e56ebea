"""The linear stand-in: its maps against other solutions, and what a rehearsal is made of."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.linalg import eigh
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from anlage.alignment.material import Target
from anlage.alignment.planted import control_of
from anlage.alignment.rehearsal import _drawn, blanked, predicting, rehearse, shared
from anlage.transforms.masking import MaskPlan
from anlage.types import ViewSpec

CONTROL = control_of("none", seed=0, images=60)
PLAN = CONTROL.strategy.plan
DRAWING = ViewSpec(num_views=2)
FILLING = ViewSpec(num_views=1, is_masked=True)
BOTH = ViewSpec(num_views=2, is_masked=True)


def run(plan=PLAN, spec=DRAWING, *, material=CONTROL.material, target=CONTROL.target, **more):
    return rehearse(material, plan, spec, target, **{"seed": 0, "shots": 3, **more})


def views(common, own, count=4000, seed=0):
    """Two views of images: the first coordinates are common to both, the others are not."""
    rng = np.random.default_rng(seed)
    shared_part = rng.normal(size=(1, count, common)) * np.ones((2, 1, 1))
    return np.concatenate([shared_part, 3 * rng.normal(size=(2, count, own))], axis=2)


def test_shared_directions_are_those_of_the_generalised_eigenproblem():
    given = views(2, 3) @ np.random.default_rng(1).normal(size=(5, 5))
    found = shared(given, ridge=1e-9)
    one, two = given - given.mean(axis=(0, 1))
    every = (one.T @ one + two.T @ two) / (2 * len(one))
    across = (one.T @ two + two.T @ one) / (2 * len(one))
    lengths = eigh(across, every, eigvals_only=True)[::-1].clip(0)
    assert np.allclose(found.T @ every @ found, np.diag(lengths), atol=1e-6)


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
    main = PCA(2).fit(fitted)
    found = (seen[0] - seen[0].mean(axis=0)) @ predicting(seen, wanted, rank=2, ridge=1e-12)
    expected = main.transform(fitted)
    assert np.allclose(np.abs(found), np.abs(expected), atol=1e-6)


def test_what_predicts_nothing_has_no_length():
    rng = np.random.default_rng(4)
    seen, wanted = rng.normal(size=(2, 1, 20000, 3))
    assert np.abs(predicting(seen, wanted)).max() < 0.05


def test_colours_that_are_jittered_away_are_rehearsed_as_a_loss():
    jittered = control_of("colour_jitter", seed=0, images=60)
    clean, lost = run(), run(jittered.strategy.plan)
    assert lost.gain < clean.gain - 2
    assert clean.low <= clean.gain <= clean.high
    assert clean.kind == "AUROC"
    assert clean.plain == lost.plain


def test_masks_that_hide_more_teach_less():
    def of(ratio):
        mask = MaskPlan(mask=PLAN.masking.mask, ratio=ratio, unit=2)
        return run(replace(PLAN, masking=mask), FILLING, shots=5)

    assert of(0.98).gain < of(0.3).gain


def test_every_way_of_learning_counts():
    gains = {run(spec=spec).gain for spec in (DRAWING, FILLING, BOTH)}
    assert len(gains) == 3


@pytest.mark.parametrize("other", [{"seed": 1}, {"shots": 2}])
def test_draws_and_shots_count(other):
    assert run(**other) != run()
    assert run() == run()


def test_images_without_a_label_are_learnt_from():
    values = CONTROL.target.values.copy()
    values[40:] = np.nan
    target = replace(CONTROL.target, values=values)
    few = replace(
        CONTROL.material,
        images=CONTROL.material.images[:40],
        label_maps=None,
        has_map=CONTROL.material.has_map[:40],
        spacing_mm=CONTROL.material.spacing_mm[:40],
        sample=CONTROL.material.sample[:40],
        patient=CONTROL.material.patient[:40],
    )
    alone = replace(target, values=values[:40])
    both, without = run(target=target), run(material=few, target=alone)
    assert both.images == 60
    assert both.gain != without.gain


def test_a_quantity_is_rehearsed_with_its_correlation():
    brightness = CONTROL.material.images.float().mean(dim=(1, 2, 3)).numpy().astype(float)
    found = run(target=Target(name="brightness", classes=(), values=brightness), shots=8)
    assert found.kind == "correlation"
    assert found.plain > 0.3


@pytest.mark.parametrize(
    "less",
    [
        {"spec": ViewSpec(num_views=1)},
        {"spec": ViewSpec(num_views=1, is_masked=True), "plan": replace(PLAN, masking=None)},
        {"target": replace(CONTROL.target, values=np.zeros(60))},
        {"target": replace(CONTROL.target, values=np.full(60, np.nan))},
    ],
)
def test_what_cannot_be_rehearsed_is_not(less):
    assert run(**less) is None


def test_masks_that_follow_the_error_are_not_rehearsed():
    class Guided:
        guide = "errors"

    masking = MaskPlan(mask=Guided(), ratio=0.5, unit=2)
    assert run(replace(PLAN, masking=masking), FILLING) is None
    assert run(replace(PLAN, masking=masking), DRAWING) == run()


def test_no_patient_is_fitted_on_and_tested():
    rng = np.random.default_rng(5)
    patients = rng.integers(0, 20, 80)
    values = rng.integers(0, 3, 80).astype(float)
    values[::7] = np.nan
    for _ in range(20):
        fit, test = _drawn(values, patients, shots=4, is_class=True, rng=rng)
        assert not set(patients[fit]) & set(patients[test])
        assert len(set(patients[fit])) == len(fit)
        assert np.isfinite(values[fit]).all()
        assert np.isfinite(values[test]).all()
        assert np.unique(values[fit], return_counts=True)[1].max() <= 4


def test_hidden_places_get_the_mean_of_what_is_visible():
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    masks = torch.tensor([[[True, False], [False, False]]])
    found = blanked(images, masks)
    visible = images[0, 0][~torch.tensor([[True, True, False, False]] * 2 + [[False] * 4] * 2)]
    assert torch.allclose(found[0, 0, :2, :2], visible.mean())
    assert torch.equal(found[0, 0, 2:], images[0, 0, 2:])
    assert torch.equal(blanked(images, None), images)


def test_the_hidden_part_cannot_be_told_from_another():
    first, second = torch.rand(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    masks = torch.ones(1, 4, 4, dtype=torch.bool)
    masks[:, 0, 0] = False
    second[:, :, :2, :2] = first[:, :, :2, :2]
    assert torch.allclose(blanked(first, masks), blanked(second, masks))
