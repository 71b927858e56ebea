"""Find the DICOM images below a folder, and give each what a table says of it.

A row of the table may name a file, or a folder: it then holds for every image below that folder.
Where several rows fit one image, the one that names its file counts, else the deepest folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from anlage.data.importers import Imported, Problem, Record
from anlage.data.importers._kinds import counted, has_dicom_suffix, has_image_suffix
from anlage.data.importers._listing import Listing, Row
from anlage.data.importers._walk import Walk, relative
from anlage.data.readers import Limits, Source
from anlage.data.readers._dicom_file import is_dicom
from anlage.data.readers._dicom_series import series_of
from anlage.errors import DataError

__all__ = ["dicom_images", "is_dicom_file", "is_dicom_tree", "with_rows"]

_HEAD = 132
_SAMPLE = 64


def is_dicom_file(path: Path) -> bool:
    """Whether a file is named as DICOM, or has no image suffix but a DICOM preamble."""
    if has_dicom_suffix(path):
        return True
    if has_image_suffix(path):
        return False
    try:
        with path.open("rb") as stream:
            return is_dicom(stream.read(_HEAD))
    except OSError:
        return False


def is_dicom_tree(root: Path) -> bool:
    """Whether at least half of the first 64 images below a folder are DICOM files."""
    kinds = (
        is_dicom_file(path)
        for path in Walk(root=root).files()
        if has_image_suffix(path) or is_dicom_file(path)
    )
    sample = list(islice(kinds, _SAMPLE))
    return any(sample) and 2 * sum(sample) >= len(sample)


def dicom_images(root: Path) -> Imported:
    """List the DICOM images below a folder, by their headers.

    The key of a volume is the path of its first file. Files that are DICOM but no image (reports,
    structures, segmentations, DICOMDIR) or damaged are problems; other files are counted.
    """
    walk = Walk(root=root)
    files = walk.sorted_files()
    chosen = [path for path in files if is_dicom_file(path)]
    scanned = series_of(chosen, Limits())
    records = [
        Record(key=relative(series.paths[0], root), image=series.source, patient=series.patient)
        for series in scanned.series
    ]
    skipped = [
        Problem(key=relative(item.path, root), reason=item.reason) for item in scanned.skipped
    ]
    notes = [*walk.notes()]
    if len(chosen) < len(files):
        others = counted(len(files) - len(chosen), "file of another kind", "files of other kinds")
        notes.append(f"{others} not taken as DICOM images.")
    nameless = sum(record.patient is None for record in records)
    if nameless:
        notes.append(f"{counted(nameless, 'DICOM image')} without a PatientID.")
    return Imported(records=tuple(records), problems=(*walk.problems, *skipped), notes=tuple(notes))


def with_rows(found: Imported, listing: Listing, rows: Sequence[Row]) -> Imported:
    """Give DICOM images what rows of a table say; images without a row stay unlabelled.

    Raises:
        DataError: If two rows name files of one image, or a row with a mask or boxes fits
            several images.
    """
    by_path = {row.image: row for row in rows}
    images = [r for r in found.records if not listing.masks.issuperset(r.image.paths)]
    matches = [_match(record.image, listing, by_path) for record in images]
    users: dict[int, int] = defaultdict(int)
    for row in matches:
        if row is not None:
            users[row.index] += 1
    _refuse_shared(listing, [row for row in rows if users[row.index] > 1])
    records = [
        replace(record, labels=listing.unlabelled()) if row is None else _joined(record, row)
        for record, row in zip(images, matches, strict=True)
    ]
    alone = [
        Problem(
            key=relative(row.image, listing.root),
            reason="labels without an image, no DICOM image is there: "
            f"{listing.table.at([row.index])} of the table.",
        )
        for row in rows
        if not users[row.index]
    ]
    return replace(found, records=tuple(records), problems=(*found.problems, *alone))


def _match(image: Source, listing: Listing, rows: Mapping[Path, Row]) -> Row | None:
    files = [rows[path] for path in image.paths if path in rows]
    if len(files) > 1:
        raise DataError(
            "a table must name each image once, but "
            f"{listing.table.at([row.index for row in files])} name slices of one series. Keep "
            "one of them, or name the folder of the series."
        )
    if files:
        return files[0]
    shared = set.intersection(*(set(path.parents) for path in image.paths))
    folders = sorted(shared & rows.keys(), key=lambda folder: len(folder.parts))
    return rows[folders[-1]] if folders else None


def _refuse_shared(listing: Listing, rows: Sequence[Row]) -> None:
    faulty = [row.index for row in rows if row.mask is not None or row.boxes]
    if faulty:
        raise DataError(
            "a label map or boxes must belong to one image, but the folders on "
            f"{listing.table.at(faulty)} hold several. Name the folder or a file of one series."
        )


def _joined(record: Record, row: Row) -> Record:
    return replace(
        record,
        mask=None if row.mask is None else Source(paths=(row.mask,)),
        boxes=row.boxes,
        labels=row.labels,
        patient=row.patient or record.patient,
        site=row.site,
        split=row.split,
    )
