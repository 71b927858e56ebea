"""Ghosts: against TorchIO along every axis, and copies where they must lie."""

import numpy as np
import pytest
import torch
from torchio.transforms.augmentation.intensity.random_ghosting import Ghosting as TorchIOGhosting

from anlage.errors import ConfigError
from anlage.transforms.intensity.ghosting import Ghosting

SPACE = {2: (14, 21), 3: (12, 9, 16)}


def params_of(axis, ghosts=4, intensity=0.6):
    values = {"intensity": intensity, "ghosts": ghosts, "axis": axis}
    return {name: torch.tensor([float(value)]) for name, value in values.items()}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("ghosts", [2, 3, 5])
def test_volumes_equal_those_of_torchio_but_for_the_magnitude(axis, ghosts):
    images = torch.rand(1, 1, *SPACE[3])
    theirs = TorchIOGhosting(num_ghosts=ghosts, axis=axis, intensity=0.6, restore=None)
    back = theirs.inv_fourier_transform
    theirs.inv_fourier_transform = lambda kspace: back(kspace).abs()
    expected = theirs.add_artifact(images[0, 0], ghosts, axis, 0.6, None)
    seen = Ghosting().apply(images, params_of(axis, ghosts))
    torch.testing.assert_close(seen[0, 0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("axis", [0, 1])
def test_images_equal_numpy(axis):
    image = np.random.default_rng(0).random(SPACE[2])
    kspace = np.moveaxis(np.fft.fftshift(np.fft.fft2(image)), axis, 0)
    middle = kspace[SPACE[2][axis] // 2].copy()
    kspace[::3] *= 0.4
    kspace[SPACE[2][axis] // 2] = middle
    expected = np.abs(np.fft.ifft2(np.fft.ifftshift(np.moveaxis(kspace, 0, axis))))
    seen = Ghosting().apply(torch.from_numpy(image)[None, None], params_of(axis, 3))
    np.testing.assert_allclose(seen[0, 0], expected, atol=1e-6)


def test_a_point_leaves_ghosts_at_equal_distances_along_the_axis_alone():
    image = torch.zeros(1, 1, 24, 24)
    image[..., 5, 7] = 1
    seen = Ghosting().apply(image, params_of(1, 4))[0, 0]
    ghosts = (seen > 0.05).nonzero()
    assert set(ghosts[:, 0].tolist()) == {5}
    assert sorted(ghosts[:, 1].tolist()) == [1, 7, 13, 19]  # 24 / 4 pixels apart


@pytest.mark.parametrize("dims", [2, 3])
def test_an_intensity_of_zero_is_the_identity_and_a_constant_image_stays(draws, dims):
    images = torch.rand(3, 2, *SPACE[dims])
    transform = Ghosting(Ghosting.Config(intensity=0))
    params = transform.draw(draws(3), shape=images.shape)
    torch.testing.assert_close(transform.apply(images, params), images, atol=1e-5, rtol=0)
    flat = torch.full_like(images, 0.3)
    params["intensity"] += 1
    torch.testing.assert_close(transform.apply(flat, params), flat, atol=1e-5, rtol=0)


def test_settings_bound_what_is_drawn(draws):
    shape = torch.Size((300, 1, *SPACE[3]))
    params = Ghosting(Ghosting.Config(intensity=0.8, ghosts=5)).draw(draws(300), shape=shape)
    assert params["ghosts"].unique().tolist() == [2, 3, 4, 5]
    assert params["axis"].unique().tolist() == [0, 1, 2]
    assert 0 < params["intensity"].min() < 0.1 < 0.7 < params["intensity"].max() < 0.8


def test_each_image_has_its_own_ghosts():
    images = torch.rand(3, 2, *SPACE[3])
    given = [params_of(0, 2, 0.3), params_of(1, 5, 0.9), params_of(2, 3, 0.5)]
    together = {name: torch.cat([one[name] for one in given]) for name in given[0]}
    seen = Ghosting().apply(images, together)
    for place in range(3):
        alone = Ghosting().apply(images[place : place + 1], given[place])
        torch.testing.assert_close(seen[place], alone[0], atol=1e-6, rtol=0)
        assert (alone[0] - images[place]).abs().max() > 1e-2


def test_half_types_are_kept(keeps_types):
    keeps_types(Ghosting())


@pytest.mark.parametrize("change", [{"intensity": 1.1}, {"ghosts": 1}, {"ghosts": 33}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Ghosting.Config.parse(change, where="view")
