"""Arrays that lie, are cut short or blow up end in words, not in a crash."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlage.data.readers import Limits, RawImage, Source
from anlage.data.readers.npy import Npy
from anlage.errors import DataError

RANDOM = np.random.default_rng(0)


def read(path: Path, entry: str | None = None, limits: Limits | None = None) -> RawImage:
    source = Source(paths=(path,), entry=entry)
    image = Npy().read(source, limits or Limits())
    header = Npy().header(source, limits or Limits())
    assert (header.shape, header.bits) == (image.pixels.shape, image.bits)
    assert header.unit == ("arbitrary" if image.unit == "hu" else image.unit)
    assert (image.affine, image.spacing_mm) == (None, None)
    assert image.pixels.flags.c_contiguous
    return image


def refused(path: Path, words: str, entry: str | None = None, limits: Limits | None = None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        Npy().read(Source(paths=(path,), entry=entry), limits or Limits())
    assert path.name not in str(caught.value)


def saved(path: Path, values: Any) -> Path:
    np.save(path, values)
    return path


def test_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([[{}]], dtype=object), allow_pickle=True)
    refused(path, "Python objects are never loaded")
    np.savez(tmp_path / "a.npz", table=np.array([[{}]], dtype=object))
    refused(tmp_path / "a.npz", "Python objects are never loaded", "table:0")
    for values in (np.array([["a"]]), np.eye(3, dtype=complex), np.zeros((2, 2), "M8[s]")):
        refused(saved(path, values), "booleans, integers or floats")
    refused(saved(path, np.zeros((0, 3))), "at least one number")


def npy_head(shape: str, descr: str = "'<u2'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (npy_head("(100000, 1000000)"), "takes 200,000,000,000 bytes, this file holds 100"),
        (npy_head("(-5, 5)"), "at least one number"),
        (npy_head("[5, 5]"), "NumPy header"),
        (npy_head("(" * 5000), "NumPy header"),
        (npy_head("__import__('os')"), "NumPy header"),
        (b"\x93NUMPY\x09\x00", "NumPy header"),
        (b"\x93NUMPY\x03\x00" + npy_head("(1, 1)")[8:], "NumPy header"),
        (b"\x93NUM", "NumPy header"),
    ],
)
def test_hostile_headers(tmp_path: Path, head: bytes, words: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / "a.npy"
    path.write_bytes(head + b"\0" * 100)
    refused(path, words)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("table.npy", head + b"\0" * 100)
    refused(tmp_path / "a.npz", words.replace("this file holds 100", "this one holds"), "table:0")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB


def bomb(path: Path, num_bytes: int) -> Path:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("table.npy", "w") as member,
    ):
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            head,
            {"descr": "|u1", "fortran_order": False, "shape": (num_bytes // 10**6, 1000, 1000)},
        )
        member.write(head.getvalue())
        for _ in range(num_bytes // 10**6):
            member.write(b"\0" * 10**6)
    return path


def test_bombs(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.npz", 30_000_000)
    assert path.stat().st_size < 40_000
    assert read(path, "table:7").pixels.shape == (1, 1000, 1000)  # legal below the cap
    refused(path, "or a hundredfold, this one claims 30,000,1", "table:7", Limits(max_bytes=10**7))
    loose = tmp_path / "b.npz"
    np.savez(loose, table=np.zeros((20, 10, 10), np.uint8))  # not compressed: no bomb
    refused(loose, "up to 1,000 bytes decoded", "table", Limits(max_bytes=1000))
    assert read(loose, "table:3", Limits(max_bytes=1000)).pixels.shape == (1, 10, 10)


def test_directory_that_lies(tmp_path: Path) -> None:
    """The zip directory claims fewer bytes than the member inflates to."""
    path = bomb(tmp_path / "a.npz", 3_000_000)
    true = struct.pack("<L", zipfile.ZipFile(path).infolist()[0].file_size)
    data = path.read_bytes()
    at = data.rindex(true)  # in the central directory
    path.write_bytes(data[:at] + struct.pack("<L", 1000) + data[at + 4 :])
    refused(path, "this one holds 1,000|readable to its end", "table")


def test_checksum_of_a_member_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, table=np.full((5, 6), 7, np.uint8))
    path.write_bytes(path.read_bytes().replace(b"\x07" * 30, b"\x07" * 29 + b"\x08"))
    refused(path, "readable to its end", "table")


def test_limits_of_2d(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.zeros((4, 5), np.uint8))
    refused(path, "up to 19 pixels", limits=Limits(max_pixels_2d=19))
    refused(path, "up to 19 bytes", limits=Limits(max_bytes=19))


def test_other_zip_methods_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("table.npy", npy_head("(5, 5)") + b"\0" * 50)
    refused(path, "stored or deflated", "table")


@pytest.mark.parametrize("percent", range(0, 100, 10))
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_truncated(tmp_path: Path, suffix: str, percent: int) -> None:
    path = tmp_path / f"a.{suffix}"
    values = RANDOM.integers(0, 256, (40, 50), np.uint8)
    np.save(path, values) if suffix == "npy" else np.savez(path, table=values)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    refused(
        path, "NumPy header|cut off|damaged|only in an .npz", "table" * (suffix == "npz") or None
    )


@settings(max_examples=150, deadline=None)
@given(
    is_npz=st.booleans(),
    cut=st.integers(0, 300),
    changes=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=3),
)
def test_any_damage_ends_in_an_image_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory,
    is_npz: bool,
    cut: int,
    changes: list[tuple[int, int]],
) -> None:
    values = np.arange(20, dtype=np.uint8).reshape(4, 5)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, table=values) if is_npz else np.save(buffer, values)
    data = bytearray(buffer.getvalue())
    for position, value in changes:
        data[position % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(bytes(data)[: len(data) - cut % len(data)])
    for entry in ("table", None):
        for attempt in (Npy().read, Npy().header):
            try:
                attempt(Source(paths=(path,), entry=entry), Limits(max_bytes=10**7))
            except DataError:
                continue
