"""`anlage audit`: what pretraining would do to these images, measured before it is done."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from anlage import plugins
from anlage.alignment.auditor import Auditor, Effort, Strategy
from anlage.alignment.correct import Checked, corrected
from anlage.alignment.material import Material, Target, read_material, target_of
from anlage.alignment.measure import Audit, audit_strategy
from anlage.alignment.page import as_html
from anlage.alignment.pairs import Negatives, negatives_of
from anlage.alignment.pictures import worst_cases
from anlage.alignment.rehearsal import Rehearsal
from anlage.alignment.whole import measure_whole
from anlage.alignment.words import as_json, as_text, knows_signal
from anlage.config import layered, read_yaml
from anlage.data.store import Store
from anlage.errors import ConfigError, DataError
from anlage.progress import say, track
from anlage.train.audited import (
    HELD_BYTES,
    PIXELS,
    audited_rows,
    has_lesion_marks,
    rehearsal_of,
    strategy_of,
)
from anlage.train.distributed import World
from anlage.train.pretrain import PretrainConfig
from anlage.train.pretrain_job import PretrainJob
from anlage.types import Signal

__all__ = ["audit"]

_DENSE = {"segmentation", "detection", "reconstruction"}
_QUICK = 120
_SITES = ("site", "scanner")
_COMMENT = """\
# Chosen on the images that were audited, so it fits them better than others: audit it again with
# another --seed before you believe its numbers.
"""
_UNCHANGED = "# The recipe as it was audited: no correction is proposed.\n"


def audit(
    store: str | Path,
    *,
    method: str | None = None,
    task: str | None = None,
    label: str | None = None,
    recipe: Path | None = None,
    site: str | None = None,
    split: str = "default",
    images: int = 300,
    seed: int = 0,
    quick: bool = False,
    out: str | Path | None = None,
) -> Audit:
    """Measure whether a strategy's views, masks and corruptions keep what the task needs.

    Only training patients are looked at. Images with label maps or boxes tell what is erased,
    images with labels what is kept of their signal; images with neither only what happens to
    their values.

    Args:
        store: Folder made by ``prepare``.
        method: Name of a method plug-in; None: the recipe's.
        task: Name of a task plug-in; None: classification if there is a label, segmentation if
            there are label maps.
        label: Label column that the task reads.
        recipe: YAML file with the settings of a pretraining.
        site: Label column that names the site or scanner; None: columns of those names.
        split: Name of the split.
        images: How many images to look at.
        seed: Seed of the images, views, folds and intervals.
        quick: Fewer images and only the strengths of the recipe.
        out: Folder for audit.json, audit.html, corrected.yaml and alignment.json; None: none.

    Returns:
        Everything that was measured.

    Raises:
        ConfigError: If a setting, label, task or split is unknown.
        DataError: If the store cannot be read or the folder not written.
    """
    values = read_yaml(recipe) if recipe else {}
    given: dict[str, Any] = {"split": split} if split != "default" else {}
    values = layered(values, {**given, **({"method": method} if method else {})})
    config = PretrainConfig.parse(values, where=recipe.name if recipe else "audit")
    opened = Store.open(store)
    signal, name = _task(opened, task, label)
    if images < 10:
        raise ConfigError(f"an audit needs at least 10 images, got {images}. Raise --images.")
    own = {"device": "cpu", "seed": seed, "parts": ("train",)}
    job = PretrainJob(opened, config.model_copy(update=own), World())
    job.close()
    rows = job.rows
    strategy = strategy_of(job, signal)
    labels = [label] if label else []
    chosen = audited_rows(
        job,
        rows,
        labels,
        count=min(images, _QUICK) if quick else images,
        pixels=PIXELS,
        held_bytes=HELD_BYTES,
        seed=seed,
    )
    material = read_material(opened, chosen, region=job.scene.region, seed=seed)
    effort = Effort(seed=seed, draws=1 if quick else 2, factors=() if quick else (0.5, 2.0))
    target = target_of(opened, chosen, label) if label else None
    with track("Auditing", len(job.plan.steps) + (4 if quick else 5), unit="parts") as advance:
        found = audit_strategy(
            material,
            strategy,
            target=target,
            sites=tuple(_sites(opened, material, site)),
            negatives=_negatives(job, rows, label),
            effort=effort,
            tell=lambda part: advance(1, part),
        )
        if not quick:
            advance(1, "the rehearsal")
            found = replace(found, rehearsal=_rehearsed(job, label, signal, seed))
    named = {**values, "method": config.method}
    mended = corrected(named, found.corrections)
    if found.corrections:
        checked = _check(found, mended, job, (material, target, signal), effort)
        proposed = found.corrections if checked.is_kept else ()
        found = replace(found, checked=checked, corrections=proposed)
        mended = mended if proposed else named
    what = f"{f', {name}' if name else ''}{f' of {label}' if label else ''}"
    title = f"{config.method} on {opened.meta.modality}, {opened.meta.dims}D{what}"
    say(as_text(found, title=title))
    if out is not None:
        asked = {
            "--method": config.method,
            "--task": task,
            "--label": label,
            "--recipe": "RECIPE" if recipe else None,
            "--site": site,
            "--split": split if split != "default" else None,
            "--images": images if images != 300 else None,
            "--seed": seed or None,
        }
        words = ["anlage", "audit", "STORE", *(["--quick"] if quick else [])]
        for option, value in asked.items():
            words += [option, str(value)] if value is not None else []
        files = _files(found, material, strategy, recipe=mended, seed=seed)
        facts = {
            "method": config.method,
            "title": title,
            "command": shlex.join(words),
            "store": opened.fingerprint,
            "label": label,
        }
        _write(Path(out), files, found, facts)
    return found


def _task(store: Store, task: str | None, label: str | None) -> tuple[Signal | None, str | None]:
    """Return what the task reads, and its name."""
    if label is not None:
        store.labels(label)
    if task is None:
        if label is not None:
            return "global", "classification"
        has_maps = has_lesion_marks(store, np.arange(len(store))).any()
        return ("dense", "segmentation") if has_maps else (None, None)
    plugins.load("tasks", task)
    if task not in _DENSE and label is None:
        raise ConfigError(
            f"task {task} needs a label column, got none. Give --label; the store has: "
            f"{', '.join(store.label_names) or 'none'}."
        )
    return ("dense" if task in _DENSE else "global"), task


def _check(
    found: Audit,
    recipe: dict[str, Any],
    job: PretrainJob,
    audited: tuple[Material, Target | None, Signal | None],
    effort: Effort,
) -> Checked:
    """Measure the corrected recipe as a whole: on the same images, with the same effort."""
    material, target, signal = audited
    tried, before = found.corrections, found.least
    try:
        config = PretrainConfig.parse(recipe, where="the corrected recipe")
        own = {name: getattr(job.config, name) for name in ("device", "seed", "parts")}
        other = PretrainJob(job.store, config.model_copy(update=own), World())
    except ConfigError as error:
        return Checked(before=before, after=None, limited_by=None, tried=tried, refused=str(error))
    other.close()
    region = other.scene.region
    if region != job.scene.region:  # milder crops of windows read less around them
        material = read_material(job.store, material.sample, region=region, seed=effort.seed)
    whole = measure_whole(Auditor(material, strategy_of(other, signal), target, effort))
    label = None if target is None or found.rehearsal is None else target.name
    return Checked(
        before=before,
        after=whole.least,
        limited_by=whole.limited_by,
        tried=tried,
        rehearsal=_rehearsed(other, label, signal, effort.seed),
    )


def _rehearsed(
    job: PretrainJob, label: str | None, signal: Signal | None, seed: int
) -> Rehearsal | None:
    """Rehearse tasks that read one label per image."""
    if label is None or signal != "global":
        return None
    return rehearsal_of(job, label, seed=seed)


def _sites(store: Store, material: Material, site: str | None) -> Iterable[Target]:
    """Yield labels of site and scanner with two values or more among the images."""
    known = [name for name in _SITES if name in store.label_names]
    if "site" not in known and store.index["site"].is_not_null().any():
        known.append("site")
    for name in [site] if site else known:
        target = target_of(store, material.sample, name, is_site=True)
        if site or len(np.unique(target.values[np.isfinite(target.values)])) > 1:
            yield target


def _negatives(
    job: PretrainJob, rows: npt.NDArray[np.int64], label: str | None
) -> Negatives | None:
    if plugins.family("methods", job.config.method) != "contrastive":
        return None
    labels = None
    if label is not None and (target := target_of(job.store, rows, label)).classes:
        labels = [value if np.isfinite(value) else None for value in target.values.tolist()]
    hashes = job.store.index["sha256"].gather(rows.tolist()).to_list()
    batch = job.local_batch // job.config.accumulate
    return negatives_of(job.store.patients[rows], labels, hashes, batch=batch)


def _files(
    found: Audit,
    material: Material,
    strategy: Strategy,
    *,
    recipe: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Return the pictures of the worst cases and the corrected recipe."""
    shown = [one for one in found.findings if one.light in {"red", "amber"}]
    pictures = {
        one.name: worst_cases(material, strategy, one, seed=seed)
        for one in (shown or found.findings[:1])
    }
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    comment = _COMMENT if found.corrections else _UNCHANGED
    return {"pictures": pictures, "corrected": comment + text}


def _write(folder: Path, files: dict[str, Any], found: Audit, facts: dict[str, Any]) -> None:
    page = as_html(found, title=facts["title"], command=facts["command"], **files)
    trial = found.rehearsal
    said = {
        "kept": found.least.value if knows_signal(found) else None,
        "gain": None if trial is None else trial.gain,
        "low": None if trial is None else trial.low,
        "high": None if trial is None else trial.high,
    }
    rounded = {name: None if one is None else round(one, 4) for name, one in said.items()}
    texts = {
        "audit.json": json.dumps({**facts, **as_json(found)}, indent=1) + "\n",
        "audit.html": page,
        "corrected.yaml": files["corrected"],
        "alignment.json": json.dumps(
            {facts["method"]: {**rounded, "store": facts["store"], "label": facts["label"]}}
        )
        + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{folder} must be a writable folder ({error.strerror}). Choose another --out."
        ) from None
    say(f"Written: {folder / 'audit.html'}")
