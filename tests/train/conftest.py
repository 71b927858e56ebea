"""A toy run whose every number is known: a small network, batches by number, and its loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anlage.tensors import MethodOutput
from anlage.train.distributed import World
from anlage.train.loop import LoopConfig, Outcome, fit
from anlage.train.notices import warn
from anlage.train.signals import Stop

BuildToy = Callable[..., nn.Module]
FitToy = Callable[..., Outcome]


@dataclass(frozen=True, kw_only=True)
class ToyBatch:
    """Images (B, 6), their targets (B, 2), and their rows in a store that does not exist."""

    images: Tensor
    target: Tensor
    sample: Tensor


class Toy(nn.Module):
    """A regression whose loss is a mean over samples; with a teacher if asked for one."""

    def __init__(self, *, has_norm: bool, has_teacher: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8) if has_norm else nn.Tanh(), nn.Linear(8, 4)
        )
        self.drop = nn.Dropout(0.2 if has_norm else 0.0)  # random numbers that have to be kept
        self.head = nn.Linear(4, 2)
        self.teachers: tuple[tuple[nn.Module, nn.Module], ...] = ()
        if has_teacher:
            self.teacher = nn.Linear(4, 2).requires_grad_(requires_grad=False)
            self.teacher.load_state_dict(self.head.state_dict())
            self.teachers = ((self.head, self.teacher),)

    def forward(self, batch: ToyBatch) -> MethodOutput:
        embedding = self.body(batch.images)
        error = (self.head(self.drop(embedding)) - batch.target).square().mean()
        return MethodOutput.from_parts(error=error, embedding=embedding)


def toy_batch(number: int, size: int = 8) -> ToyBatch:
    """Batch ``number`` of an endless stream: rows number * size and following."""
    rows = torch.arange(number * size, (number + 1) * size)
    images = torch.sin(rows[:, None] * torch.arange(1, 7) * 0.37)
    target = torch.stack((images[:, 0] * images[:, 1], images.sum(dim=1)), dim=1)
    return ToyBatch(images=images, target=target, sample=rows)


@pytest.fixture
def toy_batches() -> Callable[..., ToyBatch]:
    """Return the function that gives batch ``number``."""
    return toy_batch


@pytest.fixture
def build_toy() -> BuildToy:
    """Return a function that builds the network, the same for the same seed."""

    def build(*, seed: int = 0, has_norm: bool = False, has_teacher: bool = False) -> nn.Module:
        torch.manual_seed(seed)
        return Toy(has_norm=has_norm, has_teacher=has_teacher)

    return build


@pytest.fixture
def fit_toy() -> FitToy:
    """Return a function that trains a network in the loop, with LoopConfig settings by name."""

    def run(
        module: nn.Module,
        *,
        folder: Path | None = None,
        next_batch: Callable[[int], Any] = toy_batch,
        stop: Stop | None = None,
        stop_on_collapse: bool = False,
        **settings: Any,
    ) -> Outcome:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        config = LoopConfig(**{"steps": 12, "batch_size": 8, "precision": "fp32", **settings})
        return fit(
            module,
            next_batch,
            config,
            folder=folder,
            world=World(),
            stop=Stop() if stop is None else stop,
            stop_on_collapse=stop_on_collapse,
        )

    return run


@pytest.fixture(scope="session")
def pretrained(slices_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of two steps of aligned MAE over a tiny CNN with batch norm and a decoder."""
    from anlage.train.pretrain import pretrain

    folder = tmp_path_factory.mktemp("pretrained") / "run"
    pretrain(
        slices_store,
        out=folder,
        method="aligned_mae",
        method_options={"hidden_width": 16, "projection_width": 8},
        encoder="resnet10",
        encoder_options={"base_width": 8},
        image_size=[32],
        steps=2,
        batch_size=8,
        precision="fp32",
        device="cpu",
    )
    return folder


@pytest.fixture(autouse=True)
def _nothing_said_before() -> None:
    """Warnings are said once per process; every test is to hear its own."""
    warn.cache_clear()
