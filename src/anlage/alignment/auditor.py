"""What is audited, how hard, and the measurements that every part of a plan gets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.alignment.following import Followed, contrasts, follow, found_lesions
from anlage.alignment.intensity import ValueChange, value_change
from anlage.alignment.intervals import Share, mean_share, patient_weights
from anlage.alignment.material import Material, Target
from anlage.alignment.preservation import (
    Reading,
    Viewed,
    kept_signal,
    read_images,
    read_places,
    views_of,
)
from anlage.alignment.score import (
    LIMITS,
    Light,
    light_above,
    light_below,
    light_of_values,
    worst,
)
from anlage.alignment.strength import alone, crop_alone
from anlage.transforms import IntensityTransform
from anlage.transforms.masking import ErrorMap
from anlage.transforms.views import Step, ViewPlan
from anlage.types import Signal, ViewSpec

__all__ = ["CROP", "MASK", "Auditor", "Effort", "Finding", "Numbers", "Strategy"]

Floats = npt.NDArray[np.float64]

CROP, MASK = "crop", "mask"


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What is audited.

    Attributes:
        plan: What pretraining does to images.
        spec: What its method asks for.
        modality: Name of the modality.
        region: Edges of what is read from the store.
        patch: Edge of a transformer's patch, or None.
        is_joint: Whether the method draws two views of an image together.
        is_calibrated: Whether values have a unit (HU, SUV).
        signal: What the task reads; None if no task is known.
        errors: The method's error, for masks that it guides.
    """

    plan: ViewPlan
    spec: ViewSpec
    modality: str
    region: tuple[int, ...]
    patch: int | None = None
    is_joint: bool = True
    is_calibrated: bool = False
    signal: Signal | None = None
    errors: ErrorMap | None = None


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured.

    Attributes:
        seed: Seed of views, folds and patients.
        draws: Views of each image per measurement.
        replicates: Draws of patients.
        factors: Strengths besides 1 at which transforms are also measured.
    """

    seed: int = 0
    draws: int = 2
    replicates: int = 200
    factors: tuple[float, ...] = (0.5, 2.0)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What one part of a plan does at one strength; None: not measured.

    Attributes:
        settings: Those that differ from the run's.
        kept: Share of the signal that views keep.
        erased: Share of views with less than half of a lesion.
        faded: Share of views with less than half of a lesion's contrast.
        hidden: Share of lesions that a mask hides whole.
        hidden_mostly: Share of which it hides more than half.
        values: What happens to values.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    kept: Share | None = None
    erased: Share | None = None
    faded: Share | None = None
    hidden: Share | None = None
    hidden_mostly: Share | None = None
    values: ValueChange | None = None

    def light(self, *, is_calibrated: bool) -> Light:
        """Return the worst light of all that was measured."""
        return worst(
            light_below(self.kept, LIMITS.kept),
            light_above(self.erased, LIMITS.erased),
            light_above(self.faded, LIMITS.erased),
            light_above(self.hidden, LIMITS.hidden),
            light_of_values(self.values, is_calibrated=is_calibrated),
        )


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One part of the plan: the crop, one transform, or the mask.

    Attributes:
        name: As the recipe calls it.
        light: Of the strength that the run uses.
        at: Numbers by strength; 1 is the run's.
        chance: Share of views that get it.
    """

    name: str
    light: Light
    at: dict[float, Numbers]
    chance: float = 1.0


class Auditor:
    """Measures parts of one strategy on the same images with the same draws of patients."""

    def __init__(
        self, material: Material, strategy: Strategy, target: Target | None, effort: Effort
    ) -> None:
        self.material, self.strategy, self.target, self.effort = material, strategy, target, effort
        self.weights = patient_weights(
            material.patient, replicates=effort.replicates, seed=effort.seed
        )
        self.lesions = found_lesions(material)
        self.clean: Reading | None = self.read(None)

    def read(self, plan: ViewPlan | None) -> Reading | None:
        """Read the task's signal from views; from the images as they are if there is no plan."""
        seed, signal = self.effort.seed, self.strategy.signal
        shown, number = plan or self.strategy.plan, 0 if plan else None

        def views(draw: int) -> Viewed:
            own = None if number is None else draw
            return views_of(self.material, shown, seed=seed, number=own)

        draws = self.effort.draws
        if signal == "dense" and self.lesions is not None:
            return read_places(views, self.material, self.weights, seed=seed)
        if signal == "global" and self.target is not None:
            draws = draws if plan else 1
            return read_images(
                views, self.material, self.target, self.weights, draws=draws, seed=seed
            )
        return None

    def kept(self, plan: ViewPlan) -> tuple[Share | None, Floats | None]:
        """Return the share of the signal that a plan's views keep; None if there is none."""
        if self.clean is None or not self.clean.is_above_chance:
            return None, None
        view = self.read(plan)
        found = None if view is None else kept_signal(self.clean, view)
        return (None, None) if found is None else (found.share, found.replicates)

    def follow(self, plan: ViewPlan, spec: ViewSpec) -> Followed | None:
        """Follow lesions through the views of a plan."""
        if self.lesions is None:
            return None
        effort = self.effort
        return follow(
            self.material,
            self.lesions,
            plan,
            spec,
            seed=effort.seed,
            draws=effort.draws,
            errors=self.strategy.errors,
        )

    def share(self, values: Floats) -> Share:
        """Return the mean over images with its interval over patients."""
        return mean_share(values, self.weights)[0]

    def crop(self, scale: tuple[float, float], *, with_signal: bool = True) -> Numbers:
        """Measure cropping alone."""
        plan = crop_alone(self.strategy.plan, scale)
        seen = self.follow(plan, replace(self.strategy.spec, is_masked=False))
        return Numbers(
            settings={"crop_scale": list(scale)},
            kept=self.kept(plan)[0] if with_signal else None,
            erased=None if seen is None else self.share(seen.erased()),
        )

    def step(self, step: Step, settings: dict[str, Any] | None = None) -> Numbers:
        """Measure one transform alone."""
        plan = alone(self.strategy.plan, step, settings)
        (only,) = plan.steps
        seen = faded = values = None
        if isinstance(only.transform, IntensityTransform):
            values = value_change(
                self.material,
                plan,
                only,
                seed=self.effort.seed,
                is_stained=self.strategy.modality == "histology",
            )
            if self.lesions is not None:
                lost = contrasts(
                    self.material,
                    self.lesions,
                    plan,
                    seed=self.effort.seed,
                    draws=self.effort.draws,
                )
                faded = self.share(lost)
        else:
            seen = self.follow(plan, replace(self.strategy.spec, num_views=1, is_masked=False))
        return Numbers(
            settings=settings or {},
            kept=self.kept(plan)[0],
            erased=None if seen is None else self.share(seen.erased()),
            faded=faded,
            values=values,
        )

    def mask(self, plan: ViewPlan) -> Numbers:
        """Measure what masks hide of lesions, in views as the whole plan makes them."""
        seen = self.follow(plan, self.strategy.spec)
        if seen is None:
            return Numbers()
        return Numbers(
            hidden=self.share(seen.hidden_whole()), hidden_mostly=self.share(seen.hidden_mostly())
        )
