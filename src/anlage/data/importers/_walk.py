"""List the files below a folder: every one once, whatever links and locked folders there are."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anlage.data.importers import Problem
from anlage.data.importers._kinds import counted, is_hidden

__all__ = ["Walk", "relative"]


def relative(path: Path, root: Path) -> str:
    """Return a path inside the source as its key: relative to the root, with slashes."""
    return path.relative_to(root).as_posix()


@dataclass(kw_only=True)
class Walk:
    """One walk through a folder, in the order of names; links come after all real folders.

    A link to a folder is followed once, unless it leads to a folder that was already read or
    that contains the source. Hidden files and folders are counted and left out.

    Attributes:
        root: Where it starts.
        problems: Folders and links that could not be read, so far.
        num_hidden: Hidden files and folders, so far.
    """

    root: Path
    problems: list[Problem] = field(default_factory=list)
    num_hidden: int = 0
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def files(self) -> Iterator[Path]:
        """Yield every regular file below the root."""
        self._seen = {_identity(parent) for parent in self.root.resolve().parents}
        folders, links = deque([self.root]), deque[Path]()
        while folders or links:
            folder = folders.popleft() if folders else links.popleft()
            for entry in self._entries(folder):
                path = folder / entry.name
                if is_hidden(entry.name):
                    self.num_hidden += 1
                elif entry.is_symlink() and _is(path, "dir"):
                    links.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif _is(path, "file"):
                    yield path
                else:
                    self._report(path, "neither a file nor a folder, or a link to nothing.")

    def sorted_files(self) -> list[Path]:
        """Return every regular file below the root, in the order of their keys."""
        return sorted(self.files(), key=lambda path: relative(path, self.root))

    def notes(self) -> tuple[str, ...]:
        """Say what was left out, once the walk is over."""
        if not self.num_hidden:
            return ()
        return (f"{counted(self.num_hidden, 'hidden file', 'hidden files or folders')} left out.",)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            identity = _identity(folder)
            if identity in self._seen:
                self._report(folder, "a link to a folder that was read already or contains it.")
                return []
            self._seen.add(identity)
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._report(folder, f"this folder cannot be read: {error.strerror}.")
            return []

    def _report(self, path: Path, reason: str) -> None:
        self.problems.append(Problem(key=relative(path, self.root), reason=reason))


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _is(path: Path, kind: str) -> bool:
    try:
        return path.is_dir() if kind == "dir" else path.is_file()
    except OSError:
        return False
