"""From the journal to the index: groups of images that belong together, and the split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from anlage.data._label_map import Asked, Meaning, decide
from anlage.data.duplicates import Groups, near_pairs
from anlage.data.identity import Identity, look_alikes
from anlage.data.importers import Record
from anlage.data.splits import PARTS, by_group, torn
from anlage.data.store import LABEL_PREFIX, LEAK_ALLOWED
from anlage.errors import DataError

__all__ = ["Index", "build_index"]

_MAX_CLASSES = 20
_HEAD = {"HEAD", "BRAIN", "SKULL", "FACE", "HEADNECK", "SINUS", "ORBIT"}

Pairs = list[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Index:
    """The store's table and its split.

    Attributes:
        frame: One row per image.
        parts: The part of each row.
        notes: What the user should know.
        caveats: Those notes that every result of this store must state.
        label_maps: What 255 means in all label maps.
        label_maps_because: The evidence for that.
    """

    frame: pl.DataFrame
    parts: list[str]
    notes: tuple[str, ...]
    caveats: tuple[str, ...]
    label_maps: Meaning
    label_maps_because: str


def build_index(
    kept: Sequence[tuple[Record, dict[str, Any]]],
    identity: Identity,
    *,
    seed: int,
    allow_leaks: bool,
    label_maps: Asked = "auto",
) -> Index:
    """Group images by patient, by equal and by nearly equal pixels, and split them by group.

    Args:
        kept: Records with their journal rows, in the store's order.
        identity: Hashes patients.
        seed: Seed of a drawn split.
        allow_leaks: Go on although the source's own split leaks.
        label_maps: What 255 means in label maps; "auto" finds out.

    Raises:
        DataError: If the source's own split has a patient, or equal images, in two parts.
    """
    patients = [
        None if record.patient is None else identity.patient(record.patient) for record, _ in kept
    ]
    rows = [row for _, row in kept]
    hashes = [row["sha256"] for row in rows]
    thumbs = [np.frombuffer(bytes.fromhex(row["thumbnail"]), np.uint8) for row in rows]
    pairs = near_pairs([thumb.reshape(16, 17) for thumb in thumbs])
    groups = Groups(len(kept))
    groups.join_equal(patients)
    groups.join_equal(hashes)
    for first, second in pairs:
        groups.join(first, second)
    numbers = groups.numbers()
    notes = [*_duplicate_notes(hashes, pairs), *_face_notes(rows)]
    caveats = _patient_caveats([record.patient for record, _ in kept], int(numbers.max()) + 1)
    if any(patients):
        notes.append(f"patients: {len({*patients} - {None})}, in {int(numbers.max()) + 1} groups")
    if any(record.split for record, _ in kept):
        parts = _stated_parts(kept, numbers)
        caveats += _leak_caveats(parts, patients, hashes, pairs, allow_leaks=allow_leaks)
    elif int(numbers.max()) + 1 < len(PARTS):
        parts = ["train"] * len(kept)
        notes.append(
            f"split: {int(numbers.max()) + 1} groups cannot be split in three: all images are for "
            "pretraining, none for testing"
        )
    else:
        parts = [str(part) for part in by_group(numbers, _strata(kept), seed=seed)]
        notes.append(f"split: drawn by group, seed {seed}")
    holds = [row["mask_holds"] for row in rows if row["mask_sha256"]]
    meaning, because, doubts = decide(holds, label_maps)
    caveats += doubts
    return Index(
        frame=_frame(kept, patients, numbers),
        parts=parts,
        notes=(*notes, *([because] if because else []), *caveats),
        caveats=tuple(caveats),
        label_maps=meaning,
        label_maps_because=because,
    )


def _stated_parts(
    kept: Sequence[tuple[Record, dict[str, Any]]], numbers: npt.NDArray[np.int64]
) -> list[str]:
    """Use the source's split; images it does not mention train, unless their group tests."""
    held_out = {
        int(number)
        for (record, _), number in zip(kept, numbers, strict=True)
        if record.split in {"val", "test"}
    }
    return [
        record.split or ("" if int(number) in held_out else "train")
        for (record, _), number in zip(kept, numbers, strict=True)
    ]


