"""What of a study is done: one folder per job, whose result file appears whole or not at all.

```
study/
  study.yaml           what is compared
  pretrain/<job>/      run folders, each resumable
  jobs/<job>/          result.json, cases.parquet; or error.json for a job that failed
  results.json  results.csv  report.html
```
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from anlage.errors import DataError
from anlage.train.runs import write_json

__all__ = ["Ledger"]


class Ledger:
    """The jobs of one study on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def pretraining(self, key: str) -> Path:
        """Return the run folder of a pretraining."""
        return self.root / "pretrain" / key

    def is_done(self, key: str) -> bool:
        """Whether a job has its result."""
        return (self._folder(key) / "result.json").is_file()

    def keep(self, key: str, facts: dict[str, Any], cases: pl.DataFrame) -> None:
        """Keep a job's cases, then its result; an earlier failure is forgotten."""
        folder = self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        cases.write_parquet(folder / "cases.parquet")
        write_json(folder / "result.json", facts)
        (folder / "error.json").unlink(missing_ok=True)

    def fail(self, key: str, reason: str) -> None:
        """Keep why a job failed; the next run of the study tries it again."""
        folder = self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "error.json", {"reason": reason})

    def result(self, key: str) -> dict[str, Any]:
        """Return the facts of a finished job.

        Raises:
            DataError: If the file is damaged.
        """
        path = self._folder(key) / "result.json"
        found = _read(path)
        if found is None:
            raise _damaged(path)
        return found

    def commits(self, pretrainings: Iterable[str], jobs: Iterable[str]) -> list[str]:
        """Return the commits, or versions, of the code that finished work was done with."""
        cards = [_read(self.pretraining(key) / "run.json") for key in pretrainings]
        runs = [card for card in cards if card is not None]
        for key in jobs:
            if self.is_done(key):
                run = self.result(key).get("run")
                runs.append(run if isinstance(run, dict) else {})
        return sorted({str(r.get("commit") or r.get("anlage") or "unknown") for r in runs})

    def cases(self, key: str) -> pl.DataFrame:
        """Return the cases of a finished job.

        Raises:
            DataError: If the file is missing or damaged.
        """
        path = self._folder(key) / "cases.parquet"
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError):
            raise _damaged(path) from None

    def picture(self, key: str) -> Path:
        """Return where a job's picture of its worst cases goes."""
        folder = self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "worst.png"

    def error(self, key: str) -> str | None:
        """Return why a job failed, or None."""
        path = self._folder(key) / "error.json"
        if not path.is_file():
            return None
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
        except (ValueError, KeyError, TypeError):
            return "the reason is damaged"

    def _folder(self, key: str) -> Path:
        return self.root / "jobs" / key


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file holds; None if it is not there, or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _damaged(path: Path) -> DataError:
    return DataError(
        f"a study must find its jobs as it left them, but {path} is damaged. Remove that folder; "
        "the same command does the job again."
    )
