"""A loss is the sum of its parts, by construction."""

import pytest
import torch

from anlage.errors import ShapeError
from anlage.tensors import MethodOutput


def test_the_loss_is_the_sum_of_its_parts_and_its_gradient_reaches_each():
    a, b = (torch.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    output = MethodOutput.from_parts(first=a, second=2 * b)
    output.loss.backward()
    assert output.loss.item() == 8.0
    assert (a.grad, b.grad) == (torch.tensor(1.0), torch.tensor(2.0))
    assert list(output.parts) == ["first", "second"]


def test_half_precision_parts_are_summed_in_full():
    part = torch.tensor(2048.0, dtype=torch.float16)
    one = torch.tensor(1.0, dtype=torch.float16)
    assert MethodOutput.from_parts(a=part, b=one).loss.item() == 2049.0


def test_the_embedding_is_kept_without_its_graph():
    embedding = torch.ones(2, 3, requires_grad=True) * 2
    kept = MethodOutput.from_parts(embedding=embedding, a=torch.tensor(0.0)).embedding
    assert kept is not None
    assert not kept.requires_grad
    assert torch.equal(kept, torch.full((2, 3), 2.0))


def test_no_part_is_refused():
    with pytest.raises(ShapeError, match="needs at least one term"):
        MethodOutput.from_parts()