def _leak_caveats(
    parts: Sequence[str],
    patients: Sequence[str | None],
    hashes: Sequence[str],
    pairs: Pairs,
    *,
    allow_leaks: bool,
) -> list[str]:
    faults = torn(parts, patients, hashes)
    if faults and not allow_leaks:
        raise DataError(
            f"a split must keep patients and equal images in one part, but {' and '.join(faults)} "
            "lie in more than one. Correct the split column, or pass --allow-leaks, which every "
            "result will then state."
        )
    caveats = [f"{LEAK_ALLOWED}: {fault} lie in more than one part" for fault in faults]
    near = sum(
        parts[first] != parts[second] and bool(parts[first]) and bool(parts[second])
        for first, second in pairs
    )
    if near:
        caveats.append(f"warning: {near} pairs of near-duplicates lie in different parts")
    return caveats


def _duplicate_notes(hashes: Sequence[str], pairs: Pairs) -> list[str]:
    repeated = sum(count - 1 for count in Counter(hashes).values())
    if not repeated and not pairs:
        return []
    return [f"duplicates: {repeated} exact, {len(pairs)} near pairs, kept together"]


def _face_notes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Count volumes of heads of which DICOM does not say that no face can be recognised."""
    faces = sum(
        len(row["shape"]) == 4
        and row["facts"].get("BodyPartExamined") in _HEAD
        and row["facts"].get("RecognizableVisualFeatures") != "NO"
        for row in rows
    )
    if not faces:
        return []
    return [
        f"warning: {faces} volumes of heads are not stated to be defaced; a face can be "
        "recognised in a rendering. Do not pass the store on without defacing them"
    ]


def _patient_caveats(identifiers: Sequence[str | None], groups: int) -> list[str]:
    known = [identifier for identifier in identifiers if identifier is not None]
    if not known:
        return [
            f"patients: none given, grouped by near-duplicates ({groups} groups). Give --patient "
            "if you have it"
        ]
    caveats = []
    if len(known) < len(identifiers):
        caveats.append(
            f"warning: {len(identifiers) - len(known)} of {len(identifiers)} images have no "
            "patient, each counts as a patient of its own"
        )
    doubtful = look_alikes(known)
    if doubtful:
        caveats.append(
            f"warning: {doubtful} patients are written in ways that differ only in leading zeros "
            "or blanks, such as 7 and 007; they count as different patients. Write each alike "
            "if they are one"
        )
    return caveats


def _strata(kept: Sequence[tuple[Record, dict[str, Any]]]) -> list[str]:
    """Stratify by the first label with few values, and by whether there is a label map."""
    names = list(kept[0][0].labels)
    for name in names:
        values = [record.labels.get(name) for record, _ in kept]
        if len(set(values)) <= _MAX_CLASSES:
            return [str(value) for value in values]
    return [str("mask_shard" in row) for _, row in kept]


def _frame(
    kept: Sequence[tuple[Record, dict[str, Any]]],
    patients: Sequence[str | None],
    numbers: npt.NDArray[np.int64],
) -> pl.DataFrame:
    rows = [row for _, row in kept]
    columns: dict[str, Any] = {
        "id": [row["id"] for row in rows],
        "shard": [row["shard"] for row in rows],
        "offset": pl.Series([row["offset"] for row in rows], dtype=pl.Int64),
        "shape": [row["shape"] for row in rows],
        "spacing_mm": [row["spacing_mm"] for row in rows],
        # null in rows of a journal that an older version wrote
        "spacing_stated": pl.Series([row.get("spacing_stated") for row in rows], dtype=pl.Boolean),
        "sha256": [row["sha256"] for row in rows],
        "patient": pl.Series(patients, dtype=pl.String),
        "group": pl.Series(numbers, dtype=pl.Int64),
        "site": pl.Series([record.site for record, _ in kept], dtype=pl.String),
        "mask_shard": pl.Series([row.get("mask_shard") for row in rows], dtype=pl.String),
        "mask_offset": pl.Series([row.get("mask_offset") for row in rows], dtype=pl.Int64),
        "mask_dtype": pl.Series([row.get("mask_dtype") for row in rows], dtype=pl.String),
        "mask_sha256": pl.Series([row["mask_sha256"] for row in rows], dtype=pl.String),
        "boxes": [json.dumps(row["boxes"]) for row in rows],
        "facts": [json.dumps(row["facts"]) for row in rows],
    }
    for name in sorted({name for record, _ in kept for name in record.labels}):
        values = [record.labels.get(name) for record, _ in kept]
        numeric = all(value is None or isinstance(value, int | float) for value in values)
        columns[LABEL_PREFIX + name] = pl.Series(
            [float(value) if numeric and value is not None else value for value in values],
            dtype=pl.Float64 if numeric else pl.String,
        )
    return pl.DataFrame(columns)
