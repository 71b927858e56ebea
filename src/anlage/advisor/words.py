"""Advice in words: Markdown that also reads well on a terminal, and JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from anlage.advisor.answer import Advice, Cost, Gain, Reason, Recommendation
from anlage.advisor.profile import Audited, Profile

__all__ = [
    "as_json",
    "as_markdown",
    "headline",
    "money",
    "not_here",
    "plan_lines",
    "ranked_by",
    "summary",
    "told_audit",
    "told_gain",
]

_SHOWN = 6  # ids of reasons in short


def as_json(advice: Advice) -> str:
    """Return everything, for other programs."""
    return json.dumps(advice.model_dump(mode="json"), indent=1, ensure_ascii=False)


def as_markdown(
    advice: Advice,
    *,
    why: bool = False,
    every: bool = False,
    store: str | Path | None = None,
    recipes: Sequence[Path] = (),
) -> str:
    """Return the advice, the best strategy in full and the others in short.

    Args:
        advice: What to tell.
        why: Whether to explain the ranking step by step.
        every: Whether to show all strategies in full.
        store: The store that was asked about, named in what to do next.
        recipes: What `write_recipes` has written.
    """
    lines = [f"# {headline(advice.profile)}", "", summary(advice), ""]
    for place, found in enumerate(advice.ranked, start=1):
        is_full = every or place == 1
        lines += [
            *(_section(place, found, advice) if is_full else _short(place, found, advice)),
            "",
        ]
    others = not_here(advice)
    if others:
        lines += ["## Not to be had here", "", *(f"- {line}" for line in others), ""]
    if why:
        lines += ["## Why in this order", "", *(f"- {step}" for step in advice.why), ""]
    lines += [*(f"Note: {note}" for note in advice.notes), *([""] if advice.notes else [])]
    lines += [
        "Look up an id with `anlage evidence ID`; see more with --why and --all. Expected gains "
        "are for planning; the proof is a study on your own images.",
        f"Next: {_next(store, recipes)}",
    ]
    return "\n".join(lines)


def headline(profile: Profile) -> str:
    """Return the case in one line; what is not known is named."""
    parts = [
        f"{profile.modality or 'modality not known'}",
        f"{profile.dims}D" if profile.dims else "2D or 3D not known",
        profile.task or "task not known",
        _count(profile.labelled, "labelled"),
        _count(profile.unlabelled, "with images"),
    ]
    if profile.rarest_share is not None:
        parts.append(f"rarest class {100 * profile.rarest_share:.0f} %")
    if profile.sites is not None and profile.sites > 1:
        parts.append(f"{profile.sites} sites")
    if profile.has_side:
        parts.append("labels name a side")
    machine = [profile.device, _memory(profile.memory_gb), _hours(profile.hours)]
    return ", ".join([*parts, *(part for part in machine if part)])


def told_gain(gain: Gain | None) -> str:
    """Return a gain with its interval."""
    if gain is None:
        return "none: there are no ImageNet weights for volumes"
    if gain.low == gain.high:
        return "0 by definition"
    return f"{gain.mean:+.1f} points [{gain.low:+.0f}, {gain.high:+.0f}]"


def told_audit(audited: Audited, profile: Profile) -> str:
    """Return what an audit measured of a method."""
    parts = []
    if audited.kept is not None:
        parts.append(f"keeps {100 * audited.kept:.0f} % of what the task needs")
    if audited.gain is not None:
        measure = "correlation" if profile.task == "regression" else "AUROC"
        gain = f"rehearsed gain {audited.gain:+.1f} points of {measure}"
        if audited.low is not None and audited.high is not None:
            gain += f" [{audited.low:.1f}, {audited.high:.1f}]"
        parts.append(gain)
    return "; ".join(parts) or "nothing of this method could be measured"


def ranked_by(found: Recommendation) -> str:
    """Return what is ranked by, and what it is made of."""
    return f"{found.counted:+.1f} (the expected gain, less {found.price:g} for its cost)"


def money(cost: Cost) -> str:
    """Return hours and memory, or that they are not known."""
    hours = "hours not known" if cost.hours is None else _duration(cost.hours)
    memory = "memory not known" if cost.memory_gb is None else f"{cost.memory_gb:.1f} GB"
    return f"{hours}, {memory}"


def plan_lines(found: Recommendation) -> Iterator[tuple[str, str]]:
    """Yield the strategy in full, name and value."""
    plan = found.strategy
    yield "network", f"{plan.encoder} at {' x '.join(map(str, plan.image_size))} px"
    if plan.kind == "pretrain":
        yield "pretraining", f"{plan.steps:,} updates of {plan.batch_size} images"
    low, high = plan.views.crop_scale
    views = f"policy {plan.views.policy}: {', '.join(plan.views.used)}; crops keep {low:g}-{high:g}"
    if plan.views.left_out:
        views += f"; left out: {', '.join(plan.views.left_out)}"
    yield "views", views
    if plan.masking is not None:
        unit = plan.masking.unit_mm
        blocks = "the policy's blocks" if unit is None else f"blocks of at most {unit:g} mm"
        yield "masks", f"{100 * plan.masking.ratio:.0f} % hidden, in {blocks}"
    if plan.decoder is not None:
        yield (
            "decoder",
            f"{plan.decoder} (R13 says to transfer it; short fine-tuning learnt slower)",
        )
    rates = ", ".join(f"{rate:g}" for rate in plan.learning_rates)
    yield (
        "fine-tuning",
        f"{plan.finetune['epochs']:g} epochs, {plan.finetune['min_steps']} to "
        f"{plan.finetune['max_steps']} updates, rate from {rates} by validation labels (R66)",
    )
    proof = plan.evaluation
    yield (
        "proof",
        f"{', '.join(proof.budgets)} against {', '.join(proof.controls)}; "
        f"{proof.pretrain_seeds} pretrainings x {proof.draws} draws; {'; '.join(proof.also)}",
    )


def summary(advice: Advice) -> str:
    """Return the first choice in a sentence."""
    best = advice.first
    if best.strategy.kind == "none":
        gain = (
            "of what is known to be at hand, nothing else is expected to gain more than it costs "
            "here"
        )
    else:
        gain = f"expected {told_gain(best.over_scratch)} of {advice.unit} over scratch"
    return f"**Advice: {best.title}** - {gain}. Confidence: {best.confidence}.{_if_at_hand(advice)}"


def _if_at_hand(advice: Advice) -> str:
    """Name the best of what may be at hand, where it would come first."""
    unknown = [] if advice.profile.weights is not None else advice.not_ready
    found = next((one for one in unknown if one.strategy.kind in {"imagenet", "medical"}), None)
    if found is None or found.counted <= advice.first.counted:
        return ""
    return (
        f" Not known to be at hand: {found.title}, expected {told_gain(found.over_scratch)}; if "
        f"you have them, say so with --weights {found.strategy.kind}."
    )


def _next(store: str | Path | None, recipes: Sequence[Path]) -> str:
    """Return what to do next, with what the user has named already."""
    place = "STORE" if store is None else shlex.quote(str(store))
    if not recipes:
        return (
            f"add --recipe advised.yaml, then anlage study {place} --recipe advised.yaml --out OUT"
        )
    verb = "study" if len(recipes) > 1 else "pretrain"
    return f"anlage {verb} {place} --recipe {shlex.quote(str(recipes[0]))} --out OUT"


def _section(place: int, found: Recommendation, advice: Advice) -> Iterator[str]:
    yield f"## {place}. {found.title}"
    yield ""
    if found.strategy.kind != "none":
        gain = told_gain(found.over_scratch)
        yield f"- gain over scratch: {gain} of {advice.unit} (90 % interval)"
        yield f"- chance of a gain: {100 * found.chance:.0f} %"
    yield f"- gain over ImageNet weights: {told_gain(found.over_imagenet)}"
    yield f"- cost: {money(found.cost)} ({found.cost.basis})"
    yield f"- confidence: {found.confidence} ({found.because})"
    if found.would_raise:
        yield f"- would raise it: {'; '.join(found.would_raise)}"
    yield from (f"- risk: {risk}" for risk in found.risks)
    if found.alignment is not None:
        yield f"- audit: {told_audit(found.alignment, advice.profile)}"
    if found.counted != found.over_scratch.mean:
        yield f"- ranked by: {ranked_by(found)}"
    yield from _listed("for", found.supporting)
    yield from _listed("against", found.opposing)
    yield "- in full:"
    yield from (f"  - {name}: {value}" for name, value in plan_lines(found))


def _short(place: int, found: Recommendation, advice: Advice) -> Iterator[str]:
    yield f"## {place}. {found.title}"
    yield ""
    parts = [money(found.cost), f"confidence {found.confidence}"]
    if found.over_imagenet is not None:
        parts.insert(0, f"over ImageNet weights {told_gain(found.over_imagenet)}")
    if found.strategy.kind != "none":
        chance = f"chance of a gain {100 * found.chance:.0f} %"
        parts[:0] = [f"over scratch {told_gain(found.over_scratch)}", chance]
    if found.counted != found.over_scratch.mean:
        parts.append(f"counted {found.counted:+.1f}")
    yield f"- {'; '.join(parts)}"
    if found.alignment is not None:
        yield f"- audit: {told_audit(found.alignment, advice.profile)}"
    for name, reasons in (("for", found.supporting), ("against", found.opposing)):
        if reasons:
            ids = ", ".join(reason.id for reason in reasons[:_SHOWN])
            yield f"- {name}: {ids}"


def _listed(name: str, reasons: tuple[Reason, ...]) -> Iterator[str]:
    if reasons:
        yield f"- {name}:"
        yield from (f"  - {reason.id} {reason.text}" for reason in reasons)


def not_here(advice: Advice) -> list[str]:
    """Tell what cannot be run here, what is missing and what is impossible."""
    lines = [
        f"{found.title}, not ready ({found.why_not}): {told_gain(found.over_scratch)}"
        for found in advice.not_ready
    ]
    lines += [
        f"{one.name} ({one.paradigm}), not in this Anlage, has for it: "
        f"{', '.join(reason.id for reason in one.reasons)}"
        for one in advice.missing
    ]
    return lines + [f"{name}, left out: {reason}" for name, reason in advice.left_out.items()]


def _count(number: int | None, what: str) -> str:
    return f"number {what} not known" if number is None else f"{number:,} {what}"


def _memory(memory: float | None) -> str:
    return "" if memory is None else f"{memory:.3g} GB"


def _hours(hours: float | None) -> str:
    return "" if hours is None else f"{hours:g} h"


def _duration(hours: float) -> str:
    if hours == 0:
        return "no pretraining"
    return f"{60 * hours:.0f} minutes" if hours < 1 else f"{hours:.1f} hours"
