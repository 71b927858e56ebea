"""What every transform and every mask keeps to, whichever files the room holds."""

import math

import numpy as np
import pytest
import torch

from anlage import plugins
from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.transforms import Deformation, IntensityTransform, SpatialTransform
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Mask

SPATIAL = plugins.available("transforms/spatial")
BENDING = [name for name in SPATIAL if issubclass(plugins.load("transforms", name), Deformation)]
LINEAR = [name for name in SPATIAL if name not in BENDING]
INTENSITY = plugins.available("transforms/intensity")
MASKS = plugins.available("transforms/masks")
SPACE = {2: (9, 14), 3: (6, 9, 7)}
STRETCHING = {"affine"}  # changes lengths and angles
DRAW_NOTHING = {"flip", "grayscale", "solarize", "stain_normalize"}
COUNT = 5

linear = pytest.mark.parametrize("name", LINEAR)
bending = pytest.mark.parametrize("name", BENDING)
intensity = pytest.mark.parametrize("name", INTENSITY)
in_2d_and_3d = pytest.mark.parametrize("dims", [2, 3])
grey_and_colour = pytest.mark.parametrize("channels", [1, 3])


def make(name):
    return plugins.load("transforms", name)()


def draws(samples=range(COUNT), **options):
    sample = np.array(samples)
    return Draws(**{"seed": 3, "epoch": np.zeros_like(sample), "sample": sample} | options)


def images_of(dims, channels, dtype=torch.float32):
    """Return unit-interval images with both ends of the range."""
    random = torch.Generator().manual_seed(1)
    images = torch.rand(COUNT, channels, *SPACE[dims], generator=random, dtype=dtype)
    images[..., 0], images[..., 1] = 0.0, 1.0
    return images


def applied(name, images, given):
    transform = make(name)
    return transform.apply(images, transform.draw(given, shape=images.shape))


def test_the_room_holds_spatial_and_intensity_transforms_and_masks():
    assert set(plugins.available("transforms")) == {*SPATIAL, *INTENSITY, *MASKS}
    assert {"flip", "rotate"} <= set(LINEAR)
    assert {"elastic"} <= set(BENDING)
    assert {"gamma", "gaussian_noise"} <= set(INTENSITY)
    assert {"random", "block"} <= set(MASKS)


@pytest.mark.parametrize("name", [*SPATIAL, *INTENSITY, *MASKS])
def test_a_plug_in_is_of_its_kind_with_settings_that_refuse_unknown_ones(name):
    plugin = plugins.load("transforms", name)
    kinds = {
        "spatial": (SpatialTransform, Deformation),
        "intensity": IntensityTransform,
        "masks": Mask,
    }
    assert issubclass(plugin, kinds[plugins.family("transforms", name)])
    assert issubclass(plugin.Config, BaseConfig)
    assert plugin().config == plugin.Config()
    with pytest.raises(ConfigError, match=f"view {name}: there is no setting 'stregth'"):
        plugin.Config.parse({"stregth": 1}, where=f"view {name}")


@pytest.mark.parametrize("name", [*SPATIAL, *INTENSITY])
@in_2d_and_3d
def test_parameters_depend_on_the_draws_alone(name, dims):
    transform = make(name)

    def params(**options):
        given = draws(**options)
        if name in SPATIAL:
            return transform.draw(given, dims=dims)
        return transform.draw(given, shape=torch.Size((COUNT, 3, *SPACE[dims])))

    first, again = params(), params()
    assert all(len(value) == COUNT for value in first.values())
    assert all(torch.equal(first[key], again[key]) for key in first)
    for other in ({"seed": 4}, {"view": 1}, {"epoch": np.ones(COUNT, dtype=int)}, {"scope": "x"}):
        changed = params(**other)
        differ = any(not torch.equal(first[key], changed[key]) for key in first)
        assert differ is (name not in DRAW_NOTHING)


@linear
@in_2d_and_3d
def test_a_spatial_transform_gives_a_map_for_each_image_that_keeps_shapes(name, dims):
    transform = make(name)
    matrix = transform.matrix(transform.draw(draws(range(40)), dims=dims), dims=dims)
    assert matrix.shape == (40, dims, dims)
    assert matrix.dtype == torch.float32
    identity = torch.eye(dims).expand(40, dims, dims)
    if name in STRETCHING:  # no image is mirrored or flattened
        assert (torch.linalg.det(matrix) > 0.1).all()
    else:
        torch.testing.assert_close(matrix @ matrix.mT, identity, atol=1e-5, rtol=0)
    assert not torch.equal(matrix, identity)


@bending
@in_2d_and_3d
def test_a_deformation_is_smooth_folds_nowhere_and_does_not_depend_on_its_batch(name, dims):
    transform = make(name)
    half = torch.tensor([40.0, 70.0, 30.0])[:dims] * torch.linspace(0.5, 3, COUNT)[:, None]
    params = transform.draw(draws(), dims=dims)
    before = {key: value.clone() for key, value in params.items()}
    moves = transform.displacement(params, half_mm=half)
    assert moves.shape[:2] == (COUNT, dims)
    assert moves.dtype == torch.float32
    assert torch.equal(transform.displacement(params, half_mm=half), moves)
    assert all(torch.equal(params[key], before[key]) for key in params)
    samples = torch.tensor(moves.shape[2:])
    step = (2 * half / samples).reshape(COUNT, 1, dims, *[1] * dims)  # mm between samples
    slopes = torch.stack(torch.gradient(moves, dim=tuple(range(2, 2 + dims))), dim=2) / step
    jacobian = torch.eye(dims) + slopes.movedim((1, 2), (-2, -1))
    assert (torch.linalg.det(jacobian) > 0).all()
    assert moves.flatten(1).abs().amax(dim=1).gt(0).all()
    for place in range(COUNT):
        alone = transform.draw(draws([place]), dims=dims)
        own = transform.displacement(alone, half_mm=half[place : place + 1])
        torch.testing.assert_close(own[0], moves[place], atol=1e-5, rtol=0)


