"""A quick audit before a pretraining: one line where its views lose what the task needs.

It looks at a few training images for a second or two, changes nothing of what is trained, and
never stops it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anlage.alignment.material import read_material, target_of
from anlage.alignment.quick import QuickLook, look_quickly
from anlage.errors import AnlageError
from anlage.train.audited import audited_rows, has_lesion_marks, strategy_of
from anlage.train.pretrain_job import PretrainJob

__all__ = ["QuickAudit", "quick_audit"]

_IMAGES = 60
_FEWEST = 20
_PIXELS = 16_000_000
_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True)
class QuickAudit:
    """What a quick audit found.

    Attributes:
        facts: For the run's card: ``light`` and ``losses``, or why nothing was measured under
            ``skipped``; ``says`` is the sentence below.
        says: What is lost, in a sentence, or why the audit failed; None if there is nothing to
            say. It names no file.
        command: What shows more; None where nothing is lost.
    """

    facts: dict[str, Any]
    says: str | None = None
    command: str | None = None

    @property
    def line(self) -> str | None:
        """The sentence with the command, for the terminal."""
        return f"{self.says} See: {self.command}" if self.command else self.says


def quick_audit(
    job: PretrainJob, *, name: str, recipe: Path, labels: Sequence[str] = ()
) -> QuickAudit:
    """Look at what a pretraining would do to a few of its training images.

    Args:
        job: The pretraining, as it is put together; it is left as it was.
        name: What the sentence calls it.
        recipe: File with its settings.
        labels: Label columns of the tasks that the encoder is for; none if no task is known.
    """
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            found = _look(job, labels)
    except Exception as error:  # whatever it is, it is no reason not to pretrain
        # messages of other libraries may quote data
        reason = str(error) if isinstance(error, AnlageError) else type(error).__name__
        reason = reason.replace(str(job.store.root), "the store")
        says = f"the quick audit of {name} could not be made: {reason}"
        return QuickAudit(facts={"skipped": reason, "says": says}, says=says)
    if isinstance(found, str):
        return QuickAudit(facts={"skipped": found, "says": None})
    loss = found.worst_loss()
    if loss is None:
        return QuickAudit(facts={**found.as_json(), "says": None})
    says = (
        f"{name} may destroy what the task needs: {loss.says()} ({found.images} training images "
        "looked at)."
    )
    words = ["anlage", "audit", str(job.store.root), "--recipe", str(recipe)]
    label = loss.label or next(iter(labels), None)
    command = shlex.join([*words, *(["--label", label] if label else [])])
    return QuickAudit(facts={**found.as_json(), "says": says}, says=says, command=command)


def _look(job: PretrainJob, labels: Sequence[str]) -> QuickLook | str:
    """Return what was found, or why there is nothing to look at."""
    store, config = job.store, job.config
    rows = np.intersect1d(store.split(config.split)["train"], job.rows)
    if len(rows) < _FEWEST:
        return f"fewer than {_FEWEST} training images"
    if not labels and not has_lesion_marks(store, rows).any():
        return "neither label maps nor boxes"
    chosen = audited_rows(
        job, rows, labels, count=_IMAGES, pixels=_PIXELS, held_bytes=_BYTES, seed=config.seed
    )
    material = read_material(store, chosen, region=job.scene.region, seed=config.seed)
    targets = [target_of(store, chosen, label) for label in labels]
    return look_quickly(material, strategy_of(job, None), targets=targets)
