"""Append arrays to shards and rows to the journal, so that a stop at any moment loses nothing.

The journal is the truth: a row is written after its pixels, so whatever the journal names is
whole. What lies behind the last journalled byte of a shard is cut off at the next start. After a
power cut a shard may be shorter than the journal says: rows whose pixels are not all there count
as not stored, and the next start takes them out of the journal.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from anlage.data._whole_file import write_whole

__all__ = ["JOURNAL", "StoreWriter", "read_journal"]

JOURNAL = "journal.jsonl"
_ALIGN = 64
_SHARD_BYTES = 1 << 30
_SYNC_EVERY = 64
_PLACES = (("shard", "offset", "bytes"), ("mask_shard", "mask_offset", "mask_bytes"))
_NEEDED = {"id", *_PLACES[0]}


def read_journal(root: Path) -> dict[str, dict[str, Any]]:
    """Return what a store holds so far, by image id.

    A half-written last line, a damaged one, and one whose pixels are cut off count as not stored.
    """
    path = root / JOURNAL
    rows: dict[str, dict[str, Any]] = {}
    if path.is_file():
        sizes = _shard_sizes(root)
        for line in _whole_lines(path.read_bytes()).splitlines():
            row = _row(line)
            if row is not None and _is_held(row, sizes):
                rows[row["id"]] = row
    return rows


class StoreWriter:
    """Writes images and label maps of one store; use as a context manager."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "shards"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, BinaryIO] = {}
        self._number: dict[str, int] = {}
        self._ends = _journalled_ends(read_journal(root))
        self._unsynced = 0
        self._repair_journal()
        self._journal = (root / JOURNAL).open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        try:
            if kind is None:
                self._sync()
        finally:
            closers = [self._journal.close, *(file.close for file in self._open.values())]
            for close in closers:
                with suppress(OSError):  # a full disk was reported before
                    close()

    def add(
        self,
        row: Mapping[str, Any],
        image: npt.NDArray[np.generic],
        mask: npt.NDArray[np.generic] | None,
    ) -> None:
        """Store one image, its label map and its row.

        Raises:
            OSError: If the disk is full; the store then ends with the last whole image.
        """
        shard, offset = self._append("images", image)
        places: dict[str, Any] = {"shard": shard, "offset": offset}
        if mask is not None:
            mask_shard, mask_offset = self._append("masks", mask)
            places |= {
                "mask_shard": mask_shard,
                "mask_offset": mask_offset,
                "mask_dtype": str(mask.dtype),
                "mask_bytes": mask.nbytes,
            }
        places["bytes"] = image.nbytes
        for file in self._open.values():
            file.flush()
        self._journal.write(json.dumps({**row, **places}) + "\n")
        self._journal.flush()
        self._unsynced += 1
        if self._unsynced >= _SYNC_EVERY:
            self._sync()

    def _append(self, kind: str, array: npt.NDArray[np.generic]) -> tuple[str, int]:
        number = self._number.setdefault(kind, 0)
        name = f"{kind}-{number:04d}.bin"
        while self._ends.get(name, 0) >= _SHARD_BYTES:
            number += 1
            name = f"{kind}-{number:04d}.bin"
        self._number[kind] = number
        file = self._file(name)
        offset = -(-file.tell() // _ALIGN) * _ALIGN
        file.write(b"\0" * (offset - file.tell()))
        file.write(np.ascontiguousarray(array).data)
        self._ends[name] = file.tell()
        return name, offset

    def _file(self, name: str) -> BinaryIO:
        if name not in self._open:
            path = self._folder / name
            path.touch()
            file = path.open("r+b")
            file.truncate(self._ends.get(name, 0))
            file.seek(0, os.SEEK_END)
            self._open[name] = file
        return self._open[name]

    def _sync(self) -> None:
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())
        os.fsync(self._journal.fileno())
        self._unsynced = 0

    def _repair_journal(self) -> None:
        """Cut off a half-written last line, and take out rows whose pixels are cut off.

        New pixels come to lie where the lost ones were: a row left behind would name those.
        """
        path = self._root / JOURNAL
        if path.is_file():
            content = path.read_bytes()
            whole = _whole_lines(content)
            if len(whole) < len(content):
                with path.open("r+b") as file:
                    file.truncate(len(whole))
            sizes = _shard_sizes(self._root)
            lines = whole.splitlines(keepends=True)
            kept = [line for line in lines if (row := _row(line)) is None or _is_held(row, sizes)]
            if len(kept) < len(lines):
                write_whole(path, b"".join(kept))


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:  # also what is no UTF-8
        return None
    is_row = isinstance(row, dict) and row.keys() >= _NEEDED
    return row if is_row else None


def _shard_sizes(root: Path) -> dict[str, int]:
    folder = root / "shards"
    return {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}


def _is_held(row: Mapping[str, Any], sizes: Mapping[str, int]) -> bool:
    """Return whether the shards reach to the end of a row's image and label map."""
    return all(
        size in row and row.get(offset, math.inf) + row[size] <= sizes.get(row[shard], 0)
        for shard, offset, size in _PLACES
        if row.get(shard) is not None
    )


def _journalled_ends(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    ends: dict[str, int] = {}
    for row in rows.values():
        for shard, offset, size in _PLACES:
            if row.get(shard) is not None:
                end = row[offset] + row[size]
                ends[row[shard]] = max(ends.get(row[shard], 0), end)
    return ends
