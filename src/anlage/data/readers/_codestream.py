"""Read the size of a JPEG, JPEG-LS or JPEG 2000 picture without decoding it.

A codec allocates what its own codestream claims, which need not be what the DICOM header
claims: a picture of 1 KB may ask for gigabytes.

Source: ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annex A (JPEG 2000).
"""

from __future__ import annotations

import struct

__all__ = ["coded_size"]

_START = b"\xff\xd8"
_J2K_START = b"\xff\x4f\xff\x51"
_JP2_START = b"\0\0\0\x0cjP  "
_JP2_CODESTREAM = b"jp2c"
_JP2_HEADER = b"ihdr"
_BOX_HEAD = 8
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def coded_size(stream: bytes) -> tuple[int, int, int] | None:
    """Return (rows, columns, components) of a codestream; None if it has no such header."""
    try:
        if stream.startswith(_START):
            return _jpeg_size(stream)
        at = _unboxed(stream) if stream.startswith(_JP2_START) else 0
        if stream[at : at + 4] != _J2K_START:
            return None
        size = _j2k_size(stream, at)
        return size if _box_agrees(stream[:at], size) else None
    except (struct.error, IndexError):
        return None


def _jpeg_size(stream: bytes) -> tuple[int, int, int] | None:
    position = len(_START)
    while True:
        if stream[position] != 0xFF:
            return None
        marker = stream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _LONE_MARKERS:
            position += 2
        elif marker in _FRAME_MARKERS:
            rows, columns, components = struct.unpack_from(">HHB", stream, position + 5)
            return rows, columns, components
        else:
            (length,) = struct.unpack_from(">H", stream, position + 2)
            position += 2 + length


def _unboxed(stream: bytes) -> int:
    """Return where the codestream starts in a JP2 file, or the end.

    Boxes are followed as pydicom 3.0.2 follows them, because a box of length 0 keeps that in a
    loop without end.
    """
    position = 0
    while True:
        length, kind = struct.unpack_from(">L4s", stream, position)
        if kind == _JP2_CODESTREAM:
            return position + _BOX_HEAD
        if length < _BOX_HEAD:
            return len(stream)
        position += length


def _box_agrees(wrapper: bytes, size: tuple[int, int, int]) -> bool:
    """Whether the size that a JP2 file states for the whole picture is the codestream's."""
    at = wrapper.find(_JP2_HEADER)
    if at < 0:
        return True
    rows, columns = struct.unpack_from(">LL", wrapper, at + len(_JP2_HEADER))
    return (rows, columns) == size[:2]


def _j2k_size(stream: bytes, at: int) -> tuple[int, int, int]:
    right, bottom, left, top = struct.unpack_from(">4L", stream, at + 8)
    (components,) = struct.unpack_from(">H", stream, at + 40)
    return bottom - top, right - left, components
