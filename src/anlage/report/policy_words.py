"""A modality's policy in words: what is done, avoided and forbidden, why, and on what grounds."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from anlage.evidence import Rule, load
from anlage.modalities import NEEDS, SOURCES, Policy, ViewRule

__all__ = ["list_text", "policy_facts", "policy_text", "source_names"]

_WIDTH = 100
_NAME = 24
_LEVELS = {
    "do": "Do: advised, and on by default",
    "mild": "Mild: tolerated, and on by default",
    "avoid": "Avoid: off, made with a warning if a recipe names it",
}
_PAIRS = {
    "image": "views of one image",
    "study": "images of one study (one visit)",
    "patient": "all images of one patient",
}


def list_text(policies: Mapping[str, Policy]) -> str:
    """Return one line per modality."""
    head = f"{'modality':<14}{'title':<38}{'dims':<8}{'do':>4}{'mild':>6}{'avoid':>7}{'never':>7}"
    lines = [head]
    for name, policy in policies.items():
        levels: list[str] = [rule.level for rule in policy.views.values()]
        counts = [levels.count(level) for level in _LEVELS]
        dims = ", ".join(f"{dim}D" for dim in policy.dims)
        lines.append(
            f"{name:<14}{policy.title:<38}{dims:<8}{counts[0]:>4}{counts[1]:>6}{counts[2]:>7}"
            f"{len(policy.forbidden):>7}"
        )
    return "\n".join(
        [*lines, "", "See one: anlage modality ct    Draw it: anlage modality ct --show"]
    )


def policy_text(name: str, policy: Policy) -> str:
    """Return everything that a policy says, for a terminal."""
    dims = ", ".join(f"{dim}D" for dim in policy.dims)
    parts = [
        [f"{name}: {policy.title} ({dims})"],
        _section("How values and places are read", _reading(policy)),
    ]
    for level, title in _LEVELS.items():
        rules = {n: rule for n, rule in policy.views.items() if rule.level == level}
        parts.append(_section(title, [(n, _view(rule)) for n, rule in rules.items()]))
    bans = [(n, f"{ban.because} ({ban.source})") for n, ban in policy.forbidden.items()]
    needs = [
        (need, f"if {NEEDS[need]}: leaves out {', '.join(views)}")
        for need, views in policy.asks().items()
    ]
    artefacts = [
        (n, f"{one.transform} {_steps(one.strengths)}: {one.because} ({one.source})")
        for n, one in policy.artefacts.items()
    ]
    shortcuts = [("-", f"{one.what}: {one.remedy} ({one.source})") for one in policy.shortcuts]
    hints = [(n, f"{hint.says} ({hint.source})") for n, hint in policy.hints.items()]
    parts += [
        _section("Never: refused, with the reason", bans),
        _section("Your task decides: --set augmentation.task_needs=[...]", needs),
        _section("Masks and pairs", [*_masks(policy), *_pairs(policy)]),
        _section("Artefacts to test a finished model with, mild to severe", artefacts),
        _section("What a network could learn instead of the disease", shortcuts),
        _section("If your images or your task are", hints),
        _section("Notes", [("-", note) for note in policy.notes]),
        _section("Sources", list(sources(policy).items())),
    ]
    return "\n".join("\n".join([*part, ""]) for part in parts if part).rstrip()


def policy_facts(name: str, policy: Policy) -> dict[str, Any]:
    """Return everything that a policy says, for programs."""
    return {
        "name": name,
        **policy.model_dump(mode="json"),
        "task_needs": {need: list(views) for need, views in policy.asks().items()},
        "sources": sources(policy),
    }


def source_names(text: str) -> list[str]:
    """Return the rule ids and names of papers in a ``source``.

    Example:
        >>> source_names("R32, R41; Jiang 2024")
        ['R32', 'R41', 'Jiang 2024']
    """
    return [part.strip() for part in re.split(r"[;,]", text)]


def sources(policy: Policy) -> dict[str, str]:
    """Return each source that a policy names, with what it says; rules first.

    Raises:
        KeyError: If a policy names what is neither a rule nor in ``SOURCES``.
    """
    rules = {rule.id: rule for rule in load(local=False).rules}
    names = sorted({name for text in _stated(policy) for name in source_names(text)})
    found = {name: _rule(rules[name]) for name in names if name in rules}
    return found | {name: SOURCES[name] for name in names if name not in rules}


def _stated(policy: Policy) -> Iterator[str]:
    yield from (one.source for one in (policy.scaling, policy.crop, policy.corruption))
    yield policy.pairs.source
    groups: tuple[Iterable[Any], ...] = (
        policy.views.values(),
        policy.forbidden.values(),
        policy.artefacts.values(),
        policy.shortcuts,
        policy.hints.values(),
    )
    for group in groups:
        yield from (one.source for one in group)


def _rule(rule: Rule) -> str:
    grounds = f" ({rule.because})" if rule.because else ""
    return f"{rule.condition}: {rule.advice}{grounds} [{rule.status}]"


def _section(title: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [line for name, text in rows for line in _row(name, text)]
    return [title, *lines] if lines else []


def _row(name: str, text: str) -> list[str]:
    indent = 4 if name == "-" else _NAME
    start = f"  {name:<{indent - 2}}"
    start = start if len(start) == indent else f"{start} "
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _reading(policy: Policy) -> list[tuple[str, str]]:
    scaling, crop = policy.scaling, policy.crop
    rows = [("values", f"{scaling.kind}: {scaling.because} ({scaling.source})")]
    if scaling.windows:
        shown = [f"{n} {low:g} to {high:g}" for n, (low, high) in scaling.windows.items()]
        shown[0] += " (default)"
        rows.append(("windows", f"{', '.join(shown)}: --set augmentation.window=NAME"))
    low, high = crop.scale
    rows.append(
        (
            "crops",
            f"keep {low:.0%} to {high:.0%} of the image, and no recipe less than "
            f"{crop.least_scale:.0%}: {crop.because} ({crop.source})",
        )
    )
    return rows


def _view(rule: ViewRule) -> str:
    settings = [f"{key} {_value(value)}{_bound(rule, key)}" for key, value in rule.params.items()]
    settings += [
        f"{key} up to {limit:g}" for key, limit in rule.limits.items() if key not in rule.params
    ]
    settings += [
        f"{key} down to {least:g}" for key, least in rule.least.items() if key not in rule.params
    ]
    share = f"{rule.p:.0%} of views" if rule.level != "avoid" else ""
    where = "" if rule.dims == (2, 3) else ", ".join(f"{dim}D only" for dim in rule.dims)
    said = "; ".join(part for part in (share, where, ", ".join(settings)) if part)
    return f"{said}: {rule.because} ({rule.source})" if said else f"{rule.because} ({rule.source})"


def _bound(rule: ViewRule, key: str) -> str:
    ends = [f"at most {rule.limits[key]:g}"] if key in rule.limits else []
    ends += [f"at least {rule.least[key]:g}"] if key in rule.least else []
    return f" ({', '.join(ends)})" if ends else ""


def _masks(policy: Policy) -> list[tuple[str, str]]:
    own = policy.corruption
    unit = f"{own.ratio:.0%} hidden in blocks of {own.unit:.1%} of the view's edge"
    if own.unit_mm is not None:
        unit += f", at most {_length(own.unit_mm)} where the spacing is known"
    return [("masks", f"{unit}: {own.because} ({own.source})")]


def _length(unit_mm: float) -> str:
    return f"{unit_mm:g} mm" if unit_mm >= 0.1 else f"{unit_mm * 1000:g} micrometres"


def _pairs(policy: Policy) -> list[tuple[str, str]]:
    pairs = policy.pairs
    negative = "may" if pairs.negative_within_patient else "must not"
    rows = [
        ("positive pairs", f"at most {_PAIRS[pairs.positive]}: {pairs.because} ({pairs.source})"),
        ("negatives", f"two images of one patient {negative} be a negative pair"),
    ]
    return [*rows, *(("never a positive", words) for words in pairs.never)]


def _steps(strengths: Iterable[Mapping[str, Any]]) -> str:
    return " | ".join(
        ", ".join(f"{key} {_value(value)}" for key, value in one.items()) for one in strengths
    )


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        ends = [_value(item) for item in value]
        return ends[0] if len(set(ends)) == 1 else " to ".join(ends)
    return f"{value:g}" if isinstance(value, int | float) else str(value)
