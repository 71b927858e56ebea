"""What all 2D phantoms share: from a plan to a scene, and from a painted scene to a case."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from anlage.data.importers import Box
from anlage.data.phantoms import Case, CohortConfig, Phantom, Picture
from anlage.data.phantoms._canvas import Canvas, cover
from anlage.data.phantoms._plan import (
    Plan,
    box_of,
    check_dials,
    check_diameters,
    draw_plan,
    generator,
    lesion_labels,
)
from anlage.data.phantoms._spots import Spot, draw_spots

__all__ = ["FlatPhantom", "Lesions", "Painted", "Scene", "signature"]

Array = npt.NDArray[np.floating[Any]]

_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True, kw_only=True)
class Lesions:
    """The lesions of one picture, drawn or only planned.

    Attributes:
        spots: Their outlines.
        radius: (N, H, W) each pixel's distance from each middle; 1 is the border.
    """

    spots: tuple[Spot, ...]
    radius: Array

    def cover(self, canvas: Canvas, *, edge_mm: float = 0.0) -> Array:
        """Return which part of each pixel is lesion, (H, W).

        Args:
            canvas: What they are drawn on.
            edge_mm: Width of the border; never less than a pixel.
        """
        width = max(edge_mm, canvas.pixel_mm)
        each = [
            cover((far - 1) * np.float32(spot.diameter_mm / 2), width)
            for far, spot in zip(self.radius, self.spots, strict=True)
        ]
        whole: Array = np.max(each, axis=0)
        return whole


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What one picture is to show, and the random numbers to draw it with.

    Attributes:
        name: The modality.
        config: The cohort's dials.
        plan: The patient's truth.
        patient: Number of the patient.
        index: Number of the picture.
        canvas: What it is drawn on.
        site: Eight numbers within [-1, 1], 0 for sites of strength 0: how this hospital acquires.
    """

    name: str
    config: CohortConfig
    plan: Plan
    patient: int
    index: int
    canvas: Canvas
    site: npt.NDArray[np.float64]

    @property
    def contrast(self) -> float:
        """How plainly the planned lesion shows, 0 to 1; 0 in a patient without one."""
        return self.config.lesion_contrast if self.plan.has_lesion else 0.0

    def body(self) -> np.random.Generator:
        """Return random numbers that are the same in every picture of the patient."""
        return generator(self.config.seed, f"{self.name} body", self.patient)

    def draws(self, purpose: str) -> np.random.Generator:
        """Return random numbers of this picture for one purpose."""
        return generator(self.config.seed, f"{self.name} {purpose}", self.patient, self.index)

    def place(self, likely: Array, *, wavy: float = 0.1, stretch: float = 1.25) -> Lesions:
        """Place the planned lesions; see :func:`draw_spots`."""
        spots = draw_spots(
            self.draws("lesion"),
            self.canvas,
            likely,
            self.plan.diameters_mm,
            wavy=wavy,
            stretch=stretch,
        )
        canvas = self.canvas
        return Lesions(
            spots=spots, radius=np.stack([spot.radius(canvas.x, canvas.y) for spot in spots])
        )


@dataclass(frozen=True, kw_only=True)
class Painted:
    """One finished picture.

    Attributes:
        image: (C, H, W) within [0, 1], as acquired.
        clean: The same without blur and noise.
        lesions: Its lesions, planned or drawn.
    """

    image: Array
    clean: Array
    lesions: Lesions


class FlatPhantom(Phantom):
    """A modality of 2D display pictures; a subclass says how a scene is painted.

    Labels: lesion, lesion_mm, num_lesions, lesion_area_mm2, and marked if it has marks.
    """

    dims: ClassVar[tuple[int, ...]] = (2,)
    extra_dials: ClassVar[frozenset[str]] = frozenset({"lesions", "with_clean"})
    fov_mm: ClassVar[float]
    largest_mm: ClassVar[float]

    @abstractmethod
    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; with contrast 0 it shows no lesion, and nothing else changes."""

    @final
    def draw(self, config: CohortConfig, patient: int) -> Case:
        """Draw one patient; see :class:`Phantom`."""
        check_dials(self, config)
        diameters_mm = config.lesion_mm or self.usual_mm
        canvas = Canvas(config.size, self.fov_mm)
        check_diameters(config, diameters_mm, pixel_mm=canvas.pixel_mm, largest_mm=self.largest_mm)
        plan = draw_plan(config, self.kinds, patient, diameters_mm)
        name = type(self).__module__.rpartition(".")[2]
        pictures = []
        for index in range(config.images_per_patient):
            scene = Scene(
                name=name,
                config=config,
                plan=plan,
                patient=patient,
                index=index,
                canvas=canvas,
                site=signature(config, name, plan.site),
            )
            pictures.append(self._finish(scene, self.paint(scene)))
        labels = lesion_labels(plan, dims=2)
        if "marked_share" in self.extra_dials:
            labels["marked"] = "yes" if plan.is_marked else "no"
        return Case(
            pictures=tuple(pictures),
            labels=labels,
            site=f"site-{plan.site + 1}",
            unit="display",
            spacing_mm=(canvas.pixel_mm,) * 2,
        )

    def _finish(self, scene: Scene, painted: Painted) -> Picture:
        value = self.kinds.index(scene.plan.kind) + 1
        mask = np.zeros((scene.canvas.size,) * 2, np.uint8)
        boxes: list[Box] = []
        for far in painted.lesions.radius if scene.plan.has_lesion else ():
            mask[far <= 1] = value
            boxes += box_of((far <= 1).astype(np.uint8), scene.plan.kind)
        return Picture(
            pixels=_eight_bits(painted.image),
            mask=mask,
            boxes=tuple(boxes),
            clean=_eight_bits(painted.clean) if scene.config.with_clean else None,
        )


def signature(
    config: CohortConfig, name: str, site: int, number: int = 8
) -> npt.NDArray[np.float64]:
    """Return a site's own numbers within [-1, 1], times the strength; sites lie well apart.

    They do not depend on how many sites there are: each step of the golden ratio lands in the
    largest gap of the circle that is left.
    """
    rng = generator(config.seed, f"{name} site")
    start, sense = rng.random(number), rng.choice([-1.0, 1.0], number)
    place = (start + sense * site * _GOLDEN) % 1
    own: npt.NDArray[np.float64] = (2 * place - 1) * config.site_strength
    return own


def _eight_bits(image: Array) -> npt.NDArray[np.uint8]:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
