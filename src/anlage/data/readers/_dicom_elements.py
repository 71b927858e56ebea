"""Walk through a DICOM data set without recursion and without reading its values.

It finds where the top-level elements lie, and proves that every length fits into what encloses
it, before any library parses the file: a truncated file, a length that lies, or sequences nested
thousands deep are found here, at the price of a few bytes per element.

Source: DICOM PS3.5 chapter 7 (data elements, sequences, items) and section 6.2.2 (UN).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from anlage.errors import DataError

__all__ = ["Coding", "Contents", "Pixels", "damaged", "truncated", "walk"]

_PIXEL_KEYWORDS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}
_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD
_OPEN = 0xFFFFFFFF  # the length is left open: a delimiter marks the end
_LONG_TYPES = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_PIXEL_TYPES = frozenset((b"OB", b"OW"))
_MAX_ELEMENTS = 2_000_000  # a hostile file of tiny elements must not cost hours


@dataclass(frozen=True, slots=True)
class Coding:
    """How a data set is written: byte order, and whether value types are left out."""

    is_little: bool
    is_implicit: bool


@dataclass(frozen=True, slots=True)
class Pixels:
    """Where the pixels lie.

    Attributes:
        keyword: Name of the element.
        kind: Its value type; empty where the file leaves types out.
        start: First byte of the value.
        end: Byte after the value; the end of the file if ``is_open``.
        is_open: Whether it is a list of compressed fragments, closed by a delimiter.
    """

    keyword: str
    kind: str
    start: int
    end: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What a walk found.

    Attributes:
        spans: First byte and byte after the last of each top-level element, by tag.
        pixels: The pixels, which end the walk; None if there are none.
        is_implicit: Whether value types are left out.
    """

    spans: dict[int, tuple[int, int]]
    pixels: Pixels | None
    is_implicit: bool


@dataclass(slots=True)
class _Level:
    """A part of the file that encloses others; the stack of them replaces recursion."""

    kind: str  # "data set", "sequence" or "fragments"
    limit: int  # nothing inside may reach beyond
    end: int | None  # where it ends; None if a delimiter says so
    is_implicit: bool
    tag: int = 0
    start: int = 0
    depth: int = 0


def walk(stream: BinaryIO, *, start: int, size: int, coding: Coding, max_depth: int) -> Contents:
    """List the top-level elements of a data set, up to and with its pixels.

    Args:
        stream: The file; nothing but element headers is read.
        start: Where the data set starts.
        size: Size of the file in bytes.
        coding: As the transfer syntax states it. Where the first element shows that value
            types are present or missing in spite of it, the element is believed.
        max_depth: How deep sequences may be nested.

    Raises:
        DataError: If the file ends too early, a length reaches beyond what encloses it,
            sequences are nested too deeply, or there are more elements than any image has.
    """
    return _Walker(stream, start=start, size=size, coding=coding, max_depth=max_depth).run()


def truncated() -> DataError:
    """Return the error for a file that ends too early."""
    return DataError(
        "a DICOM file must hold all the bytes that its elements claim, this one ends too early. "
        "It was cut off; copy it again from its source."
    )


def damaged() -> DataError:
    """Return the error for bytes that are no list of elements."""
    return DataError(
        "a DICOM file must be a well-formed list of elements, this one is not. It is damaged; "
        "copy it again from its source."
    )


