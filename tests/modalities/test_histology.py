"""Stained tissue: no pose, and colour that is the signal (rule R34)."""

import numpy as np
import pytest
import torch
from skimage.color import hed2rgb, rgb2hed

from anlage import plugins
from anlage.errors import ConfigError
from anlage.transforms.draws import Draws

POLICY = plugins.load("modalities", "histology")


def test_what_has_no_pose_is_turned_and_mirrored_freely(plan_of):
    chances = {step.name: step.p for step in plan_of("histology").steps}
    assert chances["quarter_turn"] == 1
    assert chances["flip_lr"] == 0.5
    asked = plan_of("histology", {"flip_ud": {}, "rotate": {"degrees": 180}})
    assert {"flip_ud", "rotate"} <= {step.name for step in asked.steps}


@pytest.mark.parametrize(("view", "channels"), [("grayscale", 3), ("solarize", 1)])
def test_what_takes_or_fakes_a_stain_is_refused(plan_of, view, channels):
    with pytest.raises(ConfigError, match=f"view {view} is forbidden for histology"):
        plan_of("histology", {view: {}}, channels=channels)


def test_grey_is_refused_because_colour_tells(plan_of):
    with pytest.raises(ConfigError, match="the stain is the signal"):
        plan_of("histology", {"grayscale": {}}, channels=3)


def test_colours_vary_as_batches_of_dye_do_and_no_further(plan_of):
    steps = [step.name for step in plan_of("histology", channels=3).steps]
    assert "stain_jitter" in steps
    assert "hue_saturation" not in steps  # it leaves the colours of stains
    with pytest.raises(ConfigError, match="hue_degrees up to 12 for histology, got 30"):
        plan_of("histology", {"hue_saturation": {"hue_degrees": 30}}, channels=3)


def test_no_view_leaves_the_plane_of_the_two_stains(plan_of):
    """Of the three stain amounts of scikit-image, the residual one stays what it was."""
    amounts = np.zeros((8, 8, 3))
    amounts[..., 0] = np.linspace(0.02, 0.15, 8)[:, None]
    amounts[..., 1] = np.linspace(0.02, 0.15, 8)[None]
    tile = torch.from_numpy(hed2rgb(amounts).astype(np.float32)).permute(2, 0, 1)
    limits = {"scale": 0.3, "shift": 0.0, "p": 1.0}
    (step,) = [
        step
        for step in plan_of("histology", {"stain_jitter": limits}, channels=3).steps
        if step.name == "stain_jitter"
    ]
    sample = np.arange(64)
    draws = Draws(seed=0, epoch=np.zeros_like(sample), sample=sample)
    images = tile[None].repeat(64, 1, 1, 1)
    changed = step.transform.apply(images, step.transform.draw(draws, shape=images.shape))
    found = rgb2hed(changed.clamp(0, 1).permute(0, 2, 3, 1).numpy())
    assert np.abs(found[..., 2]).max() < 5e-3
    assert np.ptp(found[..., 0], axis=0).max() > 0.02


def test_more_is_hidden_than_in_scans_since_texture_repeats():
    assert POLICY.corruption.ratio == 0.75
    assert POLICY.scaling.kind == "display"
