"""`anlage locate`: from an id back to the file, for whoever has the source and the key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anlage.data.identity import Identity
from anlage.data.importers import ImportOptions, import_records

__all__ = ["locate"]


def locate(
    ids: Sequence[str],
    *,
    source: str | Path,
    labels: Path | None = None,
    image: str = "image",
    layout: str = "auto",
) -> dict[str, str | None]:
    """Find the names behind ids by hashing the source's names again.

    Args:
        ids: Ids from a quarantine file, a store or a report.
        source: The source that the store was made from.
        labels: Its table, if it had one.
        image: Column of image paths.
        layout: Layout of the source.

    Returns:
        The name of each id inside the source; None if it is not there, or was hashed with another
        key.

    Raises:
        DataError: If the source cannot be listed.
    """
    options = ImportOptions(manifest=labels, image_column=image)
    _, found = import_records(Path(source), options, layout)
    identity = Identity()
    keys = [record.key for record in found.records] + [problem.key for problem in found.problems]
    names = {identity.image(key): key for key in keys}
    return {image_id: names.get(image_id) for image_id in ids}
