"""The audit of one strategy: every part of its plan alone, the whole of it, and what it adds up to.

It takes what pretraining makes of a recipe (plan, view specification) and some of its images, so
it can be called wherever those are at hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anlage.alignment.auditor import CROP, MASK, Auditor, Effort, Finding, Numbers, Strategy
from anlage.alignment.correct import Checked, Correction, corrections_of
from anlage.alignment.erasure import Lesions, surviving
from anlage.alignment.following import Followed
from anlage.alignment.intervals import ProbeScore, Share
from anlage.alignment.material import Material, Target
from anlage.alignment.pairs import Negatives
from anlage.alignment.preservation import views_of
from anlage.alignment.rehearsal import Rehearsal
from anlage.alignment.score import Light, light_of_site, worst
from anlage.alignment.shortcuts import read_background, read_constant
from anlage.alignment.strength import scaled_crop, scaled_settings
from anlage.alignment.whole import light_of_whole, measure_whole, shown_plan
from anlage.transforms import IntensityTransform
from anlage.transforms.views import Step, ViewPlan

__all__ = ["Audit", "audit_strategy"]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All that was measured of one strategy on some images; None: not measured.

    Attributes:
        images: How many were looked at.
        patients: Of how many patients.
        lesion_images: How many of them have a lesion in their label map or boxes.
        clean: What the probe reads in images as they are.
        can_measure_signal: Whether that is above chance.
        findings: One per part of the plan.
        whole: What the whole plan does.
        pairs_keep: Share of positive pairs in which both views keep every lesion.
        by_size: Diameters in mm, lesions, share erased, share hidden whole.
        smallest_mm: Smallest diameters that survive resampling, and being cut into tokens.
        site: How well each site label is read from what stays constant across views.
        background: How well labels are read from images without their lesions.
        site_light: Light of the worst site.
        negatives: What a contrastive batch calls different.
        least: The least share that is kept of what the task needs.
        limited_by: Which part that is.
        kept_parts: All of the parts.
        corrections: What to change in the recipe.
        checked: What the corrected recipe does; None if there is none, or it was not measured.
        followed: What happened to every lesion.
        lesions: The lesions.
        rehearsal: What a linear stand-in for the pretraining gains, which is the alignment score;
            None where it was not, or cannot be, rehearsed.
        spacing_stated: Whether millimetres are known of all images, of none (False: read stored
            pixels for them), or of some or nobody knows (None).
    """

    images: int
    patients: int
    lesion_images: int
    clean: ProbeScore | None
    can_measure_signal: bool
    findings: tuple[Finding, ...]
    whole: Numbers
    pairs_keep: Share | None
    by_size: tuple[tuple[str, int, float, float], ...]
    smallest_mm: tuple[float, float]
    site: dict[str, ProbeScore | None]
    background: dict[str, ProbeScore | None]
    site_light: Light
    negatives: Negatives | None
    least: Share
    limited_by: str | None
    kept_parts: dict[str, float]
    corrections: tuple[Correction, ...]
    checked: Checked | None = None
    followed: Followed | None = None
    lesions: Lesions | None = None
    rehearsal: Rehearsal | None = None
    spacing_stated: bool | None = None

    @property
    def whole_light(self) -> Light:
        """Light of the whole plan, and of the pairs that it makes."""
        return light_of_whole(self.whole, self.pairs_keep)


