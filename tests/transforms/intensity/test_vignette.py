import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.vignette import Vignette


def vignette(images, darkening, centre):
    params = {
        "darkening": torch.full((len(images),), darkening),
        "centre": torch.tensor([centre]).repeat(len(images), 1),
    }
    return Vignette().apply(images, params)


@pytest.mark.parametrize(
    ("space", "centre"), [((9, 14), [0.1, -0.2]), ((5, 8, 6), [0.0, 0.1, -0.1])]
)
def test_light_falls_off_with_the_fourth_power_of_the_cosine(space, centre):
    images = torch.rand(2, 3, *space, dtype=torch.float64)
    darkening = 0.6
    half_diagonal = np.linalg.norm(space) / 2
    focal = half_diagonal / np.tan(np.arccos((1 - darkening) ** 0.25))
    axes = (np.arange(edge) + 0.5 - edge / 2 for edge in space)
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - np.multiply(centre, space)
    expected = np.cos(np.arctan(np.linalg.norm(places, axis=-1) / focal)) ** 4
    np.testing.assert_allclose(
        vignette(images, darkening, centre), images.numpy() * expected, rtol=1e-5
    )


def test_the_optical_centre_keeps_its_light_wherever_it_lies():
    images = torch.ones(1, 1, 40, 60)
    seen = vignette(images, 0.5, [0.25, -0.4])[0, 0]
    row, column = divmod(seen.argmax().item(), 60)
    assert (row, column) in {(29, 5), (30, 5), (29, 6), (30, 6)}
    assert seen[row, column] > 0.999


def test_no_darkening_is_the_identity_and_black_stays_black():
    images = torch.rand(2, 3, 6, 7)
    assert torch.equal(vignette(images, 0.0, [0.1, 0.1]), images)
    assert not vignette(torch.zeros(2, 3, 6, 7), 0.9, [0.1, 0.1]).any()


def test_settings_limit_what_is_drawn(draws):
    transform = Vignette(Vignette.Config(darkening=0.4, offset=0.3))
    params = transform.draw(draws(1000), shape=torch.Size((1000, 3, 4, 4, 4)))
    assert 0 <= params["darkening"].min() < 0.001
    assert 0.399 < params["darkening"].max() <= 0.4
    assert params["centre"].shape == (1000, 3)
    assert -0.3 <= params["centre"].min() < -0.299
    assert 0.299 < params["centre"].max() <= 0.3


@pytest.mark.parametrize("change", [{"darkening": 1.0}, {"offset": 0.6}, {"offset": -0.1}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Vignette.Config.parse(change, where="view vignette")
