import pytest
import torch

from anlage.errors import ConfigError
from anlage.transforms._resample import sampled, sampling_grid
from anlage.transforms.spatial.flip import Flip

# Axis of (B, C, *S) that an anatomical mirror reverses: rows and columns, or X, Y, Z in RAS+.
AXES = [(2, "lr", 3), (2, "ud", 2), (3, "lr", 2), (3, "ap", 3), (3, "ud", 4)]


def flip(axis):
    return Flip(Flip.Config(axis=axis))


@pytest.mark.parametrize(("dims", "name", "axis"), AXES)
def test_the_matrix_reverses_one_anatomical_axis_as_torch_flip_does(draws, dims, name, axis):
    images = torch.rand(2, 2, *(4, 5, 6)[:dims])
    transform = flip(name)
    matrix = transform.matrix(transform.draw(draws(2), dims=dims), dims=dims)
    to_source = torch.cat((matrix, torch.zeros(2, dims, 1)), dim=2)
    view = sampled(images, sampling_grid(to_source, images.shape[2:]))
    torch.testing.assert_close(view, images.flip(axis), atol=1e-5, rtol=0)


def test_nothing_is_drawn(draws):
    transform = flip("lr")
    first = transform.draw(draws(3), dims=2)
    assert torch.equal(first["sign"], transform.draw(draws(3, seed=9), dims=2)["sign"])
    assert first["sign"].tolist() == [-1.0, -1.0, -1.0]


def test_a_sign_of_one_is_the_identity():
    matrix = flip("ud").matrix({"sign": torch.ones(2)}, dims=3)
    assert torch.equal(matrix, torch.eye(3).repeat(2, 1, 1))


def test_there_is_no_front_and_back_in_two_dimensions(draws):
    with pytest.raises(ConfigError, match=r"one of lr, ud in 2D, got ap\. Choose another axis"):
        flip("ap").draw(draws(1), dims=2)


def test_an_unknown_axis_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigError, match=r"axis: .*'lr', 'ud' or 'ap', got 'x'"):
        Flip.Config.parse({"axis": "x"}, where="view flip")


def test_left_and_right_is_the_default():
    assert Flip().config.axis == "lr"
