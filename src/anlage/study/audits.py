"""The quick audit of every strategy of a study: once, before the first pretraining."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from anlage.config import write_yaml
from anlage.data.store import Store
from anlage.study.config import StudyConfig
from anlage.study.ledger import Ledger
from anlage.study.plan import Pretraining, StudyPlan
from anlage.train.distributed import World
from anlage.train.notices import warn
from anlage.train.pretrain_job import PretrainJob
from anlage.train.quick_audit import QuickAudit, folder_beside, quick_audit
from anlage.train.runs import write_json

__all__ = ["audit_notes", "audit_strategies"]

_FILE = "quick_audit.json"


def audit_strategies(store: Store, config: StudyConfig, plan: StudyPlan, ledger: Ledger) -> None:
    """Look at every strategy that was not looked at yet, and tell of each in a line.

    Labels of training images alone are read, and only to warn: nothing that is trained or
    compared depends on it.
    """
    labels = _labels(config, plan)
    known = _known(ledger.root)
    for job in _firsts(plan):
        if known.get(job.key, {}).get("labels") == labels:
            continue
        found = _audit(store, job, ledger, labels)
        known[job.key] = {**found.facts, "labels": labels}
        write_json(ledger.root / _FILE, known)
        if found.line is not None:
            warn(found.line)


def audit_notes(plan: StudyPlan, ledger: Ledger) -> tuple[str, ...]:
    """Return what the quick audits of a plan's strategies have to say."""
    known = _known(ledger.root)
    said = (known.get(job.key, {}).get("says") for job in _firsts(plan))
    return tuple(f"Quick audit: {line}" for line in said if line)


def _audit(store: Store, job: Pretraining, ledger: Ledger, labels: list[str]) -> QuickAudit:
    built = PretrainJob(store, job.config, World())
    built.close()
    recipe = ledger.pretraining(job.key) / "config.yaml"
    out = folder_beside(ledger.root) / job.strategy.replace("/", "-")
    found = quick_audit(built, name=job.strategy, recipe=recipe, labels=labels, out=out)
    if found.command is not None and not recipe.is_file():
        recipe.parent.mkdir(parents=True, exist_ok=True)
        write_yaml(recipe, job.config)  # the command must work before the run begins
    return found


def _firsts(plan: StudyPlan) -> Iterable[Pretraining]:
    """Return one pretraining of each strategy that is to be looked at."""
    firsts = {job.strategy: job for job in reversed(plan.pretrainings)}
    return [job for job in reversed(firsts.values()) if job.config.quick_audit]


def _labels(config: StudyConfig, plan: StudyPlan) -> list[str]:
    """Return the label columns of tasks that read one answer per image."""
    found = [
        name
        for choice in config.tasks
        if plan.tasks[choice.title].task.profile.signal == "global"
        for name in choice.label
    ]
    return list(dict.fromkeys(found))


def _known(root: Path) -> dict[str, Any]:
    """Return the audits that were made; none where the file is missing or damaged."""
    try:
        found = json.loads((root / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {key: facts for key, facts in entries if isinstance(facts, dict)}
