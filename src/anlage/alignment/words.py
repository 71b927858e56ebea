"""An audit in words: as a table for the terminal, as advice, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from anlage.alignment.auditor import Finding, Numbers
from anlage.alignment.correct import Checked
from anlage.alignment.intervals import ProbeScore, Share
from anlage.alignment.measure import Audit
from anlage.alignment.score import LIMITS, light_above, light_below, light_of_site
from anlage.alignment.score_words import corrected_score, score_words

__all__ = [
    "NO_SIGNAL",
    "advice",
    "as_json",
    "as_text",
    "knows_signal",
    "lost",
    "shown",
    "why",
    "why_whole",
]

NO_SIGNAL = "cannot be measured with these labels: a probe does not read them in images as they are"
_MARK = {"red": "RED", "amber": "amber", "green": "green", "unknown": "-"}


def as_text(audit: Audit, *, title: str) -> str:
    """Return the audit as a table with advice, for a terminal."""
    rows: list[tuple[str, ...]] = [
        ("part", "light", "signal kept", "erased", "faded", "hidden", "clipped", "shift")
    ]
    rows += [_row(found) for found in audit.findings]
    whole = audit.whole
    rows.append(
        (
            "whole",
            _MARK[audit.whole_light],
            *(shown(s) for s in (whole.kept, whole.erased, None, whole.hidden)),
            "",
            "",
        )
    )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        title,
        "",
        *(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ),
        "",
        *advice(audit),
    ]
    return "\n".join(lines)


def shown(share: Share | None) -> str:
    """Return a share with its interval."""
    if share is None or share.value is None:
        return "-"
    if share.low is None or share.high is None:
        return f"{share.value:.2f}"
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"


def _told(score: ProbeScore | None) -> str:
    """Return a probe's score with its kind and what chance would give."""
    if score is None:
        return "not measured (a probe needs two values and four patients)"
    return f"{shown(score)} ({score.kind}, {score.chance:g} is chance)"


def why(found: Finding) -> str:
    """Return in words what is behind a light that is not green."""
    numbers = found.at[1.0]
    reasons = _reasons(numbers)
    values = numbers.values
    if not reasons and found.light in {"red", "amber"} and values is not None:
        reasons.append(f"moves the mean by {values.shift_share:.0%} of the range")
    return "; ".join(reasons)


def why_whole(audit: Audit) -> str:
    """Return in words what is behind a light of the whole plan that is not green."""
    reasons, pairs = _reasons(audit.whole), audit.pairs_keep
    if pairs is not None and pairs.value is not None and pairs.value < LIMITS.pairs:
        reasons.append(
            f"keeps the lesion in both views of {pairs.value:.0%} of pairs "
            f"(limit {LIMITS.pairs:.0%})"
        )
    return "; ".join(reasons)


def lost(numbers: Numbers, pairs_keep: Share | None = None) -> str:
    """Return what is shown to be lost of the signal or the lesions, with its interval; or ""."""
    if light_below(numbers.kept, LIMITS.kept) == "red":
        return f"keeps {shown(_from_0_to_1(numbers.kept))}"
    if light_below(pairs_keep, LIMITS.pairs) == "red":
        return f"keeps the lesion in both views of {shown(pairs_keep)} of pairs"
    for share, most, what in (
        (numbers.erased, LIMITS.erased, "leaves less than half of the lesion"),
        (numbers.faded, LIMITS.erased, "takes half of the lesion's contrast"),
        (numbers.hidden, LIMITS.hidden, "hides the whole lesion"),
    ):
        if light_above(share, most) == "red":
            return f"{what} in {shown(share)} of views"
    return ""


def _from_0_to_1(share: Share | None) -> Share:
    ends = (None, None, None) if share is None else (share.value, share.low, share.high)
    value, low, high = (None if end is None else min(max(end, 0.0), 1.0) for end in ends)
    return Share(value=value, low=low, high=high)


