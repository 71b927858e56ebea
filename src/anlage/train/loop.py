"""The training loop, for pretraining and fine-tuning alike. Read this file first.

One step: take the batches, add up gradients, clip, update, move teachers and the average,
log, look after health, and now and then save. A step without a finite loss and gradient
changes nothing. A run that is killed goes on from its last checkpoint and ends with the same
weights, bit for bit on a CPU with as many threads. Several processes decide everything
together: none stops, skips or saves on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from anlage.config import BaseConfig
from anlage.progress import track
from anlage.tensors import MethodOutput
from anlage.train.distributed import World, wrap
from anlage.train.logbook import Logbook
from anlage.train.precision import Precision, autocast
from anlage.train.signals import Stop
from anlage.train.state import RunState

__all__ = ["LoopConfig", "Outcome", "fit"]

NextBatch = Callable[[int], Any]  # number of a micro-batch -> what the module takes
Status = Literal["finished", "stopped", "collapsed", "diverged"]

_BAD_STEPS = 10


class LoopConfig(BaseConfig):
    """How weights are updated.

    Attributes:
        steps: Weight updates.
        batch_size: Images per update and process, over ``accumulate`` micro-batches.
        accumulate: Micro-batches per update; contrast sees one micro-batch at a time.
        learning_rate: Peak rate.
        weight_decay: Of matrices and kernels.
        warmup: Share of the steps in which the rate rises.
        clip_norm: Largest gradient norm; None for no limit.
        teacher_momentum: Where a teacher's momentum starts; it ends at 1.
        average: Momentum of an average of all weights, which is then what is kept; None: none.
        precision: ``bf16`` autocasts, ``fp32`` does not.
        compile: Whether to compile the module.
        log_every: Steps between log lines.
        health_every: Steps between looks at the embeddings.
        checkpoint_s: Seconds between checkpoints.
        checkpoint_every: Steps between checkpoints; None: only by time.
    """

    steps: int = Field(ge=1)
    batch_size: int = Field(default=64, ge=1)
    accumulate: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warmup: float = Field(default=0.1, ge=0, le=1)
    clip_norm: float | None = Field(default=1.0, gt=0)
    teacher_momentum: float = Field(default=0.99, ge=0, le=1)
    average: float | None = Field(default=None, ge=0, lt=1)
    precision: Precision = "fp32"
    compile: bool = False
    log_every: int = Field(default=10, ge=1)
    health_every: int = Field(default=50, ge=1)
    checkpoint_s: float = Field(default=120.0, gt=0)
    checkpoint_every: int | None = Field(default=None, ge=1)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: ``finished``, ``stopped`` by a signal, ``collapsed`` or ``diverged``.
        step: Weight updates made.
        exit_code: What the command should exit with.
        reason: Why it did not finish, for the user.
        seconds: Wall time of training, all parts of a resumed run together.
    """

    status: Status
    step: int
    exit_code: int
    reason: str
    seconds: float


def fit(
    module: nn.Module,
    next_batch: NextBatch,
    config: LoopConfig,
    *,
    folder: Path | None,
    world: World,
    stop: Stop,
    what: str | None = None,
    stop_on_collapse: bool = False,
) -> Outcome:
    """Train a module whose ``forward(batch)`` returns a MethodOutput.

    Args:
        module: On the device already. Teachers named by its ``teachers`` follow their twins.
        next_batch: Gives micro-batch ``step * accumulate + i``. Its ``sample``, if it has one,
            names the rows of a batch without a finite loss.
        config: How weights are updated.
        folder: Run folder for log and checkpoints; None keeps nothing, for short runs.
        world: This process among its peers.
        stop: Set by a signal.
        what: Name of the work for the progress line of the first process; None shows none.
        stop_on_collapse: Whether constant embeddings end the run.

    Returns:
        How the run ended. The module holds the last weights, or their average.
    """
    state = RunState(module, config, folder, world)
    state.resume()
    book = Logbook(folder, is_first=world.is_first)
    book.cut(state.step)
    called = wrap(module, world)
    if config.compile:
        called.compile()
    module.train()
    images = config.batch_size * world.size
    end = _End()
    shown = what if world.is_first else None
    with track(shown, config.steps * images, done=state.step * images) as advance:
        while state.step < config.steps and end.status == "finished":
            made = _update(called, state, next_batch, book)
            advance(images, f"loss {float(made.terms['loss']):.3f}")
            _look_and_log(state, made, book, is_watched=stop_on_collapse or folder is not None)
            end = _reason_to_end(state, stop, stop_on_collapse=stop_on_collapse)
            if end.status == "finished":
                state.save_if_due()
    if end.status in {"finished", "stopped"}:
        state.save()
    state.keep_average()
    return Outcome(
        status=end.status,
        step=state.step,
        exit_code=end.exit_code,
        reason=end.reason,
        seconds=state.seconds,
    )


