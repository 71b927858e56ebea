"""One process or many: who am I, and how one batch norm sees the whole batch.

Started by ``torchrun``, every process trains on its share of each global batch. Two processes
give the same result as one at the same global batch: contrast and batch statistics are taken
over all of them.
"""

from __future__ import annotations

import datetime
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from anlage.errors import ConfigError, DataError

__all__ = ["GlobalBatchNorm", "World", "join_world", "wrap"]

_TIMEOUT_S = 300.0
_PLAIN_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True, kw_only=True)
class World:
    """This process among its peers."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def largest(self, *values: float) -> tuple[float, ...]:
        """Return the largest of each number over all processes, so that all decide alike."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def mean(self, *values: float) -> tuple[float, ...]:
        """Return the mean of each number over all processes."""
        return tuple(value / self.size for value in self._reduced(values, dist.ReduceOp.SUM))

    def _reduced(self, values: tuple[float, ...], by: dist.ReduceOp.RedOpType) -> tuple[float, ...]:
        if self.size == 1:
            return values
        together = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(together, by)
        return tuple(together.tolist())


@contextmanager
def join_world(device: str = "auto", *, timeout_s: float = _TIMEOUT_S) -> Iterator[World]:
    """Join the processes that ``torchrun`` started; alone, be a world of one.

    Args:
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU if there is one.
        timeout_s: How long to wait for a process that does not answer.

    Raises:
        ConfigError: If ``cuda`` is asked for and there is no such GPU.
        DataError: If another process ends or does not answer in time.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("This machine has no CUDA GPU that torch can use. Use --device auto.")
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    size = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = torch.device(chosen, local) if chosen == "cuda" and size > 1 else torch.device(chosen)
    if dist.is_initialized():  # joined already, further up
        yield World(rank=dist.get_rank(), size=dist.get_world_size(), device=place)
        return
    if size == 1:
        yield World(device=place)
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    dist.init_process_group(
        "nccl" if place.type == "cuda" else "gloo", timeout=datetime.timedelta(seconds=timeout_s)
    )
    try:
        yield World(rank=dist.get_rank(), size=dist.get_world_size(), device=place)
    except RuntimeError as error:
        if not _is_lost_peer(error):
            raise
        raise DataError(
            f"all {size} processes of a run must stay alive, but one of them ended or did not "
            f"answer for {timeout_s:g} s. Read its messages; the same command goes on from the "
            "last checkpoint."
        ) from error
    finally:
        dist.destroy_process_group()


def wrap(module: nn.Module, world: World) -> nn.Module:
    """Return what the loop calls: the module itself, or its distributed twin.

    Raises:
        ConfigError: If the module holds a kind of batch norm that has no distributed twin.
    """
    if world.size == 1:
        return module
    _globalise(module)
    known = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    never: dict[str, Any] = {name: False}  # torch renamed it in 2.13; norms are shared already
    return DistributedDataParallel(module, **never)


class GlobalBatchNorm(nn.Module):
    """Batch norm over all processes, on any device; ``nn.SyncBatchNorm`` needs a GPU.

    Holds the batch norm it replaces, so weights keep their names.
    """

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)
        self.register_buffer("num_batches_tracked", norm.num_batches_tracked)
        self.eps, self.momentum = norm.eps, norm.momentum
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None

    def forward(self, values: Tensor) -> Tensor:
        """Normalise by the global batch in training, by running statistics otherwise."""
        shape = (1, -1, *[1] * (values.ndim - 2))
        if self.training or self.running_mean is None or self.running_var is None:
            mean, variance, count = _global_moments(_widened(values))
            self._remember(mean.detach(), variance.detach(), count)
        else:
            mean, variance = self.running_mean, self.running_var
        scale = (variance + self.eps).rsqrt()
        normal = (_widened(values) - mean.reshape(shape)) * scale.reshape(shape)
        if self.weight is not None:
            normal = normal * self.weight.reshape(shape) + self.bias.reshape(shape)
        return normal.to(values.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, count: float) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        share = self.momentum if self.momentum is not None else 0.1
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / max(count - 1, 1), share)


class _SumOverWorld(torch.autograd.Function):
    """all_reduce forward and backward: every process's loss depends on every value."""

    @staticmethod
    def forward(_ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _global_moments(values: Tensor) -> tuple[Tensor, Tensor, float]:
    axes = [axis for axis in range(values.ndim) if axis != 1]
    count = values.numel() / values.shape[1] * dist.get_world_size()
    mean = _SumOverWorld.apply(values.sum(dim=axes)) / count
    shape = (1, -1, *[1] * (values.ndim - 2))
    spread = _SumOverWorld.apply((values - mean.reshape(shape)).square().sum(dim=axes))
    return mean, spread / count, count


def _globalise(module: nn.Module) -> None:
    for name, child in module.named_children():
        if not isinstance(child, nn.modules.batchnorm._BatchNorm):
            _globalise(child)
        elif type(child) in _PLAIN_NORMS:
            setattr(module, name, GlobalBatchNorm(child))
        else:
            raise ConfigError(
                "several processes can share plain batch norm only, this encoder has "
                f"{type(child).__name__}. Train it in one process, or choose another encoder or "
                "norm."
            )


def _widened(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _is_lost_peer(error: RuntimeError) -> bool:
    """Whether a collective failed because of another process; gloo has no error class for it."""
    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()