def _reasons(numbers: Numbers) -> list[str]:
    reasons = []
    kept, values = numbers.kept, numbers.values
    if kept is not None and kept.value is not None and kept.value < LIMITS.kept:
        reasons.append(f"keeps {kept.value:.0%} of the label's signal (limit {LIMITS.kept:.0%})")
    for share, most, what in (
        (numbers.erased, LIMITS.erased, "leaves less than half of the lesion"),
        (numbers.faded, LIMITS.erased, "takes half of the lesion's contrast"),
        (numbers.hidden, LIMITS.hidden, "hides the whole lesion"),
    ):
        if share is not None and share.value is not None and share.value > most:
            reasons.append(f"{what} in {share.value:.0%} of views (limit {most:.0%})")
    if values is not None and values.clipped > LIMITS.clipped[0]:
        reasons.append(f"clips {values.clipped:.0%} of the image (limit {LIMITS.clipped[0]:.0%})")
    if values is not None and (values.off_stain or 0) > LIMITS.off_stain[0]:
        reasons.append(f"takes {values.off_stain:.0%} of tissue out of the stains' colours")
    return reasons


def advice(audit: Audit) -> Iterator[str]:
    """Yield one sentence per thing to know or to do."""
    if audit.clean is not None:
        said = f"A probe reads the label in plain images: {_told(audit.clean)}"
        yield said + ("." if audit.can_measure_signal else f". The signal kept {NO_SIGNAL}.")
    else:
        yield (
            "The task's signal was not measured: that takes labels of it, of two values and four "
            "patients or more, or label maps of a task that finds places."
        )
    changes = {correction.name: correction.says for correction in audit.corrections}
    for found in audit.findings:
        if found.light == "red":
            yield f"{found.name} {why(found)}: {changes.get(found.name, 'look at it')}."
    if audit.whole_light == "red" and not any(one.light == "red" for one in audit.findings):
        yield f"No part alone is red, but the whole plan is: it {why_whole(audit)}."
    if audit.lesion_images:
        yield _smallest(audit)
    if audit.pairs_keep is not None:
        yield f"Pairs in which both views keep the lesion: {shown(audit.pairs_keep)}."
    for name, share in audit.site.items():
        said = f"{name} is read from what stays the same across views: {_told(share)}"
        yield f"{said}{_site_advice(share)}."
    for name, share in audit.background.items():
        yield f"{name} is read without the lesions: {_told(share)}."
    if audit.negatives is not None:
        pairs = audit.negatives
        yield (
            f"Of the other images in a micro-batch of {pairs.batch}, {pairs.left_out:.2%} show the "
            "same patient or a near-duplicate and are left out of the negatives "
            f"({pairs.with_left_out:.0%} of images meet one)."
        )
        if pairs.same_label is not None:
            yield f"Of the negatives that remain, {pairs.same_label:.1%} share the label."
    yield from _scores(audit)


def as_json(audit: Audit) -> dict[str, Any]:
    """Return the audit as plain values."""
    return {
        "images": audit.images,
        "patients": audit.patients,
        "lesion_images": audit.lesion_images,
        "least": audit.least.as_json(),
        "kept_parts": audit.kept_parts,
        "limited_by": audit.limited_by,
        "alignment_score": None if audit.rehearsal is None else audit.rehearsal.as_json(),
        "clean": None if audit.clean is None else audit.clean.as_json(),
        "can_measure_signal": audit.can_measure_signal,
        "parts": [
            {
                "name": found.name,
                "light": found.light,
                "why": why(found),
                "chance": found.chance,
                "at": {f"{factor:g}": _numbers(one) for factor, one in found.at.items()},
            }
            for found in audit.findings
        ],
        "whole": _numbers(audit.whole),
        "whole_light": audit.whole_light,
        "whole_why": why_whole(audit),
        "pairs_keep": None if audit.pairs_keep is None else audit.pairs_keep.as_json(),
        "by_size": [
            {"mm": mm, "lesions": count, "erased": round(lost, 4), "hidden": _finite(hidden)}
            for mm, count, lost, hidden in audit.by_size
        ],
        "smallest_mm": dict(
            zip(("resampling", "token"), (round(mm, 3) for mm in audit.smallest_mm), strict=True)
        ),
        "spacing_stated": audit.spacing_stated,
        "site": {name: _score(share) for name, share in audit.site.items()},
        "site_light": audit.site_light,
        "background": {name: _score(share) for name, share in audit.background.items()},
        "negatives": None if audit.negatives is None else asdict(audit.negatives),
        "corrections": [asdict(correction) for correction in audit.corrections],
        "checked": None if audit.checked is None else _checked_json(audit.checked),
        "limits": asdict(LIMITS),
    }


