"""Matrices along one axis: each image has its own, and other axes stay as they are."""

import numpy as np
import pytest
import torch

from anlage.transforms._rows import along_axis, gaussian_weights


@pytest.mark.parametrize("axis", [2, 3, 4])
def test_each_image_is_multiplied_along_the_named_axis_alone(axis):
    images = torch.rand(3, 2, 4, 6, 5)
    edge = images.shape[axis]
    weights = torch.rand(3, edge, edge)
    seen = along_axis(images, weights, axis)
    for place in range(3):
        moved = np.moveaxis(images[place].numpy(), axis - 1, -1) @ weights[place].numpy().T
        np.testing.assert_allclose(seen[place], np.moveaxis(moved, -1, axis - 1), rtol=1e-5)


def test_gaussian_rows_add_up_to_one_and_end_at_their_reach():
    weights = gaussian_weights(torch.tensor([0.0, 1.0, 3.0]), 15, 2.0)
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(3, 15))
    assert torch.equal(weights[0], torch.eye(15))
    assert weights[1, 7].count_nonzero() == 5
    assert weights[2, 7].count_nonzero() == 13
    torch.testing.assert_close(weights[1, 7, 8] / weights[1, 7, 7], torch.tensor(-0.5).exp())


def test_no_images_give_no_images():
    none = torch.zeros(0, 2, 4, 6)
    assert along_axis(none, torch.zeros(0, 4, 4), 2).shape == none.shape
