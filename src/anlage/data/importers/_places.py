"""Turn the paths that a table or dataset.json names into files inside the source."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anlage.data.importers._kinds import is_hidden
from anlage.errors import DataError

__all__ = ["Places", "absolute", "entries", "exists"]


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the paths of one table may point.

    Attributes:
        root: The source folder; no path may leave it.
        folder: Folder of the table, tried before the root.
    """

    root: Path
    folder: Path

    @classmethod
    def of(cls, root: Path, table: Path) -> Places:
        """Build from the source and the table, both made absolute."""
        return cls(root=absolute(root), folder=absolute(table).parent)

    def find(self, written: str) -> Path | None:
        """Return the file or folder that is meant; None if the path leads out of the source.

        A path is taken relative to the table's folder, then to the root. Blanks at its ends,
        backslashes and the other Unicode form of its letters are tried if it is not there as
        written. If nothing is there, the first place inside the source is returned.
        """
        first = None
        for spelling in _spellings(written):
            for base in (self.folder, self.root):
                path = absolute(base / spelling)
                if path != self.root and self.root not in path.parents:
                    continue
                if exists(path):
                    return path
                first = first or path
        return first


def absolute(path: Path) -> Path:
    """Return a path with ``..`` taken out by its letters; links stay as they are."""
    return Path(os.path.normpath(path.absolute()))


def exists(path: Path) -> bool:
    """Whether something is there; False too if the name cannot be one, or may not be seen."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted, without hidden files.

    Raises:
        DataError: If the folder cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if not is_hidden(path.name))
    except OSError as error:
        raise DataError(
            f"a folder of images must be readable, the system says: {error.strerror}. Check its "
            "permissions and the disk."
        ) from None


def _spellings(written: str) -> Iterator[str]:
    yield written
    stripped = written.strip()
    for other in (
        stripped,
        stripped.replace("\\", "/"),
        unicodedata.normalize("NFC", stripped),
        unicodedata.normalize("NFD", stripped),
    ):
        if other != written:
            yield other
