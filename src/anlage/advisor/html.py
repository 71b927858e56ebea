"""Advice as one page that loads nothing: a bar per strategy, reasons and plan behind a click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anlage.advisor.answer import Advice, Recommendation
from anlage.advisor.profile import Profile
from anlage.advisor.words import (
    headline,
    money,
    not_here,
    plan_lines,
    ranked_by,
    summary,
    told_audit,
    told_gain,
)

__all__ = ["as_html"]

_WIDTH = 600.0
_MARGIN = 20.0


def as_html(advice: Advice) -> str:
    """Return the page; equal advice gives an equal page, byte for byte."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ends = [end for one in advice.ranked for end in (one.over_scratch.low, one.over_scratch.high)]
    scale = (min(0.0, *ends), max(0.0, *ends))
    return environment.get_template("page.html").render(
        headline=headline(advice.profile),
        answer=summary(advice).replace("**", ""),
        ranked=[_shown(found, advice.profile, scale) for found in advice.ranked],
        others=not_here(advice),
        why=advice.why,
        notes=advice.notes,
        unit=advice.unit,
    )


def _shown(found: Recommendation, profile: Profile, scale: tuple[float, float]) -> dict[str, Any]:
    return {
        "title": found.title,
        "confidence": found.confidence,
        "gain": told_gain(found.over_scratch),
        "bar": _bar(found, scale),
        "facts": list(_facts(found)),
        "doubts": list(_doubts(found, profile)),
        "plan": list(plan_lines(found)),
        "supporting": found.supporting,
        "opposing": found.opposing,
    }


def _facts(found: Recommendation) -> Iterator[tuple[str, str]]:
    yield "over scratch", told_gain(found.over_scratch)
    if found.strategy.kind != "none":
        yield "chance of a gain", f"{100 * found.chance:.0f} %"
    yield "over ImageNet", told_gain(found.over_imagenet)
    yield "cost", f"{money(found.cost)} ({found.cost.basis})"


def _doubts(found: Recommendation, profile: Profile) -> Iterator[tuple[str, str]]:
    yield "trust", found.because
    if found.would_raise:
        yield "would raise it", "; ".join(found.would_raise)
    yield from (("risk", risk) for risk in found.risks)
    if found.alignment is not None:
        yield "audit", told_audit(found.alignment, profile)
    if found.counted != found.over_scratch.mean:
        yield "ranked by", ranked_by(found)


def _bar(found: Recommendation, scale: tuple[float, float]) -> dict[str, str] | None:
    """Return places on the picture; None for what is 0 by definition."""
    gain = found.over_scratch
    if gain.low == gain.high:
        return None
    low, high = scale

    def place(value: float) -> str:
        share = (value - low) / (high - low or 1.0)
        return f"{_MARGIN + share * (_WIDTH - 2 * _MARGIN):.1f}"

    return {
        "zero": place(0.0),
        "low": place(gain.low),
        "mean": place(gain.mean),
        "high": place(gain.high),
    }
