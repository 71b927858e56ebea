import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.metal_streaks import MetalStreaks


def metal(**options):
    return MetalStreaks(MetalStreaks.Config(**options))


def params_of(count=1, *, directions=8, pair=False, **changes):
    """Return parameters of pieces of 2 and 3 pixels in a slice whose shorter edge is 40."""
    random = torch.Generator().manual_seed(0)
    one = torch.ones(count)
    plain = {
        "strength": 0.3 * one,
        "radius": torch.tensor([[2.0, 3.0]]).repeat(count, 1) / 40,
        "place": torch.tensor([[0.3, 0.8]]).repeat(count, 1),
        "is_there": torch.tensor([[True, pair]]).repeat(count, 1),
        "rays": torch.randn(count, 2, directions, generator=random),
        "slice": 0.5 * one,
        "slices": 0.2 * one,
    }
    return plain | changes


def points(*places, space=(40, 50)):
    """Return a black picture with single bright pixels: metal is drawn there."""
    images = torch.zeros(1, 1, *space)
    for row, column in places:
        images[..., row, column] = 0.5
    return images


def streaks_by_hand(params, centres, space, reach):
    """Return what is added around pieces of metal, and how far the nearest one is, per pixel."""
    added, nearest = np.zeros(space), np.full(space, np.inf)
    for place in np.ndindex(*space):
        for piece, centre in enumerate(centres):
            rays = params["rays"][0, piece].numpy()
            faults = np.append(rays, rays[0]) - rays.mean()
            off = np.subtract(place, centre)
            angle = np.arctan2(off[1], off[0]) % np.pi
            fault = np.interp(angle, np.linspace(0, np.pi, len(faults)), faults)
            from_rim = np.hypot(*off) - 40 * params["radius"][0, piece].item()
            added[place] += fault / (1 + max(from_rim, 0) / (40 * reach))
            nearest[place] = min(nearest[place], from_rim)
    return params["strength"].item() * added, nearest


def test_streaks_are_those_of_a_computation_by_hand():
    images, params = points((12, 20)), params_of()
    seen = metal(directions=8, reach=0.2).apply(images, params)
    added, nearest = streaks_by_hand(params, [(12, 20)], (40, 50), 0.2)
    free = nearest > 0.5
    np.testing.assert_allclose((seen - images)[0, 0].numpy()[free], added[free], atol=1e-5)
    assert (seen[0, 0].numpy()[nearest < -0.5] == 1).all()


def test_two_pieces_have_a_dark_band_between_them():
    images, params = points((10, 10), (30, 40)), params_of(pair=True)
    seen = (metal(directions=8).apply(images, params) - images)[0, 0].numpy()
    centres = np.array([(10, 10), (30, 40)])
    added, nearest = streaks_by_hand(params, centres, (40, 50), 0.1)
    band, free = seen - added, nearest > 0.5
    steps = np.linspace(0, 1, 400)[:, None, None, None]
    line = centres[0] + steps * (centres[1] - centres[0])
    pixels = np.moveaxis(np.mgrid[:40, :50], 0, -1)
    distance = np.hypot(*np.moveaxis(pixels - line, -1, 0)).min(axis=0)
    expected = -0.3 * np.exp(-((distance / 2) ** 2))
    np.testing.assert_allclose(band[free], expected[free], atol=2e-3)
    assert band[20, 25] < -0.29


def test_a_streak_runs_through_the_metal_to_the_other_side():
    images = points((20, 20), space=(41, 41))
    seen = metal().apply(images, params_of())
    torch.testing.assert_close(seen, seen.flip(2, 3), atol=1e-5, rtol=0)
    assert not torch.allclose(seen, seen.flip(2), atol=0.01)


def test_metal_lies_in_proportion_to_squared_brightness():
    images = torch.zeros(1000, 1, 5, 12)
    images[:, :, 1, 2], images[:, :, 3, 9] = 0.3, 0.6
    shares = (torch.arange(1000) + 0.5) / 1000
    params = params_of(1000, place=shares[:, None].repeat(1, 2), strength=torch.zeros(1000))
    params["radius"] = torch.full((1000, 2), 0.05)
    seen = metal().apply(images, params)
    first = (seen[:, 0, 1, 2] > 0.5).float().mean()
    assert first.item() == pytest.approx(0.09 / (0.09 + 0.36), abs=0.002)
    assert ((seen[:, 0, 1, 2] > 0.5) ^ (seen[:, 0, 3, 9] > 0.7)).all()


