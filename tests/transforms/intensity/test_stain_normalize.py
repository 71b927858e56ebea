import numpy as np
import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms.intensity.stain_normalize import StainNormalize

REFERENCE = np.array([[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]])
AMOUNTS = np.array([1.9705, 1.0308])
SLIDES = (
    np.array([[0.60, 0.25], [0.70, 0.85], [0.39, 0.46]]),
    np.array([[0.68, 0.33], [0.66, 0.80], [0.32, 0.50]]),
)
TO_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])


def normalized(images, **options):
    transform = StainNormalize(StainNormalize.Config(**options))
    return transform.apply(images, {"unused": torch.zeros(len(images))})


def slides(seed=0, edge=24):
    """Return one tissue under two stainings, a tile each, and the amounts of both dyes."""
    random = np.random.default_rng(seed)
    eosin = random.uniform(0.4, 1.0, (edge, edge))
    haematoxylin = random.uniform(0.3, 1.8, (edge, edge)) * (random.random((edge, edge)) < 0.5)
    eosin[haematoxylin > 0] *= 0.1
    eosin[haematoxylin == 0] += 0.3
    amounts = np.stack((haematoxylin, eosin))
    amounts[:, : edge // 4] = 0.0  # nothing but glass
    tiles = [240 / 255 * np.exp(-np.tensordot(stains, amounts, 1)) for stains in SLIDES]
    return torch.from_numpy(np.stack(tiles)), amounts


def macenko(tile, percentile):
    """Normalise one tile as the paper says, with numpy, in 8-bit units."""
    density = -np.log((tile.reshape(3, -1) * 255 + 1) / 240)
    tissue = density[:, (density >= 0.15).all(axis=0)]
    vectors = np.linalg.svd(np.cov(tissue))[0][:, :2]
    vectors *= np.sign(vectors.sum(axis=0))  # the first points to where the tissue lies
    projected = vectors.T @ tissue
    angle = np.arctan2(projected[1], projected[0])
    found = [
        vectors @ (np.cos(a), np.sin(a))
        for a in np.percentile(angle, [percentile, 100 - percentile])
    ]
    stains = np.stack(sorted(found, key=lambda vector: -vector[0]), axis=1)
    amounts = np.linalg.lstsq(stains, density, rcond=None)[0]
    amounts *= (AMOUNTS / np.percentile(amounts, 99, axis=1))[:, None]
    return (240 / 255 * np.exp(-REFERENCE @ amounts)).reshape(tile.shape)


def opponent(tile):
    """Return l, alpha and beta of one tile, (3, N), as written in the paper but with ln."""
    cones = np.log(TO_LMS @ (tile.reshape(3, -1) * 255))
    mixed = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) @ cones
    return mixed / np.sqrt([[3], [6], [2]])


@pytest.mark.parametrize("percentile", [1, 8])
def test_macenko_equals_the_paper_step_by_step(percentile):
    tiles, _ = slides()
    seen = normalized(tiles, percentile=percentile)
    for tile, result in zip(tiles.numpy(), seen.numpy(), strict=True):
        np.testing.assert_allclose(result, macenko(tile, percentile), atol=1e-9)
    assert (seen - tiles).abs().mean() > 0.01


def test_macenko_gives_one_tissue_one_look_under_any_stain():
    tiles, amounts = slides()
    seen = normalized(tiles)
    assert (tiles[0] - tiles[1]).abs().mean() > 0.02
    assert (seen[0] - seen[1]).abs().mean() < 0.003
    scaled = amounts * (AMOUNTS / np.percentile(amounts, 99, axis=(1, 2)))[:, None, None]
    expected = 240 / 255 * np.exp(-np.tensordot(REFERENCE, scaled, 1))
    assert np.abs(seen[0].numpy() - expected).mean() < 0.02


def test_reinhard_equals_the_paper_and_reaches_its_targets():
    tiles, _ = slides()
    mean, deviation = np.array([8.2, -0.1, 0.02]), np.array([0.5, 0.08, 0.03])
    seen = normalized(
        tiles, kind="reinhard", target_mean=tuple(mean), target_deviation=tuple(deviation)
    )
    for tile, result in zip(tiles.numpy(), seen.numpy(), strict=True):
        values = opponent(tile)
        scaled = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)
        scaled = scaled * deviation[:, None] + mean[:, None]
        back = np.linalg.inv(np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]))
        cones = np.exp(back @ (scaled * np.sqrt([[3], [6], [2]])))
        expected = (np.linalg.inv(TO_LMS) @ cones / 255).reshape(tile.shape)
        np.testing.assert_allclose(result, expected, atol=1e-9)
        np.testing.assert_allclose(opponent(result).mean(axis=1), mean)
        np.testing.assert_allclose(opponent(result).std(axis=1), deviation)


@pytest.mark.parametrize("kind", ["macenko", "reinhard"])
def test_a_tile_that_has_its_target_already_hardly_changes(kind):
    once = normalized(slides()[0], kind=kind)
    torch.testing.assert_close(normalized(once, kind=kind), once, atol=0.03, rtol=0)


@pytest.mark.parametrize("kind", ["macenko", "reinhard"])
def test_a_tile_without_enough_tissue_stays(kind):
    tiles, _ = slides()
    tiles[0] = 0.93
    tiles[0, :, 0, :20] = tiles[1, :, -1, :20]  # 3 % of the tile
    seen = normalized(tiles, kind=kind)
    assert torch.equal(seen[0], tiles[0])
    assert not torch.equal(seen[1], tiles[1])
    more = normalized(tiles, kind=kind, tissue=0.01)
    assert not torch.equal(more[0], tiles[0])


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_macenko_leaves_a_tile_of_one_colour_as_it_is(value):
    flat = torch.full((2, 3, 6, 6), value)
    assert torch.equal(normalized(flat), flat)


def test_each_option_changes_the_result():
    tiles, _ = slides()
    plain = normalized(tiles)
    for change in ({"density": 0.4}, {"percentile": 10}, {"kind": "reinhard"}, {"tissue": 1.0}):
        assert not torch.allclose(normalized(tiles, **change), plain, atol=1e-4)
    reinhard = normalized(tiles, kind="reinhard")
    for change in ({"target_mean": (8, 0, 0)}, {"target_deviation": (0.3, 0.1, 0.1)}):
        assert not torch.allclose(normalized(tiles, kind="reinhard", **change), reinhard)


def test_volumes_are_taken_as_a_whole():
    tiles, _ = slides()
    deep = tiles.reshape(2, 3, 12, 6, 8)
    torch.testing.assert_close(normalized(deep), normalized(tiles).reshape(deep.shape))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_colour_pass_through(channels):
    images = torch.rand(2, channels, 4, 5)
    assert torch.equal(normalized(images), images)
    assert StainNormalize.channels == 3


@pytest.mark.parametrize("change", [{"kind": "vahadane"}, {"percentile": 50}, {"tissue": 2}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        StainNormalize.Config.parse(change, where="view stain_normalize")
