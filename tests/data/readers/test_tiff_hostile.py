"""TIFF files that lie, are cut short or blow up end in words, not in a crash."""

from __future__ import annotations

import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.readers import Limits, Source
from anlage.data.readers.tiff import Tiff
from anlage.errors import DataError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (18, 20), np.uint8)
STACK = RANDOM.integers(0, 65536, (4, 18, 20), np.uint16)


def write(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    tifffile.imwrite(path, pixels, **options)
    return path


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Tiff().read(Source(paths=(path,)), limits or Limits())
    assert path.name not in str(caught.value)


def tag(number: int, kind: int, value: int) -> bytes:
    return struct.pack("<HHLL", number, kind, 1, value)


def by_hand(width: int, height: int, *, compression: int, data: bytes, count: int) -> bytes:
    """A TIFF of one strip; ``count`` is the length it claims."""
    tags = [
        tag(256, 4, width),
        tag(257, 4, height),
        tag(258, 3, 8),
        tag(259, 3, compression),
        tag(262, 3, 1),
        tag(273, 4, 8),
        tag(277, 3, 1),
        tag(278, 4, height),
        tag(279, 4, count),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(tags) + b"\0" * 4
    data += b"\0" * (len(data) % 2)
    return b"II*\0" + struct.pack("<L", 8 + len(data)) + data + directory


def test_lies_and_bombs(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path.write_bytes(by_hand(60000, 60000, compression=1, data=b"xx", count=2))
    refused(path, "3,600,000,000|60000 x 60000")
    path.write_bytes(by_hand(4, 4, compression=1, data=b"x" * 16, count=10**6))
    refused(path, "must lie inside the file")
    path.write_bytes(by_hand(9, 9, compression=1, data=b"x" * 16, count=16))
    refused(path, "of full length")
    bomb = zlib.compress(b"\0" * 200_000_000)
    path.write_bytes(by_hand(4, 4, compression=8, data=bomb, count=len(bomb)))
    refused(path, "must inflate to 16 bytes at most")
    short = zlib.compress(b"\0" * 9)
    path.write_bytes(by_hand(4, 4, compression=8, data=short, count=len(short)))
    refused(path, "decodable to its end")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # KB
    path.write_bytes(by_hand(4, 4, compression=34712, data=b"x" * 16, count=16))
    refused(path, "compressed in another way")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("percent", range(0, 100, 10))
def test_truncated(tmp_path: Path, percent: int, compression: str | None) -> None:
    path = write(tmp_path / "a.tif", STACK[0], compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    refused(path, "cut off")


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([None, "zlib"]),
    cut=st.integers(0, 900),
    changes=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=3),
)
def test_any_damage_ends_in_an_image_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str | None,
    cut: int,
    changes: list[tuple[int, int]],
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.tif"
    data = bytearray(write(path, GREY, compression=kind).read_bytes())
    for position, value in changes:
        data[position % len(data)] = value
    path.write_bytes(bytes(data)[: len(data) - cut % len(data)])
    for attempt in (Tiff().read, Tiff().header):
        try:
            attempt(Source(paths=(path,)), Limits(max_pixels_2d=10**6))
        except DataError:
            continue
