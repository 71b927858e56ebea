"""A quick audit before a pretraining: one line on whether its views lose what the task needs.

It looks at a few training images for a second or two, the same ones whatever the pretraining's
seed, changes nothing of what is trained, and never stops it.
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
from anlage.train.notices import tell
from anlage.train.pretrain_job import PretrainJob

__all__ = ["QuickAudit", "folder_beside", "quick_audit"]

_IMAGES = 60
_FEWEST = 20
_PIXELS = 16_000_000
_BYTES = 1 << 28
_SEED = 0  # of images and views: what is said of a strategy hangs on no seed of its training


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
    job: PretrainJob,
    *,
    name: str,
    recipe: Path,
    labels: Sequence[str] = (),
    out: Path | None = None,
) -> QuickAudit:
    """Look at what a pretraining would do to a few of its training images.

    Where there is nothing to warn of, it says in a line what it looked at.

    Args:
        job: The pretraining, as it is put together; it is left as it was.
        name: What the sentence calls it.
        recipe: File with its settings.
        labels: Label columns of the tasks that the encoder is for; none if no task is known.
        out: Where the command puts pictures and a corrected recipe; None: beside the folder of
            the recipe.
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
        tell(f"quick audit of {name}: nothing to look at ({found})")
        return QuickAudit(facts={"skipped": found, "says": None})
    loss = found.worst_loss()
    if loss is None:
        tell(f"quick audit of {name}: {_nothing(found)}")
        return QuickAudit(facts={**found.as_json(), "says": None})
    says = (
        f"{name} may destroy what the task needs: {loss.says()} ({found.images} training images "
        "looked at)."
    )
    words = ["anlage", "audit", str(job.store.root), "--recipe", str(recipe)]
    label = loss.label or next(iter(labels), None)
    words += [
        *(["--label", label] if label else []),
        "--out",
        str(out or folder_beside(recipe.parent)),
    ]
    command = shlex.join(words)
    return QuickAudit(facts={**found.as_json(), "says": says}, says=says, command=command)


def _nothing(found: QuickLook) -> str:
    """Say what was looked at and found to be no loss, and what could not be judged."""
    judged, unjudged = ", ".join(found.judged), ", ".join(found.unjudged)
    count = f"{found.images} images"
    if not judged:
        said = f"nothing could be judged on {count}"
        return f"{said} ({unjudged or 'lesions of too few patients'})"
    weak = f"; {unjudged}: too weak a signal to judge" if unjudged else ""
    return f"nothing found on {count} ({judged}{weak})"


def folder_beside(folder: Path) -> Path:
    """Return a folder for the audit of a run: beside it, or in it where it has no name."""
    if folder.name in {"", ".."}:
        return folder / "audit"
    return folder.with_name(f"{folder.name}-audit")


def _look(job: PretrainJob, labels: Sequence[str]) -> QuickLook | str:
    """Return what was found, or why there is nothing to look at."""
    store, config = job.store, job.config
    rows = np.intersect1d(store.split(config.split)["train"], job.rows)
    if len(rows) < _FEWEST:
        return f"fewer than {_FEWEST} training images"
    if not labels and not has_lesion_marks(store, rows).any():
        is_bare = not store.label_names
        return f"no label maps{', boxes or labels' if is_bare else ' or boxes, no label named'}"
    chosen = audited_rows(
        job, rows, labels, count=_IMAGES, pixels=_PIXELS, held_bytes=_BYTES, seed=_SEED
    )
    material = read_material(store, chosen, region=job.scene.region, seed=_SEED)
    targets = [target_of(store, chosen, label) for label in labels]
    return look_quickly(material, strategy_of(job, None), targets=targets)
