"""The data report of a store: one page that shows what is in it, before anything is trained."""

from __future__ import annotations

import base64
import html
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from anlage.data._whole_file import write_whole
from anlage.data.importers import Problem
from anlage.data.importers._kinds import counted
from anlage.data.store import Store
from anlage.modalities import unit_range
from anlage.plugins import load

__all__ = ["display", "upright", "write_summary"]

_TILE = 96
_TILES = 48
_BINS = 48

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:left;
border-bottom:1px solid #ddd;vertical-align:top}img{max-width:100%;image-rendering:auto}
.bars{display:flex;align-items:flex-end;height:6rem;gap:1px}.bars i{flex:1;background:#0072b2}
small{color:#555}
"""


def write_summary(store: Store, *, problems: Sequence[Problem], notes: Sequence[str]) -> None:
    """Write ``report.html`` into the store: counts, shapes, histogram, labels, contact sheet."""
    sample = np.linspace(0, len(store) - 1, min(len(store), _TILES)).astype(int)
    parts = Counter(part or "unused" for part in store.parts().values())
    facts = [
        (
            "images",
            f"{len(store):,} ({store.meta.dims}D, {counted(store.meta.channels, 'channel')})",
        ),
        ("modality", store.meta.modality),
        ("patients or groups", f"{len(set(store.patients.tolist())):,}"),
        ("split", ", ".join(f"{parts[name]} {name}" for name in parts)),
        ("sizes", _spread([store.shape(row)[1:] for row in range(len(store))])),
        ("spacing, mm", _spacing(store)),
        ("label maps", f"{int(store.has_mask.sum()):,}"),
        ("stored values", f"{store.meta.dtype}, {store.meta.kind}"),
        ("quarantined", f"{len(problems):,}"),
    ]
    sections = [
        f"<h1>Store of {store.meta.modality} images</h1>",
        _table(facts),
        "<h2>What to know</h2><ul>" + "".join(map(_note, notes)) + "</ul>",
        "<h2>Images</h2>" + _contact_sheet(store, sample),
        "<h2>Intensities</h2>" + _histogram(store, sample),
        *[_label_table(store, name) for name in store.label_names],
    ]
    if problems:
        reasons = Counter(problem.reason for problem in problems).most_common(20)
        sections.append("<h2>Quarantined</h2>" + _table([(n, reason) for reason, n in reasons]))
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>Store of {_safe(store.meta.modality)} images</title><style>{_STYLE}</style>"
        + "".join(sections)
    )
    write_whole(store.root / "report.html", page)


def display(store: Store, row: int, *, depth: int | None = None) -> npt.NDArray[np.uint8]:
    """Return an image for the eye, (rows, columns, 3).

    Args:
        store: Where it lies.
        row: Which one.
        depth: Index of a volume's axial slice; None: the middle one.
    """
    image = store.image(row)
    if store.meta.dims == 3:
        image = image[..., image.shape[3] // 2 if depth is None else depth]
    policy = load("modalities", store.meta.modality)
    low, high = unit_range(
        kind=store.meta.kind, storage=store.meta.dtype, window=policy.scaling.window(None)
    )
    grey = np.clip((image.astype(np.float32) - low) / (high - low), 0, 1)
    if store.meta.kind == "foreground_zscore":
        grey = (grey - grey.min()) / max(float(grey.max() - grey.min()), 1e-6)
    colour = grey[:3] if len(grey) >= 3 else np.repeat(grey[:1], 3, axis=0)
    picture = np.moveaxis(colour, 0, -1)
    if store.meta.dims == 3:
        picture = upright(picture)
    return np.ascontiguousarray(picture * 255).astype(np.uint8)


def upright(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn an axial slice, (X, Y, ...) in RAS order, into rows and columns with the front up."""
    return np.flip(np.swapaxes(plane, 0, 1), axis=0)


def _note(note: str) -> str:
    """Return a note as a line of a list; warnings stand out."""
    is_warning = note.startswith("warning:")
    return f"<li><strong>{_safe(note)}</strong>" if is_warning else f"<li>{_safe(note)}"


def _contact_sheet(store: Store, rows: npt.NDArray[np.int64]) -> str:
    columns = 12
    sheet = Pillow.new("RGB", (columns * _TILE, -(-len(rows) // columns) * _TILE))
    for place, row in enumerate(rows.tolist()):
        tile = Pillow.fromarray(display(store, row))
        tile.thumbnail((_TILE - 4, _TILE - 4))
        sheet.paste(tile, (place % columns * _TILE + 2, place // columns * _TILE + 2))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="contact sheet of {len(rows)} images" src="data:image/png;base64,{data}">'


def _histogram(store: Store, rows: npt.NDArray[np.int64]) -> str:
    values = np.concatenate(
        [np.asarray(store.image(row)).ravel()[::97].astype(np.float32) for row in rows.tolist()]
    )
    counts, edges = np.histogram(values, bins=_BINS)
    heights = np.log1p(counts) / max(float(np.log1p(counts).max()), 1e-9) * 100
    bars = "".join(f'<i style="height:{height:.1f}%"></i>' for height in heights)
    return (
        f"<div class=bars>{bars}</div><small>stored values from {edges[0]:.3g} to "
        f"{edges[-1]:.3g}, counts on a log scale</small>"
    )


def _label_table(store: Store, name: str) -> str:
    values = store.labels(name)
    known = [value for value in values if value is not None]
    title = f"<h2>Label {_safe(name)}</h2>"
    if known and all(isinstance(value, float) for value in known) and len(set(known)) > 20:
        numbers = np.array(known, dtype=float)
        low, middle, high = np.percentile(numbers, (5, 50, 95))
        spread = f"{low:.3g} / {middle:.3g} / {high:.3g}"
        return title + _table([("5 / 50 / 95 %", spread), ("missing", len(values) - len(known))])
    counts = Counter("missing" if value is None else str(value) for value in values)
    rows = [
        (value, f"{count:,} ({count / len(values):.1%})") for value, count in counts.most_common(30)
    ]
    return title + _table(rows)


def _table(rows: Sequence[tuple[Any, Any]]) -> str:
    lines = "".join(f"<tr><th>{_safe(key)}<td>{_safe(value)}" for key, value in rows)
    return f"<table>{lines}</table>"


def _spacing(store: Store) -> str:
    """Count the spacings that are stated, and the images that state none."""
    stated = store.spacing_stated
    if stated is None:  # a store of an older version does not say
        stated = np.ones(len(store), dtype=np.bool_)
    known = _spread([tuple(np.round(row, 3)) for row in store.spacing_mm[stated]])
    silent = f"not stated ({np.count_nonzero(~stated)})" if not stated.all() else ""
    return "; ".join(text for text in (known, silent) if text)


def _spread(values: Sequence[tuple[Any, ...]]) -> str:
    counts = Counter(" x ".join(f"{edge:g}" for edge in value) for value in values)
    shown = [f"{value} ({count})" for value, count in counts.most_common(4)]
    more = len(counts) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _safe(text: Any) -> str:
    return html.escape(str(text))
