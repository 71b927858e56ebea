"""What can be learnt instead: read from what stays, and from images without their lesions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from anlage.alignment.features import image_features
from anlage.alignment.intervals import patient_weights
from anlage.alignment.planted import control_of
from anlage.alignment.preservation import reading_of, views_of
from anlage.alignment.shortcuts import background_only, read_background, read_constant

CONTROL = control_of("coded_site", seed=0, images=40)
WEIGHTS = patient_weights(CONTROL.material.patient, replicates=50, seed=0)


def views(control=CONTROL, *, plain=False):
    def drawn(number):
        own = None if plain else number
        return views_of(control.material, control.strategy.plan, seed=0, number=own)

    return drawn


def constant(control, target, draws=2):
    return read_constant(views(control), control.material, target, WEIGHTS, draws=draws, seed=0)


def background(control, target):
    return read_background(views(control, plain=True), control.material, target, WEIGHTS, seed=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_lesion_on_even_ground_is_filled_with_the_ground(dims):
    space = (24,) * dims
    maps = torch.zeros(1, *space, dtype=torch.long)
    maps[(0, *[slice(9, 13)] * dims)] = 1
    unit = torch.where(maps[:, None] > 0, 0.9, 0.4)
    torch.testing.assert_close(background_only(unit, maps), torch.full_like(unit, 0.4))


def test_three_pixels_around_go_too_and_nothing_beyond_them():
    unit = torch.rand(1, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    maps = torch.zeros(1, 32, 32, dtype=torch.long)
    maps[0, 15, 15] = 2
    found = background_only(unit, maps)
    removed = torch.zeros(32, 32, dtype=torch.bool)
    removed[12:19, 12:19] = True
    assert torch.equal(found[0, :, ~removed], unit[0, :, ~removed])
    assert (found != unit)[0, :, removed].all()
    assert found[0, :, removed].std() < 0.5 * unit[0, :, removed].std()  # smooth


def test_a_slope_goes_on_through_what_is_removed():
    ramp = torch.linspace(0.1, 0.9, 64).expand(1, 1, 64, 64).clone()
    maps = torch.zeros(1, 64, 64, dtype=torch.long)
    maps[0, 30:34, 30:34] = 1
    spotted = torch.where(maps[:, None] > 0, 1.0, ramp)
    assert (background_only(spotted, maps) - ramp).abs().max() < 0.06


def test_an_image_without_a_lesion_stays_as_it_is_and_one_all_lesion_says_nothing():
    unit = torch.rand(2, 1, 16, 16)
    maps = torch.zeros(2, 16, 16, dtype=torch.long)
    assert torch.equal(background_only(unit, maps), unit)
    whole = background_only(unit, torch.ones_like(maps))
    assert torch.equal(whole, torch.zeros_like(unit))


def test_a_planted_site_is_read_from_what_stays_and_no_site_where_there_is_none():
    found = constant(CONTROL, CONTROL.site)
    assert found.low > 0.8
    clean = control_of("none", seed=0, images=40)
    assert constant(clean, clean.site).low < 0.6


def test_features_are_averaged_over_the_views_of_each_image():
    control = control_of("none", seed=0, images=40)  # not all right: every view tells
    known = np.arange(40) % 5 > 0  # of some the site is unknown
    target = replace(control.site, values=np.where(known, control.site.values, np.nan))
    rows = np.flatnonzero(known)
    drawn = [
        [
            torch.cat(block)
            for block in zip(*(image_features(u) for _, u, _ in views(control)(n)), strict=True)
        ]
        for n in range(3)
    ]
    means = [torch.stack(blocks).mean(dim=0)[rows] for blocks in zip(*drawn, strict=True)]
    expected = reading_of(
        means,
        target.values[rows],
        rows,
        control.material,
        weights=WEIGHTS,
        num_classes=3,
        seed=0,
    ).share()
    found = constant(control, target, draws=3)
    assert found.value == pytest.approx(expected.value, abs=1e-6)
    assert found.low == pytest.approx(expected.low, abs=1e-6)


def test_a_label_that_only_the_lesion_tells_is_gone_with_it():
    clean = control_of("none", seed=0, images=40)
    assert background(clean, clean.target).low < 0.6


def test_a_planted_marker_beside_the_lesion_still_tells_the_label():
    images = CONTROL.material.images.clone()
    marked = torch.from_numpy(CONTROL.target.values > 0)
    images[marked, :, :3, :3] = 255
    material = replace(CONTROL.material, images=images)
    found = background(replace(CONTROL, material=material), CONTROL.target)
    assert found.low > 0.8


def test_without_label_maps_the_image_is_read_as_it_is():
    bare = replace(CONTROL, material=replace(CONTROL.material, label_maps=None))
    assert background(bare, CONTROL.target).low > 0.6  # the lesion is still there