@dataclass(frozen=True, kw_only=True)
class _End:
    """Why the loop ends; ``finished`` while there is no other reason."""

    status: Status = "finished"
    exit_code: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Made:
    """One step that was made: loss and parts as means over micro-batches, norm and rate."""

    terms: dict[str, Tensor]
    norm: Tensor
    learning_rate: float


def _update(called: nn.Module, state: RunState, next_batch: NextBatch, book: Logbook) -> _Made:
    config, world = state.config, state.world
    rate = state.begin_step()
    parts: list[dict[str, Tensor]] = []
    rows: list[int] = []
    for part in range(config.accumulate):
        is_last = part == config.accumulate - 1
        batch = next_batch(state.step * config.accumulate + part)
        with _no_sync(called, is_last), autocast(config.precision, world.device):
            output: MethodOutput = called(batch)
        with _no_sync(called, is_last):
            torch.autograd.backward(output.loss / config.accumulate)
        state.health.see(output.embedding)
        parts.append({"loss": output.loss.detach(), **_detached(output.parts)})
        rows += getattr(batch, "sample", torch.empty(0)).tolist()
    terms = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
    norm = nn.utils.clip_grad_norm_(
        state.trained, config.clip_norm if config.clip_norm is not None else float("inf")
    )
    is_bad = not bool(torch.isfinite(norm) & torch.isfinite(terms["loss"]))
    (any_bad,) = world.largest(is_bad)
    state.end_step(is_finite=not any_bad)
    if is_bad:
        book.note_bad(state.step, rows)
    return _Made(terms=terms, norm=norm, learning_rate=rate)


def _look_and_log(state: RunState, made: _Made, book: Logbook, *, is_watched: bool) -> None:
    """Look at the embeddings and append a line to the log, each at its own pace."""
    config = state.config
    is_last = state.step == config.steps
    must_look = is_watched and (state.step % config.health_every == 0 or is_last)
    if not (must_look or state.step % config.log_every == 0 or is_last):
        return
    report = state.health.look() if must_look else None
    line = {
        **dict(zip(made.terms, state.world.mean(*map(float, made.terms.values())), strict=True)),
        "learning_rate": made.learning_rate,
        "gradient_norm": float(made.norm),
        "seconds": round(state.seconds, 3),
    }
    if report is not None:
        line |= {"rank": report.rank, "std": report.std, "width": report.width}
    book.log(state.step, line)


def _reason_to_end(state: RunState, stop: Stop, *, stop_on_collapse: bool) -> _End:
    """Return why the run must end now, the same in all processes."""
    is_collapsed = stop_on_collapse and state.health.is_collapsed
    any_collapsed, signal = state.world.largest(is_collapsed, stop.exit_code or 0)
    if state.health.bad_steps >= _BAD_STEPS:
        reason = f"{_BAD_STEPS} steps in a row gave no finite loss and gradient"
        return _End(status="diverged", exit_code=1, reason=reason)
    if any_collapsed:
        reason = "all images get practically the same embedding"
        return _End(status="collapsed", exit_code=1, reason=reason)
    if signal and state.step < state.config.steps:
        reason = f"stopped at step {state.step}"
        return _End(status="stopped", exit_code=int(signal), reason=reason)
    return _End()


def _detached(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: part.detach() for name, part in parts.items()}


def _no_sync(called: nn.Module, is_last: bool) -> AbstractContextManager[Any]:
    if is_last or not isinstance(called, nn.parallel.DistributedDataParallel):
        return nullcontext()
    return called.no_sync()
