"""Displacements: against SimpleITK's B-splines as TorchIO sets them up; nothing folds."""

import itertools

import numpy as np
import pytest
import SimpleITK
import torch

from anlage.errors import ConfigError
from anlage.transforms.spatial.elastic import Elastic, _cubic

POINTS = 17
SAMPLES = 48
HALF = {2: (60.0, 35.0), 3: (60.0, 35.0, 48.0)}


def moves_of(params, half, **options):
    transform = Elastic(Elastic.Config(**options))
    return transform.displacement(params, half_mm=torch.tensor(half)[None])


def random_points(dims, size, seed=0):
    random = torch.Generator().manual_seed(seed)
    moves = torch.rand(1, dims, *[POINTS] * dims, generator=random)
    return {"displacement_mm": (2 * moves - 1) * size}


@pytest.mark.parametrize("dims", [2, 3])
def test_displacements_are_those_of_simpleitks_splines_over_the_same_points(dims):
    """TorchIO hands its control points to SimpleITK in the same way: first axis fastest."""
    spacing = 17.0
    params = random_points(dims, 5.0)
    spline = SimpleITK.BSplineTransform(dims, 3)
    spline.SetTransformDomainOrigin([-7 * spacing] * dims)  # the outermost points lie outside
    spline.SetTransformDomainPhysicalDimensions([14 * spacing] * dims)
    spline.SetTransformDomainMeshSize([14] * dims)
    moved = np.moveaxis(params["displacement_mm"][0].double().numpy(), 0, -1)
    spline.SetParameters(moved.flatten(order="F").tolist())
    seen = moves_of(params, HALF[dims], spacing_mm=spacing)[0].numpy()
    random = np.random.default_rng(0)
    for index in random.integers(0, SAMPLES, (40, dims)):
        place = ((2 * index + 1) / SAMPLES - 1) * np.array(HALF[dims])
        expected = np.array(spline.TransformPoint(place.tolist())) - place
        np.testing.assert_allclose(seen[(slice(None), *index)], expected, atol=1e-4)


def test_the_spline_is_the_cubic_one():
    place = torch.linspace(-2.5, 2.5, 101, dtype=torch.float64)
    assert _cubic(place)[place.abs() >= 2].abs().max() == 0
    torch.testing.assert_close(_cubic(torch.tensor([0.0, 1.0])), torch.tensor([4 / 6, 1 / 6]))
    total = sum(_cubic(place[40:61] - point) for point in range(-3, 4))
    torch.testing.assert_close(total, torch.ones(21, dtype=torch.float64))


def worst_moves(dims, gradients, size, seed):
    """Return control points that make one Jacobian determinant as small as can be found.

    It is linear in the displacements along one axis, so each axis in turn takes its worst signs.

    Args:
        gradients: What one unit at each control point adds to each slope, (d, points).
    """
    random = torch.Generator().manual_seed(seed)
    moves = size * torch.randn(dims, gradients.shape[1], generator=random).sign().double()
    for axis in list(range(dims)) * 6:
        jacobian = torch.eye(dims, dtype=torch.float64) + moves @ gradients.T
        cofactors = torch.stack(
            [
                torch.linalg.det(jacobian.index_put((torch.tensor(axis),), unit))
                for unit in torch.eye(dims, dtype=torch.float64)
            ]
        )
        moves[axis] = -size * (cofactors @ gradients).sign()
    return torch.linalg.det(torch.eye(dims, dtype=torch.float64) + moves @ gradients.T)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_worst_displacements_that_settings_allow_fold_nothing(dims):
    """Over cells of the sampled displacement, whose slopes are differences of neighbours."""
    points = torch.arange(-3, 5).double()
    least = {0.35: [], 0.55: []}
    for offset in (0.0, 0.25, 0.5, 0.125):  # four samples per interval, wherever they begin
        ends = torch.tensor([offset, offset + 0.25], dtype=torch.float64)
        values = _cubic(ends[:, None] - points)  # (2, points)
        slope = (values[1] - values[0]) / 0.25
        for corner in itertools.product([0, 1], repeat=dims):
            gradients = []
            for axis in range(dims):
                parts = [slope if n == axis else values[corner[n]] for n in range(dims)]
                whole = parts[0]
                for part in parts[1:]:
                    whole = (whole[:, None] * part).flatten()
                gradients.append(whole)
            for size, found in least.items():
                found.append(worst_moves(dims, torch.stack(gradients), size, len(found)))
    assert min(least[0.35]) > 0
    assert min(least[0.55]) < 0  # the search does find folds where there are some


@pytest.mark.parametrize("dims", [2, 3])
def test_points_are_apart_by_millimetres_whatever_the_crop(draws, dims):
    """A crop of half the extent shows the middle of the same displacement."""
    params = random_points(dims, 5.0)
    whole = moves_of(params, HALF[dims], spacing_mm=20.0)[0]
    half = moves_of(params, [edge / 2 for edge in HALF[dims]], spacing_mm=20.0)[0]
    inner = (slice(None), *[slice(SAMPLES // 4, -SAMPLES // 4)] * dims)
    means = half.reshape(dims, *[part for _ in range(dims) for part in (SAMPLES // 2, 2)])
    means = means.mean(dim=tuple(range(2, 2 + 2 * dims, 2)))
    torch.testing.assert_close(whole[inner], means, atol=0.05, rtol=0)


def test_long_crops_have_wider_points_for_each_image_alone():
    transform = Elastic(Elastic.Config(displacement_mm=5, spacing_mm=20))
    half = torch.tensor([[120.0, 60.0], [480.0, 240.0], [120.0, 60.0]])
    params = {"displacement_mm": random_points(2, 5.0)["displacement_mm"].repeat(3, 1, 1, 1)}
    moves = transform.displacement(params, half_mm=half)
    torch.testing.assert_close(moves[0], moves[1])  # 12 intervals in both, 20 mm and 80 mm
    assert torch.equal(moves[0], moves[2])
    wider = moves_of(random_points(2, 5.0), half[0].tolist(), spacing_mm=40.0)
    assert (wider[0] - moves[0]).abs().max() > 1


@pytest.mark.parametrize("dims", [2, 3])
def test_the_limit_bounds_every_place_and_zero_moves_nothing(draws, dims):
    half = torch.tensor(HALF[dims]).repeat(6, 1)
    seen = {}
    for size in (0.0, 2.0, 8.0):
        transform = Elastic(Elastic.Config(displacement_mm=size))
        params = transform.draw(draws(6), dims=dims)
        assert params["displacement_mm"].abs().max() <= size
        seen[size] = transform.displacement(params, half_mm=half)
    assert not seen[0.0].any()
    torch.testing.assert_close(seen[8.0], 4 * seen[2.0])
    assert 0.3 * 8 < seen[8.0].abs().max() < 8


def test_axes_are_moved_independently(draws):
    moves = Elastic().draw(draws(5), dims=3)["displacement_mm"].transpose(0, 1).flatten(1)
    correlation = torch.corrcoef(moves)
    torch.testing.assert_close(correlation, torch.eye(3), atol=0.05, rtol=0)


@pytest.mark.parametrize("change", [{"displacement_mm": 11.0}, {"spacing_mm": 14.0}])
def test_settings_that_could_fold_are_refused(change):
    with pytest.raises(ConfigError, match=r"displacement_mm must be at most 0.35 times spacing_mm"):
        Elastic.Config.parse(change, where="view")


@pytest.mark.parametrize("change", [{"displacement_mm": -1.0}, {"spacing_mm": 0.0}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Elastic.Config.parse(change, where="view")
