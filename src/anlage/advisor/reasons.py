"""What speaks for and against a strategy: rules that hold, and the nearest published results."""

from __future__ import annotations

from collections.abc import Iterable

from anlage.advisor.answer import Kind, Reason
from anlage.advisor.preferences import Case, spoken
from anlage.advisor.profile import Profile
from anlage.advisor.results import is_own, is_variant, usable
from anlage.evidence import Base, Row, Rule
from anlage.evidence.words import short_name

__all__ = ["circumstances", "nearest_results", "rule_reasons"]

_MANY, _FEW = 10.0, 1000
_RARE = 0.1
_MOST_RESULTS = 4

Sides = tuple[list[Reason], list[Reason]]


def rule_reasons(base: Base, case: Case) -> Sides:
    """Return the rules for and against a method in a case; those not sure to hold say so."""
    supporting: list[Reason] = []
    opposing: list[Reason] = []
    for name, (side, is_sure) in spoken(case).items():
        text = _advice(base, name) + ("" if is_sure else " (if it applies: not known)")
        (supporting if side > 0 else opposing).append(Reason(id=name, text=text))
    return supporting, opposing


def circumstances(base: Base, profile: Profile, kind: Kind) -> Sides:
    """Return the rules that numbers of images, labels, classes and sites call up."""
    supporting: list[Reason] = []
    opposing: list[Reason] = []
    learns = kind in {"pretrain", "continue"}
    if profile.unlabelled is not None and profile.labelled:
        if learns and profile.unlabelled / profile.labelled >= _MANY:
            supporting.append(_say(base, "R20"))
        if learns and profile.labelled >= profile.unlabelled:
            opposing.append(_say(base, "R21"))
    if profile.unlabelled is not None and profile.unlabelled < _FEW:
        (opposing if learns else supporting).append(_say(base, "R22"))
    if profile.rarest_share is not None and profile.rarest_share < _RARE and learns:
        opposing.append(_say(base, "R23"))
    if profile.sites is not None and profile.sites > 1:
        (opposing if learns else supporting).append(_say(base, "R26"))
    return supporting, opposing


def nearest_results(
    base: Base, profile: Profile, *, paradigm: str | None, baseline: str | None = None
) -> Sides:
    """Return the results of the paradigm that are most like the case: gains, then losses.

    Args:
        base: The base.
        profile: The case.
        paradigm: None for any.
        baseline: Only results against this baseline; None for any control.
    """
    rows = [
        row
        for row in usable(base.rows)
        if paradigm in {None, row.paradigm}
        and baseline in {None, row.baseline_type}
        and profile.task in {None, row.task[0]}
    ]
    same = [row for row in rows if profile.modality in {None, row.modality[0]}]
    rows = same if len({row.study for row in same}) > 1 else rows
    rows.sort(key=lambda row: (-_likeness(row, profile), row.row))
    gains = [row for row in rows if (row.effect or 0.0) > 0]
    losses = [row for row in rows if (row.effect or 0.0) <= 0]
    return _told(_one_per_study(gains)), _told(_one_per_study(losses))


def _one_per_study(rows: Iterable[Row]) -> list[Row]:
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.study, row)
    return list(first.values())[:_MOST_RESULTS]


def _likeness(row: Row, profile: Profile) -> float:
    share = profile.share
    near = 0.0
    if share is not None and row.label_fraction is not None:
        near = 1.0 if (share <= 0.1) == (row.label_fraction <= 0.1) else 0.0
    same = 2.0 * (row.modality[0] == profile.modality)
    return 10.0 * is_own(row) + same + near + 0.5 * (row.dims[0] == f"{profile.dims}d")


def _told(rows: Iterable[Row]) -> list[Reason]:
    return [
        Reason(
            id=row.row,
            text=f"{short_name(row)}: {_tried(row)} on {row.dataset or row.modality[0]}, "
            f"{row.labels or 'labels not stated'}, {row.effect:+.1f} over {row.baseline_type}",
        )
        for row in rows
    ]


def _tried(row: Row) -> str:
    return f"{row.method} (as {row.pretext})" if is_variant(row) else row.method


def _say(base: Base, name: str) -> Reason:
    return Reason(id=name, text=_advice(base, name))


def _advice(base: Base, name: str) -> str:
    rule = base.find(name)
    assert isinstance(rule, Rule)
    return f"{rule.condition}: {rule.advice}"
