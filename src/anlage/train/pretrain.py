"""`anlage pretrain`: a store and a method become an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from anlage import plugins
from anlage.config import BaseConfig, layered, read_yaml
from anlage.data.store import Store
from anlage.locks import locked
from anlage.modalities import Augmentation
from anlage.train import runs
from anlage.train.distributed import World, join_world
from anlage.train.loop import Outcome, fit
from anlage.train.notices import tell, warn
from anlage.train.pretrain_job import PretrainJob
from anlage.train.quick_audit import quick_audit
from anlage.train.scene import warn_of_dims
from anlage.train.signals import Stop, stop_on_signals
from anlage.types import Split

__all__ = ["PretrainConfig", "pretrain", "run_pretraining"]

_HARMLESS = {"log_every", "checkpoint_s", "checkpoint_every", "device", "quick_audit"}
_AUDIT = "quick_audit"
_JOINT = {"contrastive", "predictive"}


class PretrainConfig(BaseConfig):
    """A pretraining run; what is None is chosen from the store and said on the run's card.

    Attributes:
        method: Name of a method plug-in.
        method_options: Its settings.
        encoder: Name of an encoder plug-in.
        encoder_options: Its settings.
        image_size: Edges of a view.
        field: Whether views show whole images or windows of large ones.
        augmentation: Changes to the modality's policy.
        split: Name of the split.
        parts: Parts of it whose images are used; with ``test`` the run is transductive.
        epochs: Passes over the images; ignored if ``steps`` is given.
        steps: Weight updates.
        batch_size: Images per update, over all processes.
        accumulate: Micro-batches per update.
        learning_rate: Peak rate; None: 1e-3 for CNNs, 5e-4 for transformers.
        weight_decay: Of matrices and kernels.
        teacher_momentum: Where a teacher's momentum starts.
        precision: ``bf16``, ``fp32``, or ``auto`` for what is fast and right.
        compile: See LoopConfig.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: Seed of weights, order and views.
        log_every: Steps between log lines.
        checkpoint_s: Seconds between checkpoints.
        checkpoint_every: Steps between checkpoints.
        quick_audit: Whether to look first, on a few training images, at what views and masks
            leave of lesions, and to warn in a line; it changes nothing of what is trained.
    """

    method: str = "simclr"
    method_options: dict[str, Any] = {}
    encoder: str = "resnet18"
    encoder_options: dict[str, Any] = {}
    image_size: tuple[int, ...] | None = None
    field: Literal["auto", "image", "window"] = "auto"
    augmentation: Augmentation = Augmentation()
    split: str = "default"
    parts: tuple[Split, ...] = ("train",)
    epochs: float = Field(default=100.0, gt=0)
    steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=2)
    accumulate: int = Field(default=1, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    teacher_momentum: float = Field(default=0.99, ge=0, le=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**32)
    log_every: int = Field(default=10, ge=1)
    checkpoint_s: float = Field(default=120.0, gt=0)
    checkpoint_every: int | None = Field(default=None, ge=1)
    quick_audit: bool = True


def pretrain(
    store: str | Path,
    *,
    out: str | Path,
    recipe: Path | None = None,
    dry_run: bool = False,
    **settings: Any,
) -> Outcome:
    """Pretrain an encoder on a store's training images.

    Args:
        store: Folder made by ``prepare``.
        out: Run folder; the encoder ends up in ``out/encoder``. The same command goes on with
            an unfinished run, and does nothing for a finished one.
        recipe: YAML file with settings.
        dry_run: Only say what would be done.
        settings: Settings of PretrainConfig; they go before the recipe's.

    Returns:
        How the run ended.

    Raises:
        ConfigError: If a setting is unknown, out of range or forbidden by the modality.
        DataError: If the store cannot be read or the run folder not written.
    """
    values = layered(read_yaml(recipe) if recipe else {}, settings)
    where = recipe.name if recipe else "pretrain"
    config = PretrainConfig.parse(values, where=where)
    opened = Store.open(store)
    if dry_run:
        job = PretrainJob(opened, config, World())
        tell(job.describe())
        warn_of_dims(opened)
        _tell_choices(job, settings)
        return Outcome(status="finished", step=0, exit_code=0, reason="dry run", seconds=0.0)
    folder = Path(out)
    with join_world(config.device) as world, stop_on_signals() as stop:
        lock = locked(folder, what="anlage pretrain") if world.is_first else nullcontext()
        with lock:
            return run_pretraining(opened, config, folder, world, stop, given=settings)


def _tell_choices(job: PretrainJob, given: Mapping[str, Any]) -> None:
    """Say what was decided for the user, and which of two settings that contradict counts."""
    if given.get("steps") is not None and given.get("epochs") is not None:
        tell(f"  steps and epochs are given: the {given['steps']} steps count")
    if note := job.mild_views():
        tell(note)


def run_pretraining(
    store: Store,
    config: PretrainConfig,
    folder: Path,
    world: World,
    stop: Stop,
    *,
    given: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run, or go on with, one pretraining in its folder; do nothing for a finished one.

    Args:
        store: The images.
        config: All settings.
        folder: The run's folder.
        world: This process among its peers.
        stop: Set by a signal.
        given: What the user set for this run alone; None for a run of a study, whose choices are
            told once for all.

    Raises:
        ConfigError: If the settings cannot be used, or the folder holds a run with others.
        DataError: If the run folder cannot be written.
    """
    was_finished = runs.is_finished(folder)
    job = PretrainJob(store, config, world)
    if world.is_first:
        runs.start(folder, config, job.facts(), harmless=_HARMLESS)
        tell(f"{folder} is finished already." if was_finished else job.describe())
        warn_of_dims(store)
    if given is not None and not was_finished:
        _tell_choices(job, given)
    if was_finished:
        return Outcome(status="finished", step=0, exit_code=0, reason="already", seconds=0.0)
    try:
        if world.is_first:
            if given is not None and config.quick_audit:
                _audit_once(job, folder)
            job.draw(folder / "views.png")
        outcome = fit(
            job.objective,
            job.objective.batch,
            job.loop_config(),
            folder=folder,
            world=world,
            stop=stop,
            what=f"pretrain {config.method} seed {config.seed}",
            stop_on_collapse=plugins.family("methods", config.method) in _JOINT,
        )
    finally:
        job.close()
    if world.is_first:
        if outcome.status == "finished":
            job.save(folder, outcome)
        facts = {"steps": outcome.step, "seconds": outcome.seconds, "reason": outcome.reason}
        runs.finish(folder, outcome.status, facts)
    return outcome


def _audit_once(job: PretrainJob, folder: Path) -> None:
    """Look at the views once per run, keep what was found on its card, and warn in a line."""
    if runs.recorded(folder, _AUDIT) is not None:
        return
    found = quick_audit(job, name=job.config.method, recipe=folder / "config.yaml")
    runs.record(folder, {_AUDIT: found.facts})
    if found.line is not None:
        warn(found.line)
