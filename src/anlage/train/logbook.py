"""What a run writes down as it goes: log.jsonl, and bad_steps.jsonl where a loss was no number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Logbook"]

_LOG, _BAD = "log.jsonl", "bad_steps.jsonl"


class Logbook:
    """Appends lines to the files of a run folder; without a folder nothing is kept.

    Args:
        folder: The run's folder, or None.
        is_first: Whether this process writes the log; bad steps are named by every process.
    """

    def __init__(self, folder: Path | None, *, is_first: bool) -> None:
        self._folder, self._is_first = folder, is_first

    def cut(self, step: int) -> None:
        """Drop lines behind a checkpoint's step: those steps are made again."""
        if self._folder is None or not self._is_first:
            return
        for path in (self._folder / _LOG, self._folder / _BAD):
            if not path.is_file():
                continue
            lines = path.read_text().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            draft = path.with_name(f".{path.name}.tmp")
            draft.write_text("".join(line for line in whole if json.loads(line)["step"] <= step))
            draft.replace(path)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line; numbers that are none become null."""
        if self._folder is not None and self._is_first:
            finite = {k: v if math.isfinite(v) else None for k, v in values.items()}
            self._append(self._folder / _LOG, {"step": step, **finite})

    def note_bad(self, step: int, rows: Sequence[int]) -> None:
        """Name the store rows of a step without a finite loss or gradient."""
        if self._folder is not None:
            self._append(self._folder / _BAD, {"step": step, "rows": list(rows)})

    @staticmethod
    def _append(path: Path, line: Mapping[str, object]) -> None:
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
