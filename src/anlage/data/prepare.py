"""`anlage prepare`: from what the user has to a store, once, restartable, losing nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anlage import plugins
from anlage.data._class_names import alike_notes
from anlage.data._decode import Layout
from anlage.data._job import StoreJob
from anlage.data._label_map import parse_asked
from anlage.data._pool import end_if_a_worker_runs_the_script
from anlage.data._survey import survey
from anlage.data._told import tell_done, tell_plan
from anlage.data._whole_file import writing
from anlage.data._writer import JOURNAL
from anlage.data.archives import extract, is_archive
from anlage.data.identity import Identity
from anlage.data.importers import ImportOptions, Problem, import_records
from anlage.data.readers import Limits
from anlage.data.store import Store
from anlage.data.summary import write_summary
from anlage.errors import ConfigError, DataError
from anlage.locks import locked
from anlage.modalities import Policy
from anlage.progress import say

__all__ = ["Prepared", "prepare"]

_LEAST_EDGE, _GREATEST_EDGE = 8, 4096  # pixels of a canvas
_SETTINGS, _SHARDS, _SPLIT = "settings.json", "shards", "default.csv"
_FILES = (_SETTINGS, "store.json", "index.parquet", JOURNAL, "quarantine.csv", "report.html")
_OURS = {*_FILES, _SHARDS, "splits"}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What `prepare` did.

    Attributes:
        store: Folder of the store.
        stored: Images in the store.
        quarantined: Images that could not be used.
        new: Images decoded in this run.
        notes: What the user should know.
    """

    store: Path
    stored: int
    quarantined: int
    new: int
    notes: tuple[str, ...]


def prepare(
    source: str | Path,
    *,
    out: str | Path,
    modality: str = "generic",
    sequence: str | None = None,
    labels: Path | None = None,
    label: Sequence[str] = (),
    image: str = "image",
    mask: str | None = None,
    boxes: Path | None = None,
    patient: str | None = None,
    site: str | None = None,
    split: str | None = None,
    layout: str = "auto",
    size: int | None = None,
    spacing_mm: Sequence[float] | None = None,
    seed: int = 0,
    workers: int | None = None,
    allow_leaks: bool = False,
    allow_burned_in: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    dry_run: bool = False,
    label_maps: str = "auto",
) -> Prepared:
    """Read images, check them, split them by patient and store them for speed.

    Args:
        source: Folder, archive (zip, tar) or npz file.
        out: Folder of the store to make or to go on with.
        modality: Name of a modality policy; it decides on the calibration.
        sequence: What the images are, where the modality calibrates it in its own way: adc in mri.
        labels: CSV or Parquet table with one row per image.
        label: Columns of the table to keep as labels; others are never read.
        image: Column of image paths.
        mask: Column of label-map paths.
        boxes: Second table with one row per box.
        patient: Column of patient identifiers. Without one, near-duplicates are grouped.
        site: Column of site or scanner names.
        split: Column that says train, val or test. Without one, a split is drawn by group.
        layout: Layout of the source; "auto" finds out.
        size: Edge in pixels of the square canvas that 2D images are scaled to.
        spacing_mm: Voxel edges that volumes are resampled to.
        seed: Seed of the drawn split.
        workers: Reading processes; None: one per core; 0: none, in this process.
        allow_leaks: Go on although patients or equal images lie in several parts of the split.
        allow_burned_in: Take DICOM images that may carry text in their pixels.
        overwrite: Make the store anew. Splits of your own in its folder splits are kept.
        strict: Fail if any image is quarantined.
        dry_run: Only say what would be stored.
        label_maps: What 255 means in label maps: "numbers", a class like others; "black_white",
            class 1; "auto" decides once for all, from all of them.

    Returns:
        Counts, and notes for the user.

    Raises:
        ConfigError: If an option cannot be used, or the store was made with other settings.
        DataError: If the source is empty, a split leaks, or the disk is full.
    """
    end_if_a_worker_runs_the_script()
    policy: Policy = plugins.load("modalities", modality)
    policy = policy.model_copy(update={"scaling": policy.scaling.of(sequence)})
    meaning = parse_asked(label_maps)
    root, origin = Path(out), Path(source)
    if size is not None and not _LEAST_EDGE <= size <= _GREATEST_EDGE:
        raise ConfigError(
            f"size must be between {_LEAST_EDGE} and {_GREATEST_EDGE} pixels, got {size}. 224 is "
            "a good start for pictures."
        )
    if seed < 0:
        raise ConfigError(f"seed must be 0 or above, got {seed}. Give a whole number such as 0.")
    _refuse_foreign(root, overwrite=overwrite)
    options = ImportOptions(
        manifest=labels,
        labels=tuple(label),
        image_column=image,
        mask_column=mask,
        boxes=boxes,
        patient_column=patient,
        site_column=site,
        split_column=split,
    )
    with _unpacked(origin, root) as folder:
        found_layout, imported = import_records(folder, options, layout=layout)
        plan, records, problems, notes = survey(
            imported.records,
            policy,
            size=size,
            spacing_mm=spacing_mm,
            allow_burned_in=allow_burned_in,
            limits=Limits(),
        )
        notes = [f"layout: {found_layout}", *imported.notes, *notes, *alike_notes(records)]
        problems = [*imported.problems, *problems]
        if dry_run:
            for note in notes:
                say(f"  {note}")
            tell_plan(plan, len(records), problems)
            return _prepared(root, len(records), problems, 0, notes)
        with locked(root, what="anlage prepare"), writing("the store"):
            if overwrite:
                _clear(root)
            job = StoreJob(root, plan, modality, Identity())
            job.remember_settings(anew=overwrite)
            new, failed = job.decode(records, _workers(workers, len(records)))
            problems = [*problems, *failed]
            job.write_quarantine(problems)
            if strict and problems:
                raise DataError(
                    f"every image must be readable with --strict, got {len(problems)} that are "
                    f"not: see {root / 'quarantine.csv'}."
                )
            lost = {problem.key for problem in failed}
            records = [record for record in records if record.key not in lost]
            notes += job.index(records, seed=seed, allow_leaks=allow_leaks, label_maps=meaning)
            store = Store.open(root)
            write_summary(store, problems=problems, notes=notes)
    tell_done(store, problems, notes)
    return _prepared(root, len(store), problems, new, notes)


