"""The whole plan of a strategy: what its views and masks leave, and what that adds up to.

It is measured for the audit, for the quick look before a pretraining, and again once a recipe was
corrected: by the same function, on the same images, with the same draws of patients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from anlage.alignment.auditor import Auditor, Numbers
from anlage.alignment.following import Followed
from anlage.alignment.intervals import Share, mean_share
from anlage.alignment.score import LIMITS, Light, least_part, light_below, worst
from anlage.transforms import IntensityTransform
from anlage.transforms.views import ViewPlan

__all__ = ["Whole", "light_of_whole", "measure_whole", "shown_plan"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What a whole plan does; None: not measured.

    Attributes:
        numbers: Signal kept, lesions erased and hidden.
        pairs_keep: Share of positive pairs in which both views keep every lesion.
        least: The least share that is kept of what the task needs.
        limited_by: Which part that is.
        kept_parts: All of the parts.
        followed: What happened to every lesion.
    """

    numbers: Numbers
    pairs_keep: Share | None
    least: Share
    limited_by: str | None
    kept_parts: dict[str, float]
    followed: Followed | None

    @property
    def light(self) -> Light:
        """Light of the plan and of the pairs that it makes."""
        return light_of_whole(self.numbers, self.pairs_keep)


def light_of_whole(numbers: Numbers, pairs_keep: Share | None) -> Light:
    """Return the light of a whole plan, and of the pairs that it makes."""
    pairs = light_below(pairs_keep, LIMITS.pairs)
    return worst(numbers.light(is_calibrated=False), pairs)


def shown_plan(auditor: Auditor) -> ViewPlan:
    """Return the plan as its method asks for it: without changes of intensity if it wants none."""
    plan = auditor.strategy.plan
    if auditor.strategy.spec.intensity:
        return plan
    kept = tuple(s for s in plan.steps if not isinstance(s.transform, IntensityTransform))
    return replace(plan, steps=kept)


def measure_whole(auditor: Auditor) -> Whole:
    """Measure what a whole plan keeps, erases and hides, and the least of that."""
    strategy = auditor.strategy
    kept, replicates = auditor.kept(replace(shown_plan(auditor), masking=None))
    seen = auditor.follow(strategy.plan, strategy.spec)
    parts: dict[str, tuple[float, Floats]] = {}
    if kept is not None and kept.value is not None and replicates is not None:
        parts["signal kept"] = (kept.value, replicates)
    numbers, pairs_keep = Numbers(kept=kept), None
    if seen is not None:
        erased, drawn = mean_share(seen.erased(), auditor.weights)
        pair, drawn_pair = mean_share(1 - seen.erased_in_pairs(), auditor.weights)
        is_pair = strategy.is_joint and strategy.spec.num_views > 1
        pairs_keep = pair if is_pair else None
        numbers = replace(numbers, erased=erased)
        if erased.value is not None and pair.value is not None:
            name = "pairs that keep the lesion" if is_pair else "views that keep the lesion"
            parts[name] = (pair.value, drawn_pair) if is_pair else (1 - erased.value, 1 - drawn)
        whole, drawn_hidden = mean_share(seen.hidden_whole(), auditor.weights)
        if whole.value is not None:
            mostly = auditor.share(seen.hidden_mostly())
            numbers = replace(numbers, hidden=whole, hidden_mostly=mostly)
            parts["lesions not hidden whole"] = (1 - whole.value, 1 - drawn_hidden)
    least, limited_by = least_part(parts)
    return Whole(
        numbers=numbers,
        pairs_keep=pairs_keep,
        least=least,
        limited_by=limited_by,
        kept_parts={name: round(value, 4) for name, (value, _) in parts.items()},
        followed=seen,
    )
