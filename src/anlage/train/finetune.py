"""`anlage finetune`: an encoder and some labels become a model for one task."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from anlage import plugins
from anlage.config import fingerprint
from anlage.data.budgets import budget_rows, parse_budget
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.locks import locked
from anlage.tasks import Task
from anlage.train import runs
from anlage.train.adapt import adapt, num_steps, training_view
from anlage.train.distributed import join_world
from anlage.train.loop import Outcome
from anlage.train.model_files import save_model
from anlage.train.notices import tell
from anlage.train.scene import warn_of_dims
from anlage.train.settings import FinetuneConfig
from anlage.train.signals import stop_on_signals
from anlage.train.start import Start, load_start, seen_by

__all__ = ["FinetuneConfig", "build_task", "finetune"]

_HARMLESS = {"device", "allow_other_spacing"}


def finetune(
    store: str | Path,
    *,
    out: str | Path,
    recipe: Path | None = None,
    dry_run: bool = False,
    **settings: Any,
) -> Outcome:
    """Adapt an encoder to a task with some of a store's labels.

    Args:
        store: Folder made by ``prepare``.
        out: Run folder; the model ends up in ``out/model``. The same command goes on with an
            unfinished run, and does nothing for a finished one.
        recipe: YAML file with settings.
        dry_run: Only say what would be done.
        settings: Settings of FinetuneConfig; they go before the recipe's.

    Returns:
        How the run ended.

    Raises:
        ConfigError: If a setting cannot be used, the encoder does not fit the store, or it has
            seen test images.
        DataError: If there are no labelled images, or a file cannot be read or written.
    """
    config = FinetuneConfig.read(recipe, settings, verb="finetune")
    opened, folder = Store.open(store), Path(out)
    task = build_task(opened, config.task, config.label, config.task_options)
    rows = _labelled_rows(opened, task, config)
    facts = {"store": opened.fingerprint, "rows": fingerprint({"rows": rows.tolist()})}
    if runs.is_finished(folder):
        runs.start(folder, config, facts, harmless=_HARMLESS)  # refuses other settings
        tell(f"{folder} is finished already.")
        return Outcome(status="finished", step=0, exit_code=0, reason="already", seconds=0.0)
    start = _checked_start(opened, task, rows, config)
    tell(
        f"{config.adapt.mode} from {config.start} for {config.task}: {len(rows)} images of "
        f"{len(set(opened.patients[rows].tolist()))} patients ({config.budget}), "
        f"{num_steps(config.adapt, len(rows))} steps"
    )
    tell(start.describe())
    warn_of_dims(opened)
    if dry_run:
        return Outcome(status="finished", step=0, exit_code=0, reason="dry run", seconds=0.0)
    with (
        join_world(config.device) as world,
        stop_on_signals() as stop,
        locked(folder, what="anlage finetune") if world.is_first else nullcontext(),
    ):
        if world.is_first:
            runs.start(folder, config, facts, harmless=_HARMLESS)
        fitted = adapt(
            opened,
            task,
            start,
            rows,
            config.adapt,
            world=world,
            stop=stop,
            folder=folder,
            what="finetune",
        )
        outcome = fitted.outcome
        if world.is_first and outcome.status == "finished":
            save_model(
                folder / "model",
                fitted,
                start=start,
                store=opened,
                task=task,
                rows=rows,
                config=config,
            )
        if world.is_first:
            if fitted.decoder:
                tell(f"decoder: {fitted.decoder}")
            ended = {"steps": outcome.step, "seconds": outcome.seconds, "reason": outcome.reason}
            runs.finish(folder, outcome.status, {**ended, "images": len(rows)})
    return outcome


def _checked_start(
    store: Store, task: Task, rows: npt.NDArray[np.int64], config: FinetuneConfig
) -> Start:
    """Load the encoder, and find out before anything is written whether training can begin."""
    if config.start not in {"scratch", "imagenet"}:
        runs.refuse_unfinished(Path(config.start), result="encoder")
    start = load_start(
        config.start,
        store,
        store.split(config.split)["train"],
        encoder=config.encoder,
        encoder_options=config.encoder_options,
        image_size=config.image_size,
        field=_field(task, config),
        window=config.adapt.augmentation.window,
        allow_other_spacing=config.allow_other_spacing,
        seed=config.adapt.seed,
    )
    _refuse_seen(store, config)
    task.fit(rows)
    training_view(store, task, start, config.adapt)
    return start


def _field(task: Task, config: FinetuneConfig) -> Literal["auto", "image", "window"]:
    """Show whole images where the label speaks of them, unless the encoder knows windows only."""
    is_fresh = config.start in {"scratch", "imagenet"}
    is_global = task.profile.signal == "global"
    return "image" if config.field == "auto" and is_fresh and is_global else config.field


def build_task(
    store: Store,
    name: str,
    label: Sequence[str],
    options: dict[str, Any],
    *,
    classes: Sequence[str] | None = None,
) -> Task:
    """Build a task plug-in on a store.

    Args:
        store: The images and their targets.
        name: Name of the plug-in.
        label: Label columns.
        options: Its settings.
        classes: Those of a trained model; None: all that the store has.

    Raises:
        ConfigError: If the name or an option is unknown, or the store lacks the targets.
    """
    plugin = plugins.load("tasks", name)
    config = plugin.Config.parse(options, where=f"task {name}")
    task: Task = plugin(store, labels=label, config=config, classes=classes)
    return task


def _labelled_rows(store: Store, task: Task, config: FinetuneConfig) -> npt.NDArray[np.int64]:
    train = store.split(config.split)["train"]
    labelled = train[task.is_labelled[train]]
    if not len(labelled):
        raise DataError(
            f"fine-tuning needs labelled training images, split {config.split!r} has none. Check "
            "the label column, the masks and the split."
        )
    budget = parse_budget(config.budget)
    return budget_rows(
        labelled, task.strata, store.patients, budget, draw=config.draw, seed=config.adapt.seed
    )


def _refuse_seen(store: Store, config: FinetuneConfig) -> None:
    test = store.split(config.split)["test"]
    seen = seen_by(config.start, store, test)
    if seen is None:
        tell(
            "warning: nothing tells which images this encoder has seen; if test images were among "
            "them, the result is transductive"
        )
    elif seen and not config.allow_seen:
        raise ConfigError(
            f"an encoder must not have seen test images, this one saw {seen} of {len(test)} in "
            "pretraining. Pretrain on the training part of this split, or pass --allow-seen; the "
            "result is then transductive."
        )
