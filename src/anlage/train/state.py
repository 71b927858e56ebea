"""Everything that a checkpoint holds, and how a run goes on from one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from anlage.train import checkpoint
from anlage.train.distributed import World
from anlage.train.health import Health
from anlage.train.optim import build_optimiser, learning_rate_share, momentum, update_average

if TYPE_CHECKING:
    from anlage.train.loop import LoopConfig

__all__ = ["RunState"]


class RunState:
    """Weights, teachers, average, optimiser, health, random numbers and step of one run."""

    def __init__(
        self, module: nn.Module, config: LoopConfig, folder: Path | None, world: World
    ) -> None:
        self.module, self.config, self.world = module, config, world
        self.trained = [p for p in module.parameters() if p.requires_grad]
        self.optimiser = build_optimiser(
            module, learning_rate=config.learning_rate, weight_decay=config.weight_decay
        )
        self.average = None if config.average is None else _state_of(module)
        self.teachers: tuple[tuple[nn.Module, nn.Module], ...] = getattr(module, "teachers", ())
        self.health = Health()
        self.step = 0
        self._buffers: list[Tensor] = []
        self._folder = None if folder is None else folder / "checkpoints"
        self._saved_step: int | None = None
        self._seconds_before = 0.0
        self._started = self._saved = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of all parts of this run."""
        return self._seconds_before + time.monotonic() - self._started

    def begin_step(self) -> float:
        """Set the learning rate of this step, clear gradients, and return the rate."""
        config = self.config
        rate = config.learning_rate * learning_rate_share(
            self.step, steps=config.steps, warmup=round(config.warmup * config.steps)
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        self._buffers = [buffer.clone() for buffer in self.module.buffers()]
        return rate

    def end_step(self, *, is_finite: bool) -> None:
        """Update weights and what follows them; or, after a bad step, leave no trace of it."""
        self.health.step(is_finite=is_finite)
        self.step += 1
        if is_finite:
            self.optimiser.step()
            self._follow()
            return
        for buffer, before in zip(self.module.buffers(), self._buffers, strict=True):
            buffer.copy_(before)  # batch norm has averaged the bad batch in

    def keep_average(self) -> None:
        """Put the average in place of the last weights."""
        if self.average is not None:
            self.module.load_state_dict(self.average)

    def save_if_due(self) -> None:
        """Save a checkpoint if enough time or steps have passed, unless the last step was bad."""
        every = self.config.checkpoint_every
        is_due = every is not None and self.step % every == 0
        is_late = time.monotonic() - self._saved > self.config.checkpoint_s
        if (is_due or is_late) and not self.health.bad_steps:
            self.save()

    def save(self) -> None:
        """Save a checkpoint, unless this step has one; in the first process only."""
        self._saved = time.monotonic()
        if self._folder is None or not self.world.is_first or self._saved_step == self.step:
            return
        tensors = {f"module.{k}": v for k, v in self.module.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for number, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{k}": torch.as_tensor(v) for k, v in values.items()}
        tensors |= {f"health.{k}": v for k, v in self.health.tensors().items()}
        tensors["rng"] = torch.get_rng_state()
        facts = {"seconds": self.seconds, "health": self.health.counts()}
        checkpoint.save(self._folder, self.step, tensors, facts)
        self._saved_step = self.step

    def resume(self) -> None:
        """Load the newest whole checkpoint, if there is one."""
        found = None if self._folder is None else checkpoint.load_latest(self._folder)
        if found is None:
            return
        tensors, facts = found
        self.module.load_state_dict(_part(tensors, "module."))
        if self.average is not None:
            for name, tensor in _part(tensors, "average.").items():
                self.average[name].copy_(tensor)
        self._load_optimiser(_part(tensors, "optimiser."))
        self.health.load(_part(tensors, "health."), facts["health"])
        torch.set_rng_state(tensors["rng"])
        self.step, self._seconds_before = int(facts["step"]), float(facts["seconds"])
        self._saved_step = self.step

    def _load_optimiser(self, tensors: dict[str, Tensor]) -> None:
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            number, key = name.split(".", 1)
            states.setdefault(int(number), {})[key] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": states, "param_groups": groups})

    def _follow(self) -> None:
        """Move teachers and the average after their online twins."""
        keep = momentum(self.step, steps=self.config.steps, base=self.config.teacher_momentum)
        for online, teacher in self.teachers:
            update_average(online.state_dict(), teacher.state_dict(), keep)
        if self.average is not None and self.config.average is not None:
            # Early on, an average over fewer steps than its horizon forgets the first weights.
            horizon = min(self.config.average, (1 + self.step) / (10 + self.step))
            update_average(self.module.state_dict(), self.average, horizon)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _state_of(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of all tensors; the rest of the module, such as its images, stays shared."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}
