"""The image that a policy is drawn on: the user's, one of a store, or a virtual one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage import plugins
from anlage.data.phantoms import CohortConfig, Phantom
from anlage.data.readers import Limits, Source, Unit, read_image
from anlage.data.store import Store
from anlage.data.summary import upright
from anlage.errors import ConfigError
from anlage.modalities import Policy, calibrate, unit_range, view_pixel_mm
from anlage.report._card_image import card_image

__all__ = ["Subject", "subject_of"]

Array = npt.NDArray[np.float32]

_CARD_MM = {"ct": 1.4, "cxr": 1.4, "mri": 1.0, "pet": 1.6}  # of the test card's 256 pixels
_ENDS: dict[str, tuple[float, float]] = {"hu": (-1000.0, 500.0), "suv": (0.0, 12.0)}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One image, of a volume its middle axial slice.

    Attributes:
        unit: (C, rows, columns) in the unit interval.
        spacing_mm: Edges of a pixel; 1 where unknown.
        what: What it is, in words.
    """

    unit: Array
    spacing_mm: tuple[float, float]
    what: str

    def pixel_mm(self, size: Sequence[int]) -> tuple[float, ...] | None:
        """Return the edges in mm of a pixel of a view of some size."""
        return view_pixel_mm([self.spacing_mm], region=self.unit.shape[1:], size=size)


def subject_of(name: str, policy: Policy, *, image: Path | None, store: Path | None) -> Subject:
    """Find the image to draw on.

    Raises:
        ConfigError: If the store holds another modality.
        DataError: If the image or the store cannot be read.
    """
    if store is not None:
        return _of_store(name, policy, Store.open(store))
    if image is not None:
        raw = read_image(Source(paths=(image,)), Limits())
        spacing = raw.spacing_mm or (1.0,) * (raw.pixels.ndim - 1)
        return _subject(
            policy,
            raw.pixels,
            bits=raw.bits,
            unit=raw.unit,
            spacing_mm=spacing,
            what="your image",
        )
    return _virtual(name, policy) or _card(name, policy)


def _of_store(name: str, policy: Policy, store: Store) -> Subject:
    meta = store.meta
    if meta.modality != name:
        raise ConfigError(
            f"a policy of {name} is drawn on a store of {name}, but {store.root} holds "
            f"{meta.modality}. Name that modality, or leave --store out."
        )
    low, high = unit_range(kind=meta.kind, storage=meta.dtype, window=policy.scaling.window(None))
    spacing = tuple(float(edge) for edge in store.spacing_mm[0])
    return _plane(store.image(0), low, high, spacing, "the first image of your store")


def _virtual(name: str, policy: Policy) -> Subject | None:
    """Draw a virtual patient; None if there are none of this modality, or not on this machine."""
    if name not in plugins.available("data/phantoms"):
        return None
    phantom: Phantom = plugins.load("data/phantoms", name)()
    try:
        case = phantom.draw(CohortConfig(size=128, dims=2, lesion_share=1.0), 0)
    except ConfigError:  # an extra package is missing, or it has no such lesions
        return None
    pixels = case.pictures[0].pixels
    return _subject(
        policy,
        pixels,
        bits=8 * pixels.itemsize,
        unit=case.unit,
        spacing_mm=case.spacing_mm,
        what="a virtual patient",
    )


def _card(name: str, policy: Policy) -> Subject:
    card = card_image(name)
    low, high = _ENDS.get(policy.scaling.kind, (0.0, 255.0))
    unit: Unit = "hu" if policy.scaling.kind == "hu" else "display"
    if policy.scaling.kind == "suv":
        card, unit = card**3, "arbitrary"
    pixels = card * (high - low) + low
    pixel_mm = _CARD_MM.get(name, 1.0)
    return _subject(
        policy,
        pixels,
        bits=8 if unit == "display" else 0,
        unit=unit,
        spacing_mm=(pixel_mm, pixel_mm),
        what="a test card",
    )


def _subject(
    policy: Policy,
    pixels: npt.NDArray[Any],
    *,
    bits: int,
    unit: Unit,
    spacing_mm: tuple[float, ...],
    what: str,
) -> Subject:
    """Calibrate one image as a store would."""
    scaling = policy.scaling
    meant: Unit = "hu" if scaling.kind == "hu" and unit == "arbitrary" and bits != 8 else unit
    storage = scaling.storage(bits=bits or 32, unit=meant)
    kind = scaling.kind_of(storage)
    stored = calibrate(pixels, kind=kind, storage=storage, bits=bits, unit=meant)
    low, high = unit_range(kind=kind, storage=storage, window=scaling.window(None))
    return _plane(stored, low, high, spacing_mm, what)


def _plane(
    stored: npt.NDArray[Any], low: float, high: float, spacing_mm: tuple[float, ...], what: str
) -> Subject:
    unit = np.clip((stored.astype(np.float32) - low) / (high - low), 0, 1)
    if unit.ndim == 4:  # a volume in RAS+: the front goes up
        middle = np.moveaxis(unit[..., unit.shape[3] // 2], 0, -1)
        unit = np.moveaxis(upright(middle), -1, 0)
        spacing_mm = (spacing_mm[1], spacing_mm[0])
        what = f"{what}, middle slice"
    return Subject(
        unit=np.ascontiguousarray(unit, dtype=np.float32),
        spacing_mm=(spacing_mm[0], spacing_mm[1]),
        what=what,
    )
