"""What a user's options name: a table that is there, or nothing that this layout could use."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from anlage.data.importers import ImportOptions
from anlage.data.importers._places import exists
from anlage.errors import ConfigError
from anlage.plugins import nearest

__all__ = ["find_table", "given_file", "refuse_table_options"]

_NAMES = ("labels.csv", "manifest.csv", "manifest.parquet")


def find_table(root: Path, options: ImportOptions) -> Path | None:
    """Return the table that was named, or labels.csv, manifest.csv or manifest.parquet.

    Raises:
        ConfigError: If the named one is not there.
    """
    if options.manifest is not None:
        return given_file(options.manifest, root, what="the manifest")
    return next((root / name for name in _NAMES if (root / name).is_file()), None)


def refuse_table_options(
    options: ImportOptions, layout: str, own_labels: Collection[str] = ()
) -> None:
    """Refuse options that only a table could fulfil, for a layout that reads none.

    Args:
        options: What the user said.
        layout: Name of the layout, for the message.
        own_labels: Labels that the layout has by itself; they may be named.

    Raises:
        ConfigError: If an option names a table or a column, or a label is not among those.
    """
    columns = {
        "manifest": options.manifest,
        "mask_column": options.mask_column,
        "boxes_column": options.boxes_column,
        "boxes": options.boxes,
        "patient_column": options.patient_column,
        "site_column": options.site_column,
        "split_column": options.split_column,
    }
    given = [name for name, value in columns.items() if value is not None]
    if given:
        raise ConfigError(
            f"{', '.join(given)} can be used only with a table, but layout {layout!r} reads "
            "none. Leave it out, or add a labels.csv with one row per image."
        )
    for label in options.labels:
        if label not in own_labels:
            known = ", ".join(repr(name) for name in own_labels) or "none"
            meant = nearest(label, list(own_labels))
            raise ConfigError(
                f"labels must be known to the source: layout {layout!r} has {known}, got "
                f"{label!r}.{meant or ' Leave it out, or add a labels.csv with a row per image.'}"
            )


def given_file(path: Path, root: Path, *, what: str) -> Path:
    """Return a file that an option names, from where the user is or else from the source.

    Raises:
        ConfigError: If it is not there.
    """
    for place in (path, root / path):
        if exists(place) and place.is_file():
            return place
    raise ConfigError(
        f"{what} must be a CSV or Parquet file, there is none at {path}. Check the path; it is "
        "taken from where you are, then from the source."
    )
