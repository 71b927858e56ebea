"""Find images that are the same, exactly or nearly, before a split tears them apart.

Exact: equal SHA-256 of the stored pixels. Near: difference hashes of 256 bits that differ in
at most 12, confirmed by the correlation of 16 x 17 thumbnails; mirrored copies count too.

Source: N. Krawetz, "Kind of like that" (dHash), 2013. Of 13 disjoint bands of the hash, two hashes
with at most 12 different bits share at least one, so comparing all images with an equal band finds
every pair. Where more than 400 images share a band, each is compared with the next 400 of them
only: many copies of one picture still form one chain, but two near-duplicates whose every common
band is as crowded as that can be missed if they stand far apart. Thumbnails without any contrast
say nothing and are near-duplicates of none.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Groups", "dhash", "near_pairs", "pixel_hash", "thumbnail"]

_EDGE = 16
_MAX_BITS = 12
_MIN_CORRELATION = 0.98
_MAX_BAND = 400  # with how many others of an equal band an image is compared

Thumbnail = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


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
    telling = np.array([i for i, thumb in enumerate(thumbs) if thumb.min() < thumb.max()], np.int64)
    if len(telling) < 2:
        return []
    stack = np.stack([thumbs[index] for index in telling])
    hashes, pixels = _described(stack)
    words = hashes.view(np.uint64)  # (n, 4)
    pairs: set[tuple[int, int]] = set()
    for others in (stack, stack[:, :, ::-1], stack[:, ::-1]):
        other_hashes, other_pixels = _described(others)
        other_words = other_hashes.view(np.uint64)
        for rows, other_rows in _sharing_a_band(hashes, other_hashes):
            differing = np.bitwise_count(words[rows] ^ other_words[other_rows]).sum(axis=1)
            close = differing <= _MAX_BITS
            first, second = rows[close], other_rows[close]
            alike = np.einsum("np,np->n", pixels[first], other_pixels[second]) >= _MIN_CORRELATION
            firsts, seconds = telling[first[alike]].tolist(), telling[second[alike]].tolist()
            pairs.update(zip(firsts, seconds, strict=True))
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
    """Return the hashes, (n, 32), and the centred pixels of unit length, (n, 272)."""
    flat = stack.reshape(len(stack), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return np.stack([dhash(thumb) for thumb in stack]), unit


def _sharing_a_band(
    hashes: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]
) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows of ``hashes`` and later rows of ``others`` that have an equal band, in pairs.

    Each row is paired with the next 400 at most of each band.
    """
    count = len(hashes)
    bits, other_bits = (np.unpackbits(packed, axis=1) for packed in (hashes, others))
    for band in np.array_split(np.arange(bits.shape[1]), _MAX_BITS + 1):
        powers = 1 << np.arange(len(band), dtype=np.int64)
        keys = bits[:, band] @ powers
        order = np.sort((other_bits[:, band] @ powers) * count + np.arange(count))
        first = np.arange(count)
        place = np.searchsorted(order, keys * count + first, side="right")
        for _ in range(_MAX_BAND):
            inside = place < count
            first, place = first[inside], place[inside]
            equal = order[place] // count == keys[first]
            first, place = first[equal], place[equal]
            if not len(first):
                break
            yield first, order[place] % count
            place = place + 1
