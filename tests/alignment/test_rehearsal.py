"""What a rehearsal is made of, and where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from anlage.alignment import rehearsal
from anlage.alignment.material import Target
from anlage.alignment.planted import control_of
from anlage.alignment.rehearsal import blanked, rehearse
from anlage.transforms.masking import MaskPlan
from anlage.types import ViewSpec

CONTROL = control_of("none", seed=0, images=60)
PLAN = CONTROL.strategy.plan
DRAWING = ViewSpec(num_views=2)
FILLING = ViewSpec(num_views=1, is_masked=True)
BOTH = ViewSpec(num_views=2, is_masked=True)


def run(plan=PLAN, spec=DRAWING, *, material=CONTROL.material, target=CONTROL.target, **more):
    return rehearse(material, plan, spec, target, **{"seed": 0, "shots": 3, **more})


def test_colours_that_are_jittered_away_are_rehearsed_as_a_loss():
    jittered = control_of("colour_jitter", seed=0, images=60)
    clean, lost = run(), run(jittered.strategy.plan)
    assert lost.gain < clean.gain - 2
    assert clean.low <= clean.gain <= clean.high
    assert clean.kind == "AUROC"
    assert clean.plain == lost.plain
    assert clean.labels == 3
    assert clean.images == 60


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


def test_views_follow_the_seed_too(monkeypatch):
    plain = rehearsal.compared
    monkeypatch.setattr(
        rehearsal, "compared", lambda *given, shots, seed: plain(*given, shots=shots, seed=0)
    )
    assert run(seed=1) != run()


def test_each_way_of_learning_sees_what_its_method_would(monkeypatch):
    """Both get masked views; filling gets them with the whole; drawing alone has nothing hidden."""
    given = {}

    def drawing(visible):
        given["drawing"] = visible
        return np.eye(visible.shape[2])

    def filling(visible, whole):
        given["filling"] = (visible, whole)
        return 100 * np.eye(visible.shape[2])

    monkeypatch.setattr(rehearsal, "shared", drawing)
    monkeypatch.setattr(rehearsal, "predicting", filling)
    seen = []
    monkeypatch.setattr(rehearsal, "compared", lambda *features, **_: seen.append(features[:2]))
    for spec in (DRAWING, FILLING, BOTH):
        assert run(spec=spec) is None
        seen[-1] += (given.pop("drawing", None), given.pop("filling", None))
    (_, alone, bare, _), (_, _, _, (masked, whole)), (_, both, pulled, (filled, _)) = seen
    assert np.array_equal(bare, whole)
    assert not np.allclose(masked, whole)
    assert np.array_equal(pulled, filled)
    # side by side, and of one length
    left, right = np.split(both, 2, axis=1)
    assert np.allclose(left, right)
    assert np.allclose(left, alone)


@pytest.mark.parametrize("spec", [DRAWING, FILLING, BOTH])
def test_zero_is_a_stand_in_whose_views_change_nothing_and_whose_masks_hide_nothing(
    monkeypatch, spec
):
    monkeypatch.setattr(rehearsal, "blanked", lambda images, _: images)
    still = replace(PLAN, crop_scale=(1.0, 1.0), crop_aspect=(1.0, 1.0), steps=())
    assert run(still, spec).gain == pytest.approx(0, abs=1e-6)
    assert abs(run(PLAN, spec).gain) > 0.1


def test_what_is_compared_with_is_the_same_kind_of_stand_in():
    plain = {run(spec=spec).plain for spec in (DRAWING, FILLING, BOTH)}
    assert len(plain) == 3


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
        {"material": replace(CONTROL.material, images=torch.zeros_like(CONTROL.material.images))},
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


def test_hidden_places_get_the_mean_of_what_is_visible():
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    masks = torch.tensor([[[True, False], [False, False]]])
    found = blanked(images, masks)
    visible = images[0, 0][~torch.tensor([[True, True, False, False]] * 2 + [[False] * 4] * 2)]
    assert torch.allclose(found[0, 0, :2, :2], visible.mean())
    assert torch.equal(found[0, 0, 2:], images[0, 0, 2:])
    assert torch.equal(blanked(images, None), images)
    # every channel by its own mean
    two = torch.cat([images, 10 * images], dim=1)
    assert torch.allclose(blanked(two, masks), torch.cat([found, 10 * found], dim=1))


def test_the_hidden_part_cannot_be_told_from_another():
    first, second = torch.rand(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    masks = torch.ones(1, 4, 4, dtype=torch.bool)
    masks[:, 0, 0] = False
    second[:, :, :2, :2] = first[:, :, :2, :2]
    assert torch.allclose(blanked(first, masks), blanked(second, masks))
