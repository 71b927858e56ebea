"""One store in the making: settings, journal, quarantine, index, card."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anlage.config import differences, fingerprint
from anlage.data._decode import Decoded, Layout, decode
from anlage.data._index import Index, build_index
from anlage.data._label_map import Asked
from anlage.data._pool import run_all
from anlage.data._whole_file import write_whole
from anlage.data._writer import StoreWriter, read_journal
from anlage.data.identity import Identity
from anlage.data.importers import Problem, Record
from anlage.data.splits import write_split
from anlage.data.store import StoreMeta
from anlage.errors import ConfigError, DataError
from anlage.progress import track
from anlage.version import __version__

__all__ = ["StoreJob"]

# of a row in the journal: one that lacks any is damaged, or of an older version
_KEYS = {"state", "shape", "spacing_mm", "sha256", "mask_sha256", "boxes", "facts", "thumbnail"}
_MASK_KEYS = {"mask_holds", "mask_shard", "mask_offset", "mask_dtype"}


class StoreJob:
    """One store in the making."""

    def __init__(self, root: Path, layout: Layout, modality: str, identity: Identity) -> None:
        self.root, self.layout, self.modality, self.identity = root, layout, modality, identity

    def remember_settings(self, *, anew: bool = False) -> None:
        """Save the settings; unless made anew, refuse to mix them with those of the store."""
        settings = {"modality": self.modality, **self.layout.model_dump(mode="json")}
        path = self.root / "settings.json"
        if path.is_file() and not anew:
            changed = differences(self._settings(path), settings)
            if changed:
                raise ConfigError(
                    f"{self.root} was made with other settings ({'; '.join(changed)}). Use the "
                    "same ones, another --out, or --overwrite."
                )
        write_whole(path, json.dumps(settings, indent=1))

    def _settings(self, path: Path) -> dict[str, Any]:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise DataError(
                f"{path} must hold the settings of this store, but is damaged. Make the store "
                "anew with --overwrite."
            )
        return found

    def decode(self, records: Sequence[Record], workers: int) -> tuple[int, list[Problem]]:
        """Store every record that is not stored yet; return how many, and what failed."""
        known = read_journal(self.root)
        waiting = []
        for record in records:
            stored = known.get(self.identity.image(record.key), {})
            needed = _KEYS | _MASK_KEYS if record.mask else _KEYS
            if not needed <= stored.keys() or stored["state"] != _state(record):
                waiting.append((record, self.layout))
        problems: list[Problem] = []
        if not waiting:
            return 0, problems
        done = len(records) - len(waiting)
        with (
            StoreWriter(self.root) as writer,
            track("Reading", len(records), done=done) as advance,
        ):
            for (record, _), result in run_all(decode, waiting, workers=workers):
                if isinstance(result, str):
                    problems.append(Problem(key=record.key, reason=result))
                else:
                    writer.add(self._row(record, result), result.image, result.mask)
                advance(1, "")
        return len(waiting) - len(problems), problems

    def write_quarantine(self, problems: Sequence[Problem]) -> None:
        """Write what could not be used, by hashed id; `anlage locate` finds the file."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("id", "reason"))
        for problem in sorted(problems, key=lambda problem: problem.key):
            reason = problem.reason
            safe = f"'{reason}" if reason[:1] in "=+-@" else reason
            writer.writerow((self.identity.image(problem.key), safe))
        write_whole(self.root / "quarantine.csv", text.getvalue())

    def index(
        self, records: Sequence[Record], *, seed: int, allow_leaks: bool, label_maps: Asked = "auto"
    ) -> list[str]:
        """Write index, split and card from the journal; return notes on what was found."""
        rows = read_journal(self.root)
        kept = [
            (record, rows[image_id])
            for record in records
            if (image_id := self.identity.image(record.key)) in rows
        ]
        if not kept:
            raise DataError(
                f"at least one image must be readable, got none: see "
                f"{self.root / 'quarantine.csv'}."
            )
        index = build_index(
            kept, self.identity, seed=seed, allow_leaks=allow_leaks, label_maps=label_maps
        )
        table = io.BytesIO()
        index.frame.write_parquet(table)
        write_whole(self.root / "index.parquet", table.getvalue())
        write_split(
            self.root / "splits" / "default.csv",
            list(index.frame["id"]),
            index.parts,
            list(index.frame["sha256"]),
        )
        self._write_card(index, hashlib.sha256(table.getvalue()).hexdigest())
        return list(index.notes)

    def _row(self, record: Record, decoded: Decoded) -> dict[str, Any]:
        return {
            "id": self.identity.image(record.key),
            "state": _state(record),
            "shape": list(decoded.image.shape),
            "spacing_mm": list(decoded.spacing_mm),
            "spacing_stated": decoded.is_spacing_stated,
            "sha256": decoded.sha256[0],
            "mask_sha256": decoded.sha256[1],
            "mask_holds": decoded.mask_holds,
            "boxes": decoded.boxes,
            "facts": decoded.facts,
            "thumbnail": decoded.thumb.tobytes().hex(),
        }

    def _write_card(self, index: Index, index_sha256: str) -> None:
        sizes = {tuple(shape[1:]) for shape in index.frame["shape"].to_list()}
        meta = StoreMeta(
            modality=self.modality,
            dims=2 if self.layout.dims == 2 else 3,
            channels=self.layout.channels,
            dtype=self.layout.storage,
            kind=self.layout.kind,
            size=sizes.pop() if len(sizes) == 1 else None,
            spacing_mm=self.layout.spacing_mm,
            source=fingerprint(self.layout),
            anlage_version=__version__,
            notes=index.caveats,
            label_maps=index.label_maps,
            label_maps_because=index.label_maps_because,
            index_sha256=index_sha256,
        )
        write_whole(self.root / "store.json", meta.model_dump_json(indent=1))


def _state(record: Record) -> str:
    """Fingerprint the files behind a record: their sizes and times, boxes included."""
    sources = [record.image, *([record.mask] if record.mask else [])]
    states: list[Any] = [[box.low, box.high, box.label] for box in record.boxes]
    for source in sources:
        for path in source.paths:
            try:
                status = path.stat()
            except OSError:  # gone since it was listed; reading it gives the reason
                continue
            states.append([status.st_size, status.st_mtime_ns, source.entry])
    return fingerprint({"files": states})