def _prepared(
    root: Path, stored: int, problems: Sequence[Problem], new: int, notes: Sequence[str]
) -> Prepared:
    return Prepared(
        store=root, stored=stored, quarantined=len(problems), new=new, notes=tuple(notes)
    )


@contextmanager
def _unpacked(origin: Path, root: Path) -> Iterator[Path]:
    """Give the folder to read: the source itself, or an archive's content for as long as needed.

    Whatever a killed run left is removed, and the archive is unpacked anew.
    """
    if not is_archive(origin):
        yield origin
        return
    holding = root.with_name(f".{root.name}.unpacked")
    with locked(holding, what="anlage prepare"):
        try:
            content = holding / "content"
            if content.exists():
                shutil.rmtree(content)
            say("Unpacking the archive")
            yield extract(origin, content)
        finally:
            shutil.rmtree(holding)


def _refuse_foreign(root: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds something else than a store; a killed run leaves hidden files."""
    names = {path.name for path in root.iterdir()} if root.is_dir() else set()
    shown = {name for name in names if not name.startswith(".")}
    foreign = sorted(shown - _OURS)
    if not shown or (not foreign and _has_settings(root)):
        return
    what = ", ".join(foreign[:3]) or f"no {_SETTINGS} of a store"
    remedy = "--overwrite removes a store only" if overwrite else "it would be mixed up"
    raise DataError(
        f"--out must be a new folder or a store, {root} holds something else ({what}); {remedy}. "
        "Choose another --out, or move what is not the store's."
    )


def _has_settings(root: Path) -> bool:
    """Return whether a folder holds a store's settings; damaged ones count beside a journal."""
    path = root / _SETTINGS
    if not path.is_file():
        return False
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return (root / JOURNAL).is_file()
    return isinstance(found, dict) and {"modality", *Layout.model_fields} <= found.keys()


def _clear(root: Path) -> None:
    """Remove a store's own files, but for its settings, the lock and the user's own splits.

    The settings stay until they are replaced: they say that the folder is a store.
    """
    for name in _FILES:
        if name != _SETTINGS:
            (root / name).unlink(missing_ok=True)
    (root / "splits" / _SPLIT).unlink(missing_ok=True)
    shards = root / _SHARDS
    if shards.is_symlink():
        shards.unlink()
    elif shards.is_dir():
        shutil.rmtree(shards)


def _workers(asked: int | None, images: int) -> int:
    if asked is not None:
        return asked
    return 0 if images < 32 else max(1, os.cpu_count() or 1)
