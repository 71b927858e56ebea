import numpy as np
import pytest
import torch
from monai.metrics import compute_surface_dice

from anlage.errors import ConfigError
from anlage.metrics.segmentation.nsd import nsd_score


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.5), (1.0, 2.0)])
def test_close_to_monai_with_subvoxels(rng, spacing):
    size = (24,) * len(spacing)
    for _ in range(3):
        noise = rng.normal(size=(2, *size))
        for axis in range(1, len(size) + 1):
            noise = sum(np.roll(noise, step, axis) for step in range(-2, 3))
        target, found = noise > 0.5 * noise.std()
        tensors = [torch.tensor(mask)[None, None].float() for mask in (found, target)]
        reference = compute_surface_dice(
            *tensors, [1.0], include_background=True, spacing=spacing, use_subvoxels=True
        )
        ours = nsd_score(target, found, spacing_mm=spacing, tolerance_mm=1.0)
        assert ours == pytest.approx(float(reference), abs=0.01)


def test_concentric_spheres_agree_from_their_distance_on(ball):
    spacing = (1.0, 1.0, 2.0)
    inner = ball((50, 50, 25), spacing, 14, (25, 25, 25))
    outer = ball((50, 50, 25), spacing, 18, (25, 25, 25))
    found = [nsd_score(inner, outer, spacing_mm=spacing, tolerance_mm=mm) for mm in (0, 2, 4, 5.5)]
    assert found[0] == 0.0
    assert found[1] < 0.1
    assert 0.3 < found[2] < 0.9
    assert found[3] > 0.97


def test_half_of_a_flat_surface():
    target = np.zeros((10, 202), bool)
    target[2:8, 1:201] = True
    found = target.copy()
    found[7, 1:101] = False  # half of one long side lies 1 mm lower
    share = nsd_score(target, found, spacing_mm=(1, 1), tolerance_mm=0.5)
    assert share == pytest.approx(1 - 100 / 412, abs=0.01)
    assert nsd_score(target, found, spacing_mm=(1, 1), tolerance_mm=1.0) == 1.0


def test_options_are_checked():
    mask = np.ones((4, 4), bool)
    with pytest.raises(ConfigError, match="tolerance_mm must be 0 mm or more, got -1"):
        nsd_score(mask, mask, spacing_mm=(1, 1), tolerance_mm=-1)
    with pytest.raises(ConfigError, match="one length above 0 mm per axis"):
        nsd_score(mask, mask, spacing_mm=(1,), tolerance_mm=1)
    with pytest.raises(TypeError, match="tolerance_mm"):
        nsd_score(mask, mask, spacing_mm=(1, 1))
