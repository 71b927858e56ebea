"""How far an expected gain can be trusted, what would raise that, and how it could do harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from anlage.advisor.candidates import Candidate
from anlage.advisor.forecast import Forecast
from anlage.advisor.profile import Audited, Profile
from anlage.advisor.results import usable
from anlage.advisor.views import policy_of
from anlage.evidence import Base

__all__ = ["ASK", "confidence", "risks", "studies_alike", "would_raise"]

Level = Literal["high", "moderate", "low", "very low"]

_ENOUGH, _SOME = 5, 2
_NARROW = 8.0  # points: half of an interval that still says something
_HALF = 0.5
ASK = {  # what to call an unknown fact
    "modality": "the modality",
    "task": "the task",
    "dims": "whether images are 2D or 3D",
    "labelled": "how many patients are labelled",
    "unlabelled": "how many patients have images",
    "is_local": "whether the signal is global or local (or how large lesions are)",
}


def confidence(
    candidate: Candidate, profile: Profile, base: Base, forecast: Forecast
) -> tuple[Level, str]:
    """Return how far to trust an expected gain, and why no further."""
    if candidate.kind in {"medical", "continue"}:
        return "very low", "no result of the base is about such weights; taken as any method's"
    baseline = "imagenet" if candidate.kind == "imagenet" else None
    same, near = studies_alike(base, profile, paradigm=candidate.paradigm, baseline=baseline)
    own = {study for study in same if study == profile.study}
    reach = (forecast.high - forecast.low) / 2
    counted = f"studies of this task and modality: {len(same)}, of this task: {len(near)}"
    counted += f"; 90 % interval ±{reach:.0f} points" if reach else "; 0 by definition"
    if own and reach <= 2 * _NARROW:
        level: Level = "high" if reach <= _NARROW else "moderate"
        return level, f"your own study on these images, task and labels; {counted}"
    if profile.unknown:
        asked = ", ".join(ASK[name] for name in profile.unknown)
        return "very low", f"not known: {asked}; {counted}"
    if len(same) >= _ENOUGH and reach <= 2 * _NARROW:
        return "moderate", counted
    return ("low" if len(same) >= _SOME or len(near) >= _ENOUGH else "very low"), counted


def studies_alike(
    base: Base, profile: Profile, *, paradigm: str | None, baseline: str | None = None
) -> tuple[set[str], set[str]]:
    """Return the studies of the same task and modality, and those of the same task.

    Args:
        base: The base.
        profile: The case.
        paradigm: None for any.
        baseline: Only results against this one; None for any control.
    """
    alike = [
        row
        for row in usable(base.rows)
        if paradigm in {None, row.paradigm}
        and baseline in {None, row.baseline_type}
        and profile.task == row.task[0]
    ]
    same = {row.study for row in alike if profile.modality == row.modality[0]}
    return same, {row.study for row in alike}


def would_raise(profile: Profile, candidate: Candidate) -> list[str]:
    """Return what would make the answer more certain, the cheapest first."""
    found = []
    if profile.unknown:
        found.append("tell it " + ", ".join(ASK[name] for name in profile.unknown))
    if candidate.kind == "pretrain" and candidate.method not in profile.alignment:
        found.append("an audit of the views on your own images")
    if candidate.kind != "none":
        found.append("your own study, added with: anlage evidence learn STUDY")
    return found


def risks(profile: Profile, candidate: Candidate, forecast: Forecast) -> list[str]:
    """Return how a strategy could do harm here."""
    found = []
    if candidate.kind != "none":
        found.append(
            f"{100 * forecast.harm:.0f} % chance of a loss against scratch (failures are rarely "
            "published)"
        )
    if candidate.kind == "pretrain":
        shortcuts = policy_of(profile)[1].shortcuts
        if shortcuts:
            found.append(f"shortcuts to look for: {'; '.join(one.what for one in shortcuts)} (R73)")
        if profile.sites is not None and profile.sites > 1:
            found.append(
                "views do not hide which site an image is from; features may learn it (R26)"
            )
        if profile.is_local:
            found.append("views or masks may remove so small a signal: look at erasure (R41, R53)")
    found += _audit_risks(profile.alignment.get(candidate.method or ""))
    if candidate.kind == "imagenet":
        found.append("three-channel photographs differ from these images; check calibration")
    return found


def _audit_risks(audited: Audited | None) -> Iterator[str]:
    if audited is None:
        return
    if audited.kept is not None and audited.kept < _HALF:
        yield (
            "the audit found that views lose more than half of what the task needs: look at its "
            "report before you pretrain"
        )
