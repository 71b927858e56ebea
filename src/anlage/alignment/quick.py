"""A quick look at a strategy before it is pretrained: what the whole of it loses, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.alignment.auditor import Auditor, Effort, Strategy
from anlage.alignment.intervals import Share
from anlage.alignment.material import Material, Target
from anlage.alignment.score import LIMITS, WIDE, Light, is_clear, light_above, worst
from anlage.alignment.whole import Whole, measure_whole

__all__ = ["Loss", "QuickLook", "look_quickly"]

_EFFORT = Effort(draws=1, replicates=200, factors=())
_PATIENTS = 8  # with lesions: of fewer, drawing patients with replacement says too little
_LESIONS = "lesions"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One thing that views or masks take away.

    Attributes:
        what: What is lost, with ``{}`` for the number.
        share: How much of it, with its interval over patients.
        limit: How much may be.
        label: The label whose signal it is; None for lesions.
    """

    what: str
    share: Share
    limit: float
    label: str | None = None

    @property
    def light(self) -> Light:
        """Light of the loss; a label's whose interval is too wide for a finding is unknown."""
        low, high = self.share.low, self.share.high
        if self.label is not None and (low is None or high is None or high - low > WIDE):
            return "unknown"
        return light_above(self.share, self.limit)

    def says(self) -> str:
        """Return the loss in words, with its number, interval and limit."""
        share = self.share
        low, high = (f"{100 * (end or 0.0):.0f}" for end in (share.low, share.high))
        number = f"{share.value or 0.0:.0%} ({low} to {high}%; limit {self.limit:.0%})"
        return self.what.format(number)


@dataclass(frozen=True, kw_only=True)
class QuickLook:
    """What a quick look found.

    Attributes:
        images: How many were looked at.
        patients: Of how many patients.
        lesion_images: How many of them have a lesion.
        losses: All that was measured.
        unread: Labels that the probe does not read clearly in images as they are.
    """

    images: int
    patients: int
    lesion_images: int
    losses: tuple[Loss, ...]
    unread: tuple[str, ...] = ()

    @property
    def light(self) -> Light:
        """The worst light."""
        return worst(*(loss.light for loss in self.losses))

    @property
    def judged(self) -> tuple[str, ...]:
        """What could be judged: lesions, and labels by name."""
        return self._of(loss for loss in self.losses if loss.light != "unknown")

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Labels of which so few images say too little."""
        wide = self._of(loss for loss in self.losses if loss.light == "unknown")
        return (*wide, *self.unread)

    @staticmethod
    def _of(losses: Iterable[Loss]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(loss.label or _LESIONS for loss in losses))

    def worst_loss(self) -> Loss | None:
        """Return the red loss that is furthest beyond its limit; None if none is red."""
        red = [loss for loss in self.losses if loss.light == "red"]
        return max(red, key=lambda loss: (loss.share.value or 0.0) - loss.limit, default=None)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "light": self.light,
            "images": self.images,
            "patients": self.patients,
            "lesion_images": self.lesion_images,
            "judged": list(self.judged),
            "unjudged": list(self.unjudged),
            "losses": [
                {
                    "what": loss.what.format("a share"),
                    "limit": round(loss.limit, 4),
                    **loss.share.as_json(),
                }
                for loss in self.losses
            ],
        }


def look_quickly(
    material: Material, strategy: Strategy, *, targets: Sequence[Target] = ()
) -> QuickLook:
    """Measure the whole plan of a strategy, once, and none of its parts.

    Args:
        material: Some training images.
        strategy: What pretraining would do to them; its ``signal`` is not read.
        targets: Labels of whose signal views must keep enough.
    """
    has_lesion = _with_lesions(material)
    if len(np.unique(material.patient[has_lesion])) < _PATIENTS:
        material = replace(material, label_maps=None)
        has_lesion = np.zeros(len(material), dtype=bool)
    losses: list[Loss] = []
    unread: list[str] = []
    if has_lesion.any():
        plain = Auditor(material, replace(strategy, signal=None), None, _EFFORT)
        losses += _lesions_lost(measure_whole(plain))
    for target in targets:
        bare = replace(material, label_maps=None)  # lesions are followed once, not per label
        reader = Auditor(bare, replace(strategy, signal="global"), target, _EFFORT)
        name = target.name
        if reader.clean is None or not is_clear(reader.clean.share()):
            unread.append(name)
            continue
        kept = measure_whole(reader).numbers.kept
        if kept is not None and kept.value is not None:
            what = "views lose {} of what tells " + name.replace("{", "{{").replace("}", "}}")
            limit = 1 - LIMITS.kept
            losses.append(Loss(what=what, share=_rest(kept), limit=limit, label=name))
    return QuickLook(
        images=len(material),
        patients=len(np.unique(material.patient)),
        lesion_images=int(has_lesion.sum()),
        losses=tuple(losses),
        unread=tuple(unread),
    )


def _with_lesions(material: Material) -> npt.NDArray[np.bool_]:
    if material.label_maps is None:
        return np.zeros(len(material), dtype=bool)
    found: npt.NDArray[np.bool_] = (material.label_maps.flatten(1) > 0).any(dim=1).numpy()
    return found


def _lesions_lost(whole: Whole) -> Iterator[Loss]:
    numbers, limits = whole.numbers, LIMITS
    if whole.pairs_keep is not None and whole.pairs_keep.value is not None:
        what = "{} of pairs of views lose more than half of a lesion in one of the two"
        yield Loss(what=what, share=_rest(whole.pairs_keep), limit=1 - limits.pairs)
    for share, limit, what in (
        (numbers.erased, limits.erased, "{} of views lose more than half of a lesion"),
        (numbers.hidden, limits.hidden, "{} of masks hide a lesion whole"),
    ):
        if share is not None and share.value is not None:
            yield Loss(what=what, share=share, limit=limit)


def _rest(share: Share) -> Share:
    """Return what is left to 1, with its interval turned round, from 0 to 1.

    A gain is no loss, and views that mislead the probe lose no more than all.
    """
    value, low, high = (
        None if end is None else min(max(1 - end, 0.0), 1.0)
        for end in (share.value, share.high, share.low)
    )
    return Share(value=value, low=low, high=high)
