"""The size that compressed pictures claim for themselves."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from anlage.data.readers._codestream import coded_size


def packed(kind: str, channels: int = 1, **options: object) -> bytes:
    pixels = np.zeros((30, 50, 3) if channels == 3 else (30, 50), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"comment": b"x" * 60_000}),
        ("JPEG2000", {"no_jp2": True}),
        ("JPEG2000", {"no_jp2": False}),
    ],
)
def test_sizes(kind: str, options: dict[str, object], channels: int) -> None:
    assert coded_size(packed(kind, channels, **options)) == (30, 50, channels)


def test_jpeg_ls() -> None:
    head = b"\xff\xd8\xff\xf7" + struct.pack(">HBHHB", 11, 12, 30, 50, 1)
    assert coded_size(head) == (30, 50, 1)
    assert coded_size(b"\xff\xd8\xff\xff\xff\xd0" + head[2:]) == (30, 50, 1), "fill bytes"


def test_image_offset_in_jpeg_2000() -> None:
    data = packed("JPEG2000", no_jp2=True)
    shifted = data[:8] + struct.pack(">4L", 60, 50, 10, 20) + data[24:]
    assert coded_size(shifted) == (30, 50, 1)


def test_no_codestream() -> None:
    for data in (b"", b"hello", b"\xff\xd8", b"\xff\xd8\xff\xda\0\x02", b"\xff\x4f\xff\x51"):
        assert coded_size(data) is None
    assert coded_size(packed("JPEG2000", no_jp2=True)[1:]) is None


def test_wrapper_that_lies() -> None:
    data = packed("JPEG2000", no_jp2=False)
    at = data.index(b"ihdr") + 4
    assert coded_size(data[:at] + struct.pack(">L", 60_000) + data[at + 4 :]) is None


def test_box_without_length_ends() -> None:
    """pydicom 3.0.2 never returns from this one."""
    data = packed("JPEG2000", no_jp2=False)
    assert coded_size(data[:12] + b"\0" * 8 + data[12:]) is None


@given(st.binary(max_size=80))
def test_any_bytes(tail: bytes) -> None:
    for start in (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"):
        found = coded_size(start + tail)
        assert found is None or len(found) == 3
