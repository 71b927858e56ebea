"""`anlage pretrain`: a store and a method become an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from anlage import plugins
from anlage.data.store import Store
from anlage.locks import locked
from anlage.train import runs
from anlage.train.distributed import World, join_world
from anlage.train.loop import Outcome, fit
from anlage.train.notices import tell, warn
from anlage.train.pretrain_job import PretrainJob
from anlage.train.quick_audit import quick_audit
from anlage.train.scene import warn_of_dims
from anlage.train.settings import PretrainConfig
from anlage.train.signals import Stop, stop_on_signals

__all__ = ["PretrainConfig", "pretrain", "run_pretraining"]

_HARMLESS = {"log_every", "checkpoint_s", "checkpoint_every", "device", "quick_audit"}
_AUDIT = "quick_audit"
_JOINT = {"contrastive", "predictive"}


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
    config = PretrainConfig.read(recipe, settings, verb="pretrain")
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
