"""Why the ranking is as it is, step by step, and what should be known beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from anlage import plugins
from anlage.advisor.answer import Recommendation
from anlage.advisor.confidence import ASK
from anlage.advisor.cost import Costs
from anlage.advisor.forecast import Gap
from anlage.advisor.gain import GainModel
from anlage.advisor.profile import Profile

__all__ = ["notes", "steps"]


def steps(
    profile: Profile, model: GainModel, ranked: Sequence[Recommendation], gap: Gap | None
) -> Iterator[str]:
    """Yield the ranking step by step."""
    slopes = model.level.slopes
    yield (
        f"{model.studies} studies, {len(model.level.points)} results with both figures against a "
        "control set the level of gains; each task and modality is shrunk towards all."
    )
    yield (
        f"From 0.1 % of the labels to all of them the gain falls by {-slopes['labels'][0]:.1f} "
        "points; more labels never raise it."
    )
    yield (
        f"A design rule for or against a method counts {model.rule_worth:.1f} points; which "
        "paradigm is above which comes from rules and from your own studies alone."
    )
    yield (
        f"ImageNet weights gain {-slopes['imagenet'][0]:.1f} points over scratch, by indirect "
        "comparison (2D only)."
    )
    if profile.unlabelled is not None:
        yield (
            "Of the published gain, n / (n + h) is expected of n patients with images: h is 1,000 "
            "in 2D (R22), 200 in 3D (E023, E024)."
        )
    if profile.unknown:
        asked = ", ".join(ASK[name] for name in profile.unknown)
        yield f"Not known, so every value was tried: {asked}."
    for place, found in enumerate(ranked, start=1):
        if found.strategy.kind == "none":
            yield f"{place}. {found.title}: by definition 0."
            continue
        terms = "; ".join(f"{name} {value:+.2f}" for name, value in found.terms.items())
        yield (
            f"{place}. {found.title}: {terms} -> expected "
            f"{found.over_scratch.mean:+.1f}, a gain in {100 * found.chance:.0f} of 100 cases"
            f"{_ranked_by(found)}."
        )
    if gap is not None:
        names = [found.strategy.method for found in ranked if found.strategy.method is not None]
        yield (
            f"{names[0]} against {names[1]} on the same images: {gap.mean:+.1f} points "
            f"[{gap.low:+.0f}, {gap.high:+.0f}]."
        )
    yield from _rehearsed(profile, ranked)
    yield (
        "Ranked by the expected gain, less 1 point for a pretraining: what it must gain to be "
        "worth its hours. Not to pretrain is 0 by definition, so it wins wherever no more is "
        "expected. The chance of a gain and the interval say how sure that is; a study on your "
        "own images finds a loss before anybody uses the model."
    )


def notes(profile: Profile, table: Costs) -> Iterator[str]:
    """Yield what should be known beside the ranking."""
    if profile.modality is not None and profile.modality not in plugins.available("modalities"):
        yield (
            f"This Anlage has no policy for {profile.modality} yet; views follow the cautious "
            "generic one."
        )
    if profile.task is not None and profile.task not in plugins.available("tasks"):
        yield (
            f"This Anlage cannot run {profile.task} yet: pretraining can be done, its proof by "
            "a study cannot."
        )
    if profile.device == "cuda" and table.kind != "cuda":
        yield "No GPU was measured: hours on yours are not known, memory is taken from the CPU's."
    if profile.normals_only and profile.task not in {None, "anomaly"}:
        yield "Only normal images are at hand: consider task anomaly (R11)."
    if profile.alignment:
        yield (
            "What an audit found is shown with its method; it changes neither the expected gain "
            "nor the ranking: what views keep does not foretell gains, and the rehearsed gain is "
            "that of a stand-in."
        )


def _rehearsed(profile: Profile, ranked: Sequence[Recommendation]) -> Iterator[str]:
    """Tell the order of methods by rehearsed gain, and whether the ranking has another."""
    methods = dict.fromkeys(one.strategy.method for one in ranked if one.strategy.method)
    gains = {
        name: audited.gain
        for name in methods
        if (audited := profile.alignment.get(name)) is not None and audited.gain is not None
    }
    if len(gains) < 2:
        return
    order = sorted(gains, key=lambda name: -gains[name])  # of equals, as they are ranked
    told = f"{order[0]} ({gains[order[0]]:+.1f})"
    for ahead, name in itertools.pairwise(order):
        sign = "level with" if round(gains[ahead] - gains[name], 1) == 0 else "before"
        told += f" {sign} {name} ({gains[name]:+.1f})"
    if order == list(gains):
        yield f"The rehearsal on your own images puts {told}, as the ranking does."
    else:
        yield (
            f"The rehearsal on your own images puts {told}; the ranking rests on published and "
            f"measured results and puts {' before '.join(gains)}. Try "
            f"{'both' if len(gains) == 2 else 'them all'} if you can."
        )


def _ranked_by(found: Recommendation) -> str:
    """Return what is ranked by; nothing where that is the expected gain."""
    if found.counted == found.over_scratch.mean:
        return ""
    return f", ranked by {found.counted:+.1f}"
