"""`anlage verify`: is every byte of a store still what was stored?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anlage.data._shards import Place
from anlage.data.duplicates import pixel_hash
from anlage.data.store import Store
from anlage.progress import track

__all__ = ["Damage", "verify"]


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What is wrong with one shard.

    Attributes:
        shard: Its name in the store's folder shards.
        reason: What is wrong, in words.
        ids: Images whose pixels or label map are lost or differ.
    """

    shard: str
    reason: str
    ids: tuple[str, ...]


def verify(store: str | Path) -> list[Damage]:
    """Read a whole store and compare it with the hashes taken when it was stored.

    Args:
        store: Folder of the store.

    Returns:
        One entry per damaged shard; none if all is well.

    Raises:
        DataError: If the folder is no store, or its card or index is damaged.
    """
    opened = Store.unchecked(store)
    images, masks = opened.places
    folder = opened.shards.folder
    lost: dict[str, list[str]] = defaultdict(list)
    hashes = opened.index.select("sha256", "mask_sha256").iter_rows()
    with track("Verifying", len(opened)) as advance:
        for image_id, *arrays, known in zip(opened.ids, images, masks, hashes, strict=True):
            for place, sha256 in zip(arrays, known, strict=True):
                if place is not None and not _is_whole(folder, place, sha256):
                    lost[place.shard].append(image_id)
            advance(1, "")
    short = opened.shards.short([*images, *masks])
    return [
        Damage(shard=shard, reason=_reason(shard, short), ids=tuple(ids))
        for shard, ids in sorted(lost.items())
    ]


def _is_whole(folder: Path, place: Place, sha256: str) -> bool:
    """Read one array from its file: a disk that fails would end a process that maps it."""
    try:
        with (folder / place.shard).open("rb") as file:
            file.seek(place.offset)
            content = file.read(place.end - place.offset)
    except OSError:
        return False
    if len(content) < place.end - place.offset:
        return False
    return pixel_hash(np.frombuffer(content, place.dtype).reshape(place.shape)) == sha256


def _reason(shard: str, short: dict[str, tuple[int, int]]) -> str:
    if shard not in short:
        return "bytes changed, or cannot be read"
    held, needed = short[shard]
    return f"cut off, {held:,} of {needed:,} bytes are there" if held else "missing or empty"
