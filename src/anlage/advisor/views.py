"""Views and masks of a strategy: the modality's own policy, less what the task forbids.

Views are only ever taken away from a policy, never added, so that a forbidden one cannot be
recommended.
"""

from __future__ import annotations

from anlage import plugins
from anlage.advisor.answer import Masking, ViewChoice
from anlage.advisor.profile import Profile
from anlage.modalities import Policy

__all__ = ["masking", "policy_of", "view_choice"]

_SIDE = "the label names a side of the body (R31)"
_GENTLE = 0.7


def policy_of(profile: Profile) -> tuple[str, Policy]:
    """Return the name and the policy of a profile's modality; ``generic`` where there is none."""
    name = profile.modality or "generic"
    if name not in plugins.available("modalities"):
        name = "generic"
    policy: Policy = plugins.load("modalities", name)
    return name, policy


def view_choice(profile: Profile) -> ViewChoice:
    """Return the views that a case allows."""
    name, policy = policy_of(profile)
    rules = policy.rules(modality=name)
    sided = {"flip_lr": _SIDE} if profile.has_side else {}
    left_out = {
        view: reason
        for view, rule in rules.items()
        if (reason := policy.label_change(rule, sided)) is not None
    }
    low, high = policy.crop.scale
    if profile.is_local:  # a small crop would often miss what is to be found: R41
        low = min(max(low, _GENTLE), high)
    dims = profile.dims or 2
    return ViewChoice(
        policy=name,
        used=tuple(
            view for view, rule in rules.items() if view not in left_out and dims in rule.dims
        ),
        left_out=left_out,
        needs=("laterality",) if profile.has_side else (),
        crop_scale=(low, high),
    )


def masking(profile: Profile) -> Masking:
    """Return how much is hidden, in blocks of at most half a lesion's diameter (R50)."""
    _, policy = policy_of(profile)
    unit_mm = profile.lesion_mm / 2 if profile.lesion_mm and profile.spacing_mm else None
    if unit_mm is not None and policy.corruption.unit_mm is not None:
        unit_mm = min(unit_mm, policy.corruption.unit_mm)
    return Masking(ratio=policy.corruption.ratio, unit_mm=unit_mm)
