"""What a prepared store tells the advisor, read from its card and index without torch.

Only the columns that are needed are read, with pyarrow alone; the store itself is checked by the
verbs that use it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from anlage.errors import ConfigError, DataError
from anlage.evidence.base import local_table, own_study

__all__ = ["store_facts"]

_LABEL = "label:"


def store_facts(
    path: str | Path,
    *,
    task: str | None = None,
    label: tuple[str, ...] = (),
    split: str = "default",
) -> dict[str, Any]:
    """Return the facts of a profile that a store holds; what it does not tell is left out.

    Args:
        path: Folder made by `anlage prepare`.
        task: The task, where the user said so.
        label: Its label columns.
        split: Name of the split; only its training patients count.

    Raises:
        DataError: If the folder is no finished store.
        ConfigError: If it lacks a label.
    """
    root = Path(path)
    card, table = _read(root)
    known = [name.removeprefix(_LABEL) for name in table if name.startswith(_LABEL)]
    strange = sorted(set(label) - set(known))
    if strange:
        raise ConfigError(
            f"the store must have the label {strange[0]!r}, it has: {', '.join(known) or 'none'}. "
            "Prepare it with --label."
        )
    rows = _training_rows(root, split, table["id"])
    has_mask = any(table["mask_offset"][row] is not None for row in rows)
    task = task or _task(known, label, has_mask=has_mask)
    labels = label or (tuple(known[:1]) if task == "classification" and len(known) == 1 else ())
    facts: dict[str, Any] = {
        "modality": card["modality"],
        "dims": card["dims"],
        "task": task,
        "label": labels,
        "image_size": _middle([table["shape"][row][1:] for row in rows], whole=True),
        "unlabelled": len({table["group"][row] for row in rows}) or None,
        "labelled": _labelled(table, rows, task, labels),
        "rarest_share": _rarest(table, rows, labels) if task == "classification" else None,
        "sites": len({table["site"][row] for row in rows} - {None}) or None,
        "lesion_mm": _lesion_mm(table, rows),
        "study": _own_study(root, task, () if task == "segmentation" else labels),
    }
    spacing = _middle([table["spacing_mm"][row] for row in rows], whole=False)
    if spacing is not None and any(edge != 1 for edge in spacing):  # 1 where none is stated
        facts["spacing_mm"] = spacing
    return {name: value for name, value in facts.items() if value not in (None, ())}


def _read(root: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    if not (root / "store.json").is_file() or not (root / "index.parquet").is_file():
        raise DataError(
            f"{root} must be a finished store made by anlage prepare, but has no store.json or "
            "index.parquet. Run anlage prepare, or check the path."
        )
    import pyarrow.parquet as pq

    try:
        card = json.loads((root / "store.json").read_text(encoding="utf-8"))
        file = pq.ParquetFile(root / "index.parquet")
        wanted = {"id", "shape", "spacing_mm", "group", "site", "mask_offset", "boxes"}
        names = [
            name for name in file.schema_arrow.names if name in wanted or name.startswith(_LABEL)
        ]
        table = file.read(columns=names).to_pydict()
        return {"modality": card["modality"], "dims": card["dims"]}, table
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{root} is damaged ({type(error).__name__}). Run anlage prepare again."
        ) from None


def _training_rows(root: Path, split: str, ids: list[str]) -> list[int]:
    path = root / "splits" / f"{split}.csv"
    if not path.is_file():
        return list(range(len(ids)))
    with path.open(newline="", encoding="utf-8") as file:
        parts = {line["id"]: line["split"] for line in csv.DictReader(file)}
    return [row for row, name in enumerate(ids) if parts.get(name) == "train"]


def _task(known: list[str], label: tuple[str, ...], *, has_mask: bool) -> str | None:
    """Guess the task where only one makes sense."""
    if label or (known and not has_mask):
        return "classification"
    return "segmentation" if has_mask and not known else None


def _labelled(
    table: dict[str, list[Any]], rows: list[int], task: str | None, labels: tuple[str, ...]
) -> int | None:
    if task == "segmentation":
        return len({table["group"][row] for row in rows if table["mask_offset"][row] is not None})
    if not labels:
        return None
    columns = [table[_LABEL + name] for name in labels]
    return len({table["group"][row] for row in rows if all(c[row] is not None for c in columns)})


def _rarest(table: dict[str, list[Any]], rows: list[int], labels: tuple[str, ...]) -> float | None:
    if len(labels) != 1:
        return None
    counts = Counter(table[_LABEL + labels[0]][row] for row in rows)
    counts.pop(None, None)
    return min(counts.values()) / sum(counts.values()) if len(counts) > 1 else None


def _middle(lists: list[Any], *, whole: bool) -> tuple[Any, ...] | None:
    """Return the median of each place of equally long lists."""
    if not lists or any(one is None or len(one) != len(lists[0]) for one in lists):
        return None
    middles = (median(values) for values in zip(*lists, strict=True))
    return tuple(round(value) if whole else float(value) for value in middles)


def _lesion_mm(table: dict[str, list[Any]], rows: list[int]) -> float | None:
    """Return the median diameter of the boxes, where the index holds any."""
    sizes = []
    for row in rows:
        for box in json.loads(table["boxes"][row] or "[]"):  # [low..., high..., label]
            dims = (len(box) - 1) // 2
            edges = zip(box[:dims], box[dims : 2 * dims], table["spacing_mm"][row], strict=False)
            sizes.append(max((end - start) * spacing for start, end, spacing in edges))
    return float(median(sizes)) if sizes else None


def _own_study(root: Path, task: str | None, labels: tuple[str, ...]) -> str | None:
    """Return the name under which own results on these very images and labels are kept."""
    if task is None or not local_table().is_file():
        return None
    from anlage.data.store import Store

    return own_study(Store.open(root).fingerprint, task, labels)
