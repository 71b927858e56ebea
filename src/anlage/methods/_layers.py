"""The multilayer perceptron that joint-embedding methods put behind the encoder."""

from __future__ import annotations

import itertools

from torch import nn

__all__ = ["mlp"]


def mlp(*widths: int) -> nn.Sequential:
    """Stack linear layers with batch norm and ReLU between them.

    Args:
        widths: Input width, hidden widths, output width.
    """
    layers: list[nn.Module] = []
    for number, (inside, outside) in enumerate(itertools.pairwise(widths)):
        is_last = number == len(widths) - 2
        layers.append(nn.Linear(inside, outside, bias=is_last))
        if not is_last:
            layers += [nn.BatchNorm1d(outside), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
