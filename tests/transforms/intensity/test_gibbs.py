"""Truncated k-space: against MONAI where it agrees, numpy, and the overshoot of a sharp edge."""

import numpy as np
import pytest
import torch
from monai.transforms import GibbsNoise

from anlage.errors import ConfigError
from anlage.transforms.intensity.gibbs import Gibbs

SPACE = {2: (14, 21), 3: (12, 9, 16)}


def rung(images, *cut):
    return Gibbs().apply(images, {"cut": torch.tensor(cut)})


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.75])
def test_rows_of_odd_length_equal_monai(cut):
    """In 1D a radius is a share of the axis; on even lengths MONAI's circle is off its middle."""
    row = torch.rand(1, 33)
    # MONAI keeps frequencies up to (1 - alpha) * sqrt(2) times half the edge
    expected = GibbsNoise(alpha=1 - (1 - cut) / 2**0.5)(row)
    seen = rung(row.reshape(1, 1, 1, 33), cut)[0, 0]
    torch.testing.assert_close(seen, torch.as_tensor(expected).abs(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
def test_every_axis_is_cut_at_its_own_highest_frequency(dims, cut):
    image = np.random.default_rng(0).random(SPACE[dims])
    kspace = np.fft.fftn(image)
    waves = np.meshgrid(*(np.fft.fftfreq(edge) for edge in SPACE[dims]), indexing="ij")
    kspace[np.max(np.abs(waves), axis=0) > (1 - cut) / 2 + 1e-9] = 0
    expected = np.abs(np.fft.ifftn(kspace))
    seen = rung(torch.from_numpy(image)[None, None], cut)
    np.testing.assert_allclose(seen[0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_cut_of_zero_is_the_identity_and_a_constant_image_stays(dims):
    images = torch.rand(2, 2, *SPACE[dims])
    torch.testing.assert_close(rung(images, 0.0, 0.0), images, atol=1e-5, rtol=0)
    flat = torch.full_like(images, 0.7)
    torch.testing.assert_close(rung(flat, 0.6, 0.9), flat, atol=1e-5, rtol=0)


def test_a_sharp_edge_overshoots_by_nine_percent():
    image = torch.zeros(1, 1, 8, 512)
    image[..., 128:384] = 1
    torch.testing.assert_close(rung(image, 0.8).max() - 1, torch.tensor(0.0895), atol=4e-3, rtol=0)


def test_each_image_has_its_own_cut_below_the_limit(draws):
    images = torch.rand(2, 1, *SPACE[2])
    seen = rung(images, 0.3, 0.6)
    torch.testing.assert_close(seen[1:], rung(images[1:], 0.6))
    shape = torch.Size((50, 1, 4, 4))
    weak, strong = (
        Gibbs(Gibbs.Config(cut=cut)).draw(draws(50), shape=shape)["cut"] for cut in (0.2, 0.8)
    )
    torch.testing.assert_close(strong, 4 * weak)
    assert 0 < weak.min() < 0.04 < 0.18 < weak.max() < 0.2


def test_half_types_are_kept(keeps_types):
    keeps_types(Gibbs())


@pytest.mark.parametrize("cut", [-0.1, 1.0])
def test_a_share_out_of_range_is_refused(cut):
    with pytest.raises(ConfigError, match="cut: Input should be"):
        Gibbs.Config.parse({"cut": cut}, where="view")
