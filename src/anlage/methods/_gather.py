"""See the whole batch from every process: what contrast and batch statistics need."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["first_row", "gather"]


def gather(rows: Tensor) -> Tensor:
    """Concatenate every process's rows in rank order; gradients flow back to their owners.

    In one process this is the identity. Each process sees the sum of all processes' gradients
    for its own rows; DDP then averages, so a mean over the global batch has the same gradient
    as in one process.

    Args:
        rows: (B, ...), B equal in all processes.

    Returns:
        (world * B, ...).
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    gathered: Tensor = _Gather.apply(rows)
    return gathered


def first_row(batch: int) -> int:
    """Return where this process's rows begin among the gathered ones."""
    if not (dist.is_available() and dist.is_initialized()):
        return 0
    return dist.get_rank() * batch


class _Gather(torch.autograd.Function):
    """all_gather forward, all_reduce of the gradient backward."""

    @staticmethod
    def forward(_ctx: Any, rows: Tensor) -> Tensor:
        rows = rows.contiguous()
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        size = len(total) // dist.get_world_size()
        start = dist.get_rank() * size
        return total[start : start + size]
