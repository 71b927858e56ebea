"""What the tests of several intensity transforms share."""

from collections.abc import Callable

import pytest
import torch

SPACE = {2: (7, 10), 3: (5, 8, 6)}


@pytest.fixture
def keeps_types(draws) -> Callable[..., None]:
    """Check that narrow types come back, as exact as they can be."""

    def check(transform, *, share_off=0.0):
        for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.float64):
            for space in SPACE.values():
                images = torch.rand(4, 2, *space).to(dtype)
                params = transform.draw(draws(), shape=images.shape)
                seen = transform.apply(images, params)
                assert seen.dtype == dtype
                exact = transform.apply(images.double(), params)
                limit = 8 * torch.finfo(dtype).eps if dtype != torch.float64 else 0
                is_off = (seen.double() - exact).abs() > max(limit, 1e-5)
                assert is_off.double().mean() <= share_off

    return check
