"""What is left of a lesion, against hand counts and closed forms."""

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.alignment.erasure import (
    contrast_left,
    hidden_shares,
    lesions_of,
    retained_shares,
    surviving,
)
from anlage.alignment.following import follow
from anlage.alignment.planted import control_of
from anlage.transforms.masking import MaskPlan
from anlage.transforms.views import Intensities, ViewPlan

SQUARE = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])  # looks at [-1, 1] mm on both axes


def two_lesions():
    maps = torch.zeros(1, 8, 8, dtype=torch.long)
    maps[0, 0:2, 0:2] = 1
    maps[0, 5:8, 5:8] = 2
    return maps


def test_lesions_are_the_connected_parts_from_large_to_small():
    found = lesions_of(two_lesions(), torch.tensor([[0.5, 2.0]]))
    assert found.measure[0, :3].tolist() == [9.0, 4.0, 0.0]  # 1 mm² per pixel
    assert found.numbers[0, 6, 6] == 1
    assert found.numbers[0, 0, 0] == 2
    assert found.diameters_mm[0, 1] == pytest.approx(2 * np.sqrt(4 / np.pi))


def test_a_ball_has_the_diameter_of_its_volume():
    axis = torch.arange(-10, 11)
    ball = (axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= 64).long()[None]
    found = lesions_of(ball, torch.full((1, 3), 1.0))
    assert found.diameters_mm[0, 0] == pytest.approx(16, rel=0.02)


def test_images_without_lesions_have_none():
    found = lesions_of(torch.zeros(2, 4, 4, dtype=torch.long), torch.ones(2, 2))
    assert not found.measure.any()
    shares = retained_shares(found.numbers, SQUARE.repeat(2, 1, 1), found.measure)
    assert shares.isnan().all()


@pytest.mark.parametrize("zoom", [1.0, 0.5])
def test_the_retained_share_weighs_pixels_by_the_determinant(zoom):
    """A view of 4 x 4 pixels that looks at a square of side 2 zoom, half of it lesion."""
    numbers = torch.zeros(1, 4, 4, dtype=torch.long)
    numbers[0, :2] = 1
    area = (2 * zoom) ** 2 / 2
    shares = retained_shares(numbers, SQUARE * zoom, torch.tensor([[4 * area, area]]))
    assert shares[0, 0] == pytest.approx(0.25)
    assert shares[0, 1] == 0.0  # another lesion, not in view


def test_a_mirror_retains_everything():
    numbers = torch.ones(1, 4, 4, dtype=torch.long)
    flipped = SQUARE.clone()
    flipped[0, 1, 1] = -1
    assert retained_shares(numbers, flipped, torch.tensor([[4.0]])) == 1.0


def test_hidden_shares_are_counted_in_the_view():
    numbers = torch.zeros(1, 4, 4, dtype=torch.long)
    numbers[0, :3, 0] = 1
    masks = torch.tensor([[[True, False], [False, False]]])
    shares = hidden_shares(numbers, masks, 2)
    assert shares[0, 0] == pytest.approx(2 / 3)
    assert shares[0, 1].isnan()


def test_contrast_of_the_whole_image_may_change_but_not_the_lesions_own():
    torch.manual_seed(0)
    before = 0.4 + 0.02 * torch.randn(2, 1, 24, 24)
    maps = torch.zeros(2, 24, 24, dtype=torch.long)
    maps[:, 8:14, 8:14] = 1
    before[:, :, 8:14, 8:14] += 0.3
    assert contrast_left(before, before * 0.5 + 0.1, maps) == pytest.approx([1.0, 1.0], abs=1e-4)
    painted = before.clone()
    painted[0, :, 8:14, 8:14] -= 0.28
    left = contrast_left(before, painted, maps)
    assert left[0] < 0.5
    assert left[1] == pytest.approx(1.0)


def test_a_lesion_that_never_stood_out_has_no_contrast_to_lose():
    flat = torch.rand(1, 1, 16, 16)
    maps = torch.zeros(1, 16, 16, dtype=torch.long)
    assert contrast_left(flat, flat, maps).isnan().all()


def test_the_smallest_lesion_follows_the_coarsest_pixel_and_unit():
    mask = plugins.load("transforms/masks", "random")
    plan = ViewPlan(size=(32, 32), intensities=Intensities(low=0, high=1, mean=(0.0,), std=(1.0,)))
    where = {"region": (64, 128), "spacing_mm": torch.tensor([[0.5, 0.5]])}
    assert surviving(plan, **where, patch=None) == (4.0, 4.0)  # 128 / 32 x 0.5 = 2 mm
    assert surviving(plan, **where, patch=4) == (4.0, 8.0)
    masked = ViewPlan(**{**vars(plan), "masking": MaskPlan(mask=mask(), ratio=0.5, unit=8)})
    assert surviving(masked, **where, patch=4) == (4.0, 16.0)


def test_crops_erase_as_often_as_counting_pixels_says():
    """Of a single lesion pixel, a crop of a quarter keeps all or nothing; a crop of all, all."""
    control = control_of("erasing_crop", seed=0, images=20)
    lesions = lesions_of(control.material.label_maps, control.material.spacing_mm)
    plan, spec = control.strategy.plan, control.strategy.spec
    seen = follow(control.material, lesions, plan, spec, seed=0, draws=3)
    assert seen.retained.shape == (3, 2, 20, 16)
    assert 0.4 < np.nanmean(seen.erased()) < 0.8
    assert (seen.erased_in_pairs() >= seen.erased() - 1e-9).all()
    whole = ViewPlan(**{**vars(plan), "crop_scale": (1.0, 1.0), "steps": ()})
    kept = follow(control.material, lesions, whole, spec, seed=0, draws=1).retained
    assert kept[:, :, :, 0].min() == pytest.approx(1.0, abs=0.06)
