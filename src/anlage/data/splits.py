"""Who is for training, validation and test: by patient, kept as files, checked for leaks.

A split file has one line per image: id, split, and the SHA-256 of its stored pixels, so that a
number can be traced to the very pixels it was measured on.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from anlage.data._whole_file import write_whole
from anlage.errors import DataError
from anlage.types import Split

__all__ = ["PARTS", "by_group", "leaks", "read_hashes", "read_split", "torn", "write_split"]

PARTS: tuple[Split, ...] = ("train", "val", "test")
_SHARES: dict[Split, float] = {"train": 0.6, "val": 0.15, "test": 0.25}


def by_group(
    groups: npt.NDArray[np.int64],
    strata: Sequence[object],
    *,
    seed: int,
    shares: Mapping[Split, float] | None = None,
) -> list[Split]:
    """Split images so that no group is torn and every part looks alike.

    Groups are taken in random order, largest first, and each goes to the part that lacks most
    of what the group brings, counted per stratum.

    Args:
        groups: Group number of each image, (n,).
        strata: A value per image whose share should be equal in all parts, such as the class.
        seed: Seed of the order.
        shares: Share of each part; by default 60 % train, 15 % val, 25 % test.

    Returns:
        The part of each image.

    Raises:
        DataError: If there are fewer groups than parts.
    """
    wanted: dict[Split, float] = dict(shares or _SHARES)
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    if len(members) < len(wanted):
        raise DataError(
            f"a split into {', '.join(wanted)} needs at least {len(wanted)} patients or groups, "
            f"got {len(members)}. Add patients, or give a split column."
        )
    order = np.random.default_rng(seed).permutation(len(members))
    names = list(members)
    queue = sorted((names[i] for i in order), key=lambda name: -len(members[name]))
    totals = Counter(str(value) for value in strata)
    missing = {
        part: {value: share * count for value, count in totals.items()}
        for part, share in wanted.items()
    }
    parts: list[Split] = ["train"] * len(groups)
    for name in queue:
        brings = Counter(str(strata[index]) for index in members[name])
        part = max(wanted, key=lambda part: _need(missing[part], brings, wanted[part], totals))
        for value, count in brings.items():
            missing[part][value] -= count
        for index in members[name]:
            parts[index] = part
    return parts


def leaks(parts: Sequence[str], keys: Sequence[object]) -> int:
    """Count the keys (patients, hashes, groups) that occur in more than one part."""
    seen: dict[object, set[str]] = {}
    for part, key in zip(parts, keys, strict=True):
        if key is not None and part:
            seen.setdefault(key, set()).add(part)
    return sum(len(where) > 1 for where in seen.values())


def torn(parts: Sequence[str], patients: Sequence[object], hashes: Sequence[object]) -> list[str]:
    """Say how many patients and groups of equal images lie in more than one part, if any do."""
    counts = {"patients": leaks(parts, patients), "groups of equal images": leaks(parts, hashes)}
    return [f"{count} {what}" for what, count in counts.items() if count]


def write_split(
    path: Path, ids: Sequence[str], parts: Sequence[str], hashes: Sequence[str]
) -> None:
    """Write a split file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "split", "sha256"))
    writer.writerows(zip(ids, parts, hashes, strict=True))
    write_whole(path, text.getvalue())


def read_split(path: Path) -> dict[str, str]:
    """Read a split file as id -> part.

    Raises:
        DataError: If the file is missing, lacks a column, repeats an id, or names a part that
            is none of train, val, test (or empty: unused).
    """
    rows = _read_rows(path)
    parts = {row["id"]: row["split"] or "" for row in rows}
    unknown = sorted(set(parts.values()) - {*PARTS, ""})
    if unknown or len(parts) != len(rows):
        raise DataError(
            f"split file {path.name} must name each image once, as train, val or test; got "
            f"{len(rows) - len(parts)} repeated ids and the parts {unknown or 'as they should be'}."
        )
    return parts


def read_hashes(path: Path) -> dict[str, str]:
    """Read a split file as id -> SHA-256 of the pixels it was made for; what is not said is left.

    Raises:
        DataError: As for ``read_split``.
    """
    return {row["id"]: found for row in _read_rows(path) if (found := row.get("sha256"))}


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in path.parent.glob("*.csv"))) or "none"
        raise DataError(
            f"the store has no split named {path.stem!r}, it has: {known}. Choose one of them, or "
            "run anlage prepare again."
        )
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError(
            f"split file {path.name} must be a CSV table in UTF-8, it cannot be read as one. "
            "Restore it, or run anlage prepare again."
        ) from None
    if not rows or not {"id", "split"} <= rows[0].keys():
        raise DataError(f"split file {path.name} must have the columns id and split.")
    return rows


def _need(
    missing: Mapping[str, float], brings: Counter[str], share: float, totals: Counter[str]
) -> float:
    """Return how much a part still lacks of what a group brings, relative to its share."""
    return sum(
        count * missing[value] / max(share * totals[value], 1e-9) for value, count in brings.items()
    )