class _Walker:
    """One pass over a file."""

    def __init__(
        self, stream: BinaryIO, *, start: int, size: int, coding: Coding, max_depth: int
    ) -> None:
        self.stream = stream
        self.size = size
        self.max_depth = max_depth
        self.order = "<" if coding.is_little else ">"
        self.position = start
        self.levels = [_Level("data set", size, size, self._seen(coding.is_implicit))]
        self.spans: dict[int, tuple[int, int]] = {}
        self.pixels: Pixels | None = None

    def run(self) -> Contents:
        for _ in range(_MAX_ELEMENTS):
            level = self.levels[-1]
            is_top = len(self.levels) == 1
            # fewer than 8 bytes at the end are padding
            if self.pixels or (is_top and self.size - self.position < 8):
                return Contents(self.spans, self.pixels, self.levels[0].is_implicit)
            if level.end is not None and self.position >= level.end:
                self._leave()
            elif level.kind == "data set":
                self._element(level, is_top=is_top)
            else:
                self._item(level)
        raise DataError(
            f"a DICOM header may have up to {_MAX_ELEMENTS:,} elements, this one has more. "
            "The file is hostile or damaged; leave it out."
        )

    def _seen(self, is_implicit: bool) -> bool:
        self.stream.seek(self.position + 4)
        kind = self.stream.read(2)
        return not _is_type(kind) if len(kind) == 2 else is_implicit

    def _element(self, level: _Level, *, is_top: bool) -> None:
        """Step over one element, into a sequence, or stop at the pixels."""
        start = self.position
        tag, kind, length = self._head(level)
        if tag == _ITEM_END:
            if level.end is not None:
                raise damaged()
            self._leave()
        elif is_top and tag in _PIXEL_KEYWORDS:
            end = self.size if length is None else self.position + length
            if end > self.size:
                raise truncated()
            self.pixels = Pixels(
                _PIXEL_KEYWORDS[tag], kind.decode("ascii"), self.position, end, length is None
            )
        elif length is None or (kind == b"SQ" and length > 0):
            self._enter(tag, kind, length, start)
        else:
            self.position += length
            if self.position > level.limit:
                raise truncated()
            if is_top:
                self.spans.setdefault(tag, (start, self.position))

    def _head(self, level: _Level) -> tuple[int, bytes, int | None]:
        """Read tag, value type and length of the element here; step to its value."""
        head = self._bytes(8)
        group, number = struct.unpack(self.order + "HH", head[:4])
        tag = group << 16 | number
        kind = head[4:6]
        if level.is_implicit or tag == _ITEM_END or not _is_type(kind):
            kind = b""
            (length,) = struct.unpack(self.order + "L", head[4:])
        elif kind in _LONG_TYPES:
            (length,) = struct.unpack(self.order + "L", self._bytes(4))
        else:
            (length,) = struct.unpack(self.order + "H", head[6:])
        return tag, kind, None if length == _OPEN else length

    def _item(self, level: _Level) -> None:
        group, number, length = struct.unpack(self.order + "HHL", self._bytes(8))
        tag = group << 16 | number
        if tag == _SEQUENCE_END and level.end is None:
            self._leave()
            return
        end = None if length == _OPEN else self.position + length
        if tag != _ITEM or (end is None and level.kind == "fragments"):
            raise damaged()
        if end is not None and end > level.limit:
            raise truncated()
        if level.kind == "fragments":
            assert end is not None
            self.position = end
            return
        limit = level.limit if end is None else end
        self.levels.append(_Level("data set", limit, end, level.is_implicit, depth=level.depth))

    def _enter(self, tag: int, kind: bytes, length: int | None, start: int) -> None:
        level = self.levels[-1]
        if level.depth >= self.max_depth:
            raise DataError(
                f"DICOM sequences may be nested up to {self.max_depth} deep, this file goes "
                "deeper. It is hostile or damaged; leave it out."
            )
        end = None if length is None else self.position + length
        if end is not None and end > level.limit:
            raise truncated()
        is_pixels = kind in _PIXEL_TYPES or tag in _PIXEL_KEYWORDS
        self.levels.append(
            _Level(
                "fragments" if is_pixels else "sequence",
                limit=level.limit if end is None else end,
                end=end,
                # an unknown type of open length holds items without types (PS3.5 6.2.2)
                is_implicit=level.is_implicit or kind == b"UN",
                tag=tag,
                start=start,
                depth=level.depth + 1,
            )
        )

    def _leave(self) -> None:
        level = self.levels.pop()
        if level.end is not None and self.position > level.end:
            raise damaged()
        if len(self.levels) == 1:
            self.spans.setdefault(level.tag, (level.start, self.position))

    def _bytes(self, count: int) -> bytes:
        self.stream.seek(self.position)
        read = self.stream.read(count)
        if len(read) < count:
            raise truncated()
        self.position += count
        return read


def _is_type(kind: bytes) -> bool:
    return all(0x41 <= letter <= 0x5A for letter in kind)
