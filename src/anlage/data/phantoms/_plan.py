"""What a virtual patient is meant to show, before any pixel is drawn; alike in every modality."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anlage.data.importers import Box
from anlage.data.phantoms import CohortConfig, Phantom
from anlage.errors import ConfigError
from anlage.plugins import nearest

__all__ = [
    "NO_LESION",
    "Plan",
    "box_of",
    "check_dials",
    "check_diameters",
    "draw_plan",
    "generator",
    "lesion_labels",
]

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
        diameters_mm: Diameter of each planned lesion: of the ball of its volume, or, in pictures
            that are no slices, of the disc of its area. All are of one kind.
        age: Age in years.
        site: Number of the hospital, from 0.
        is_marked: Whether a mark of a reader or of the machine gives the lesion away.
    """

    has_lesion: bool
    kind: str
    diameters_mm: tuple[float, ...]
    age: float
    site: int
    is_marked: bool = False

    @property
    def diameter_mm(self) -> float:
        """Diameter of the first planned lesion."""
        return self.diameters_mm[0]

    @property
    def lesion(self) -> str:
        """The class: the kind of the lesion that is drawn, or ``none``."""
        return self.kind if self.has_lesion else NO_LESION

    @property
    def lesion_mm(self) -> float:
        """Diameter of the largest lesion that is drawn, in mm; 0 without one."""
        return max(self.diameters_mm) if self.has_lesion else 0.0


def draw_plan(
    config: CohortConfig,
    kinds: tuple[str, ...],
    patient: int,
    range_mm: tuple[float, float],
) -> Plan:
    """Draw what a patient is to show.

    Args:
        config: The cohort's dials.
        kinds: The kinds that the phantom knows.
        patient: Number of the patient.
        range_mm: Least and largest diameter.

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
    number, marked = rng.random(2)
    fewest, most = config.lesions
    further = rng.random(fewest + int(number * (most - fewest + 1)) - 1)
    has_lesion = bool(ill < config.lesion_share)
    kind_index = int(kind * len(classes))
    tied_site = (kind_index + 1 if has_lesion else 0) % config.num_sites
    least_mm, largest_mm = range_mm
    digits = 2 if least_mm >= 1 else 4
    youngest, oldest = _AGES
    return Plan(
        has_lesion=has_lesion,
        kind=classes[kind_index],
        diameters_mm=tuple(
            round(float(least_mm + share * (largest_mm - least_mm)), digits)
            for share in (diameter, *further)
        ),
        age=round(youngest + age * (oldest - youngest), 1),
        site=tied_site if tied < config.shortcut else int(site * config.num_sites),
        is_marked=bool(has_lesion and marked < config.marked_share),
    )


def lesion_labels(plan: Plan, *, dims: int) -> dict[str, str | float]:
    """Return the labels of classification, counting and regression: kind, size, number, burden."""
    drawn = np.array(plan.diameters_mm if plan.has_lesion else ())
    burden = np.pi / (4 if dims == 2 else 6) * (drawn**dims).sum()
    return {
        "lesion": plan.lesion,
        "lesion_mm": plan.lesion_mm,
        "num_lesions": float(len(drawn)),
        "lesion_area_mm2" if dims == 2 else "lesion_volume_mm3": float(f"{burden:.4g}"),
    }


def check_dials(phantom: Phantom, config: CohortConfig) -> None:
    """Refuse dials that a modality cannot turn.

    Raises:
        ConfigError: If it has no images of these dimensions, or lacks a dial that is turned.
    """
    modality = type(phantom).__module__.rpartition(".")[2]
    if config.dims not in phantom.dims:
        possible = " or ".join(str(dims) for dims in phantom.dims)
        raise ConfigError(
            f"dims must be {possible} for {modality}, got {config.dims}. Set it so, or choose "
            "ct, mri or pet for volumes."
        )
    for name in CohortConfig.extra_dials() - phantom.extra_dials:
        if getattr(config, name) != CohortConfig.model_fields[name].default:
            raise ConfigError(
                f"{modality} has no dial {name}, but it is set to {getattr(config, name)!r}. "
                "Leave it out, or choose a modality that has it."
            )


def check_diameters(
    config: CohortConfig, range_mm: tuple[float, float], *, pixel_mm: float, largest_mm: float
) -> None:
    """Refuse lesions that the pixel grid cannot show or the organ cannot hold.

    Raises:
        ConfigError: If a lesion can be under two pixels or over ``largest_mm`` wide.
    """
    low, high = range_mm
    if low < (2 - 1e-9) * pixel_mm or high > largest_mm:
        least = math.ceil(1000 * 2 * pixel_mm) / 1000  # of three digits, and not below two pixels
        kept = low if least <= low <= largest_mm else least
        fitting = f"{kept:g},{min(max(high, least), largest_mm):g}"
        size = math.ceil(config.size * 2 * pixel_mm / low - 1e-6)
        remedies = [
            *([f"--lesion-mm {fitting}"] if least <= largest_mm else []),
            *([f"--size {size}"] if low < least and high <= largest_mm else []),
        ]
        raise ConfigError(
            f"lesion_mm must lie between {2 * pixel_mm:g} mm (two pixels at size {config.size}) "
            f"and {largest_mm:g} mm, got {low:g} to {high:g} mm. Give "
            f"{' or '.join(remedies) or 'a larger --size'}."
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
