import pytest
import torch

from anlage.transforms._shape import per_image, widened


@pytest.mark.parametrize("shape", [(3, 1, 4, 5), (3, 2, 4, 5, 6)])
def test_each_image_meets_its_own_number(shape):
    images = torch.ones(shape) * per_image(torch.tensor([1.0, 2.0, 3.0]), torch.ones(shape))
    assert images.shape == shape
    assert [image.unique().tolist() for image in images] == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_types_are_widened_to_single_precision_at_least(dtype):
    wide = widened(torch.ones(2, dtype=dtype))
    assert wide.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
