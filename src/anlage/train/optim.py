"""Optimiser, schedule and moving averages: what changes weights, and how fast."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["build_optimiser", "learning_rate_share", "momentum", "update_average"]


def build_optimiser(
    module: nn.Module, *, learning_rate: float, weight_decay: float
) -> torch.optim.AdamW:
    """Return AdamW that decays matrices and kernels only, never biases, norms or tokens.

    Matrices and kernels are what has more than one axis and is named ``weight``; position
    embeddings, class and mask tokens have other names.
    """
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            is_kernel = parameter.ndim > 1 and name.endswith("weight")
            (decayed if is_kernel else spared).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate)


def learning_rate_share(step: int, *, steps: int, warmup: int) -> float:
    """Return the share of the peak rate at a step: linear warm-up, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def momentum(step: int, *, steps: int, base: float) -> float:
    """Return a teacher's momentum at a step: from ``base`` up to 1 along half a cosine.

    Source: Grill et al., BYOL, NeurIPS 2020, arXiv:2006.07733.
    """
    return 1 - (1 - base) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


@torch.no_grad()
def update_average(
    online: Mapping[str, Tensor], average: Mapping[str, Tensor], keep: float
) -> None:
    """Move an average towards its online twin: average = keep * average + (1 - keep) * online.

    Parameters are averaged in their own (fp32) precision; floating-point buffers, such as batch
    norm statistics, are averaged too; counters are copied.

    Args:
        online: State of the trained network.
        average: State of the average, under the same names; changed in place.
        keep: Share of the old average.
    """
    assert online.keys() == average.keys(), "an average has the tensors of its online twin"
    for name, mean in average.items():
        if mean.is_floating_point():
            mean.lerp_(online[name].to(mean.dtype), 1 - keep)
        else:
            mean.copy_(online[name])
