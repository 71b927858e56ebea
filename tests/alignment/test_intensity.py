"""What changes of intensity do to values, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.alignment.intensity import off_plane, stain_plane, value_change
from anlage.alignment.material import Material
from anlage.transforms import IntensityTransform
from anlage.transforms.views import Intensities, Step, ViewPlan

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])  # densities of two stains


class Changed(IntensityTransform):
    """A change that a test states."""

    def __init__(self, change):
        self.change = change

    def draw(self, draws, *, shape):
        return {}

    def apply(self, images, params):
        return self.change(images)


def step_of(change):
    return Step(name="changed", p=0.1, transform=Changed(change))


def material_of(values, channels=1):
    """Make images, (n, C, H, W), of stored values, (n, C, H, W) or (n, H, W)."""
    images = torch.from_numpy(np.asarray(values, dtype=np.uint8))
    images = images if images.ndim == 4 else images[:, None]
    count = len(images)
    return Material(
        images=images,
        label_maps=None,
        has_map=np.zeros(count, dtype=bool),
        spacing_mm=torch.ones(count, 2),
        sample=np.arange(count),
        patient=np.arange(count),
    )


def plan_of(size=16, low=0.0, high=255.0, channels=1):
    intensities = Intensities(low=low, high=high, mean=(0.3,) * channels, std=(0.2,) * channels)
    return ViewPlan(size=(size, size), intensities=intensities)


HALVES = np.full((2, 16, 16), 51)  # 0.2 of the range
HALVES[:, 8:] = 230  # 0.902: 0.2 more is clipped
HALVES[:, :, :4] = 0  # outside the image
PLUS = step_of(lambda images: images + 0.2)


def test_clipped_pixels_and_the_move_of_the_mean_are_counted_inside_the_image():
    found = value_change(material_of(HALVES), plan_of(), PLUS, seed=0)
    assert found.clipped == pytest.approx(0.5)
    assert found.shift_share == pytest.approx((0.2 + (1 - 230 / 255)) / 2, abs=1e-4)
    assert found.shift == pytest.approx(found.shift_share * 255)
    assert found.off_stain is None


def test_a_shift_is_told_in_stored_units():
    material = material_of(HALVES)
    wide = value_change(material, plan_of(low=-1000, high=1550), PLUS, seed=0)
    assert wide.shift == pytest.approx(wide.shift_share * 2550)


def test_moves_up_and_down_do_not_cancel_between_images_but_do_within_one():
    def apart(images):
        return images + torch.tensor([0.1, -0.1])[:, None, None, None]

    def within(images):
        change = torch.full_like(images, 0.1)
        change[:, :, ::2] = -0.1
        return images + change

    grey = material_of(np.full((2, 16, 16), 128))
    assert value_change(grey, plan_of(), step_of(apart), seed=0).shift_share == pytest.approx(0.1)
    still = value_change(grey, plan_of(), step_of(within), seed=0)
    assert still.shift_share == pytest.approx(0.0, abs=1e-6)


def test_parameters_are_the_steps_own_draws_of_each_image():
    plugin = plugins.load("transforms", "brightness_contrast")
    step = Step(
        name="lighter", p=0.5, transform=plugin(plugin.Config(brightness=0.2, contrast=0.0))
    )
    material = material_of(np.full((6, 16, 16), 128))
    draws = material.draws(np.arange(6), seed=4, number=0).within("lighter")
    shifts = step.transform.draw(draws, shape=torch.Size((6, 1, 16, 16)))["shift"].abs()
    found = value_change(material, plan_of(), step, seed=4)
    assert found.shift_share == pytest.approx(float(shifts.mean()), abs=1e-5)
    assert value_change(material, plan_of(), step, seed=5).shift != found.shift


def test_black_images_lose_and_move_nothing():
    found = value_change(material_of(np.zeros((2, 16, 16))), plan_of(), PLUS, seed=0)
    assert (found.clipped, found.shift, found.shift_share) == (0.0, 0.0, 0.0)


def test_what_changes_geometry_is_refused():
    plugin = plugins.load("transforms", "flip")
    step = Step(name="turned", p=1.0, transform=plugin())
    with pytest.raises(TypeError, match="turned changes no values"):
        value_change(material_of(HALVES), plan_of(), step, seed=0)


def stained(seed=0):
    """Draw tissue by the law of Beer and Lambert, (4, 3, 16, 16), in 0 to 1."""
    amounts = np.random.default_rng(seed).uniform(0.2, 0.9, (4, 16, 16, 2))
    return np.moveaxis(np.exp(-amounts @ STAINS), -1, 1)


def test_the_plane_of_two_stains_holds_both_and_leaves_none_of_their_mixtures():
    rgb = torch.from_numpy(stained()).float()
    plane = stain_plane(rgb)
    assert torch.allclose(plane.T @ plane, torch.eye(2), atol=1e-5)
    stains = torch.from_numpy(STAINS).float()
    assert torch.allclose(stains @ plane @ plane.T, stains, atol=1e-3)
    assert off_plane(rgb, plane) == 0.0
    green = torch.tensor([0.9, 0.1, 0.9])[None, :, None, None].expand(1, 3, 4, 4)
    blue = torch.tensor([0.1, 0.95, 0.95])[None, :, None, None].expand(1, 3, 4, 12)
    normal = torch.linalg.cross(*plane.T)
    for colour in (green, blue):
        density = -colour[0, :, 0, 0].log()
        is_off = bool((density @ normal).abs() > 0.35 * density.norm())
        assert off_plane(colour, plane) == float(is_off)


def test_glass_without_tissue_is_not_off_the_plane():
    assert off_plane(torch.ones(1, 3, 8, 8), torch.eye(3)[:, :2]) == 0.0


def test_only_a_change_of_stained_tissue_to_other_colours_counts_as_off_stain():
    rgb = stained()
    material = material_of((rgb * 255).round().clip(0, 255))
    plan = plan_of(channels=3)
    swapped = step_of(lambda images: images[:, [2, 0, 1]])
    same = step_of(lambda images: images)
    assert value_change(material, plan, swapped, seed=0, is_stained=True).off_stain > 0.9
    assert value_change(material, plan, same, seed=0, is_stained=True).off_stain == 0.0
    assert value_change(material, plan, swapped, seed=0).off_stain is None
    grey = replace(material, images=material.images[:, :1])
    assert value_change(grey, plan_of(), same, seed=0, is_stained=True).off_stain is None
