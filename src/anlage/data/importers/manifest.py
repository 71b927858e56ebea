"""A table with one row per image: CSV or Parquet, named by the user or found in the source.

labels.csv, manifest.csv and manifest.parquet are found by name. A row names its image relative
to the table's folder or to the source; the image may be a file, or a folder of DICOM slices (see
``_series``). Only columns that are named are read, and ``mask`` and box corners where present.

Images that no row names are kept, unlabelled: of DICOM all below the source, of other formats
those that lie in a folder of listed images and have the same suffix there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anlage.data.importers import Imported, Importer, ImportOptions, Record
from anlage.data.importers._kinds import counted
from anlage.data.importers._listing import Listing, Row, read_listing
from anlage.data.importers._options import find_table
from anlage.data.importers._series import dicom_images, is_dicom_file, with_rows
from anlage.data.importers._unlisted import unlisted_images
from anlage.data.importers._walk import relative
from anlage.data.readers import Source
from anlage.errors import ConfigError

__all__ = ["Manifest"]


class Manifest(Importer):
    """Images that a table lists."""

    rank = 10

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether the source is a folder with a table, or the user named one."""
        return root.is_dir() and find_table(root, options) is not None

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List the images of the table, and the unlabelled ones beside them."""
        path = find_table(root, options)
        if path is None:
            raise ConfigError(
                "layout 'manifest' needs a table, the source has no labels.csv, manifest.csv or "
                "manifest.parquet. Name one as the manifest."
            )
        listing = read_listing(root, path, options)
        in_series = [row for row in listing.rows if row.image.is_dir() or is_dicom_file(row.image)]
        dicom_rows = {row.index for row in in_series}
        single = [row for row in listing.rows if row.index not in dicom_rows]
        files = _files(listing, single)
        if not in_series:
            return _with_problems(files, listing)
        series = with_rows(dicom_images(listing.root), listing, in_series)
        both = Imported(
            records=(*files.records, *series.records),
            problems=series.problems,
            notes=(*files.notes, *series.notes),
        )
        return _with_problems(both, listing)


def _with_problems(found: Imported, listing: Listing) -> Imported:
    return Imported(
        records=found.records,
        problems=(*listing.problems, *found.problems),
        notes=found.notes,
    )


def _files(listing: Listing, rows: Sequence[Row]) -> Imported:
    records = [
        Record(
            key=relative(row.image, listing.root),
            image=Source(paths=(row.image,)),
            mask=None if row.mask is None else Source(paths=(row.mask,)),
            boxes=row.boxes,
            labels=row.labels,
            patient=row.patient,
            site=row.site,
            split=row.split,
        )
        for row in rows
    ]
    unlisted, doubtful = unlisted_images([row.image for row in rows], listing.masks)
    records += [
        Record(
            key=relative(path, listing.root),
            image=Source(paths=(path,)),
            labels=listing.unlabelled(),
        )
        for path in unlisted
    ]
    notes = []
    if unlisted:
        notes.append(f"{counted(len(unlisted), 'image')} not in the table: used as unlabelled.")
    if doubtful:
        notes.append(f"{counted(doubtful, 'file')} not in the table, perhaps label maps: left out.")
    return Imported(records=tuple(records), notes=tuple(notes))
