"""The Image Pixel module of a DICOM file: how its pixels are laid out, checked for sense.

Source: DICOM PS3.3 C.7.6.3 and PS3.5 section 8.
"""

from __future__ import annotations

from dataclasses import dataclass

from anlage.data.readers import Limits
from anlage.data.readers._dicom_file import DicomFile
from anlage.data.readers._dicom_tags import NOT_IMAGES
from anlage.data.readers._dicom_values import text, whole
from anlage.data.readers._sizes import check_pixels, check_size
from anlage.errors import DataError

__all__ = ["PixelFormat", "pixel_format"]

_GREY = frozenset(("MONOCHROME1", "MONOCHROME2"))
_COLOUR = frozenset(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"))
_PALETTE = "PALETTE COLOR"
_FLOAT_BITS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelFormat:
    """What a file says of its pixels.

    Attributes:
        rows: Rows of a frame.
        columns: Columns of a frame.
        frames: Number of frames.
        samples: Stored numbers per pixel, 1 or 3.
        photometric: What the numbers mean, such as ``MONOCHROME2``.
        planar: Whether each colour is stored as a plane of its own, 0 or 1.
        bits_allocated: Bits that one number takes in the file.
        bits_stored: Bits of them that are used.
        is_signed: Whether numbers may be negative.
        is_float: Whether they are floating point.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    planar: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    is_float: bool

    @property
    def is_colour(self) -> bool:
        """Whether a decoded pixel has three channels."""
        return self.samples == 3 or self.is_palette

    @property
    def is_palette(self) -> bool:
        """Whether stored numbers are looked up in a table of colours."""
        return self.photometric == _PALETTE

    @property
    def is_inverted(self) -> bool:
        """Whether the lowest number is shown white."""
        return self.photometric == "MONOCHROME1"

    @property
    def num_bytes(self) -> int:
        """Bytes of all frames in the file if they are not compressed, without padding."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        bits = self.rows * self.columns * samples * self.frames * self.bits_allocated
        return -(-bits // 8)


def pixel_format(file: DicomFile, limits: Limits) -> PixelFormat:
    """Read and check how the pixels of a file are laid out.

    Raises:
        DataError: If the file is no image, an element is missing or makes no sense, or the
            image exceeds a limit.
    """
    dataset = file.dataset
    kind = NOT_IMAGES.get(text(dataset, "Modality") or "")
    if kind:
        raise DataError(f"an image was expected, got {kind}. Leave it out.")
    if file.pixels is None:
        raise DataError(
            "a DICOM image must hold pixels, this file has none. It is no image, or it was cut "
            "off; leave it out or copy it again."
        )
    float_bits = _FLOAT_BITS.get(file.pixels.keyword)
    bits_allocated = float_bits or whole(dataset, "BitsAllocated", low=1, high=32)
    if bits_allocated not in (1, 8, 16, 32, 64):
        raise DataError(
            f"DICOM BitsAllocated must be 1, 8, 16 or 32, got {bits_allocated}. Convert the "
            "file with a DICOM tool."
        )
    photometric, samples = _colour_space(file, bits_allocated)
    layout = PixelFormat(
        rows=whole(dataset, "Rows", low=1, high=65535),
        columns=whole(dataset, "Columns", low=1, high=65535),
        frames=whole(dataset, "NumberOfFrames", low=1, high=2**31 - 1, default=1),
        samples=samples,
        photometric=photometric,
        planar=whole(dataset, "PlanarConfiguration", low=0, high=1, default=0),
        bits_allocated=bits_allocated,
        bits_stored=float_bits or _bits_stored(file, bits_allocated),
        is_signed=not float_bits
        and whole(dataset, "PixelRepresentation", low=0, high=1, default=0) == 1,
        is_float=float_bits is not None,
    )
    check_pixels(layout.rows, layout.columns, limits)
    itemsize = max(layout.bits_allocated // 8, 1)
    channels = 3 if layout.is_colour else 1
    check_size(
        (channels, layout.rows, layout.columns, layout.frames), itemsize=itemsize, limits=limits
    )
    return layout


def _colour_space(file: DicomFile, bits_allocated: int) -> tuple[str, int]:
    photometric = text(file.dataset, "PhotometricInterpretation") or ""
    samples = whole(file.dataset, "SamplesPerPixel", low=1, high=4, default=1)
    expected = 3 if photometric in _COLOUR else 1
    if photometric not in _GREY | _COLOUR | {_PALETTE} or samples != expected:
        raise DataError(
            "a DICOM image must be grey (MONOCHROME1, MONOCHROME2) or a palette with one sample "
            f"per pixel, or RGB or YBR with three; got another mix, with {samples}. Convert it "
            "to RGB with a DICOM tool."
        )
    if photometric.startswith("YBR") and bits_allocated != 8:
        raise DataError(
            f"YBR colours must have 8 bits per sample, got {bits_allocated}. Convert the image "
            "to RGB with a DICOM tool."
        )
    return photometric, samples


def _bits_stored(file: DicomFile, bits_allocated: int) -> int:
    stored = whole(file.dataset, "BitsStored", low=1, high=bits_allocated)
    high_bit = whole(file.dataset, "HighBit", low=0, high=bits_allocated - 1, default=stored - 1)
    if high_bit != stored - 1:
        raise DataError(
            f"DICOM HighBit must be BitsStored - 1 = {stored - 1}, got {high_bit}. The file "
            "follows a retired layout; convert it with a DICOM tool."
        )
    return stored
