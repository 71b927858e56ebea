"""Pictures of the worst cases: the right images, in the right order, with true words."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from anlage import plugins
from anlage.alignment.auditor import CROP, MASK, Finding, Numbers, Strategy
from anlage.alignment.material import Material
from anlage.alignment.pictures import worst_cases
from anlage.transforms.masking import MaskPlan
from anlage.transforms.views import Intensities, Step, ViewPlan, make_views
from anlage.types import ViewSpec

ORANGE, BLUE = (230, 159, 0), (86, 180, 233)
EDGE = 32


def material_of(maps, images=None):
    maps = torch.as_tensor(maps)
    count = len(maps)
    if images is None:
        images = torch.where(maps[:, None] > 0, 180, 90).to(torch.uint8)
    return Material(
        images=images,
        label_maps=maps.long(),
        has_map=np.ones(count, dtype=bool),
        spacing_mm=torch.ones(count, maps.ndim - 1),
        sample=np.arange(count),
        patient=np.arange(count),
    )


def lesions(count=6, edge=EDGE):
    """Draw a square lesion per image, each at its own place."""
    rng = np.random.default_rng(1)
    maps = np.zeros((count, edge, edge), dtype=np.int64)
    for one, (row, column) in zip(maps, rng.integers(2, edge - 8, (count, 2)), strict=True):
        one[row : row + 6, column : column + 6] = 1
    return maps


def strategy_of(*steps, dims=2, crop_scale=(1.0, 1.0), masking=None, edge=EDGE):
    plan = ViewPlan(
        size=(edge,) * dims,
        intensities=Intensities(low=0, high=255, mean=(0.4,), std=(0.2,)),
        crop_scale=crop_scale,
        steps=steps,
        masking=masking,
    )
    return Strategy(
        plan=plan,
        spec=ViewSpec(num_views=2, is_masked=masking is not None),
        modality="generic",
        region=(edge,) * dims,
    )


def masked():
    mask = plugins.load("transforms/masks", "random")
    return strategy_of(masking=MaskPlan(mask=mask(), ratio=0.5, unit=8))


def gamma(power):
    plugin = plugins.load("transforms", "gamma")
    return Step(name="bend", p=0.2, transform=plugin(plugin.Config(power=power)))


def finding(name):
    return Finding(name=name, light="red", at={1.0: Numbers()})


def worst(material, strategy, name, count=3, seed=0):
    return worst_cases(material, strategy, finding(name), seed=seed, count=count)


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.png))))


def share(picture):
    return float(re.search(r"(\d+)%", picture.words)[1]) / 100


def is_colour(array, colour):
    return (np.abs(array.astype(int) - colour) <= 1).all(axis=-1)


def test_masks_that_hide_most_come_first_and_the_words_count_hidden_pixels():
    material, strategy = material_of(lesions()), masked()
    rows = np.arange(len(material))
    seen = make_views(
        material.batch(rows),
        strategy.plan,
        replace(strategy.spec, num_views=1),
        draws=material.draws(rows, seed=3, number=0),
    )
    maps, masks = seen.label_maps[0].numpy() > 0, seen.masks[0].numpy()
    hidden = masks.repeat(8, axis=1).repeat(8, axis=2)
    expected = sorted((maps & hidden).sum(axis=(1, 2)) / maps.sum(axis=(1, 2)), reverse=True)
    drawn = worst(material, strategy, MASK, count=6, seed=3)
    assert [share(one) for one in drawn] == pytest.approx(expected, abs=0.006)
    assert len({share(one) for one in drawn}) > 1
    assert all(one.words.endswith("of the lesion hidden") for one in drawn)


def test_hidden_parts_are_blue_in_the_view_alone_and_lesions_outlined_in_both():
    picture = pixels(worst(material_of(lesions()), masked(), MASK)[0])
    assert picture.shape == (200, 406, 3)
    before, gap, after = picture[:, :200], picture[:, 200:206], picture[:, 206:]
    assert (gap == 255).all()
    blue = np.abs(after.astype(int) - (0.15 * 90 + 0.85 * np.array(BLUE))).max(axis=-1) < 20
    assert blue.mean() == pytest.approx(0.5, abs=0.1)
    assert not is_colour(before, BLUE).any()
    assert is_colour(before, ORANGE).any()
    assert is_colour(after, ORANGE).any()


def test_the_outline_goes_around_the_lesion_and_not_over_it():
    maps = np.zeros((1, EDGE, EDGE), dtype=np.int64)
    maps[0, 8:16, 16:24] = 1
    before = pixels(worst(material_of(maps), strategy_of(gamma(2.0)), "bend")[0])[:, :200]
    rows, columns = np.nonzero(is_colour(before, ORANGE))
    assert (rows.min(), rows.max()) == pytest.approx((48, 101), abs=1)  # 6.25 pixels of one, 50-100
    assert (columns.min(), columns.max()) == pytest.approx((98, 151), abs=1)
    assert not is_colour(before[54:96, 104:146], ORANGE).any()


def test_a_crop_is_judged_by_what_it_leaves_outside():
    """Crops of a quarter: what the words say is what is missing of 36 square pixels."""
    material, strategy = material_of(lesions(12)), strategy_of(crop_scale=(0.25, 0.25))
    drawn = worst(material, strategy, CROP, count=12)
    lost = [share(one) for one in drawn]
    assert all(one.words.endswith("of the lesion outside the view") for one in drawn)
    assert lost == sorted(lost, reverse=True)
    rows = np.arange(12)
    plan = replace(strategy.plan, steps=())
    draws = material.draws(rows, seed=0, number=0)
    seen = make_views(material.batch(rows), plan, ViewSpec(num_views=1), draws=draws)
    inside = (seen.label_maps[0] > 0).sum(dim=(1, 2)) / 4 / 36  # a pixel of the view is 0.25 mm²
    assert lost == pytest.approx(sorted((1 - inside).clamp(0, 1).tolist(), reverse=True), abs=0.006)
    assert lost[0] > lost[-1]


def test_an_image_whose_lesion_loses_its_contrast_comes_first():
    class Flattened(plugins.load("transforms", "gamma")):
        def apply(self, images, params):
            found = images.clone()
            found[1] = found[1].mean() + 0.01 * found[1]  # of the second image alone
            found[1, :, lesions(3)[1] > 0] = found[1, :, 0, 0].mean()
            return found

    step = Step(name="flat", p=1.0, transform=Flattened())
    first, *rest = worst(material_of(lesions(3)), strategy_of(step), "flat")
    assert first.words == "100% of the lesion's contrast lost"
    assert [one.words for one in rest] == ["0% of the lesion's contrast lost"] * 2


def test_a_change_of_the_whole_images_contrast_is_told_as_a_change():
    (picture,) = worst(material_of(lesions()), strategy_of(gamma(1.05)), "bend", count=1)
    assert picture.words.endswith("of the range")


def test_without_label_maps_what_changed_most_is_drawn():
    material = replace(material_of(lesions()), label_maps=None)
    images = material.images.clone()
    images[:] = 255  # a power leaves white alone
    images[4] = 100
    drawn = worst(replace(material, images=images), strategy_of(gamma(3.0)), "bend", count=2)
    assert share(drawn[0]) > 0
    assert drawn[1].words == "changed by 0% of the range"
    assert not is_colour(pixels(drawn[0]), ORANGE).any()


def test_empty_label_maps_are_no_fault():
    maps = np.zeros((2, EDGE, EDGE), dtype=np.int64)
    drawn = worst(material_of(maps), strategy_of(crop_scale=(0.5, 0.5)), CROP)
    assert len(drawn) == 2
    assert all(one.words.endswith("of the range") for one in drawn)


def test_images_without_a_lesion_are_left_out_where_others_have_one():
    maps = lesions(4)
    maps[:3] = 0
    assert len(worst(material_of(maps), strategy_of(crop_scale=(0.5, 0.5)), CROP)) == 1


def test_of_a_volume_the_slice_with_most_of_the_lesion_is_shown_front_up():
    maps = torch.zeros(1, 16, 16, 16, dtype=torch.long)
    maps[0, 7, 7, 3] = 1
    maps[0, 2:6, 9:15, 11] = 1  # x 2 to 6, y 9 to 15: left and, turned upright, in the upper half
    images = torch.full((1, 1, 16, 16, 16), 60, dtype=torch.uint8)
    images[..., 11] = 200
    strategy = strategy_of(gamma(1.5), dims=3, edge=16)
    before = pixels(worst(material_of(maps, images), strategy, "bend")[0])[:, :200]
    assert before[150, 150, 0] == pytest.approx(200, abs=2)  # slice 11
    rows, columns = np.nonzero(is_colour(before, ORANGE))
    assert (columns.mean(), rows.mean()) == pytest.approx((50, 50), abs=4)