def audit_strategy(
    material: Material,
    strategy: Strategy,
    *,
    target: Target | None = None,
    sites: tuple[Target, ...] = (),
    negatives: Negatives | None = None,
    effort: Effort | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Measure every part of a strategy, and the whole of it.

    Args:
        material: Training images.
        strategy: What pretraining would do to them.
        target: The task's label, if it is one per image.
        sites: Labels of site or scanner.
        negatives: What a batch calls different, from the whole index.
        effort: How much is measured.
        tell: Called with the name of each part before it is measured.
    """
    effort = effort or Effort()
    tell("images as they are")
    auditor = Auditor(material, strategy, target, effort)
    plan, spec = strategy.plan, strategy.spec
    findings = [
        *_crop_finding(auditor, tell),
        *(
            _step_finding(auditor, step, tell)
            for step in plan.steps
            if spec.intensity or not isinstance(step.transform, IntensityTransform)
        ),
    ]
    if plan.masking is not None and spec.is_masked:
        tell(MASK)
        found = auditor.mask(plan)
        light = found.light(is_calibrated=False)
        findings.append(Finding(name=MASK, light=light, at={1.0: found}))
    tell("the whole plan")
    return _whole(auditor, tuple(findings), sites, negatives)


def _crop_finding(auditor: Auditor, tell: Callable[[str], None]) -> list[Finding]:
    plan = auditor.strategy.plan
    if plan.crop_scale == (1.0, 1.0) and plan.crop_aspect == (1.0, 1.0):
        return []
    tell(CROP)
    at = {1.0: auditor.crop(plan.crop_scale)}
    for factor in auditor.effort.factors:
        scale = scaled_crop(plan.crop_scale, factor)
        if scale != plan.crop_scale:
            at[factor] = auditor.crop(scale)
    light = at[1.0].light(is_calibrated=False)
    return [Finding(name=CROP, light=light, at=dict(sorted(at.items())))]


def _step_finding(auditor: Auditor, step: Step, tell: Callable[[str], None]) -> Finding:
    tell(step.name)
    at = {1.0: auditor.step(step)}
    for factor in auditor.effort.factors:
        settings = scaled_settings(step, factor, modality=auditor.strategy.modality)
        if settings:
            at[factor] = auditor.step(step, settings)
    light = at[1.0].light(is_calibrated=auditor.strategy.is_calibrated)
    return Finding(name=step.name, light=light, at=dict(sorted(at.items())), chance=step.p)


def _whole(
    auditor: Auditor,
    findings: tuple[Finding, ...],
    sites: tuple[Target, ...],
    negatives: Negatives | None,
) -> Audit:
    strategy, material = auditor.strategy, auditor.material
    shown, whole = shown_plan(auditor), measure_whole(auditor)
    site = {one.name: _constant(auditor, shown, one) for one in sites}
    return Audit(
        images=len(material),
        patients=len(np.unique(material.patient)),
        lesion_images=0
        if auditor.lesions is None
        else int((auditor.lesions.measure > 0).any(dim=1).sum()),
        clean=None if auditor.clean is None else auditor.clean.share(),
        can_measure_signal=auditor.clean is not None and auditor.clean.is_above_chance,
        findings=findings,
        whole=whole.numbers,
        pairs_keep=whole.pairs_keep,
        by_size=_by_size(auditor.lesions, whole.followed),
        smallest_mm=surviving(
            strategy.plan,
            region=strategy.region,
            spacing_mm=material.spacing_mm,
            patch=strategy.patch,
        ),
        site=site,
        background=_background(auditor, sites),
        site_light=worst(*(light_of_site(share) for share in site.values())),
        negatives=negatives,
        least=whole.least,
        limited_by=whole.limited_by,
        corrections=corrections_of(auditor, findings),
        kept_parts=whole.kept_parts,
        followed=whole.followed,
        lesions=auditor.lesions,
        spacing_stated=material.spacing_stated,
    )


def _constant(auditor: Auditor, plan: ViewPlan, site: Target) -> ProbeScore | None:
    seed = auditor.effort.seed
    return read_constant(
        lambda draw: views_of(auditor.material, plan, seed=seed, number=draw),
        auditor.material,
        site,
        auditor.weights,
        draws=max(2, auditor.effort.draws),
        seed=seed,
    )


def _background(auditor: Auditor, sites: tuple[Target, ...]) -> dict[str, ProbeScore | None]:
    """Read the label and the sites with all lesions removed."""
    if auditor.lesions is None:
        return {}
    wanted = [*([auditor.target] if auditor.target else []), *sites]
    seed, plan = auditor.effort.seed, auditor.strategy.plan
    return {
        target.name: read_background(
            lambda _: views_of(auditor.material, plan, seed=seed, number=None),
            auditor.material,
            target,
            auditor.weights,
            seed=seed,
        )
        for target in wanted
    }


def _by_size(
    lesions: Lesions | None, seen: Followed | None
) -> tuple[tuple[str, int, float, float], ...]:
    """Return erased and wholly hidden shares of lesions in up to four bins of equal count."""
    if lesions is None or seen is None:
        return ()
    diameter = lesions.diameters_mm.numpy().ravel()
    erased = seen.erased_of_lesions().numpy().ravel()
    hidden = seen.hidden_whole_of_lesions().numpy().ravel()
    exists = diameter > 0
    ends = np.unique(np.quantile(diameter[exists], (0, 0.25, 0.5, 0.75, 1)))
    rows: list[tuple[str, int, float, float]] = []
    for low, high in itertools.pairwise(ends):
        inside = exists & (diameter >= low) & ((diameter < high) | (high == ends[-1]))
        if inside.any():
            gone = hidden[inside]
            is_hidden = float(np.nanmean(gone)) if np.isfinite(gone).any() else float("nan")
            rows.append(
                (
                    f"{low:.3g} - {high:.3g}",
                    int(inside.sum()),
                    float(erased[inside].mean()),
                    is_hidden,
                )
            )
    return tuple(rows)
