"""What a label may hang on besides the disease: named by the user, since no image says it.

A need takes away every view that would destroy what the label says. Tasks that know it state it
themselves (``TaskProfile.label_changing``); for pretraining, which knows no task, and for all
else it is named in the recipe: ``augmentation.task_needs: [laterality]``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

__all__ = ["NEEDS", "Need", "label_changing"]

Need = Literal["laterality", "orientation", "colour", "intensity"]

NEEDS: dict[Need, str] = {
    "laterality": "the label names a side, or left and right differ",
    "orientation": "the label hangs on what is up, down, front or back",
    "colour": "colour itself is diagnostic",
    "intensity": "the value itself is the label: density, uptake, enhancement, a map with a unit",
}
"""Each need with when to name it."""

_COLOUR = "the task reads colour, and this changes it"
_VALUE = "the task reads values, and this changes them"

_COLOURING = (
    "colour_temperature",
    "grayscale",
    "hue_saturation",
    "solarize",
    "stain_jitter",
    "stain_normalize",
)
_SHADING = (
    "beam_hardening",
    "bias_field",
    "brightness_contrast",
    "depth_gain",
    "gamma",
    "shadow",
    "solarize",
    "stain_jitter",
    "stain_normalize",
    "vignette",
)
_CHANGING: dict[Need, dict[str, str]] = {
    "laterality": {"flip_lr": "the task tells left from right"},
    "orientation": {"flip": "the task tells the ends of an axis apart"},
    "colour": dict.fromkeys(_COLOURING, _COLOUR),
    "intensity": dict.fromkeys(_SHADING, _VALUE),
}


def label_changing(needs: Iterable[Need]) -> dict[str, str]:
    """Return the views that would change such a label, with the reason, as tasks state them.

    Example:
        >>> label_changing(["laterality"])
        {'flip_lr': 'the task tells left from right'}
    """
    return {view: reason for need in needs for view, reason in _CHANGING[need].items()}
