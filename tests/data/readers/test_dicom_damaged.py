"""DICOM files that were cut, flipped, mislabelled or lie: an image or a DataError, no more."""

from __future__ import annotations

import logging
import resource
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from anlage.data.readers import Limits, Source
from anlage.data.readers.dicom import Dicom
from anlage.errors import DataError

WriteDicom = Callable[..., Path]


GREY = np.arange(64, dtype=np.uint16).reshape(8, 8)


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    for read_it in (Dicom().read, Dicom().header):
        with pytest.raises(DataError, match=words) as caught:
            read_it(Source(paths=(path,)), limits or Limits())
        assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("percent", [*range(10, 100, 10), 95, 99])
def test_truncated(write_dicom: WriteDicom, syntax: str, percent: int) -> None:
    path = write_dicom(GREY, syntax=syntax)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    refused(path, "cut off|damaged|transfer syntax")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "hostile.dcm"


def attempt(path: Path, data: bytes) -> None:
    """Reading ends with an image or a DataError; any other exception fails the test."""
    path.write_bytes(data)
    messages = []
    for read_it in (Dicom().read, Dicom().header):
        try:
            read_it(Source(paths=(path,)), Limits())
        except DataError as error:
            messages.append(str(error))
    assert not any("SECRET" in message for message in messages)


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 10_000), kind=st.integers(0, 3))
def test_any_cut(samples: list[bytes], scratch: Path, cut: int, kind: int) -> None:
    data = samples[kind]
    attempt(scratch, data[: cut % len(data)])


@settings(max_examples=300, deadline=None)
@given(
    kind=st.integers(0, 3),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))),
)
def test_any_flipped_bytes(
    samples: list[bytes], scratch: Path, kind: int, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(samples[kind])
    for position, junk in changes:
        at = 132 + position % (len(data) - 136)
        data[at : at + len(junk)] = junk
    attempt(scratch, bytes(data))


@pytest.fixture(scope="module")
def samples(write_shared_dicom: WriteDicom) -> list[bytes]:
    """Valid files of four kinds: explicit, implicit, run-length encoded, deflated."""
    runs = struct.pack("<16L", 2, 64, 66, *[0] * 13) + bytes([0xC1, 1, 0xC1, 2])
    return [
        write_shared_dicom(GREY).read_bytes(),
        write_shared_dicom(GREY, syntax=ImplicitVRLittleEndian).read_bytes(),
        write_shared_dicom(GREY, syntax=RLELossless, encoded=[runs]).read_bytes(),
        write_shared_dicom(GREY, syntax=DeflatedExplicitVRLittleEndian).read_bytes(),
    ]


def test_samples_are_valid(samples: list[bytes], scratch: Path) -> None:
    for data in samples:
        scratch.write_bytes(data)
        assert Dicom().read(Source(paths=(scratch,)), Limits()).pixels.size == 64


@pytest.mark.parametrize("content", [b"", b"hello", b"<html>" + b"x" * 600, b"\0" * 132, b"DICM"])
def test_what_is_no_dicom(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.dcm"
    path.write_bytes(content)
    refused(path, "letters DICM after 128 bytes")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    refused(tmp_path / "none.dcm", "No such file")
    refused(tmp_path, "Is a directory")


def test_data_set_without_preamble_is_not_forced(write_dicom: WriteDicom) -> None:
    path = write_dicom(GREY)
    path.write_bytes(path.read_bytes()[132:])
    refused(path, "letters DICM")


def test_lies_about_size_are_refused_before_allocation(write_dicom: WriteDicom) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = write_dicom(GREY.astype(np.uint8), Rows=60000, Columns=30000)
    refused(path, "claims 60000 x 30000 = 1,800,000,000")
    path = write_dicom(GREY.astype(np.uint8), Rows=10000, Columns=10000)
    refused(path, "must take 100,000,000 bytes by the header .* the file holds 64")
    path = write_dicom(GREY[None], NumberOfFrames=2_000_000_000)
    refused(path, "bytes decoded, this one claims")
    path = write_dicom(GREY[None], NumberOfFrames=77)
    path.write_bytes(path.read_bytes().replace(b"77", b"1A"))
    refused(path, "NumberOfFrames must be a whole number")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB


def test_compressed_pixels_must_end(write_dicom: WriteDicom) -> None:
    path = write_dicom(GREY, syntax=JPEGBaseline8Bit, encoded=[b"\xff\xd8" + b"x" * 50])
    data = path.read_bytes()
    for cut in (8, 20, 60):
        path.write_bytes(data[:-cut])
        refused(path, "cut off")
    native = write_dicom(GREY, "native.dcm").read_bytes()
    swapped = native.replace(
        ExplicitVRLittleEndian.encode() + b"\0", JPEGBaseline8Bit.encode()[:20].ljust(20, b"\0")
    )
    path.write_bytes(swapped)
    attempt(path, swapped)


def test_runs_that_are_too_long(write_dicom: WriteDicom) -> None:
    """The compiled run-length decoder panics here, past every exception handler."""
    runs = struct.pack("<16L", 2, 64, 70, *[0] * 13) + bytes([0xC1, 1] * 3 + [0xC1, 2] * 3)
    path = write_dicom(GREY, syntax=RLELossless, encoded=[runs])
    attempt(path, path.read_bytes())


def test_wrapper_that_pydicom_never_leaves(write_dicom: WriteDicom) -> None:
    wrapper = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 64
    path = write_dicom(GREY, syntax=JPEG2000Lossless, encoded=[wrapper])
    with pytest.raises(DataError, match="none that can be read"):
        Dicom().read(Source(paths=(path,)), Limits())


def test_nothing_is_logged_or_warned(
    write_dicom: WriteDicom, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    level = logging.getLogger("pydicom").level
    path = write_dicom(GREY, Modality="MR", PatientAge="050Y", EchoTime="1.25")
    data = path.read_bytes().replace(b"050Y", b"JANE").replace(b"1.25", b"MARY")
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        read = Dicom().read(Source(paths=(path,)), Limits())
    assert not caught
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    assert "PatientAge" not in read.facts
    assert "EchoTime" not in read.facts
    assert logging.getLogger("pydicom").level == level
