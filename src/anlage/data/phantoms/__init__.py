"""Phantoms: virtual patients, one modality per file, with exact ground truth and no patient data.

A phantom is pure: all of a patient follows from the cohort's settings and the patient's number.
So a cohort is reproducible, can be drawn in any order or in parallel, and can be extended
without changing the patients it already has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from anlage.config import BaseConfig
from anlage.data.importers import Box
from anlage.data.readers import Unit

__all__ = ["Case", "CohortConfig", "Phantom", "Picture"]

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=12)]

_EXTRA_DIALS = frozenset({"lesions", "marked_share", "with_clean"})


class CohortConfig(BaseConfig):
    """The dials of a virtual cohort; every phantom that has a dial understands it alike.

    Attributes:
        patients: Patients in the cohort.
        images_per_patient: 2D images of each patient; must be 1 in 3D.
        dims: 2 for pictures, 3 for volumes.
        size: Edge of an image in pixels.
        lesion_mm: Least and largest diameter of a lesion, drawn uniformly; null for what is usual
            in the modality.
        lesions: Fewest and most lesions of a patient who has any, all of one kind.
        lesion_contrast: Share of lesion tissue blended into the lesion: 0 makes it invisible.
        lesion_share: Share of patients with a lesion.
        classes: Lesion kinds that occur, equally often; empty for all that the phantom knows.
        num_sites: Hospitals that the patients come from.
        site_strength: How far the sites' acquisitions differ: 0 not at all, 1 plainly visible.
        shortcut: Share of patients whose site follows from their class, so that a network can
            read the class off the acquisition; the others come from a random site.
        marked_share: Share of patients with a lesion whose images bear a mark that gives it
            away, as readers and machines leave them: calipers, ink, a letter.
        with_clean: Keep each image also without blur and noise, for reconstruction.
        seed: Another seed is another cohort.
    """

    patients: int = Field(default=200, ge=1)
    images_per_patient: int = Field(default=1, ge=1)
    dims: Literal[2, 3] = 2
    size: int = Field(default=64, ge=16, le=512)
    lesion_mm: tuple[float, float] | None = None
    lesions: tuple[Count, Count] = (1, 1)
    lesion_contrast: Share = 0.8
    lesion_share: Share = 0.75
    classes: tuple[str, ...] = ()
    num_sites: int = Field(default=3, ge=1)
    site_strength: Share = 0.5
    shortcut: Share = 0.0
    marked_share: Share = 0.0
    with_clean: bool = False
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        low, high = self.lesion_mm or (1.0, 1.0)
        if not 0 < low <= high:
            raise ValueError(
                f"lesion_mm must be two diameters in mm, the least first, got {low:g} and "
                f"{high:g}. Write for instance lesion_mm: [12, 36]"
            )
        if self.lesions[0] > self.lesions[1]:
            raise ValueError(
                f"lesions must be two numbers, the fewest first, got {self.lesions[0]} and "
                f"{self.lesions[1]}. Write for instance lesions: [1, 4]"
            )
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes must differ from each other. Name each lesion kind once")
        if self.dims == 3 and self.images_per_patient > 1:
            raise ValueError(
                f"images_per_patient must be 1 for volumes, got {self.images_per_patient}. "
                "Raise patients instead"
            )
        if self.shortcut > 0 and self.num_sites == 1:
            raise ValueError(
                "shortcut needs at least 2 sites to tie the classes to, got num_sites 1. "
                "Raise num_sites or set shortcut to 0"
            )
        return self

    @staticmethod
    def extra_dials() -> frozenset[str]:
        """Dials that not every phantom has."""
        return _EXTRA_DIALS


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image of a virtual patient, with what is true of it.

    Attributes:
        pixels: (C, *S) as the scanner would store them: uint8 or uint16 for 2D display
            pictures, int16 for volumes and for Hounsfield units, float32 for SUV.
        mask: (*S) uint8 label map: 0 is background, k is ``Phantom.kinds[k - 1]``.
        boxes: Tightest box around each lesion, from the mask: ``low`` is its first pixel,
            ``high`` one past its last, in array axis order.
        clean: ``pixels`` without blur and noise, if asked for.
    """

    pixels: (
        npt.NDArray[np.uint8]
        | npt.NDArray[np.uint16]
        | npt.NDArray[np.int16]
        | npt.NDArray[np.float32]
    )
    mask: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    clean: npt.NDArray[np.uint8] | npt.NDArray[np.int16] | npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One virtual patient.

    Attributes:
        pictures: ``images_per_patient`` images.
        labels: What is true of the patient, the same columns for every patient of a modality;
            the class is ``lesion``, and ``none`` is one.
        site: Name of the hospital.
        unit: What the pixel values mean.
        spacing_mm: Pixel edge per axis of S, in mm.
        affine: (4, 4) voxel index -> mm in RAS+; None in 2D.
    """

    pictures: tuple[Picture, ...]
    labels: Mapping[str, str | float]
    site: str
    unit: Unit
    spacing_mm: tuple[float, ...]
    affine: npt.NDArray[np.float64] | None = None


class Phantom(ABC):
    """One modality's virtual patients.

    Attributes:
        dims: The dimensions that its images can have.
        usual_mm: Least and largest diameter of a lesion that are usual in this modality.
        extra_dials: Those of ``CohortConfig.extra_dials()`` that it has.
    """

    dims: ClassVar[tuple[int, ...]] = (2, 3)
    usual_mm: ClassVar[tuple[float, float]] = (12.0, 36.0)
    extra_dials: ClassVar[frozenset[str]] = frozenset()

    @property
    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds it can draw; their order fixes the values of the mask."""

    @abstractmethod
    def draw(self, config: CohortConfig, patient: int) -> Case:
        """Draw one patient, from nothing but the arguments.

        Args:
            config: The cohort's dials; ``config.patients`` must not matter.
            patient: Number of the patient, from 0.

        Raises:
            ConfigError: If this modality cannot draw what the dials ask for.
        """