def _smallest(audit: Audit) -> str:
    pixels, token = audit.smallest_mm
    shares = "shares its only token or mask unit with other tissue"
    if audit.spacing_stated is False:
        return (
            "Smaller than 2 pixels of a view is averaged away; smaller than "
            f"{2 * token / pixels:.3g} pixels of a view {shares}. The pictures state no spacing."
        )
    said = (
        f"Smaller than {pixels:.3g} mm (two pixels of a view) is averaged away; smaller than "
        f"{token:.3g} mm {shares}."
    )
    unknown = " Where a file states no spacing, read stored pixels for mm."
    return said if audit.spacing_stated else said + unknown


def _scores(audit: Audit) -> Iterator[str]:
    if audit.least.value is None:
        yield "Kept of what the task needs: not measured. Give --task with --label, or label maps."
    else:
        only = "" if knows_signal(audit) else " Of lesions alone: the label's signal is not known."
        yield (
            f"Kept of what the task needs: {shown(audit.least)}, limited by: {audit.limited_by}."
            f"{only}"
        )
    yield f"Alignment score (rehearsed gain): {score_words(audit.rehearsal)}"
    if audit.checked is not None:
        yield _checked(audit.checked)
        if audit.checked.is_kept and audit.checked.rehearsal is not None:
            yield corrected_score(audit.rehearsal, audit.checked.rehearsal)


def knows_signal(audit: Audit) -> bool:
    """Whether what is kept of the task's signal was measured."""
    return audit.whole.kept is not None


def _checked(checked: Checked) -> str:
    """Say what the corrected recipe keeps, or why it is not proposed."""
    tried = "; ".join(f"{one.name}: {one.says}" for one in checked.tried)
    if checked.after is None:
        return (
            f"The recipe is kept as it is: with what was tried ({tried}) it cannot be used "
            f"({checked.refused.rstrip('.')})."
        )
    scores = f"{shown(checked.before)} -> {shown(checked.after)}"
    if not checked.is_kept:
        return f"The recipe is kept as it is: what was tried ({tried}) keeps less, {scores}."
    limit = "" if checked.limited_by is None else f", limited by: {checked.limited_by}"
    if checked.after.value is None:
        return "What the corrected recipe keeps cannot be measured either."
    return f"Kept by the corrections, on the same images: {scores}{limit}."


def _checked_json(checked: Checked) -> dict[str, Any]:
    return {
        "before": checked.before.as_json(),
        "after": None if checked.after is None else checked.after.as_json(),
        "limited_by": checked.limited_by,
        "is_kept": checked.is_kept,
        "alignment_score": None if checked.rehearsal is None else checked.rehearsal.as_json(),
        "refused": checked.refused or None,
        "tried": [asdict(correction) for correction in checked.tried],
    }


def _row(found: Finding) -> tuple[str, ...]:
    numbers = found.at[1.0]
    values = numbers.values
    return (
        found.name,
        _MARK[found.light],
        *(shown(s) for s in (numbers.kept, numbers.erased, numbers.faded, numbers.hidden)),
        "-" if values is None else f"{values.clipped:.1%}",
        "-" if values is None else f"{values.shift:.3g}",
    )


def _site_advice(score: ProbeScore | None) -> str:
    if light_of_site(score) not in {"amber", "red"}:
        return ""
    return ", so contrast can learn it: simulate it in views, or test on other sites"


def _score(score: ProbeScore | None) -> dict[str, float | str | None] | None:
    return None if score is None else score.as_json()


def _numbers(numbers: Numbers) -> dict[str, Any]:
    found: dict[str, Any] = {"settings": numbers.settings}
    for name in ("kept", "erased", "faded", "hidden", "hidden_mostly"):
        share: Share | None = getattr(numbers, name)
        found[name] = None if share is None else share.as_json()
    values = numbers.values
    found["values"] = None if values is None else {k: _finite(v) for k, v in asdict(values).items()}
    return found


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 6)