@linear
@in_2d_and_3d
def test_spatial_batched_is_one_by_one_and_pure(name, dims):
    transform = make(name)
    params = transform.draw(draws(), dims=dims)
    before = {key: value.clone() for key, value in params.items()}
    together = transform.matrix(params, dims=dims)
    assert torch.equal(transform.matrix(params, dims=dims), together)
    assert all(torch.equal(params[key], before[key]) for key in params)
    for place in range(COUNT):
        alone = transform.matrix(transform.draw(draws([place]), dims=dims), dims=dims)
        torch.testing.assert_close(alone[0], together[place])


@intensity
@in_2d_and_3d
@grey_and_colour
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_intensity_transform_keeps_shape_and_type_and_gives_finite_values(
    name, dims, channels, dtype
):
    images = images_of(dims, channels, dtype)
    seen = applied(name, images, draws())
    assert seen.shape == images.shape
    assert seen.dtype == dtype
    assert seen.isfinite().all()


@intensity
@in_2d_and_3d
@grey_and_colour
def test_an_intensity_transform_is_pure_and_repeatable(name, dims, channels):
    images = images_of(dims, channels)
    transform = make(name)
    params = transform.draw(draws(), shape=images.shape)
    before = images.clone(), {key: value.clone() for key, value in params.items()}
    first, second = transform.apply(images, params), transform.apply(images, params)
    assert torch.equal(first, second)
    assert torch.equal(images, before[0])
    assert all(torch.equal(params[key], before[1][key]) for key in params)


@intensity
@in_2d_and_3d
def test_an_intensity_transform_changes_images_that_have_its_channels(name, dims):
    needed = plugins.load("transforms", name).channels
    for channels in (1, 2, 3):
        images = images_of(dims, channels)
        is_changed = not torch.equal(applied(name, images, draws()), images)
        assert is_changed is (needed in (None, channels))


@intensity
@in_2d_and_3d
@grey_and_colour
def test_intensity_batched_is_one_by_one(name, dims, channels):
    images = images_of(dims, channels)
    together = applied(name, images, draws())
    for place in range(COUNT):
        alone = applied(name, images[place : place + 1], draws([place]))
        torch.testing.assert_close(alone[0], together[place], atol=1e-6, rtol=1e-5)


@intensity
@in_2d_and_3d
def test_other_draws_change_images_differently(name, dims):
    images = images_of(dims, 3)
    first, other = (applied(name, images, draws(seed=seed)) for seed in (1, 2))
    assert torch.equal(first, other) is (name in DRAW_NOTHING)


@intensity
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_flat_images_give_finite_values(name, value):
    images = torch.full((COUNT, 3, *SPACE[2]), value)
    assert applied(name, images, draws()).isfinite().all()


@intensity
@pytest.mark.parametrize("space", [(1, 1), (1, 5), (1, 1, 1), (4, 1, 3)])
def test_edges_of_one_pixel_are_no_trouble(name, space):
    images = torch.rand(2, 3, *space)
    seen = applied(name, images, draws([0, 1]))
    assert seen.shape == images.shape
    assert seen.isfinite().all()


@intensity
@in_2d_and_3d
def test_an_intensity_transform_stays_on_the_device_of_its_images(name, dims):
    """The meta device holds no values: nothing may be copied from it or looked at."""
    images = torch.rand(COUNT, 3, *SPACE[dims], device="meta")
    seen = applied(name, images, draws(device=images.device))
    assert seen.device == images.device
    assert seen.shape == images.shape


@in_2d_and_3d
def test_a_spatial_transform_stays_on_the_device_of_its_draws(dims):
    given = draws(device=torch.device("meta"))
    half = torch.ones(COUNT, dims, device="meta")
    for name in LINEAR:
        matrix = make(name).matrix(make(name).draw(given, dims=dims), dims=dims)
        assert matrix.device == half.device
    for name in BENDING:
        moves = make(name).displacement(make(name).draw(given, dims=dims), half_mm=half)
        assert moves.device == half.device


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("grid", [(4, 9), (3, 5, 4), (2, 1)])
@pytest.mark.parametrize("ratio", [0.01, 0.4, 0.75, 0.99])
def test_masks_hide_an_exact_number_alike_in_any_batch(name, grid, ratio):
    mask = plugins.load("transforms/masks", name)()
    hidden = mask.draw(draws(), grid=grid, ratio=ratio)
    total = math.prod(grid)
    assert hidden.shape == (COUNT, *grid)
    assert hidden.dtype == torch.bool
    expected = min(max(round(ratio * total), 1), total - 1)
    assert hidden.flatten(1).sum(dim=1).tolist() == [expected] * COUNT
    assert torch.equal(mask.draw(draws(), grid=grid, ratio=ratio), hidden)
    for place in range(COUNT):
        assert torch.equal(mask.draw(draws([place]), grid=grid, ratio=ratio)[0], hidden[place])


@pytest.mark.parametrize("name", MASKS)
@in_2d_and_3d
def test_other_draws_hide_other_places(name, dims):
    mask = plugins.load("transforms/masks", name)()
    first = mask.draw(draws(), grid=SPACE[dims], ratio=0.5)
    assert not torch.equal(first[0], first[1])
    for other in ({"seed": 4}, {"view": 1}, {"epoch": np.ones(COUNT, dtype=int)}):
        changed = mask.draw(draws(**other), grid=SPACE[dims], ratio=0.5)
        assert (changed != first).flatten(1).any(dim=1).all()
