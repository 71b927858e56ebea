"""What `anlage prepare` says: what it found, what it would do, what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from anlage.data._decode import Layout
from anlage.data.importers import Problem
from anlage.data.importers._kinds import counted
from anlage.data.store import Store
from anlage.progress import say

__all__ = ["tell_done", "tell_plan"]

_MOST_REASONS = 3
_MOST_VALUES = 6


def tell_plan(layout: Layout, images: int, problems: Sequence[Problem]) -> None:
    """Say what a dry run found in the headers."""
    channels = counted(layout.channels, "channel")
    values = f"{layout.kind.replace('_', ' ')} values kept as {layout.storage}"
    say(f"  images      {layout.dims}D, {channels}, {values}")
    if layout.size is not None:
        say(f"  scaled to   {layout.size} x {layout.size} pixels")
    if layout.spacing_mm is not None:
        edges = " x ".join(f"{edge:g}" for edge in layout.spacing_mm)
        say(f"  resampled   to voxels of {edges} mm")
    for count, reason in _reasons(problems):
        say(f"  set aside   {count} x {reason}")
    say(
        f"Would store {counted(images, 'image')} and set {len(problems):,} aside. Only headers "
        "were read: what is damaged further in shows when pixels are."
    )


def tell_done(store: Store, problems: Sequence[Problem], notes: Sequence[str]) -> None:
    """Say what a store holds, and where to look at it."""
    for note in notes:
        say(f"  {note}")
    if problems:
        most = "; ".join(
            f"{count} x {reason.split(',')[0]}" for count, reason in _reasons(problems)
        )
        say(f"  quarantined {len(problems)}: {store.root / 'quarantine.csv'} ({most})")
    for line in _targets(store):
        say(f"  {line}")
    parts = Counter(store.parts("default").values())
    counts = " / ".join(f"{parts[name]}" for name in ("train", "val", "test"))
    say(f"  split       {counts} images    {store.root / 'splits' / 'default.csv'}")
    size = sum(path.stat().st_size for path in (store.root / "shards").iterdir())
    say(
        f"Stored {counted(len(store), 'image')}, {size / 1e6:,.0f} MB, in {store.root}.  "
        f"Look: {store.root / 'report.html'}"
    )


def _reasons(problems: Sequence[Problem]) -> list[tuple[int, str]]:
    """Return the most frequent reasons; those that differ in what came alone count as one."""
    kinds = Counter(problem.reason.split(",")[0] for problem in problems)
    shown = {problem.reason.split(",")[0]: problem.reason for problem in reversed(problems)}
    return [(count, shown[kind]) for kind, count in kinds.most_common(_MOST_REASONS)]


def _targets(store: Store) -> Iterator[str]:
    """Say what there is to learn from: a column or path that was misread is seen here."""
    if store.has_mask.any():
        yield f"label maps  {int(store.has_mask.sum()):,} of {len(store):,} images"
    for name in store.label_names:
        values = store.labels(name)
        known = [value for value in values if value is not None]
        counts = Counter(map(_plain, sorted(known, key=str)))
        missing = len(values) - len(known)
        if not known:
            found = "no value"
        elif len(counts) <= _MOST_VALUES:
            found = ", ".join(f"{value} {count:,}" for value, count in counts.items())
        else:
            found = f"{len(counts):,} different values"
        yield f"label       {name}: {found}" + (f"; {missing:,} missing" if missing else "")


def _plain(value: object) -> str:
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if isinstance(value, float) and is_whole else str(value)
