"""An audit as one page that loads nothing: what is wrong, every number, and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from anlage.alignment.auditor import Finding
from anlage.alignment.measure import Audit
from anlage.alignment.pictures import Picture
from anlage.alignment.score import Light, light_of_site
from anlage.alignment.words import advice, lost, shown, why, why_whole

__all__ = ["as_html"]

_LENGTHS: dict[bool | None, str] = {
    True: "mm",
    False: "stored pixels",
    None: "mm, or stored pixels where no spacing is known",
}
_LIGHTS = {"red": "red", "amber": "amber", "green": "green", "unknown": "not measured"}


def as_html(
    audit: Audit,
    *,
    title: str,
    pictures: Mapping[str, Sequence[Picture]],
    command: str,
    corrected: str,
) -> str:
    """Return the page.

    Args:
        audit: What was measured.
        title: Strategy and data in a line.
        pictures: Worst cases by part of the plan.
        command: How to repeat the audit.
        corrected: The corrected recipe as YAML.
    """
    environment = Environment(
        loader=PackageLoader("anlage.alignment", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        audit=audit,
        title=title,
        headline=_headline(audit),
        rows=[_row(found) for found in audit.findings],
        whole=audit.whole,
        whole_light=audit.whole_light,
        whole_word=_LIGHTS[audit.whole_light],
        whole_why=why_whole(audit),
        lengths=_LENGTHS[audit.spacing_stated],
        advice=list(advice(audit)),
        pictures=pictures,
        command=command,
        corrected=corrected,
        shown=shown,
        by_size=[
            (mm, count, f"{lost:.0%}", "-" if math.isnan(hidden) else f"{hidden:.0%}")
            for mm, count, lost, hidden in audit.by_size
        ],
    )


def _headline(audit: Audit) -> str:
    """Say what is red: of the parts, of the whole plan if no part is, and of the sites."""
    red, amber = (_parts(audit, light) for light in ("red", "amber"))
    said = []
    if red:
        verb = "loses" if len(red) == 1 else "lose"
        said.append(f"{_listed(red)} {verb} too much of what the task needs: {_losses(audit)}.")
    if sites := _sites(audit, "red"):
        said.append(
            f"{_listed(sites)} can be read from what stays the same across views, and be learnt "
            "instead of the disease."
        )
    if said:
        return " ".join(one[0].upper() + one[1:] for one in said)
    if maybe := [*amber, *(f"what views show of {name}" for name in _sites(audit, "amber"))]:
        return f"Nothing is shown to be harmful; {_listed(maybe)} may be."
    lights = {found.light for found in audit.findings} | {audit.whole_light, audit.site_light}
    if lights == {"unknown"}:
        return "Nothing could be measured without labels or label maps."
    return "Nothing that was measured is harmful."


def _parts(audit: Audit, light: Light) -> list[str]:
    found = [one.name for one in audit.findings if one.light == light]
    return found or (["the whole plan"] if audit.whole_light == light else [])


def _losses(audit: Audit) -> str:
    """Say what every red part loses, by name if there are several; else the whole plan."""
    red = [found for found in audit.findings if found.light == "red"]
    told = [lost(found.at[1.0]) or why(found) for found in red]
    if not red:
        return lost(audit.whole, audit.pairs_keep)
    if len(red) == 1:
        return told[0]
    return "; ".join(f"{found.name} {what}" for found, what in zip(red, told, strict=True))


def _sites(audit: Audit, light: Light) -> list[str]:
    return [name for name, score in audit.site.items() if light_of_site(score) == light]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _row(found: Finding) -> dict[str, Any]:
    numbers = found.at[1.0]
    curve = {
        factor: shown(one.kept)
        for factor, one in found.at.items()
        if factor != 1.0 and one.kept is not None
    }
    return {
        "name": found.name,
        "light": found.light,
        "word": _LIGHTS[found.light],
        "why": why(found),
        "numbers": numbers,
        "curve": curve,
    }
