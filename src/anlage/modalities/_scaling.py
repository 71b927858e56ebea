"""Calibrated intensity: raw values -> stored values (once) -> unit interval (every view).

Stored values keep their meaning: Hounsfield units stay Hounsfield units, so a window can be
chosen per task later. The unit interval is what transforms work in: [0, 1], dark to bright.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from anlage.config import BaseConfig
from anlage.errors import ConfigError, DataError
from anlage.modalities._corrections import colour_constant, main_region

__all__ = ["Kind", "Scaling", "calibrate", "unit_range"]

Kind = Literal[
    "display", "main_region", "colour_constancy", "hu", "suv", "foreground_zscore", "adc"
]
Unit = Literal["hu", "suv", "uptake", "display", "arbitrary"]
Storage = Literal["uint8", "int16", "float16"]

Stored = npt.NDArray[np.generic]

_HU = (-1024, 3071)
_SUV = (0.0, 100.0)
_SUV_PLAUSIBLE = 200.0  # Bq/ml are thousands; urine and injection sites stay below
_ADC = (0.0, 3200.0)  # 1e-6 mm2/s; free water at body temperature has about 3000
_ADC_PLAUSIBLE = (100.0, 50_000.0)
_Z = (-5.0, 5.0)
_CORRECTIONS = {"main_region": main_region, "colour_constancy": colour_constant}


class Scaling(BaseConfig):
    """How a modality's values are read.

    Attributes:
        kind: ``display`` for images whose full range is meant to be seen; ``main_region`` for
            those of them whose largest region is the image, so that all around it becomes
            black; ``colour_constancy`` for those whose colours are brought to neutral light;
            ``hu`` for CT; ``suv`` for PET; ``foreground_zscore`` for MRI, whose numbers have
            no unit; ``adc`` for maps of apparent diffusion, in 1e-6 mm2/s.
        sequences: By name, the kind of those images of a modality that are read otherwise.
        windows: By name, the range of stored values that is spread over the unit interval.
            The first is the default. Empty: the whole range.
        because: One sentence, for the user.
        source: Rule id or citation.
    """

    kind: Kind
    windows: dict[str, tuple[float, float]] = {}
    sequences: dict[str, Kind] = {}
    because: str
    source: str

    def of(self, sequence: str | None) -> Scaling:
        """Return how images of one sequence are read; None for what is usual.

        Raises:
            ConfigError: If no sequence of that name is read otherwise.
        """
        if sequence is None:
            return self
        if sequence not in self.sequences:
            known = ", ".join(self.sequences) or "none in this modality"
            raise ConfigError(
                f"sequence must be one that is scaled in its own way ({known}), got {sequence!r}. "
                "Leave it out for all others."
            )
        return self.model_copy(update={"kind": self.sequences[sequence], "windows": {}})

    def storage(self, *, bits: int, unit: Unit) -> Storage:
        """Return the stored type for a set of images.

        Args:
            bits: Largest number of significant bits in the set.
            unit: What its values mean.
        """
        if self.kind == "hu" and unit == "hu":
            return "int16"
        if self.kind in {"foreground_zscore", "adc"} or (self.kind == "suv" and unit != "display"):
            return "float16"
        return "uint8" if bits <= 8 else "float16"

    def kind_of(self, storage: Storage) -> Kind:
        """Return how values of a stored type are calibrated: pictures of CT or PET as pictures."""
        is_picture = (self.kind == "hu" and storage != "int16") or (
            self.kind == "suv" and storage == "uint8"
        )
        return "display" if is_picture else self.kind

    def window(self, name: str | None) -> tuple[float, float] | None:
        """Return a window by name, the default for None; None where there are no windows.

        Raises:
            ConfigError: If there is no window of that name.
        """
        if name is None:
            return next(iter(self.windows.values()), None)
        if name not in self.windows:
            known = ", ".join(self.windows) or "none"
            raise ConfigError(f"window must be one of: {known}; got {name!r}. Choose another.")
        return self.windows[name]


def calibrate(pixels: Stored, *, kind: Kind, storage: Storage, bits: int, unit: Unit) -> Stored:
    """Turn decoded values into stored values.

    Args:
        pixels: (C, *S), finite, in the source's own values.
        kind: How the modality reads values.
        storage: The store's type.
        bits: Significant bits of an integer source: 8, 12, 16; 0 for a float source.
        unit: ``hu`` if values are Hounsfield units, ``suv`` if they are SUV, ``uptake`` if they
            are PET in another unit, ``display`` if the full range of ``bits``
            is meant to be seen, ``arbitrary`` if the numbers have no meaning of their own.

    Returns:
        (C, *S) of type ``storage``: Hounsfield units clipped to -1024..3071; or SUV clipped to
        0..100; or ADC clipped to 0..3200; or foreground z-scores clipped to -5..5; or 0..255; or
        0..1.

    Raises:
        DataError: If the store holds Hounsfield units, SUV or ADC and these are not.
    """
    if storage == "int16":
        if unit != "hu":
            raise DataError(
                f"this store holds Hounsfield units, but these values are {unit}. Prepare "
                "windowed pictures in a store of their own."
            )
        hounsfield: Stored = np.clip(np.rint(pixels), *_HU).astype(np.int16)
        return hounsfield
    if kind == "suv":
        return _uptake(pixels, unit)
    if kind == "adc":
        return _diffusion(pixels, unit)
    if kind == "foreground_zscore":
        return _foreground_zscore(pixels.astype(np.float32))
    if unit == "display" and bits:
        unit_values = pixels.astype(np.float32) / float(2**bits - 1)
    else:
        unit_values = _robust_unit(pixels.astype(np.float32))
    unit_values = np.clip(unit_values, 0, 1)
    if kind in _CORRECTIONS:
        unit_values = _CORRECTIONS[kind](unit_values)
    stored: Stored = (
        np.rint(unit_values * 255).astype(np.uint8)
        if storage == "uint8"
        else unit_values.astype(np.float16)
    )
    return stored


def unit_range(
    *, kind: Kind, storage: Storage, window: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the stored values that become 0 and 1 in the unit interval."""
    if storage == "int16":
        return window or (float(_HU[0]), float(_HU[1]))
    if kind == "suv" and storage == "float16":
        return window or _SUV
    if kind == "adc":
        return _ADC
    if kind == "foreground_zscore":
        return _Z
    return (0.0, 255.0) if storage == "uint8" else (0.0, 1.0)


