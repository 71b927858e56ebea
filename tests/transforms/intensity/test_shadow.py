import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.shadow import Shadow


def shaded(images, *, across, darkening=0.8, width=0.2, start=0.3, apex=0.5, axis=0):
    count = len(images)
    params = {
        "darkening": torch.full((count,), darkening),
        "width": torch.full((count,), width),
        "start": torch.full((count,), start),
        "apex": torch.full((count,), apex),
        "across": torch.tensor([across]).repeat(count, 1),
    }
    return Shadow(Shadow.Config(axis=axis)).apply(images, params)


def by_hand(space, *, across, darkening=0.8, width=0.2, start=0.3, apex=0.5):
    """Return the factor of every pixel; depth is the first axis."""
    factor = np.ones(space)
    for place in np.ndindex(*space):
        depth, *side = ((index + 0.5) / edge for index, edge in zip(place, space, strict=True))
        if depth <= start:
            continue
        # where this pixel's scan line crosses the depth at which the shadow starts
        crossing = (np.array(side) - 0.5) * (start + apex) / (depth + apex)
        off = np.linalg.norm(crossing - across) / (width / 2)
        factor[place] -= darkening * min((depth - start) / 0.04, 1) * 0.5 ** (off**4)
    return factor


@pytest.mark.parametrize(("space", "across"), [((20, 30), [0.1]), ((12, 9, 14), [-0.2, 0.1])])
def test_the_shadow_is_that_of_a_computation_by_hand(space, across):
    images = torch.rand(2, 1, *space, dtype=torch.float64)
    expected = images.numpy() * by_hand(space, across=across)
    np.testing.assert_allclose(shaded(images, across=across), expected, atol=1e-5)


def test_what_lies_above_the_place_stays():
    images = torch.rand(1, 1, 20, 20)
    seen = shaded(images, across=[0.0], start=0.5)
    assert torch.equal(seen[..., :10, :], images[..., :10, :])
    assert (seen[..., 12:, 10] < 0.25 * images[..., 12:, 10]).all()


def test_a_near_apex_makes_a_wedge_and_a_far_one_a_column():
    images = torch.ones(1, 1, 100, 101)

    def widths(apex):
        dark = shaded(images, across=[0.0], apex=apex, width=0.1)[0, 0] < 0.6
        return dark[40].sum().item(), dark[99].sum().item()

    assert widths(100.0) == (11, 11)
    upper, lower = widths(0.2)
    assert lower > 1.8 * upper


def test_a_shadow_at_the_side_runs_away_from_the_middle():
    images = torch.ones(1, 1, 100, 101)
    seen = shaded(images, across=[0.2], apex=0.3)[0, 0]
    # 0.2 edges off at depth 0.3 is on the scan line that is (0.3 + 0.7) / (0.3 + 0.3) * 0.2 off
    assert seen[70].argmin().item() == pytest.approx(50.5 + 101 * 0.2 * 1.005 / 0.6, abs=1)


@pytest.mark.parametrize(("space", "axis"), [((9, 12), 1), ((7, 8, 9), 1), ((7, 8, 9), 2)])
def test_depth_runs_along_its_axis(space, axis):
    images = torch.rand(1, 1, *space)
    across = [0.1, -0.2][: len(space) - 1]
    turned = shaded(images.movedim(2 + axis, 2), across=across)
    seen = shaded(images, across=across, axis=axis)
    torch.testing.assert_close(seen.movedim(2 + axis, 2), turned)
    assert (seen < images).any()


def test_the_sector_is_kept_and_no_darkening_is_the_identity(draws):
    images = torch.rand(6, 1, 20, 20) * (torch.rand(6, 1, 20, 20) > 0.4)
    seen = Shadow().apply(images, Shadow().draw(draws(6), shape=images.shape))
    assert not seen[images == 0].any()
    assert (seen <= images).all()
    assert (seen < images).flatten(1).any(dim=1).all()
    assert torch.equal(shaded(images, across=[0.0], darkening=0.0), images)


def test_settings_limit_what_is_drawn(draws):
    options = {"width": (0.1, 0.3), "start": (0.2, 0.4), "apex": (0.5, 4.0)}
    transform = Shadow(Shadow.Config(darkening=0.6, **options))
    params = transform.draw(draws(1000), shape=torch.Size((1000, 1, 4, 4, 4)))
    for key, (low, high) in {**options, "darkening": (0.3, 0.6), "across": (-0.4, 0.4)}.items():
        room = 0.02 * (high - low)
        assert low - 1e-5 <= params[key].min() < low + room
        assert high - 6 * room < params[key].max() <= high + 1e-5
    assert params["across"].shape == (1000, 2)


def test_an_axis_that_images_lack_is_refused(draws):
    transform = Shadow(Shadow.Config(axis=2))
    with pytest.raises(ConfigError, match="below the number of spatial axes, 2, got 2"):
        transform.draw(draws(1), shape=torch.Size((1, 1, 4, 4)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"darkening": 1.1}, "darkening: Input should be"),
        ({"width": (0.3, 0.1)}, "width: needs the smallest share, then the largest"),
        ({"apex": (0.0, 0.1)}, "apex: needs the smallest share, then the largest, above 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        Shadow.Config.parse(change, where="view shadow")
