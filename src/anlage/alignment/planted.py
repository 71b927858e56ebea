"""Positive controls: tiny virtual cohorts with a fault planted in the strategy or the data.

Discs on grey ground, whose colour is the label (of a coloured ground, the disc's colour beside it
would survive any turn of hues). An audit is only worth its numbers if it flags
each of these faults, and nothing where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from anlage import plugins
from anlage.alignment.auditor import Effort, Strategy
from anlage.alignment.material import Material, Target
from anlage.alignment.measure import Audit, audit_strategy
from anlage.transforms.masking import MaskPlan
from anlage.transforms.views import Intensities, Step, ViewPlan
from anlage.types import ViewSpec

__all__ = ["FAULTS", "Control", "Fault", "control_of", "flagged"]

Fault = Literal["none", "erasing_crop", "colour_jitter", "coded_site", "coarse_mask"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_EDGE = 32
_RADIUS = (2.5, 4.5)  # of a disc, in pixels
_SITES = 3
_TINTS = ((0.12, 0.0, 0.0), (0.0, 0.12, 0.0), (0.0, 0.0, 0.12))


@dataclass(frozen=True, kw_only=True)
class Control:
    """A cohort with a strategy, ready to be audited."""

    material: Material
    strategy: Strategy
    target: Target
    site: Target

    def audit(self, *, seed: int) -> Audit:
        """Audit it as ``anlage audit --quick`` does, at the strategy's own strengths."""
        effort = Effort(seed=seed, draws=1, factors=())
        return audit_strategy(
            self.material, self.strategy, target=self.target, sites=(self.site,), effort=effort
        )


def control_of(fault: Fault, *, seed: int, images: int = 80) -> Control:
    """Draw a cohort, two images per patient, and plant a fault.

    Args:
        fault: Which; ``none`` for a clean strategy on clean data.
        seed: Another seed is another cohort.
        images: How many.
    """
    rng = np.random.default_rng((seed, 17))
    patients = np.arange(images) // 2
    classes = rng.permutation(patients.max() + 1)[patients] % 2
    sites = rng.integers(0, _SITES, patients.max() + 1)[patients]
    pixels, maps = _drawn(rng, classes)
    if fault == "coded_site":
        pixels += np.array(_TINTS)[sites][:, :, None, None]
    stored = torch.from_numpy((pixels.clip(0, 1) * 255).astype(np.uint8))
    material = Material(
        images=stored,
        label_maps=torch.from_numpy(maps),
        has_map=np.ones(images, dtype=bool),
        spacing_mm=torch.ones(images, 2),
        sample=np.arange(images),
        patient=patients,
    )
    return Control(
        material=material,
        strategy=_strategy(fault),
        target=Target(name="kind", classes=("brown", "blue"), values=classes.astype(float)),
        site=Target(name="site", classes=("a", "b", "c"), values=sites.astype(float)),
    )


def flagged(audit: Audit, fault: Fault) -> bool:
    """Whether the audit calls this fault red; for ``none``: whether it calls anything red."""
    red = {found.name for found in audit.findings if found.light == "red"}
    if audit.site_light == "red":
        red.add("site")
    if fault == "none":
        return bool(red)
    part = {
        "erasing_crop": "crop",
        "colour_jitter": "hue_saturation",
        "coded_site": "site",
        "coarse_mask": "mask",
    }[fault]
    return part in red


def _drawn(
    rng: np.random.Generator, classes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return pixels, (n, 3, *S), and label maps, (n, *S)."""
    count = len(classes)
    rows, columns = np.mgrid[:_EDGE, :_EDGE]
    centre = rng.uniform(6, _EDGE - 6, (count, 2, 1, 1))
    radius = rng.uniform(*_RADIUS, (count, 1, 1))
    apart = np.hypot(rows - centre[:, 0], columns - centre[:, 1])
    maps = (apart <= radius).astype(np.int64)
    ground = rng.normal(0.6, 0.04, (count, 1, 1, 1)) * np.ones((1, 3, 1, 1))
    # of one luminance, with opposite hues
    colours = np.array(((0.450, 0.280, 0.150), (0.182, 0.352, 0.482)))[classes]
    disc = colours[:, :, None, None] + rng.normal(0, 0.04, (count, 3, 1, 1))
    pixels = np.where(maps[:, None] > 0, disc, ground)
    return pixels + rng.normal(0, 0.03, (count, 3, _EDGE, _EDGE)), maps


def _strategy(fault: Fault) -> Strategy:
    hue = 170.0 if fault == "colour_jitter" else 4.0
    settings = {
        "brightness_contrast": {"brightness": 0.05, "contrast": 0.1},
        "hue_saturation": {"hue_degrees": hue, "saturation": 0.1},
        "flip": {"axis": "lr"},
    }
    steps = []
    for name, given in settings.items():
        plugin = plugins.load("transforms", name)
        transform = plugin(plugin.Config.parse(given, where=name))
        steps.append(Step(name=name, p=0.5, transform=transform))
    is_masked = fault == "coarse_mask"
    mask = plugins.load("transforms/masks", "random")
    ratio, unit = (0.6, 16) if is_masked else (0.6, 2)
    return Strategy(
        plan=ViewPlan(
            size=(_EDGE, _EDGE),
            intensities=Intensities(low=0, high=255, mean=(0.6, 0.6, 0.6), std=(0.1, 0.1, 0.1)),
            crop_scale=(0.1, 0.3) if fault == "erasing_crop" else (0.85, 1.0),
            steps=tuple(steps),
            masking=MaskPlan(mask=mask(mask.Config()), ratio=ratio, unit=unit),
        ),
        spec=ViewSpec(num_views=2, is_masked=True),
        modality="generic",
        region=(_EDGE, _EDGE),
        signal="global",
    )