def _uptake(values: Stored, unit: Unit) -> npt.NDArray[np.float16]:
    """Take values as SUV; refuse those that cannot be.

    Raises:
        DataError: If they are pictures, or so large that they must be Bq/ml or counts.
    """
    if unit == "display":
        raise DataError(
            "this store holds SUV, but these values are a picture. Prepare pictures of PET in a "
            "store of their own."
        )
    high = float(np.percentile(values.astype(np.float32), 99.9))
    if high > _SUV_PLAUSIBLE:
        raise DataError(
            f"PET must come in SUV, but 1 of 1000 values here lies above {high:.4g}, as Bq/ml or "
            "counts do. Divide by injected activity (decayed to the scan) per body weight in g."
        )
    suv: npt.NDArray[np.float16] = np.clip(values, *_SUV).astype(np.float16)
    return suv


def _diffusion(values: Stored, unit: Unit) -> npt.NDArray[np.float16]:
    """Take values as ADC in 1e-6 mm2/s; refuse those that cannot be.

    Raises:
        DataError: If they are pictures, or of the size that another unit gives.
    """
    high = float(np.percentile(values.astype(np.float32), 99.9))
    least, most = _ADC_PLAUSIBLE
    if unit == "display" or not least <= high <= most:
        came = "a picture" if unit == "display" else f"999 of 1000 values up to {high:.4g}"
        raise DataError(
            f"ADC must come in 1e-6 mm2/s, where tissue has 300 to 3000, but this image has {came}"
            ". Multiply mm2/s by 1,000,000, or 1e-3 mm2/s by 1000."
        )
    adc: npt.NDArray[np.float16] = np.clip(values, *_ADC).astype(np.float16)
    return adc


def _foreground_zscore(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Give each channel mean 0 and deviation 1 inside the foreground (values above its mean)."""
    channels = []
    for channel in values:
        foreground = channel[channel > channel.mean(dtype=np.float64)]
        if foreground.size == 0:  # a constant image has no foreground
            channels.append(np.zeros_like(channel))
            continue
        spread = max(float(foreground.std()), 1e-6 * float(np.abs(channel).max()))
        channels.append((channel - foreground.mean()) / spread)
    scores: npt.NDArray[np.float16] = np.clip(np.stack(channels), *_Z).astype(np.float16)
    return scores


def _robust_unit(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    low, high = np.percentile(values, (0.1, 99.9))
    smallest = float(np.finfo(np.float32).tiny)
    unit: npt.NDArray[np.float32] = (values - low) / max(float(high - low), smallest)
    return unit
