import numpy as np
import pytest
import torch
from numpy.polynomial import polynomial
from torchio import BiasField as TorchIOBiasField
from torchio import ScalarImage

from anlage.errors import ConfigError
from anlage.transforms.intensity.bias_field import BiasField

SPACE = {2: (7, 12), 3: (5, 8, 11)}


def bias(**options):
    return BiasField(BiasField.Config(**options))


def table(coefficients, order, dims):
    """Return one image's coefficients c_ijk, (order + 1, ...), last power fastest, by hand."""
    found = np.zeros((order + 1,) * dims)
    rest = iter(coefficients.tolist())
    for powers in np.ndindex(found.shape):
        if 0 < sum(powers) <= order:
            found[powers] = next(rest)
    assert next(rest, None) is None
    return found


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("dims", [2, 3])
def test_the_field_is_the_exponential_of_numpys_polynomial(draws, dims, order):
    images = torch.rand(3, 2, *SPACE[dims]) + 0.1
    transform = bias(coefficient=0.4, order=order)
    params = transform.draw(draws(3), shape=images.shape)
    axes = [np.linspace(-1, 1, edge) for edge in SPACE[dims]]
    grid = polynomial.polygrid2d if dims == 2 else polynomial.polygrid3d
    seen = transform.apply(images, params)
    for place in range(3):
        c = table(params["coefficients"][place], order, dims)
        expected = images[place].numpy() * np.exp(grid(*axes, c))
        np.testing.assert_allclose(seen[place], expected, rtol=2e-5)


def test_the_field_equals_torchio():
    """Its first coefficient is a constant, which changes brightness and which we do not have."""
    space, order = (6, 8, 10), 3
    powers = [
        (x, y, z)
        for x in range(order + 1)
        for y in range(order + 1 - x)
        for z in range(order + 1 - x - y)
    ]
    values = np.random.default_rng(0).uniform(-0.3, 0.3, len(powers))
    values[0] = 0.0
    image = ScalarImage(tensor=torch.ones(1, *space))
    reference = TorchIOBiasField(coefficients=values.tolist(), order=order)(image).data
    ours = torch.from_numpy(values[None, 1:]).float()  # the same order: last power fastest
    seen = bias(order=order).apply(torch.ones(1, 1, *space), {"coefficients": ours})
    torch.testing.assert_close(seen[0], reference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_no_coefficients_are_the_identity(dims):
    images = torch.rand(2, 1, *SPACE[dims])
    count = {2: 9, 3: 19}[dims]
    seen = bias().apply(images, {"coefficients": torch.zeros(2, count)})
    assert torch.equal(seen, images)


@pytest.mark.parametrize(("dims", "order", "count"), [(2, 1, 2), (2, 3, 9), (3, 3, 19), (3, 5, 55)])
def test_there_is_one_coefficient_per_monomial_without_the_constant(draws, dims, order, count):
    shape = torch.Size((4, 1, *SPACE[dims]))
    drawn = bias(coefficient=0.2, order=order).draw(draws(4), shape=shape)["coefficients"]
    assert drawn.shape == (4, count)
    assert drawn.abs().max() <= 0.2


def test_coefficients_reach_their_limit_either_way(draws):
    drawn = bias(coefficient=0.5).draw(draws(400), shape=torch.Size((400, 1, 4, 4)))
    assert drawn["coefficients"].min() < -0.49
    assert drawn["coefficients"].max() > 0.49


def test_black_stays_black(draws):
    images = torch.zeros(2, 1, 6, 6)
    transform = bias(coefficient=2.0)
    assert torch.equal(
        transform.apply(images, transform.draw(draws(2), shape=images.shape)), images
    )


def test_all_channels_are_shaded_alike(draws):
    images = torch.rand(2, 3, 6, 9) + 0.1
    transform = bias()
    field = transform.apply(images, transform.draw(draws(2), shape=images.shape)) / images
    torch.testing.assert_close(field, field[:, :1].expand(-1, 3, -1, -1))


@pytest.mark.parametrize("change", [{"coefficient": -0.1}, {"order": 0}, {"order": 6}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: Input should be"):
        BiasField.Config.parse(change, where="view bias_field")
