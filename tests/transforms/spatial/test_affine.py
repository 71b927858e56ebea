"""Stretch and shear: against MONAI's matrices, and what the limits promise."""

import itertools

import numpy as np
import pytest
import torch
from monai.transforms.utils import create_scale, create_shear

from anlage.errors import ConfigError
from anlage.transforms.spatial.affine import Affine


@pytest.mark.parametrize("dims", [2, 3])
def test_the_matrix_is_monais_shear_times_its_scale(draws, dims):
    params = Affine().draw(draws(3), dims=dims)
    matrix = Affine().matrix(params, dims=dims)
    for place in range(3):
        tangents = np.tan(np.deg2rad(params["shear_degrees"][place].double().numpy()))
        shear = create_shear(dims, tangents.tolist())[:dims, :dims]
        scale = create_scale(dims, params["scale"][place].tolist())[:dims, :dims]
        np.testing.assert_allclose(matrix[place], shear @ scale, atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_settings_bound_what_is_drawn(draws, dims):
    params = Affine(Affine.Config(scale=1.5, shear_degrees=20)).draw(draws(300), dims=dims)
    assert params["scale"].shape == (300, dims)
    assert params["shear_degrees"].shape == (300, dims * (dims - 1))
    assert 1 / 1.5 < params["scale"].min() < 0.68
    assert 1.48 < params["scale"].max() < 1.5
    assert 19.5 < params["shear_degrees"].max() < 20
    assert -20 < params["shear_degrees"].min() < -19.5
    torch.testing.assert_close(params["scale"].log().mean(), torch.tensor(0.0), atol=0.03, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("change", "is_diagonal"), [("scale", True), ("shear_degrees", False)])
def test_each_setting_does_its_part_alone(draws, dims, change, is_diagonal):
    none = {"scale": 1.0, "shear_degrees": 0.0}
    still = Affine(Affine.Config(**none))
    identity = torch.eye(dims).repeat(4, 1, 1)
    assert torch.equal(still.matrix(still.draw(draws(), dims=dims), dims=dims), identity)
    one = Affine(Affine.Config(**none | {change: 1.3}))
    matrix = one.matrix(one.draw(draws(), dims=dims), dims=dims)
    off = matrix - torch.diag_embed(matrix.diagonal(dim1=1, dim2=2))
    assert bool((off == 0).all()) is is_diagonal
    assert torch.allclose(torch.linalg.det(matrix), torch.ones(4)) is not is_diagonal


@pytest.mark.parametrize("dims", [2, 3])
def test_shears_keep_volume_and_turn_nothing_inside_out(dims):
    count = dims * (dims - 1)
    signs = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=count)))
    params = {"scale": torch.ones(len(signs), dims), "shear_degrees": 45 * signs}
    volume = torch.linalg.det(Affine().matrix(params, dims=dims))
    torch.testing.assert_close(volume, torch.ones(len(signs)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", [{"scale": 0.9}, {"scale": 2.1}, {"shear_degrees": 46}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        Affine.Config.parse(change, where="view")
