import pytest
import torch

from anlage.transforms._resample import sampled, sampling_grid
from anlage.transforms.spatial.quarter_turn import QuarterTurn

TURNS = torch.tensor([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("dims", [2, 3])
def test_turns_equal_rot90_in_the_plane_of_the_first_two_axes(dims):
    images = torch.rand(4, 2, 5, 5, 7)[..., :7] if dims == 3 else torch.rand(4, 2, 6, 6)
    matrix = QuarterTurn().matrix({"turns": TURNS}, dims=dims)
    to_source = torch.cat((matrix, torch.zeros(4, dims, 1)), dim=2)
    view = sampled(images, sampling_grid(to_source, images.shape[2:]))
    for turns in range(4):
        expected = torch.rot90(images[turns], -turns, dims=(1, 2))
        torch.testing.assert_close(view[turns], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_no_turn_is_the_identity_and_entries_are_exact(dims):
    matrix = QuarterTurn().matrix({"turns": TURNS}, dims=dims)
    assert torch.equal(matrix[0], torch.eye(dims))
    assert set(matrix.flatten().tolist()) <= {-1.0, 0.0, 1.0}
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(4))


def test_all_four_turns_are_equally_frequent(draws):
    turns = QuarterTurn().draw(draws(4000), dims=2)["turns"]
    counts = torch.bincount(turns.long(), minlength=4)
    assert counts.shape == (4,)
    assert (counts - 1000).abs().max() < 4.5 * (4000 * 0.25 * 0.75) ** 0.5


def test_turns_are_whole_numbers_per_image(draws):
    turns = QuarterTurn().draw(draws(50), dims=3)["turns"]
    assert turns.shape == (50,)
    assert torch.equal(turns, turns.round())
