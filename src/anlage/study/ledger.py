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
from pathlib import Path
from typing import Any

import polars as pl

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
        """Return the facts of a finished job."""
        found: dict[str, Any] = json.loads((self._folder(key) / "result.json").read_text())
        return found

    def cases(self, key: str) -> pl.DataFrame:
        """Return the cases of a finished job."""
        return pl.read_parquet(self._folder(key) / "cases.parquet")

    def picture(self, key: str) -> Path:
        """Return where a job's picture of its worst cases goes."""
        folder = self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "worst.png"

    def error(self, key: str) -> str | None:
        """Return why a job failed, or None."""
        path = self._folder(key) / "error.json"
        return str(json.loads(path.read_text())["reason"]) if path.is_file() else None

    def _folder(self, key: str) -> Path:
        return self.root / "jobs" / key
