"""Spikes: waves without a Fourier transform equal those that TorchIO and numpy put in k-space."""

import numpy as np
import pytest
import torch
from torchio.transforms.augmentation.intensity.random_spike import Spike as TorchIOSpike

from anlage.errors import ConfigError
from anlage.transforms.intensity.spike import Spike

SPACE = {2: (14, 21), 3: (12, 9, 16)}


def params_of(places, *, intensity=0.7, phase=None, is_there=None):
    count = len(places)
    return {
        "intensity": torch.tensor([intensity]),
        "place": torch.tensor(places)[None],
        "phase": torch.tensor([phase or [0.0] * count]),
        "is_there": torch.tensor([is_there or [True] * count]),
    }


PLACES = {
    2: [[[0.3, 0.8]], [[0.1, 0.55], [0.9, 0.99]]],
    3: [[[0.3, 0.8, 0.6]], [[0.1, 0.55, 0.01], [0.9, 0.99, 0.7]]],
}


@pytest.mark.parametrize("places", PLACES[3])
def test_volumes_equal_those_of_torchio_but_for_the_magnitude(places):
    images = torch.rand(1, 1, *SPACE[3])
    theirs = TorchIOSpike(np.array(places), 0.7)
    back = theirs.inv_fourier_transform
    theirs.inv_fourier_transform = lambda kspace: back(kspace).abs()
    # TorchIO measures each spike after those before it; apart from frequency 0, that is alike.
    expected = theirs.add_artifact(images[0, 0], np.array(places), 0.7)
    seen = Spike().apply(images, params_of(places))
    torch.testing.assert_close(seen[0, 0], expected, atol=1e-5, rtol=0)
    assert (seen - images).abs().max() > 0.2


@pytest.mark.parametrize("places", PLACES[2])
def test_images_equal_numpy_with_phases_in_every_channel(places):
    images = np.random.default_rng(0).random((2, *SPACE[2]))
    phases = [0.4, -2.5][: len(places)]
    expected = []
    for image in images:
        kspace = np.fft.fftshift(np.fft.fft2(image))
        peak = np.abs(kspace).max()
        for place, phase in zip(places, phases, strict=True):
            index = tuple(int(part * edge) for part, edge in zip(place, SPACE[2], strict=True))
            kspace[index] += 0.7 * peak * np.exp(1j * phase)
        expected.append(np.abs(np.fft.ifft2(np.fft.ifftshift(kspace))))
    seen = Spike().apply(torch.from_numpy(images)[None], params_of(places, phase=phases))
    np.testing.assert_allclose(seen[0], expected, atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_an_intensity_of_zero_is_the_identity_and_black_stays_black(draws, dims):
    images = torch.rand(3, 2, *SPACE[dims])
    transform = Spike(Spike.Config(intensity=0))
    params = transform.draw(draws(3), shape=images.shape)
    torch.testing.assert_close(transform.apply(images, params), images)
    params["intensity"] += 1
    assert not transform.apply(torch.zeros_like(images), params).any()


def test_a_spike_that_is_not_there_adds_nothing():
    images = torch.rand(1, 1, *SPACE[2])
    both = params_of(PLACES[2][1], is_there=[True, False])
    alone = params_of(PLACES[2][1][:1])
    torch.testing.assert_close(Spike().apply(images, both), Spike().apply(images, alone))
    more = params_of(PLACES[2][1])
    assert (Spike().apply(images, more) - Spike().apply(images, both)).abs().max() > 0.1


def test_settings_bound_what_is_drawn(draws):
    shape = torch.Size((200, 1, *SPACE[3]))
    params = Spike(Spike.Config(intensity=2, spikes=3)).draw(draws(200), shape=shape)
    assert params["is_there"].sum(dim=1).unique().tolist() == [1, 2, 3]
    assert params["place"].shape == (200, 3, 3)
    assert 0 < params["intensity"].min() < 0.1 < 1.9 < params["intensity"].max() < 2
    assert params["phase"].min() < -3
    assert params["phase"].max() > 3


@pytest.mark.parametrize("what", ["intensity", "place", "phase", "is_there"])
def test_every_parameter_changes_the_image(what):
    images = torch.rand(1, 1, *SPACE[3])
    params = params_of(PLACES[3][1])
    other = params_of(
        [[0.2, 0.2, 0.9], [0.4, 0.8, 0.1]], intensity=0.9, phase=[1.0, 2.0], is_there=[True, False]
    )
    changed = Spike().apply(images, {**params, what: other[what]})
    assert (changed - Spike().apply(images, params)).abs().max() > 0.05


def test_half_types_are_kept(keeps_types):
    keeps_types(Spike())


@pytest.mark.parametrize("change", [{"intensity": 3.1}, {"spikes": 0}, {"spikes": 9}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Spike.Config.parse(change, where="view")
