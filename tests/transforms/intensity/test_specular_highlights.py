import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.specular_highlights import SpecularHighlights


def highlights(**options):
    return SpecularHighlights(SpecularHighlights.Config(**options))


@pytest.mark.parametrize("space", [(24, 30), (10, 12, 9)])
def test_glints_are_those_of_a_computation_by_hand(draws, space):
    images = torch.rand(2, 3, *space, dtype=torch.float64)
    transform = highlights(count=4, size=(0.1, 0.2))
    params = transform.draw(draws(2), shape=images.shape)
    middles = np.stack(np.meshgrid(*(np.arange(n) + 0.5 - n / 2 for n in space), indexing="ij"), -1)
    expected = images.numpy().copy()
    for image in range(2):
        white = np.zeros(space)
        for number in range(4):
            if not params["is_there"][image, number]:
                continue
            off = middles - params["place"][image, number].numpy() * space
            axis = params["direction"][image, number].double().numpy()
            axis = axis / np.linalg.norm(axis)
            along = off @ axis
            across2 = (off**2).sum(axis=-1) - along**2
            longer = params["elongation"][image, number].item()
            radius = params["size"][image, number].item() * min(space)
            rim = radius - np.sqrt(across2 + (along / longer) ** 2)
            white = np.maximum(white, np.clip(0.5 + rim / max(radius / 2, 1), 0, 1))
        expected[image] += (1 - expected[image]) * white
    np.testing.assert_allclose(transform.apply(images, params), expected, atol=1e-5)
    assert (expected == 1).any()


def test_glints_only_whiten_and_cover_little_by_default(draws):
    images = torch.rand(100, 3, 48, 48) * 0.8
    transform = highlights()
    seen = transform.apply(images, transform.draw(draws(100), shape=images.shape))
    assert (seen >= images).all()
    assert (seen <= 1).all()
    covered = (seen > images + 0.02).any(dim=1).float().flatten(1).mean(dim=1)
    assert covered.max() < 0.08
    assert 0.002 < covered.mean() < 0.03


def test_white_stays_white_and_black_gets_white_without_colour(draws):
    transform = highlights(size=(0.1, 0.1))
    params = transform.draw(draws(3), shape=torch.Size((3, 3, 20, 20)))
    white = torch.ones(3, 3, 20, 20)
    assert torch.equal(transform.apply(white, params), white)
    seen = transform.apply(torch.zeros(3, 3, 20, 20), params)
    assert seen.max() == 1
    assert torch.equal(seen, seen[:, :1].expand(-1, 3, -1, -1))


def test_a_glint_that_is_not_there_does_nothing(draws):
    images = torch.rand(2, 1, 12, 12)
    params = highlights().draw(draws(2), shape=images.shape)
    nothing = params | {"is_there": torch.zeros_like(params["is_there"])}
    assert torch.equal(highlights().apply(images, nothing), images)


def test_settings_limit_what_is_drawn(draws):
    transform = highlights(count=5, size=(0.01, 0.04), elongation=4)
    params = transform.draw(draws(2000), shape=torch.Size((2000, 3, 8, 8, 8)))
    counts = params["is_there"].sum(dim=1)
    assert counts.unique().tolist() == [1, 2, 3, 4, 5]
    assert 0.01 <= params["size"].min() < 0.0101
    assert 0.0399 < params["size"].max() <= 0.04
    assert params["size"].median().item() == pytest.approx(0.02, rel=0.05)  # even in its logarithm
    assert 1 <= params["elongation"].min() < 1.01
    assert 3.99 < params["elongation"].max() <= 4
    assert params["place"].shape == params["direction"].shape == (2000, 5, 3)
    assert -0.5 <= params["place"].min() < -0.499
    assert 0.499 < params["place"].max() <= 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": 0}, "count: Input should be"),
        ({"elongation": 0.5}, "elongation: Input should be"),
        ({"size": (0.2, 0.1)}, "size: needs the smallest radius, then the largest"),
        ({"size": (0.0, 0.1)}, "size.0: Input should be"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        SpecularHighlights.Config.parse(change, where="view specular_highlights")
