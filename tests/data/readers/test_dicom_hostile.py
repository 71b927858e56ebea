"""DICOM files made to do harm, byte by byte: each is refused with a DataError, at little cost."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from anlage.data.readers import Limits, Source
from anlage.data.readers.dicom import Dicom
from anlage.errors import DataError


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    for read_it in (Dicom().read, Dicom().header):
        with pytest.raises(DataError, match=words) as caught:
            read_it(Source(paths=(path,)), limits or Limits())
        assert "SECRET" not in str(caught.value)


def meta(syntax: str = ExplicitVRLittleEndian) -> bytes:
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI" + struct.pack("<H", len(uid)) + uid


def element(group: int, number: int, kind: bytes, value: bytes) -> bytes:
    head = struct.pack("<HH", group, number) + kind
    if kind in (b"OB", b"OW", b"SQ", b"UN"):
        return head + struct.pack("<HL", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def short(group: int, number: int, value: int) -> bytes:
    return element(group, number, b"US", struct.pack("<H", value))


def image(rows: int = 2, columns: int = 2, pixels: bytes = b"\0" * 4, bits: int = 8) -> bytes:
    return (
        short(0x28, 0x02, 1)
        + element(0x28, 0x04, b"CS", b"MONOCHROME2 ")
        + short(0x28, 0x10, rows)
        + short(0x28, 0x11, columns)
        + short(0x28, 0x100, bits)
        + short(0x28, 0x101, bits)
        + short(0x28, 0x102, bits - 1)
        + short(0x28, 0x103, 0)
        + element(0x7FE0, 0x10, b"OW", pixels)
    )


def test_no_transfer_syntax(tmp_path: Path) -> None:
    path = tmp_path / "bare.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + image())
    refused(path, "must state its transfer syntax")


def test_dicomdir(tmp_path: Path) -> None:
    uid = b"1.2.840.10008.1.3.10"
    path = tmp_path / "DICOMDIR"
    path.write_bytes(b"\0" * 128 + b"DICM" + element(2, 2, b"UI", uid) + meta()[132:] + image())
    refused(path, "DICOMDIR")


_BOMB_RUN = """
import resource, sys
from pathlib import Path
from anlage.data.readers import Limits, Source
from anlage.data.readers.dicom import Dicom
from anlage.errors import DataError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in (Dicom().read, Dicom().header):
    try:
        read(Source(paths=(Path(sys.argv[1]),)), Limits())
    except DataError as error:
        assert "decompression bomb" in str(error), error
    else:
        raise SystemExit("the bomb was read")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_deflated_bomb_costs_no_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    pixels = struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OW", 0, 2**30)
    start = packer.compress(image(1, 1, b"\0\0")[:-14] + pixels) + packer.flush(zlib.Z_FULL_FLUSH)
    # a full flush makes each block of 1 MB independent, so one can be repeated 1024 times
    black = packer.compress(b"\0" * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    path = tmp_path / "bomb.dcm"
    path.write_bytes(meta(DeflatedExplicitVRLittleEndian) + start + black * 1024 + packer.flush())
    assert path.stat().st_size < 1.1e6
    run = subprocess.run(
        [sys.executable, "-c", _BOMB_RUN, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert float(run.stdout) < 200, "resident memory in MB"


def test_honest_deflated_file(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    black = image(2000, 2000, b"\0" * 4_000_000)  # 4 MB in 4 KB, far above the allowed ratio
    path = tmp_path / "black.dcm"
    data = packer.compress(black) + packer.flush()
    path.write_bytes(meta(DeflatedExplicitVRLittleEndian) + data)
    assert Dicom().read(Source(paths=(path,)), Limits()).pixels.shape == (1, 2000, 2000)
    path.write_bytes(meta(DeflatedExplicitVRLittleEndian) + data[:-30])
    refused(path, "cut off|damaged")
    path.write_bytes(meta(DeflatedExplicitVRLittleEndian) + b"\xff" * 100)
    refused(path, "damaged")


def nested(depth: int, *, is_open: bool) -> bytes:
    """Sequences inside sequences, with stated or open lengths."""
    if is_open:
        begin = struct.pack("<HH2sHL", 0x8, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        begin += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
        end = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
        return begin * depth + end * depth
    value = b""
    for _ in range(depth):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(value)) + value
        value = element(0x8, 0x1140, b"SQ", item)
    return value


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("depth", [31, 200, 3000])
def test_deep_sequences(tmp_path: Path, depth: int, is_open: bool) -> None:
    path = tmp_path / "deep.dcm"
    path.write_bytes(meta() + nested(depth, is_open=is_open) + image())
    refused(path, "nested up to 30 deep")


@pytest.mark.parametrize("is_open", [True, False])
def test_allowed_depth(tmp_path: Path, is_open: bool) -> None:
    path = tmp_path / "deep.dcm"
    path.write_bytes(meta() + nested(30, is_open=is_open) + image())
    assert Dicom().read(Source(paths=(path,)), Limits()).pixels.shape == (1, 2, 2)
    refused(path, "nested up to 29", Limits(max_depth=29))


def implicit(group: int, number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", group, number, len(value)) + value


@pytest.mark.parametrize("is_open", [True, False])
def test_depth_that_the_walk_cannot_see(tmp_path: Path, is_open: bool) -> None:
    """A stated length without a value type hides sequences from the walk; pydicom meets them."""
    begin = struct.pack("<HHLHHL", 0x8, 0x1140, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    end = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    inner = begin * 3000 + end * 3000
    if not is_open:
        inner = b""
        for _ in range(3000):
            inner = implicit(0x5200, 0x9229, implicit(0xFFFE, 0xE000, inner))
    item = implicit(0xFFFE, 0xE000, inner)
    numbers = ((0x02, 1), (0x10, 2), (0x11, 2), (0x100, 8), (0x101, 8))
    path = tmp_path / "deep.dcm"
    path.write_bytes(
        meta(ImplicitVRLittleEndian)
        + b"".join(implicit(0x28, number, struct.pack("<H", value)) for number, value in numbers)
        + implicit(0x28, 0x04, b"MONOCHROME2 ")
        + implicit(0x5200, 0x9229, item)
        + implicit(0x7FE0, 0x10, b"\0" * 4)
    )
    if is_open:
        refused(path, "SharedFunctionalGroupsSequence must be a sequence of items")
    else:  # nothing asks for the inner ones
        assert Dicom().read(Source(paths=(path,)), Limits()).pixels.shape == (1, 2, 2)


def test_native_length_rules(tmp_path: Path) -> None:
    def notes(pixels: bytes, rows: int = 3, columns: int = 3) -> tuple[str, ...]:
        path = tmp_path / "lengths.dcm"
        path.write_bytes(meta() + image(rows, columns, pixels))
        read = Dicom().read(Source(paths=(path,)), Limits())
        np.testing.assert_array_equal(read.pixels.ravel(), list(pixels[: rows * columns]))
        return read.notes

    nine = bytes(range(9))
    assert notes(nine + b"\0") == ()
    assert notes(nine) == ("pixels of odd length accepted",)
    assert notes(nine + b"\0" * 4) == ("4 padding bytes after the pixels dropped",)
    path = tmp_path / "lengths.dcm"
    path.write_bytes(meta() + image(3, 3, b""))
    refused(path, "must take 9 bytes .* the file holds 0")
    path.write_bytes(meta() + image(3, 3, nine[:8]))
    refused(path, "must take 9 bytes .* the file holds 8")
    path.write_bytes(meta() + image(3, 3, nine * 2))
    refused(path, "enough for further frames")


def test_hostile_elements(tmp_path: Path) -> None:
    path = tmp_path / "lengths.dcm"
    lying = struct.pack("<HH2sH", 0x8, 0x60, b"CS", 60000)
    path.write_bytes(meta() + lying + image())
    refused(path, "ends too early")
    stray = struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
    path.write_bytes(meta() + stray + image())
    refused(path, "well-formed list")
    inner = element(0x8, 0x60, b"CS", b"x" * 100)[:20]
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
    path.write_bytes(meta() + element(0x8, 0x1140, b"SQ", item) + image())
    refused(path, "ends too early")
    path.write_bytes(meta() + element(0x8, 0x1140, b"SQ", b"no item!") + image())
    refused(path, "well-formed list|ends too early")


def test_too_many_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anlage.data.readers._dicom_elements._MAX_ELEMENTS", 50)
    path = tmp_path / "many.dcm"
    path.write_bytes(meta() + element(0x8, 0x60, b"CS", b"CT") * 60 + image())
    refused(path, "up to 50 elements")


def test_large_wanted_elements_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anlage.data.readers._dicom_file._MAX_HEADER", 1000)
    path = tmp_path / "large.dcm"
    private = element(0x9, 0x1010, b"UN", b"x" * 5000)  # not wanted: never read
    path.write_bytes(meta() + private + image())
    Dicom().read(Source(paths=(path,)), Limits())
    path.write_bytes(meta() + element(0x8, 0x70, b"LO", b"x" * 5000) + image())
    refused(path, "header may take 1,000 bytes")
