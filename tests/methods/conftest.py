"""Tiny views, and two processes in one: collectives between threads."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from anlage.tensors import Views

MakeViews = Callable[..., Views]
InTwoProcesses = Callable[[Callable[[int], Any]], list[Any]]


@pytest.fixture
def draw_views() -> MakeViews:
    """Return a function that draws views whose crops overlap, with masks of 8-pixel units."""
    return _draw_views


def _draw_views(
    size: Sequence[int] = (32, 48),
    *,
    channels: int = 1,
    batch: int = 4,
    num_views: int = 2,
    ratio: float = 0.5,
    patient: Sequence[int] | None = None,
) -> Views:
    generator = torch.Generator().manual_seed(5)
    dims, grid = len(size), tuple(edge // 8 for edge in size)
    count = math.prod(grid)
    shared = torch.randn(batch, channels, *size, generator=generator)
    views, geometry, masks = [], [], []
    for number in range(num_views):
        views.append(shared + 0.5 * torch.randn(shared.shape, generator=generator))
        half = torch.diag(torch.tensor([20.0, 30.0, 25.0][:dims]))
        centre = torch.full((dims, 1), 4.0 * number)  # mm
        geometry.append(torch.cat((half, centre), dim=1).repeat(batch, 1, 1))
        order = torch.rand(batch, count, generator=generator).argsort(dim=1)
        masks.append((order < round(ratio * count)).reshape(batch, *grid))
    return Views(
        images=tuple(views),
        geometry=tuple(geometry),
        masks=tuple(masks),
        sample=torch.arange(batch),
        patient=torch.arange(batch) if patient is None else torch.tensor(patient),
    )


class _ThreadWorld:
    """Stands in for torch.distributed: every thread is a rank."""

    def __init__(self, size: int) -> None:
        self.size, self._own = size, threading.local()
        self._barrier = threading.Barrier(size, timeout=20)
        self._slots: list[Tensor | None] = [None] * size

    def join(self, rank: int) -> None:
        self._own.rank = rank

    def get_rank(self) -> int:
        return self._own.rank

    def get_world_size(self) -> int:
        return self.size

    def all_gather(self, parts: list[Tensor], rows: Tensor) -> None:
        assert rows.is_contiguous()
        for part, found in zip(parts, self._exchange(rows), strict=True):
            part.copy_(found)

    def all_reduce(self, total: Tensor) -> None:
        assert total.is_contiguous()
        total.copy_(torch.stack(self._exchange(total)).sum(dim=0))

    def _exchange(self, tensor: Tensor) -> list[Tensor]:
        self._slots[self._own.rank] = tensor.detach().clone()
        self._barrier.wait()
        found = list(self._slots)
        self._barrier.wait()
        return found


@pytest.fixture
def in_two_processes(monkeypatch: pytest.MonkeyPatch) -> InTwoProcesses:
    """Return a function that calls another with rank 0 and rank 1 at once, and both results."""
    world = _ThreadWorld(2)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    for name in ("get_rank", "get_world_size", "all_gather", "all_reduce"):
        monkeypatch.setattr(dist, name, getattr(world, name))

    def run(work: Callable[[int], Any]) -> list[Any]:
        def as_rank(rank: int) -> Any:
            world.join(rank)
            return work(rank)

        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(as_rank, range(2)))

    return run
