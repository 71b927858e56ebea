"""Undersampling: against MONAI's mask of fastMRI with the same random numbers."""

import numpy as np
import pytest
import torch
from monai.apps.reconstruction.transforms.array import RandomKspaceMask

from anlage.errors import ConfigError
from anlage.transforms.intensity.kspace_mask import KSpaceMask

SPACE = {2: (16, 25), 3: (12, 9, 26)}


class Fixed:
    """Gives MONAI the numbers that were drawn."""

    def __init__(self, numbers):
        self.numbers = numbers

    def randint(self, *_):
        return 0

    def uniform(self, size):
        return self.numbers[:size]


def params_of(axis, acceleration=3.0, seed=0):
    lines = torch.rand(1, 32, generator=torch.Generator().manual_seed(seed))
    return {
        "acceleration": torch.tensor([acceleration]),
        "axis": torch.tensor([float(axis)]),
        "lines": lines,
    }


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("centre", [0.08, 0.2])
@pytest.mark.parametrize("acceleration", [1.5, 4.0])
def test_the_last_axis_equals_monai_of_fastmri(dims, centre, acceleration):
    images = torch.rand(1, 1, *SPACE[dims])
    params = params_of(dims - 1, acceleration)
    axes = tuple(range(2, 2 + dims))
    kspace = torch.fft.fftshift(torch.fft.fftn(images, dim=axes), dim=axes)
    theirs = RandomKspaceMask([centre], [acceleration], spatial_dims=dims, is_complex=True)
    theirs.R = Fixed(params["lines"][0].numpy())
    # MONAI masks the last axis of complex input; its inverse transform is scaled otherwise.
    masked, _ = theirs(torch.view_as_real(kspace))
    back = torch.fft.ifftn(torch.fft.ifftshift(torch.view_as_complex(masked), dim=axes), dim=axes)
    seen = KSpaceMask(KSpaceMask.Config(centre=centre)).apply(images, params)
    torch.testing.assert_close(seen, back.abs(), atol=1e-5, rtol=0)
    assert (seen - images).abs().max() > 0.01


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_lines_are_kept_whole_along_the_drawn_axis(axis):
    images = torch.zeros(1, 1, *SPACE[3])
    images[..., 0, 0, 0] = 1  # every frequency alike, so the mask can be read off
    edge = SPACE[3][axis]
    config = KSpaceMask.Config(centre=0.25)
    params = params_of(axis)
    seen = KSpaceMask(config).apply(images, params)[0, 0]
    always = max(1, round(0.25 * edge))
    share = (edge / 3 - always) / (edge - always)
    is_kept = params["lines"][0, :edge].numpy() < share
    is_kept[(edge - always + 1) // 2 :][:always] = True
    row = np.abs(np.fft.ifft(np.fft.ifftshift(is_kept)))
    expected = np.zeros(SPACE[3])
    np.moveaxis(expected, axis, 0)[:, 0, 0] = row
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_the_wanted_share_of_lines_is_measured(draws):
    images = torch.zeros(400, 1, 1, 100)
    images[..., 0] = 1
    params = KSpaceMask().draw(draws(400), shape=images.shape)
    params |= {"acceleration": torch.full((400,), 4.0), "axis": torch.ones(400)}
    seen = KSpaceMask().apply(images, params)
    # the point itself keeps as much as the share of lines
    torch.testing.assert_close(seen[:, 0, 0, 0].mean(), torch.tensor(0.25), atol=0.01, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_acceleration_one_is_the_identity_and_a_constant_image_stays(draws, dims):
    images = torch.rand(3, 2, *SPACE[dims])
    transform = KSpaceMask(KSpaceMask.Config(acceleration=1))
    params = transform.draw(draws(3), shape=images.shape)
    torch.testing.assert_close(transform.apply(images, params), images, atol=1e-5, rtol=0)
    flat = torch.full_like(images, 0.4)
    params = KSpaceMask(KSpaceMask.Config(acceleration=16)).draw(draws(3), shape=flat.shape)
    seen = KSpaceMask(KSpaceMask.Config(centre=0)).apply(flat, params)
    torch.testing.assert_close(seen, flat, atol=1e-5, rtol=0)


def test_settings_bound_what_is_drawn_and_decide_what_is_kept(draws):
    shape = torch.Size((100, 1, *SPACE[3]))
    weak, strong = (
        KSpaceMask(KSpaceMask.Config(acceleration=acceleration)).draw(draws(100), shape=shape)
        for acceleration in (3, 9)
    )
    torch.testing.assert_close(strong["acceleration"], weak["acceleration"] ** 2)
    assert 1 < weak["acceleration"].min() < 1.1 < 2.8 < weak["acceleration"].max() < 3
    assert weak["axis"].unique().tolist() == [0, 1, 2]
    images = torch.rand(1, 1, *SPACE[3])
    every = KSpaceMask(KSpaceMask.Config(centre=1)).apply(images, params_of(1))
    torch.testing.assert_close(every, images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("what", ["acceleration", "axis", "lines"])
def test_every_parameter_changes_the_image(what):
    images = torch.rand(1, 1, *SPACE[3])
    params, other = params_of(2), params_of(0, 8.0, seed=1)
    changed = KSpaceMask().apply(images, {**params, what: other[what]})
    assert (changed - KSpaceMask().apply(images, params)).abs().max() > 0.01


def test_half_types_are_kept(keeps_types):
    keeps_types(KSpaceMask())


@pytest.mark.parametrize("change", [{"acceleration": 0.5}, {"centre": 1.1}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        KSpaceMask.Config.parse(change, where="view")
