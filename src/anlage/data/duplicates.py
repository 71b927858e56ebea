"""Find images that are the same, exactly or nearly, before a split tears them apart.

Exact: equal SHA-256 of the stored pixels. Near: difference hashes of 256 bits that differ in
at most 12, confirmed by the correlation of 16 x 17 thumbnails; mirrored copies count too.

Source: N. Krawetz, "Kind of like that" (dHash), 2013. The candidate search is exhaustive: of 13
disjoint bands of the hash, two hashes with at most 12 different bits share at least one.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Groups", "dhash", "near_pairs", "pixel_hash", "thumbnail"]

_EDGE = 16
_MAX_BITS = 12
_MIN_CORRELATION = 0.98
_MAX_BAND = 400  # a band shared by more images (blank ones, mostly) says nothing

Thumbnail = npt.NDArray[np.uint8]


def pixel_hash(array: npt.NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array's type, shape and values, as 64 hex digits."""
    head = f"{array.dtype}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


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
    """Return all pairs of near-duplicates, as index pairs in ascending order.

    A copy that was mirrored left to right or top to bottom is a near-duplicate too.
    """
    if len(thumbs) < 2:
        return []
    stack = np.stack(thumbs)
    mirrored = (stack, stack[:, :, ::-1], stack[:, ::-1])
    first_bits, first_flat = _described(stack)
    pairs: set[tuple[int, int]] = set()
    for others in mirrored:
        bits, flat = _described(others)
        for first, second in _sharing_a_band(first_bits, bits):
            if int((first_bits[first] != bits[second]).sum()) > _MAX_BITS:
                continue
            scale = float(np.linalg.norm(first_flat[first]) * np.linalg.norm(flat[second]))
            alike = float(first_flat[first] @ flat[second]) / scale if scale > 0 else 1.0
            if alike >= _MIN_CORRELATION:
                pairs.add((first, second))
    return sorted(pairs)


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


def _described(
    stack: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return the hash bits, (n, 256), and the centred pixels, (n, 272), of thumbnails."""
    bits = np.unpackbits(np.stack([dhash(thumb) for thumb in stack]), axis=1)
    flat = stack.reshape(len(stack), -1).astype(np.float32)
    return bits, flat - flat.mean(axis=1, keepdims=True)


def _sharing_a_band(
    bits: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]
) -> set[tuple[int, int]]:
    """Return pairs (row of ``bits``, later row of ``others``) with an equal band."""
    pairs: set[tuple[int, int]] = set()
    for band in np.array_split(np.arange(bits.shape[1]), _MAX_BITS + 1):
        buckets = _by_band(bits[:, band])
        for key, seconds in _by_band(others[:, band]).items():
            firsts = buckets.get(key, [])
            if len(firsts) <= _MAX_BAND and len(seconds) <= _MAX_BAND:
                pairs.update(
                    (first, second) for first in firsts for second in seconds if first < second
                )
    return pairs


def _by_band(band: npt.NDArray[np.uint8]) -> dict[bytes, list[int]]:
    buckets: dict[bytes, list[int]] = defaultdict(list)
    for index, row in enumerate(band):
        buckets[row.tobytes()].append(index)
    return buckets
