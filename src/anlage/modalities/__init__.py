"""Imaging modalities: one policy per file, saying what may be done to an image and what not.

A policy is data with sources, not code: how raw values are calibrated, which views keep the
label, which are forbidden and why, and which corruption leaves pathology to be seen. The view
maker obeys it, and a recipe that breaks it is refused with the policy's own reason. Rule ids
such as R32 refer to the design rules in docs/reference/rules.md.
"""

from __future__ import annotations

from anlage.modalities._plan import Augmentation, MaskChoice, view_plan
from anlage.modalities._policy import Corruption, Crop, Forbidden, Policy, ViewRule
from anlage.modalities._scaling import Scaling, calibrate, unit_range

__all__ = [
    "Augmentation",
    "Corruption",
    "Crop",
    "Forbidden",
    "MaskChoice",
    "Policy",
    "Scaling",
    "ViewRule",
    "calibrate",
    "unit_range",
    "view_plan",
]
