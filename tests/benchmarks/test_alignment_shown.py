"""What the encoder is shown: hidden places say nothing, and likeness runs from -1 to 1."""

import numpy as np
import pytest
import torch

from _alignment_shown import alike, rehearsed, what_is_shown

RECIPE = {
    "encoder": "resnet10",
    "encoder_options": {"base_width": 8},
    "image_size": [32],
    "batch_size": 8,
    "steps": 1,
}


def views(same):
    """Images with a second view that is equal to the first, or has nothing to do with it."""
    generator = torch.Generator().manual_seed(3)
    first = torch.rand(40, 1, 16, 16, generator=generator) ** torch.linspace(0.2, 5, 40).reshape(
        -1, 1, 1, 1
    )
    second = first if same else first[torch.randperm(40, generator=generator)]

    def shown(number):
        yield np.arange(40), (first, second)[number], None

    return shown


@pytest.mark.parametrize(("same", "expected", "within"), [(True, 1.0, 1e-6), (False, 0.0, 0.25)])
def test_likeness_of_two_views(same, expected, within):
    assert abs(alike(views(same)) - expected) < within


def test_masks_that_hide_more_let_less_be_seen(slices_store):
    def seen(ratio):
        mask = {"augmentation": {"mask": {"ratio": ratio}}}
        return what_is_shown(slices_store, {**RECIPE, "method": "mae", **mask}, None, seed=0)

    little, much = seen(0.2), seen(0.9)
    assert set(little) == {"different"}  # no label was asked for
    assert much["different"] > little["different"]


def test_small_crops_resemble_each_other_less(slices_store):
    def different(scale):
        crops = {"augmentation": {"crop_scale": scale}}
        found = what_is_shown(slices_store, {**RECIPE, "method": "simclr", **crops}, "age", seed=0)
        return found["different"]

    assert different([0.15, 0.2]) > different([0.9, 1.0])


def test_a_rehearsal_of_a_store_knows_its_recipe_and_its_labels(slices_store):
    def of(shots=2, **more):
        recipe = {**RECIPE, "method": "simclr", **more}
        return rehearsed(slices_store, recipe, "age", shots=shots, seed=0)["rehearsed"]

    crop = {"augmentation": {"crop_scale": [0.2, 0.25]}}
    assert len({of(), of(shots=3), of(**crop)}) == 3
