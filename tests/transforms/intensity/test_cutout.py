import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.cutout import Cutout


def cutout(**options):
    return Cutout(Cutout.Config(**options))


def box(centre, half, count=1):
    return {
        "centre": torch.tensor([centre]).repeat(count, 1),
        "half": torch.tensor([half]).repeat(count, 1),
    }


@pytest.mark.parametrize("fill", ["mean", "zero"])
@pytest.mark.parametrize(
    ("centre", "half"), [([0.5, 0.25], [0.2, 0.1]), ([0.9, 0.0, 0.5], [0.3, 0.25, 0.1])]
)
def test_a_box_is_filled_where_it_was_drawn(centre, half, fill):
    space = (10, 20, 30)[: len(centre)]
    images = torch.rand(2, 3, *space) + 0.1
    seen = cutout(fill=fill).apply(images, box(centre, half, count=2))
    expected = images.clone()
    place = tuple(
        slice(max(round((c - h) * edge), 0), round((c + h) * edge))
        for c, h, edge in zip(centre, half, space, strict=True)
    )
    mean = images.flatten(2).mean(dim=2).reshape(2, 3, *[1] * len(space))
    expected[:, :, *place] = mean if fill == "mean" else 0.0
    torch.testing.assert_close(seen, expected)


@pytest.mark.parametrize("space", [(80, 120), (24, 30, 40)])
def test_boxes_take_the_share_that_was_drawn_of_the_view(draws, space):
    transform = cutout(area=(0.05, 0.3), aspect=3, fill="zero")
    params = transform.draw(draws(60), shape=torch.Size((60, 1, *space)))
    params["centre"] = torch.full((60, len(space)), 0.5)
    hidden = transform.apply(torch.ones(60, 1, *space), params) == 0
    shares = hidden.float().flatten(1).mean(dim=1)
    drawn = (2 * params["half"]).prod(dim=1)
    torch.testing.assert_close(shares, drawn, atol=0.04, rtol=0)
    assert (shares - drawn).mean().abs() < 0.005
    assert 0.05 <= drawn.min() < 0.08
    assert 0.27 < drawn.max() <= 0.3
    ratios = params["half"].amax(dim=1) / params["half"].amin(dim=1)
    assert ratios.min() >= 1
    assert 2 < ratios.max() <= 3 + 1e-5


@pytest.mark.parametrize("limit", [0.0, 0.1, 0.33, 1.0])
def test_a_box_covers_at_most_the_allowed_share_of_the_foreground(draws, limit):
    images = torch.zeros(50, 1, 20, 20)
    images[:, :, 4:12, 6:14] = torch.rand(50, 1, 8, 8) * 0.5 + 0.3
    transform = cutout(area=(0.3, 0.6), fill="zero", foreground_share=limit)
    params = transform.draw(draws(50), shape=images.shape)
    seen = transform.apply(images, params)
    lost = ((seen == 0) & (images > 0)).float().flatten(1).sum(dim=1) / 64
    assert lost.max() <= limit + 1e-6
    free = cutout(area=(0.3, 0.6), fill="zero").apply(images, params)
    free_lost = ((free == 0) & (images > 0)).float().flatten(1).sum(dim=1) / 64
    assert free_lost.max() > 0.9
    assert (lost == free_lost)[free_lost <= limit].all()  # nothing is shrunk without need


def test_a_box_shrinks_about_its_centre():
    images = torch.ones(1, 1, 21, 21)
    seen = cutout(fill="zero", foreground_share=0.1).apply(images, box([0.5, 0.5], [0.4, 0.2]))
    hidden = seen[0, 0] == 0
    assert torch.equal(hidden, hidden.flip(0))
    assert torch.equal(hidden, hidden.flip(1))
    rows, columns = hidden.any(dim=1).sum().item(), hidden.any(dim=0).sum().item()
    assert hidden.sum() == rows * columns
    assert 0 < rows * columns <= 44
    assert rows > columns


def test_the_range_of_brightness_says_what_foreground_is():
    images = torch.full((1, 3, 10, 10), 0.9)
    images[..., :5] = torch.tensor([0.6, 0.0, 0.1]).reshape(3, 1, 1)  # dark on average
    params = box([0.5, 0.75], [0.5, 0.75])
    dark = cutout(fill="zero", foreground=(0.0, 0.5), foreground_share=0).apply(images, params)
    assert torch.equal(dark[..., :5], images[..., :5])
    assert not dark[..., 5:].all()
    params = box([0.5, 0.25], [0.5, 0.75])
    bright = cutout(fill="zero", foreground=(0.5, 1.0), foreground_share=0).apply(images, params)
    assert torch.equal(bright[..., 5:], images[..., 5:])
    assert (bright[..., :5] != images[..., :5]).any()


def test_a_foreground_that_is_given_counts_instead():
    images = torch.ones(1, 1, 10, 10)
    params = box([0.25, 0.25], [0.25, 0.25])
    elsewhere = torch.zeros(1, 10, 10, dtype=torch.bool)
    elsewhere[:, 8:, 8:] = True
    transform = cutout(fill="zero", foreground_share=0)
    assert torch.equal(transform.apply(images, params), images)
    seen = transform.apply(images, params | {"foreground": elsewhere})
    assert not seen[..., :5, :5].any()


def test_a_box_holds_at_least_one_pixel():
    images = torch.ones(1, 1, 6, 6)
    seen = cutout(fill="zero").apply(images, box([0.76, 0.4], [0.0, 0.0]))
    assert (seen == 0).sum() == 1
    assert seen[0, 0, 4, 2] == 0


@pytest.mark.parametrize("value", [0.0, 0.6, 1.0])
def test_the_mean_of_an_even_image_hides_nothing(draws, value):
    images = torch.full((4, 2, 8, 8), value)
    seen = cutout().apply(images, cutout().draw(draws(4), shape=images.shape))
    torch.testing.assert_close(seen, images)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"area": (0.3, 0.1)}, "area: needs the smallest value, then the largest"),
        ({"area": (0.3, 1.1)}, "area: needs the smallest value, then the largest"),
        ({"foreground": (0.5, 0.1)}, "foreground: needs the smallest value"),
        ({"fill": "noise"}, "fill: Input should be"),
        ({"aspect": 0.5}, "aspect: Input should be"),
        ({"foreground_share": 1.5}, "foreground_share: Input should be"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        Cutout.Config.parse(change, where="view cutout")


def test_centres_lie_anywhere(draws):
    centre = cutout().draw(draws(500), shape=torch.Size((500, 1, 4, 4)))["centre"]
    np.testing.assert_allclose(centre.mean(dim=0), 0.5, atol=0.05)
    assert centre.min() < 0.01
    assert centre.max() > 0.99
