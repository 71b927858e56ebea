"""The store: decoded once, read a thousand times. Memory-mapped shards and a Parquet index.

```
store/
  store.json        what all images share: modality, dims, channels, type, calibration
  index.parquet     one row per image: id, place, shape, spacing, hashes, labels, boxes, facts
  shards/           arrays back to back, 64-byte aligned, in the store's fixed type
  splits/           one CSV per split
  journal.jsonl     what has been stored so far: `prepare` goes on from here
  quarantine.csv    what could not be read, and why
```
Training reads crops through the memory map and never a whole volume. Nothing here names a
patient or a file: ids are keyed hashes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import ValidationError

from anlage.config import BaseConfig, fingerprint
from anlage.data._crop import copy_crop, copy_inside
from anlage.data._label_map import WHITE, Meaning
from anlage.data._shards import Shards, places
from anlage.data.splits import PARTS, read_hashes, read_split, torn
from anlage.errors import ConfigError, DataError
from anlage.modalities._scaling import Kind, Storage
from anlage.plugins import nearest

__all__ = ["FORMAT_VERSION", "LABEL_PREFIX", "LEAK_ALLOWED", "Store", "StoreMeta"]

FORMAT_VERSION = 1
LABEL_PREFIX = "label:"
LEAK_ALLOWED = "LEAK allowed"  # how the caveat of a store made with --allow-leaks begins

Array = npt.NDArray[np.generic]

_NO_JSON = (json.JSONDecodeError, RecursionError)


class StoreMeta(BaseConfig):
    """What all images of a store share.

    Attributes:
        format_version: Version of this layout.
        modality: Name of the modality plug-in.
        dims: 2 or 3.
        channels: Channels C of every image.
        dtype: Type of stored values.
        kind: How values were calibrated: see modalities.Scaling.
        size: Edge lengths of every image, where all are equal; None where they differ.
        spacing_mm: Voxel edges that all images were resampled to; None: as acquired.
        source: Fingerprint of the settings that made it.
        anlage_version: Version that made it.
        notes: Caveats that every result of this store must state, such as an allowed leak.
        label_maps: What 255 means in all label maps: a class like others ("numbers"), or class 1
            ("black_white").
        label_maps_because: The evidence for that, in words.
        index_sha256: Hash of index.parquet.
    """

    format_version: int = FORMAT_VERSION
    modality: str
    dims: Literal[2, 3]
    channels: int
    dtype: Storage
    kind: Kind
    size: tuple[int, ...] | None
    spacing_mm: tuple[float, ...] | None
    source: str
    anlage_version: str
    notes: tuple[str, ...] = ()
    label_maps: Meaning = "numbers"
    label_maps_because: str = ""
    index_sha256: str | None = None


class Store:
    """A store opened for reading. Rows are counted from 0 in the order of the index."""

    def __init__(self, root: Path, meta: StoreMeta, index: pl.DataFrame) -> None:
        self.root, self.meta, self.index = root, meta, index
        self.shards = Shards(root / "shards")
        self.places = places(index, meta.dtype)  # of images, and of label maps
        self._is_white = meta.label_maps == "black_white"
        self._checked: dict[str, dict[str, str]] = {}  # splits that were found sound

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a store.

        Raises:
            DataError: If the folder is no store, is incomplete, or has another version.
        """
        store = cls.unchecked(path)
        store._check_shards()
        return store

    @classmethod
    def unchecked(cls, path: str | Path) -> Store:
        """Open a store without a look at its shards, to see which of them are whole.

        Raises:
            DataError: As for ``open``, but for the shards.
        """
        root = Path(path)
        card = root / "store.json"
        if not card.is_file():
            raise DataError(
                f"{root} must be a store made by anlage prepare, but has no store.json. "
                "Run anlage prepare, or check the path."
            )
        try:
            values = json.loads(card.read_text(encoding="utf-8"))
            version = values.get("format_version")
            if version != FORMAT_VERSION:
                raise DataError(
                    f"this Anlage reads stores of version {FORMAT_VERSION}, {root} has version "
                    f"{version}. Run anlage prepare again with --overwrite."
                )
            meta = StoreMeta.model_validate(values)
        except (ValidationError, AttributeError, UnicodeDecodeError, *_NO_JSON) as error:
            raise DataError(
                f"{card} is damaged ({type(error).__name__}). Run anlage prepare again."
            ) from None
        if not (root / "index.parquet").is_file():
            raise DataError(
                f"{root} is not finished: it has no index yet. Run the same anlage prepare "
                "command again; it goes on from where it stopped."
            )
        return cls(root, meta, _read_index(root / "index.parquet", meta.index_sha256))

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def ids(self) -> list[str]:
        """Id of each row."""
        return list(self.index["id"])

    @cached_property
    def patients(self) -> npt.NDArray[np.int64]:
        """Number of each row's patient (or group of near-duplicates), (n,)."""
        groups: npt.NDArray[np.int64] = self.index["group"].to_numpy().astype(np.int64)
        return groups

    @cached_property
    def spacing_mm(self) -> npt.NDArray[np.float32]:
        """Pixel or voxel edges of each row, (n, d); 1 where the source states none."""
        return np.array(self.index["spacing_mm"].to_list(), dtype=np.float32)

    @cached_property
    def spacing_stated(self) -> npt.NDArray[np.bool_] | None:
        """Whether each row's source states its spacing, (n,); None in stores that do not say."""
        column = "spacing_stated"
        if column not in self.index.columns or self.index[column].null_count():
            return None
        stated: npt.NDArray[np.bool_] = self.index[column].to_numpy().astype(np.bool_)
        return stated

    @cached_property
    def has_mask(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a label map, (n,)."""
        known: npt.NDArray[np.bool_] = self.index["mask_offset"].is_not_null().to_numpy()
        return known

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change whenever any pixel, label or setting changes."""
        labels = [LABEL_PREFIX + name for name in self.label_names]
        words = {"notes", "index_sha256", "label_maps_because"}
        unsaid = set() if self._is_white else {"label_maps"}  # as in stores without this field
        meta = self.meta.model_dump(mode="json", exclude=words | unsaid)
        content = self.index.select("id", "sha256", "mask_sha256", *labels).write_csv()
        return fingerprint({"meta": meta, "rows": content})

    @property
    def label_names(self) -> list[str]:
        """Names of the label columns."""
        return [
            name.removeprefix(LABEL_PREFIX)
            for name in self.index.columns
            if name.startswith(LABEL_PREFIX)
        ]

    def labels(self, name: str) -> list[str | float | None]:
        """Return one label column; None where a row has no value.

        Raises:
            ConfigError: If the store has no such column.
        """
        if name not in self.label_names:
            known = ", ".join(self.label_names) or "none"
            meant = nearest(name, self.label_names)
            remedy = meant or f" If the table has that column, prepare with --label {name} too."
            raise ConfigError(f"the store must have the label {name!r}, it has: {known}.{remedy}")
        return list(self.index[LABEL_PREFIX + name])

    def shape(self, row: int) -> tuple[int, ...]:
        """Return (C, *S) of one image."""
        return self.places[0][row].shape

    def image(self, row: int) -> Array:
        """Return one image as a view of the memory map, (C, *S); nothing is read yet."""
        return self.shards.array(self.places[0][row])

    def mask(self, row: int) -> Array | None:
        """Return one label map, (*S), or None: a view of the memory map, unless 255 means 1."""
        place = self.places[1][row]
        if place is None:
            return None
        stored = self.shards.array(place)
        if not self._is_white:
            return stored
        return np.where(stored == WHITE, 1, stored).astype(stored.dtype)

    def parts(self, name: str = "default") -> dict[str, str]:
        """Return the part of each image id, as the split file says."""
        return read_split(self.root / "splits" / f"{name}.csv")

    def split(self, name: str = "default") -> dict[str, npt.NDArray[np.int64]]:
        """Return the rows of train, val and test.

        Raises:
            DataError: If the split file is missing, damaged, names no image of this store, was
                made for other pixels, or tears patients or equal images apart; a store that was
                made with --allow-leaks may.
        """
        parts = self.parts(name)
        assigned = np.array([parts.get(image_id, "") for image_id in self.ids])
        if not any(assigned):
            raise DataError(
                f"split {name!r} names no image of {self.root}. It was made for another store, "
                "or with another identity key."
            )
        if self._checked.get(name) != parts:
            self._check_split(name, [parts.get(image_id, "") for image_id in self.ids])
            self._checked[name] = parts
        return {part: np.flatnonzero(assigned == part) for part in PARTS}

    def crop(self, row: int, start: Sequence[int], shape: Sequence[int], out: Array) -> None:
        """Copy one crop out of the memory map.

        Args:
            row: Which image.
            start: First pixel per axis; what lies outside repeats the edge.
            shape: Edges of the crop, (*S).
            out: (C, *S) of the store's type, written in place.

        Raises:
            ShapeError: If the whole crop lies outside.
        """
        copy_crop(self.image(row), start, shape, out)

    def crop_mask(self, row: int, start: Sequence[int], shape: Sequence[int], out: Array) -> None:
        """Copy one crop of a label map, (*S); what lies outside is 0."""
        place = self.places[1][row]
        out[...] = 0
        if place is not None:
            copy_inside(self.shards.array(place), start, shape, out)
            if self._is_white:
                np.copyto(out, 1, where=out == WHITE)

    def _check_split(self, name: str, assigned: Sequence[str]) -> None:
        stated = read_hashes(self.root / "splits" / f"{name}.csv")
        hashes = list(self.index["sha256"])
        other = [
            image_id
            for image_id, held in zip(self.ids, hashes, strict=True)
            if stated.get(image_id, held) != held
        ]
        if other:
            raise DataError(
                f"split {name!r} must be made for the pixels of {self.root}, but {len(other)} "
                f"images have another sha256 there, first {other[0]}. Make the split anew, or "
                "leave its column sha256 out."
            )
        if any(note.startswith(LEAK_ALLOWED) for note in self.meta.notes):
            return
        faults = torn(assigned, list(self.index["patient"]), hashes)
        if faults:
            raise DataError(
                f"a split must keep patients and equal images in one part, but in split {name!r} "
                f"{' and '.join(faults)} lie in more than one. Correct the file {name}.csv in "
                "the store's folder splits."
            )

    def _check_shards(self) -> None:
        images, masks = self.places
        for shard, (held, needed) in self.shards.short([*images, *masks]).items():
            raise DataError(
                f"{self.shards.folder / shard} must hold {needed:,} bytes, it holds {held:,}. The "
                "store was cut off or copied in part: copy it again, or run anlage prepare with "
                "--overwrite. anlage verify says what else is damaged."
            )


def _read_index(path: Path, sha256: str | None) -> pl.DataFrame:
    content = path.read_bytes()
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(
            f"{path} must be as store.json says, but it changed since. Run the same anlage "
            "prepare command again; it writes the index anew."
        )
    try:
        return pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError:
        raise DataError(
            f"{path} must be a readable Parquet table, it is damaged. Run the same anlage prepare "
            "command again; it writes the index anew."
        ) from None
