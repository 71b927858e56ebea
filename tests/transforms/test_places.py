import torch

from anlage.transforms._places import along, from_middle


def test_places_count_pixels_from_the_start_of_an_axis_to_their_middles():
    images = torch.zeros(2, 3, 4, 5)
    assert along(images, 0).shape == (1, 1, 4, 1)
    assert along(images, 1).flatten().tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_places_from_the_middle_are_symmetric_and_broadcast():
    images = torch.zeros(2, 3, 4, 1, 3)
    rows, columns, slices = from_middle(images)
    assert rows.flatten().tolist() == [-1.5, -0.5, 0.5, 1.5]
    assert columns.flatten().tolist() == [0.0]
    assert slices.shape == (1, 1, 1, 1, 3)
    assert slices.flatten().tolist() == [-1.0, 0.0, 1.0]
