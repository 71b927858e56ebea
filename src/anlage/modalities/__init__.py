"""Imaging modalities: one policy per file, saying what may be done to an image and what not.

A policy is data with sources, not code: how raw values are calibrated, which views keep the
label, which are forbidden and why, and which corruption leaves pathology to be seen. The view
maker obeys it, and a recipe that breaks it is refused with the policy's own reason. Rule ids
such as R32 refer to the design rules in docs/reference/rules.md.
"""

from __future__ import annotations

from anlage.modalities._masks import MaskChoice, view_pixel_mm
from anlage.modalities._needs import NEEDS, Need
from anlage.modalities._plan import Augmentation, view_plan
from anlage.modalities._policy import Policy
from anlage.modalities._rules import (
    Artefact,
    Corruption,
    Crop,
    Forbidden,
    Hint,
    Pairs,
    Shortcut,
    ViewRule,
)
from anlage.modalities._scaling import Scaling, calibrate, unit_range
from anlage.modalities._sources import SOURCES

__all__ = [
    "NEEDS",
    "SOURCES",
    "Artefact",
    "Augmentation",
    "Corruption",
    "Crop",
    "Forbidden",
    "Hint",
    "MaskChoice",
    "Need",
    "Pairs",
    "Policy",
    "Scaling",
    "Shortcut",
    "ViewRule",
    "calibrate",
    "unit_range",
    "view_pixel_mm",
    "view_plan",
]
