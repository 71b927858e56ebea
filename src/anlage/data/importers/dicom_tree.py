"""A folder tree of DICOM files with any names: one image per series or multi-frame file.

Files are told by their preamble, not by their names, and grouped by what their headers say. A
series with one slice is a 2D image. The patient is the PatientID as written. If there is a table
(named, or labels.csv), its image column names a file of an image, or a folder: see ``_series``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from anlage.data.importers import Imported, Importer, ImportOptions
from anlage.data.importers._listing import read_listing
from anlage.data.importers._options import find_table, refuse_table_options
from anlage.data.importers._series import dicom_images, is_dicom_tree, with_rows

__all__ = ["DicomTree"]


class DicomTree(Importer):
    """DICOM series below a folder."""

    rank = 50

    def recognises(self, root: Path, options: ImportOptions) -> bool:
        """Whether most images of a folder, by a sample, are DICOM files."""
        return root.is_dir() and is_dicom_tree(root)

    def records(self, root: Path, options: ImportOptions) -> Imported:
        """List the series, with what the table says of them."""
        path = find_table(root, options)
        if path is None:
            refuse_table_options(options, "dicom_tree")
            return dicom_images(root)
        listing = read_listing(root, path, options)
        found = with_rows(dicom_images(listing.root), listing, listing.rows)
        return replace(found, problems=(*listing.problems, *found.problems))
