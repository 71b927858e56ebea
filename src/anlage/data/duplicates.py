"""Find images that are the same, exactly or nearly, before a split tears them apart.

Exact: equal SHA-256 of the stored pixels. Near: difference hashes of 256 bits that differ in
at most 12, confirmed by the correlation of 16 x 16 thumbnails.

Source: N. Krawetz, "Kind of like that" (dHash), 2013. The candidate search is exhaustive: of 13
disjoint bands of the hash, two hashes with at most 12 different bits share at least one.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Groups", "dhash", "near_pairs", "thumbnail"]

_EDGE = 16
_MAX_BITS = 12
_MIN_CORRELATION = 0.98
_MAX_BAND = 400  # a band shared by more images (blank ones, mostly) says nothing

Thumbnail = npt.NDArray[np.uint8]


def thumbnail(image: npt.NDArray[np.generic]) -> Thumbnail:
    """Return a (16, 17) grey picture of an image, of a volume's middle axial slice.

    Args:
        image: (C, *S), finite.
    """
    plane = image[..., image.shape[3] // 2] if image.ndim == 4 else image
    grey = plane.astype(np.float32).mean(axis=0)
    rows = _pool(grey, _EDGE, 0)
    small = _pool(rows, _EDGE + 1, 1)
    low, high = float(small.min()), float(small.max())
    scaled: Thumbnail = ((small - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    return scaled


def dhash(thumb: Thumbnail) -> npt.NDArray[np.uint8]:
    """Return 256 bits in 32 bytes: whether each pixel is darker than its right neighbour."""
    return np.packbits(thumb[:, :-1] < thumb[:, 1:])


def near_pairs(thumbs: Sequence[Thumbnail]) -> list[tuple[int, int]]:
    """Return all pairs of near-duplicates, as index pairs in ascending order."""
    if len(thumbs) < 2:
        return []
    stack = np.stack(thumbs)
    bits = np.unpackbits(np.stack([dhash(thumb) for thumb in thumbs]), axis=1)
    candidates = _sharing_a_band(bits)
    flat = stack.reshape(len(stack), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1)
    pairs = []
    for first, second in sorted(candidates):
        if int((bits[first] != bits[second]).sum()) > _MAX_BITS:
            continue
        scale = float(norms[first] * norms[second])
        alike = float(flat[first] @ flat[second]) / scale if scale > 0 else 1.0
        if alike >= _MIN_CORRELATION:
            pairs.append((first, second))
    return pairs


class Groups:
    """Union-find: joins indices that belong together."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, first: int, second: int) -> None:
        """Put two indices, and all that are with them, into one group."""
        self._parent[self._root(first)] = self._root(second)

    def join_equal(self, keys: Iterable[Hashable | None]) -> None:
        """Join all indices with equal keys; None joins nothing."""
        seen: dict[Hashable, int] = {}
        for index, key in enumerate(keys):
            if key is not None:
                self.join(index, seen.setdefault(key, index))

    def numbers(self) -> npt.NDArray[np.int64]:
        """Return a group number per index, counted from 0 in order of first appearance."""
        numbers: dict[int, int] = {}
        return np.array(
            [numbers.setdefault(self._root(i), len(numbers)) for i in range(len(self._parent))],
            dtype=np.int64,
        )

    def _root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index


def _pool(plane: npt.NDArray[np.float32], cells: int, axis: int) -> npt.NDArray[np.float32]:
    """Average an axis into cells of equal length; short axes repeat pixels."""
    length = plane.shape[axis]
    edges = np.linspace(0, length, cells + 1)
    parts = [
        plane.take(range(int(low), max(int(low) + 1, int(np.ceil(high)))), axis=axis, mode="clip")
        for low, high in itertools.pairwise(edges)
    ]
    pooled: npt.NDArray[np.float32] = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    return pooled


def _sharing_a_band(bits: npt.NDArray[np.uint8]) -> set[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    for band in np.array_split(np.arange(bits.shape[1]), _MAX_BITS + 1):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for index, row in enumerate(bits[:, band]):
            buckets[row.tobytes()].append(index)
        for members in buckets.values():
            if 1 < len(members) <= _MAX_BAND:
                pairs.update(
                    (first, second)
                    for position, first in enumerate(members)
                    for second in members[position + 1 :]
                )
    return pairs
