"""Losses stay in full precision under autocast."""

import torch
from torch import Tensor

from anlage.methods._precision import full_precision, widen


@full_precision
def _product(left: Tensor, *, right: Tensor, count: int) -> Tensor:
    return (left @ right) * count


def test_a_decorated_function_does_not_see_autocast() -> None:
    left, right = torch.rand(3, 4), torch.rand(4, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert (left @ right).dtype == torch.bfloat16
        inside = _product(left, right=right, count=2)
        assert (left @ right).dtype == torch.bfloat16  # and autocast goes on afterwards
    assert torch.equal(inside, 2 * (left @ right))


def test_half_precision_is_widened_and_the_rest_kept() -> None:
    assert widen(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float32
    assert widen(torch.ones(2, dtype=torch.float16)).dtype == torch.float32
    assert widen(torch.ones(2, dtype=torch.float64)).dtype == torch.float64
    half = _product(torch.eye(2, dtype=torch.bfloat16), right=torch.eye(2), count=1)
    assert half.dtype == torch.float32
