import pytest
import torch

from anlage.transforms._shape import per_image


@pytest.mark.parametrize("shape", [(3, 1, 4, 5), (3, 2, 4, 5, 6)])
def test_each_image_meets_its_own_number(shape):
    images = torch.ones(shape) * per_image(torch.tensor([1.0, 2.0, 3.0]), torch.ones(shape))
    assert images.shape == shape
    assert [image.unique().tolist() for image in images] == [[1.0], [2.0], [3.0]]