def test_in_3d_slices_with_metal_are_the_2d_result_and_the_others_stay():
    flat = torch.rand(1, 1, 40, 50, generator=torch.Generator().manual_seed(2))
    volume = flat.unsqueeze(4).repeat(1, 1, 1, 1, 10)
    params = params_of(pair=True, slice=torch.tensor([0.62]), slices=torch.tensor([0.21]))
    seen = metal().apply(volume, params)
    touched = [number for number in range(10) if (seen != volume)[..., number].any()]
    assert touched == [5, 6, 7]  # slice 6 is in the middle, and 1.05 slices reach to each side
    expected = metal().apply(flat, params)
    for number in touched:
        torch.testing.assert_close(seen[..., number], expected, atol=1e-5, rtol=0)


def test_at_least_one_slice_holds_metal(draws):
    volumes = torch.full((20, 1, 6, 6, 4), 0.5)
    transform = metal(slices=0)
    seen = transform.apply(volumes, transform.draw(draws(20), shape=volumes.shape))
    assert ((seen != volumes).flatten(1, 3).any(dim=1).sum(dim=1) == 1).all()


def test_far_tissue_keeps_its_mean_within_5_hu_of_a_soft_tissue_window(draws):
    images = torch.full((40, 1, 64, 64), 0.5)
    transform = metal(pieces=1)
    params = transform.draw(draws(40), shape=images.shape)
    params["place"] = torch.full((40, 2), 0.508)  # the middle of an even picture
    changes_hu = 425 * (transform.apply(images, params) - images)
    y, x = torch.meshgrid(torch.arange(64) - 32.0, torch.arange(64) - 32.0, indexing="ij")
    distance = torch.hypot(x, y)
    far = changes_hu[:, 0, (distance > 16) & (distance < 31)]
    assert far.mean(dim=1).abs().max() < 5
    assert 5 < far.std() < 50


def test_without_strength_only_the_metal_shows():
    images = points((12, 20))
    seen = metal().apply(images, params_of(pair=True, strength=torch.zeros(1)))
    assert seen.sum() == pytest.approx(np.pi * 3**2, rel=0.1)  # both lie in the only bright pixel
    assert seen[0, 0, 12, 20] == 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_even_pictures_get_metal_anywhere(draws, value):
    images = torch.full((400, 1, 8, 8), value)
    transform = metal(radius=(0.1, 0.1), strength=1)
    seen = transform.apply(images, transform.draw(draws(400), shape=images.shape))
    assert seen.isfinite().all()
    assert ((seen - images).abs() > 0.05).any(dim=0).all()


def test_options_limit_what_is_drawn(draws):
    shape = torch.Size((500, 1, 8, 8))
    transform = metal(strength=0.8, radius=(0.1, 0.2), directions=12, slices=0.5)
    params = transform.draw(draws(500), shape=shape)
    assert 0.4 <= params["strength"].min() < 0.41
    assert 0.79 < params["strength"].max() <= 0.8
    assert 0.1 <= params["radius"].min() < 0.101
    assert 0.199 < params["radius"].max() <= 0.2
    assert params["rays"].shape == (500, 2, 12)
    assert 0.49 < params["slices"].max() <= 0.5
    assert params["is_there"][:, 0].all()
    assert 0.4 < params["is_there"][:, 1].float().mean() < 0.6
    alone = metal(pieces=1).draw(draws(500), shape=shape)["is_there"]
    assert not alone[:, 1].any()


def test_reach_says_where_streaks_have_halved():
    images, params = points((20, 20), space=(40, 40)), params_of()
    near, far = (metal(reach=reach).apply(images, params) - images for reach in (0.1, 0.4))
    # on the row of the metal: 2 pixels of radius, then 16 pixels, which is 0.4 of the edge
    ratio = near[0, 0, 20, 38] / far[0, 0, 20, 38]
    assert ratio.item() == pytest.approx((1 / (1 + 16 / 4)) / (1 / 2), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": 3}, "strength: Input should be"),
        ({"pieces": 3}, "pieces: Input should be"),
        ({"directions": 3}, "directions: Input should be"),
        ({"radius": (0.2, 0.1)}, "radius: needs the smallest radius, then the largest"),
        ({"radius": (0.0, 0.1)}, "radius.0: Input should be"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        MetalStreaks.Config.parse(change, where="view metal_streaks")
