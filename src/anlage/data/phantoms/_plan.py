"""What a virtual patient is meant to show, before any pixel is drawn; alike in every modality."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anlage.data.importers import Box
from anlage.data.phantoms import CohortConfig
from anlage.errors import ConfigError
from anlage.plugins import nearest

__all__ = ["NO_LESION", "Plan", "box_of", "check_diameters", "draw_plan", "generator"]

NO_LESION = "none"
_AGES = (20.0, 90.0)  # years


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One patient's truth.

    A patient without a lesion has a planned one too, which is not drawn. It decides where the
    images are taken, so that their position says nothing about the class.

    Attributes:
        has_lesion: Whether the planned lesion is drawn.
        kind: Kind of the planned lesion.
        diameter_mm: Diameter of the ball of the planned lesion's volume.
        age: Age in years.
        site: Number of the hospital, from 0.
    """

    has_lesion: bool
    kind: str
    diameter_mm: float
    age: float
    site: int

    @property
    def lesion(self) -> str:
        """The class: the kind of the lesion that is drawn, or ``none``."""
        return self.kind if self.has_lesion else NO_LESION

    @property
    def lesion_mm(self) -> float:
        """Diameter of the lesion that is drawn, in mm; 0 without one."""
        return self.diameter_mm if self.has_lesion else 0.0


def draw_plan(config: CohortConfig, kinds: tuple[str, ...], patient: int) -> Plan:
    """Draw what a patient is to show.

    Each property has its own random number, so that a change of one dial leaves the other
    properties of the patient alone.

    Raises:
        ConfigError: If ``config.classes`` names a kind that is not in ``kinds``.
    """
    classes = config.classes or kinds
    for name in classes:
        if name not in kinds:
            raise ConfigError(
                f"classes must be among {', '.join(kinds)}, got {name!r}."
                f"{nearest(name, kinds)} Correct it, or leave classes empty for all of them."
            )
    rng = generator(config.seed, "plan", patient)
    ill, kind, diameter, age, site, tied = rng.random(6)
    has_lesion = bool(ill < config.lesion_share)
    kind_index = int(kind * len(classes))
    tied_site = (kind_index + 1 if has_lesion else 0) % config.num_sites
    least_mm, largest_mm = config.lesion_mm
    youngest, oldest = _AGES
    return Plan(
        has_lesion=has_lesion,
        kind=classes[kind_index],
        diameter_mm=round(least_mm + diameter * (largest_mm - least_mm), 2),
        age=round(youngest + age * (oldest - youngest), 1),
        site=tied_site if tied < config.shortcut else int(site * config.num_sites),
    )


def check_diameters(config: CohortConfig, *, pixel_mm: float, largest_mm: float) -> None:
    """Refuse lesions that the pixel grid cannot show or the organ cannot hold.

    Raises:
        ConfigError: If a lesion can be under two pixels or over ``largest_mm`` wide.
    """
    low, high = config.lesion_mm
    if low < 2 * pixel_mm or high > largest_mm:
        raise ConfigError(
            f"lesion_mm must lie between {2 * pixel_mm:g} mm (two pixels at size {config.size}) "
            f"and {largest_mm:g} mm, got {low:g} to {high:g} mm. Change lesion_mm or size."
        )


def generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """Return the random numbers of one purpose, which no other purpose shares."""
    key = (zlib.crc32(purpose.encode()), *indices)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def box_of(mask: npt.NDArray[np.uint8], label: str) -> tuple[Box, ...]:
    """Return the tightest box around all that is not background, or nothing for an empty mask."""
    found = np.nonzero(mask)
    if not found[0].size:
        return ()
    low = tuple(float(index.min()) for index in found)
    high = tuple(float(index.max() + 1) for index in found)
    return (Box(low=low, high=high, label=label),)
