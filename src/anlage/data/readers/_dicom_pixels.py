"""Decode the frames of a DICOM file to stored numbers; nothing is rescaled or inverted here.

Every size is compared with what the file holds before a decoder allocates: native pixels by
their length, compressed ones by their number of fragments and by the size that each codestream
claims for itself.
"""

from __future__ import annotations

import math
import struct
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import RLELossless

from anlage.data.readers import Limits
from anlage.data.readers._codestream import coded_size
from anlage.data.readers._dicom_elements import Pixels, damaged, truncated
from anlage.data.readers._dicom_file import DicomFile
from anlage.data.readers._dicom_format import PixelFormat
from anlage.data.readers._dicom_palette import looked_up
from anlage.data.readers._quiet import FAULTS
from anlage.errors import DataError

__all__ = ["check_frames", "decode"]

_ITEM = 0xFFFEE000
_SEQUENCE_END = 0xFFFEE0DD


def decode(
    file: DicomFile, layout: PixelFormat, limits: Limits
) -> tuple[npt.NDArray[np.generic], list[str]]:
    """Decode all frames.

    Returns:
        Stored numbers, (frames, rows, columns) or (frames, rows, columns, 3); colours are RGB.
        And notes on what was repaired.

    Raises:
        DataError: If the pixels are damaged or cut off, do not fit the header, or need a codec
            that is not installed.
    """
    decoder = _decoder(file)
    source, notes = _source(file, layout, limits, is_native=decoder.is_native)
    try:
        frames, _ = decoder.as_array(source, **_options(file, layout))
    except FAULTS:
        raise DataError(
            "the pixels of a DICOM file must be decodable, these are not. They are damaged or "
            "do not fit the header; copy the file again from its source."
        ) from None
    channels = (3,) if layout.samples == 3 else ()
    expected = (layout.frames, layout.rows, layout.columns, *channels)
    if frames.size != math.prod(expected):
        raise damaged()
    frames = frames.reshape(expected)
    if layout.is_palette:
        frames, more = looked_up(frames, file.dataset, is_little=file.is_little)
        notes += more
    return frames.astype(frames.dtype.newbyteorder("="), copy=False), notes


def check_frames(file: DicomFile, layout: PixelFormat) -> None:
    """Compare what the header claims with the bytes that are there; decodes nothing.

    Raises:
        DataError: As in :func:`decode`.
    """
    decoder = _decoder(file)
    assert file.pixels is not None
    if decoder.is_native:
        _padding(file.pixels, layout)
    else:
        with file.open() as stream:
            _check_fragments(stream, file.pixels, layout)


def _decoder(file: DicomFile) -> Decoder:
    try:
        decoder = get_decoder(file.syntax)
    except FAULTS:
        raise DataError(
            "this DICOM file is compressed in a way that Anlage cannot read. Decompress it "
            "with a DICOM tool, such as dcmdjpeg or gdcmconv --raw."
        ) from None
    if not decoder.is_available:
        raise DataError(
            f"this DICOM file is compressed as {decoder.UID.name}, and no codec for that is "
            "installed. Run: pip install 'anlage[dicom]'"
        )
    return decoder


def _source(
    file: DicomFile, layout: PixelFormat, limits: Limits, *, is_native: bool
) -> tuple[bytes, list[str]]:
    pixels = file.pixels
    assert pixels is not None
    with file.open() as stream:
        if is_native:
            notes = _padding(pixels, layout)
            stream.seek(pixels.start)
            return stream.read(layout.num_bytes + layout.num_bytes % 2), notes
        end = _check_fragments(stream, pixels, layout)
        if end - pixels.start > limits.max_bytes:
            raise DataError(
                f"compressed pixels may take up to {limits.max_bytes:,} bytes, these take "
                f"{end - pixels.start:,}. If that is right, raise max_bytes."
            )
        stream.seek(pixels.start)
        source = stream.read(end - pixels.start)
    if file.syntax != RLELossless:
        _check_codestreams(source, layout)
    return source, []


def _padding(pixels: Pixels, layout: PixelFormat) -> list[str]:
    """Compare the length of native pixels with the header; return notes on the surplus."""
    if pixels.is_open:
        raise damaged()
    held, claimed = pixels.end - pixels.start, layout.num_bytes
    if held < claimed:
        raise DataError(
            f"the pixels must take {claimed:,} bytes by the header ({layout.frames} x "
            f"{layout.rows} x {layout.columns}), the file holds {held:,}. It was cut off or its "
            "header lies; copy it again from its source."
        )
    surplus = held - claimed
    if surplus >= claimed // layout.frames:
        raise DataError(
            f"the pixels must take {claimed:,} bytes by the header ({layout.frames} x "
            f"{layout.rows} x {layout.columns}), the file holds {held:,}, enough for further "
            "frames. Its header lies about frames or bits; export it again."
        )
    if surplus == claimed % 2:  # the standard pads to an even length
        return []
    if surplus == 0:
        return ["pixels of odd length accepted"]
    return [f"{surplus} padding bytes after the pixels dropped"]


def _check_fragments(stream: BinaryIO, pixels: Pixels, layout: PixelFormat) -> int:
    """Walk over compressed fragments; return where they end."""
    if not pixels.is_open:
        raise damaged()
    stream.seek(pixels.start)
    position, count = pixels.start, -1  # the first item is the offset table
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise truncated()
        group, number, length = struct.unpack("<HHL", head)
        tag = group << 16 | number
        position += 8
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise damaged()
        position += length
        if position > pixels.end:
            raise truncated()
        stream.seek(position)
        count += 1
    if count < layout.frames:
        raise DataError(
            f"a compressed DICOM file must hold at least one fragment per frame, it claims "
            f"{layout.frames} frames and holds {max(count, 0)} fragments. It was cut off or its "
            "header lies; copy it again from its source."
        )
    return position


def _check_codestreams(source: bytes, layout: PixelFormat) -> None:
    expected = (layout.rows, layout.columns, layout.samples)
    try:
        sizes = [coded_size(f) for f in generate_frames(source, number_of_frames=layout.frames)]
    except FAULTS:
        raise damaged() from None
    for size in sizes[: layout.frames]:
        if size != expected:
            came = "none that can be read" if size is None else f"{size}"
            raise DataError(
                f"a compressed frame must be {expected} (rows, columns, samples) as the header "
                f"says, its own size is {came}. The file is damaged; export it again."
            )


def _options(file: DicomFile, layout: PixelFormat) -> dict[str, Any]:
    assert file.pixels is not None
    options = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": layout.frames,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "planar_configuration": layout.planar,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "pixel_keyword": file.pixels.keyword,
        "pixel_vr": file.pixels.kind,
        "allow_excess_frames": False,
    }
    if file.syntax == RLELossless:
        # pylibjpeg-rle, a compiled plug-in, panics on damaged runs, which no handler catches
        options["decoding_plugin"] = "pydicom"
    table = file.dataset.get("ExtendedOffsetTable")
    lengths = file.dataset.get("ExtendedOffsetTableLengths")
    if isinstance(table, bytes) and isinstance(lengths, bytes):
        options["extended_offsets"] = (table, lengths)
    return options
