"""What to do where an audit ends red and has no correction to propose."""

from __future__ import annotations

from dataclasses import replace

from anlage.alignment.auditor import CROP, MASK, Finding
from anlage.alignment.intervals import Share
from anlage.alignment.measure import Audit
from anlage.alignment.score import LIMITS, WIDE, is_clear, light_above, light_below

__all__ = ["next_by_hand"]

_SITE = (
    "simulate the difference between sites in views, or test on other sites, before you pretrain"
)


def next_by_hand(audit: Audit) -> str | None:
    """Return what to do by hand, in a sentence; None where nothing is red, or a correction is.

    Where only the signal of a label is red, and a probe reads it badly or its interval is wide,
    no part is to blame: more images are to be looked at.
    """
    if audit.corrections:
        return None
    red = [found for found in audit.findings if found.light == "red"]
    if not red and audit.whole_light != "red":
        return _SITE if audit.site_light == "red" else None
    if _is_too_weak(audit, red):
        return (
            f"the signal of the label is too weak to judge on {audit.images} images: audit more "
            "labelled images (--images) before you change the recipe"
        )
    if red:
        steps = ", ".join(map(_switch, red))
        return f"in the recipe, try {steps} by hand, one at a time, and audit again"
    if not audit.findings:
        return "choose another method or larger views, and audit again"
    first = max(audit.findings, key=_loss)
    return f"no part alone is red; in the recipe, try {_switch(first)} by hand, and audit again"


def _is_too_weak(audit: Audit, red: list[Finding]) -> bool:
    """Whether all that is red rests on a label that is read too badly to blame any part."""
    if audit.clean is None or any(_loses_more_than_signal(found) for found in red):
        return False
    whole = audit.whole
    lesions = (
        light_above(whole.erased, LIMITS.erased),
        light_above(whole.hidden, LIMITS.hidden),
        light_below(audit.pairs_keep, LIMITS.pairs),
    )
    if "red" in lesions:
        return False
    kept = [whole.kept, *(found.at[1.0].kept for found in red)]
    return not is_clear(audit.clean) or any(map(_is_wide, kept))


def _loses_more_than_signal(found: Finding) -> bool:
    numbers = found.at[1.0]
    is_of_signal = light_below(numbers.kept, LIMITS.kept) == "red"
    rest = replace(numbers, kept=None).light(is_calibrated=False)
    return not is_of_signal or rest == "red"


def _is_wide(share: Share | None) -> bool:
    if share is None or share.low is None or share.high is None:
        return False
    return min(share.high, 1.0) - max(share.low, 0.0) > WIDE


def _loss(found: Finding) -> float:
    """Return the largest share that a part alone takes away."""
    numbers = found.at[1.0]
    kept = None if numbers.kept is None else numbers.kept.value
    taken = [0.0 if kept is None else 1 - kept]
    for share in (numbers.erased, numbers.faded, numbers.hidden):
        taken.append(0.0 if share is None or share.value is None else share.value)
    return max(taken)


def _switch(found: Finding) -> str:
    """Return the setting of ``augmentation`` that turns a part off, or makes it milder."""
    if found.name == CROP:
        return "augmentation.crop_scale: [1.0, 1.0]"
    if found.name == MASK:
        return "a smaller augmentation.mask.ratio or mask.unit"
    return f"augmentation.views.{found.name}: null"
