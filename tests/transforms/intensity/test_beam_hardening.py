import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon

from anlage.errors import ConfigError
from anlage.transforms.intensity.beam_hardening import BeamHardening


def harden(images, depth, **options):
    depths = torch.full((len(images),), float(depth))
    return BeamHardening(BeamHardening.Config(**options)).apply(images, {"depth": depths})


def ellipse(rows, columns, *, centre, half, turn=0.0):
    """Return r**2 on a grid of pixel centres: 1 on the rim."""
    y, x = np.mgrid[:rows, :columns] + 0.5
    y, x = y - centre[0], x - centre[1]
    along, across = y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn)
    return (along / half[0]) ** 2 + (across / half[1]) ** 2


def test_the_cup_is_what_backprojection_makes_of_a_hardened_disc():
    squared = ellipse(65, 65, centre=(32.5, 32.5), half=(24, 24))
    disc = (squared < 1) * 0.02
    angles = np.arange(0, 180, 3)
    rays = radon(disc, theta=angles)
    error = iradon(rays - 0.2 * rays**2, theta=angles) - iradon(rays, theta=angles)
    images = torch.from_numpy(disc / 0.02)[None, None]
    cup = (images - harden(images, 1.0))[0, 0].numpy()
    rings = [(squared >= low) & (squared < low + 0.1) for low in np.arange(0, 0.9, 0.1)]
    seen = np.array([cup[ring].mean() for ring in rings])
    expected = np.array([-error[ring].mean() for ring in rings])
    assert (expected > 0).all()
    np.testing.assert_allclose(seen / seen[0], expected / expected[0], atol=0.02)


def test_an_ellipse_is_found_where_it_lies():
    squared = ellipse(70, 90, centre=(30, 52), half=(20, 32), turn=0.4)
    images = torch.from_numpy((squared < 1) * 0.5)[None, None].float()
    seen = harden(images, 0.2)[0, 0].numpy()
    expected = images[0, 0].numpy() - 0.2 * np.sqrt(np.clip(1 - squared, 0, None))
    inner, outer = squared < 0.9, squared > 1.1
    np.testing.assert_allclose(seen[inner], expected[inner], atol=0.01)
    assert not seen[outer].any()


def test_volumes_are_hardened_slice_by_slice_along_the_last_axis():
    volume = torch.zeros(1, 1, 12, 16, 3)
    volume[..., 2:9, 3:12, 0], volume[..., 5:11, 1:15, 2] = 0.6, 0.8
    seen = harden(volume, 0.1)
    for number in range(3):
        flat = harden(volume[..., number].contiguous(), 0.1)
        torch.testing.assert_close(seen[..., number], flat)
    assert torch.equal(seen[..., 1], volume[..., 1])


@pytest.mark.parametrize("space", [(8, 9), (6, 7, 4)])
def test_no_depth_is_the_identity_and_black_stays_black(space):
    images = torch.rand(2, 1, *space)
    assert torch.equal(harden(images, 0), images)
    assert not harden(torch.zeros(2, 1, *space), 0.5).any()


def test_only_what_is_bright_enough_counts_as_body():
    images = torch.zeros(1, 1, 20, 20)
    images[..., :10, :] = 0.3
    images[..., 3:7, 12:17] = 0.9
    whole, part = harden(images, 0.1), harden(images, 0.1, body_above=0.5)
    assert torch.equal(part[..., :12], images[..., :12])
    assert (whole[..., 4:6, 6:10] < images[..., 4:6, 6:10]).all()
    dim = torch.zeros(1, 3, 6, 6)
    dim[:, 0] = 0.29  # channels are averaged
    assert torch.equal(harden(dim, 0.1), dim)


def test_all_channels_are_darkened_alike():
    images = torch.rand(2, 3, 9, 9)
    taken = images - harden(images, 0.1)
    torch.testing.assert_close(taken, taken[:, :1].expand(-1, 3, -1, -1), atol=1e-6, rtol=0)


def test_the_default_stays_within_34_hu_of_a_soft_tissue_window(draws):
    transform = BeamHardening()
    images = torch.ones(500, 1, 8, 8)
    params = transform.draw(draws(500), shape=images.shape)
    lost_hu = 425 * (images - transform.apply(images, params))
    assert 30 < lost_hu.max() <= 34
    assert lost_hu.min() >= 0


@pytest.mark.parametrize("change", [{"depth": 0.6}, {"depth": -0.1}, {"body_above": 1.0}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        BeamHardening.Config.parse(change, where="view beam_hardening")
