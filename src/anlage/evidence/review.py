"""`anlage evidence screen`: one step of a living review, and where it stands afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from anlage.evidence import screening
from anlage.evidence.prisma import flow_svg, flow_text
from anlage.evidence.screening import Stage

__all__ = ["screen"]


def screen(
    folder: str | Path,
    *,
    search: str | None = None,
    source: str = "",
    date: str = "",
    found: int = 0,
    records: str | Path | None = None,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    stage: str = "title",
    reason: str = "",
    by: str = "",
) -> str:
    """Log a search, import records, or decide on some; then count and draw the flow.

    Args:
        folder: The review; its tables are made if they are missing.
        search: A query to log.
        source: Where it was searched.
        date: Day of the search, such as 2026-05-18.
        found: Number of records that it found.
        records: A CSV of records to import.
        include: Ids of records to include at ``stage``.
        exclude: Ids of records to exclude there.
        stage: ``title``, ``retrieval`` or ``fulltext``.
        reason: Why records are excluded.
        by: Who decided.

    Returns:
        The PRISMA 2020 flow in text; ``flow.svg`` in the folder holds the diagram.

    Raises:
        ConfigError: If an id, stage, date or reason does not fit.
        DataError: If a table cannot be read.
    """
    home = screening.start(Path(folder))
    lines = []
    if search is not None:
        screening.log_search(home, date=date, source=source, query=search, found=found)
    if records is not None:
        added, duplicates = screening.import_records(home, Path(records))
        lines.append(f"Imported {added} records, {duplicates} of them duplicates.")
    for decision, ids in (("include", include), ("exclude", exclude)):
        if ids:
            screening.decide(
                home,
                list(ids),
                decision="include" if decision == "include" else "exclude",
                stage=cast(Stage, stage),
                reason=reason,
                by=by,
            )
    flow = screening.flow(home)
    (home / "flow.svg").write_text(flow_svg(flow), encoding="utf-8")
    return "\n".join([*lines, flow_text(flow), f"Diagram: {home / 'flow.svg'}"])
