"""The projector: linear layers with batch norm and ReLU between, and nothing after the last."""

import pytest
import torch
from torch import nn

from anlage.methods._layers import mlp


def test_layers_come_in_the_order_of_the_papers() -> None:
    kinds = [type(layer) for layer in mlp(6, 8, 8, 4)]
    unit = [nn.Linear, nn.BatchNorm1d, nn.ReLU]
    assert kinds == [*unit, *unit, nn.Linear]


def test_widths_are_those_asked_for() -> None:
    shapes = [layer.weight.shape for layer in mlp(6, 8, 5, 4) if isinstance(layer, nn.Linear)]
    assert shapes == [(8, 6), (5, 8), (4, 5)]


def test_only_the_last_layer_has_a_bias_since_batch_norm_has_its_own() -> None:
    layers = [layer for layer in mlp(6, 8, 8, 4) if isinstance(layer, nn.Linear)]
    assert [layer.bias is not None for layer in layers] == [False, False, True]


@pytest.mark.parametrize("widths", [(6, 4), (6, 8, 4)])
def test_it_is_matrix_products_by_hand(widths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    projector, rows = mlp(*widths), torch.randn(7, 6)
    expected = rows
    linear = [layer for layer in projector if isinstance(layer, nn.Linear)]
    for layer in linear[:-1]:
        expected = expected @ layer.weight.T
        spread = expected.var(dim=0, correction=0) + 1e-5
        expected = ((expected - expected.mean(dim=0)) / spread.sqrt()).clamp_min(0)
    expected = expected @ linear[-1].weight.T + linear[-1].bias
    torch.testing.assert_close(projector(rows), expected)
