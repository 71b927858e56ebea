"""What travels between rooms and needs no tensor library, and the axis letters.

Axis letters used in every shape note (batch first, channels second, space last):

    B batch    V views    C channels    *S space: (H, W) in 2D, (X, Y, Z) in 3D
    N tokens   E encoder width   P projection width   K classes   M cases

2D arrays are (C, rows, columns). 3D arrays are (C, X, Y, Z) in RAS+ orientation: indices
grow towards the patient's right, front and top. Every room keeps this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Paradigm", "Signal", "Split", "TaskProfile", "ViewSpec"]

Paradigm = Literal["contrastive", "predictive", "generative", "hybrid"]
Signal = Literal["global", "dense"]
Split = Literal["train", "val", "test"]


@dataclass(frozen=True, kw_only=True)
class TaskProfile:
    """What a downstream task needs from an encoder: all that a method may know of a task.

    Attributes:
        task: Name of the task plug-in, such as ``classification``.
        signal: ``global`` if one answer per image is wanted, ``dense`` if one per position.
        label_changing: Views that change the label itself and so are forbidden for this
            task, with the reason, such as ``{"flip_lr": "the label names a side"}``.
        lesion_mm: Typical diameter of what must not be lost, in mm; None where unknown.
    """

    task: str
    signal: Signal
    label_changing: Mapping[str, str] = field(default_factory=dict)
    lesion_mm: float | None = None


@dataclass(frozen=True, kw_only=True)
class ViewSpec:
    """What a method asks of the view maker; the modality's policy decides what is allowed.

    Attributes:
        num_views: Views of each image.
        intensity: Whether views also differ in intensity, not only in geometry.
        min_overlap: Least share of a view's area or volume that its partner also covers.
        is_masked: Whether every view comes with a mask of hidden positions.
        mask_ratio: Share of positions to hide; None leaves it to the policy.
        mask_unit: Edge of a hidden block in pixels of the view; None leaves it to the policy.
            A vision transformer needs a multiple of its patch.
    """

    num_views: int = 2
    intensity: bool = True
    min_overlap: float = 0.0
    is_masked: bool = False
    mask_ratio: float | None = None
    mask_unit: int | None = None
