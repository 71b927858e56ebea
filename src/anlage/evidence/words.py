"""The answer in words: the list of rows, the pooled effect, and a forest plot in plain text."""

from __future__ import annotations

import re

from anlage.evidence.answer import Answer
from anlage.evidence.base import Base
from anlage.evidence.effects import StudyEffect
from anlage.evidence.records import Row, Rule
from anlage.evidence.vocabulary import BASELINES, METRICS, STATUSES

__all__ = ["answer_text", "citation", "entry_text", "interval", "number", "row_line", "unit_of"]

Ends = tuple[float, float]

_WIDTH = 41
_LABEL = 30
_NAME, _NARROW = 24, 13
_ASIDE = re.compile(r"\([^)]*\)?")
_DANGLING = re.compile(r"( (of|at|the|for|and|in|a|an))+$")


def answer_text(answer: Answer, base: Base, *, with_rows: bool = True) -> str:
    """Return the rows of an answer, its pooled effect and its forest plot, for a terminal."""
    lines = [_headline(answer), ""]
    if with_rows and answer.listed:
        used = set(answer.supporting) | set(answer.opposing) | {row.row for row in answer.rows}
        lines += [row_line(row, is_used=row.row in used) for row in answer.listed]
        lines += ["", "* enters the number below; see one with: anlage evidence ID", ""]
    if answer.pooled is None:
        lines.append("No row with read figures answers this question.")
    else:
        lines += [*_forest(answer, base), "", *_pooled_lines(answer)]
    lines += _expected_lines(answer) + _warning_lines(answer)
    return "\n".join(lines)


def entry_text(entry: Row | Rule, base: Base) -> str:
    """Return everything that is known of one row or rule, with its source."""
    return _rule_text(entry, base) if isinstance(entry, Rule) else _row_text(entry, base)


def row_line(row: Row, *, is_used: bool = False) -> str:
    """Return one row of the list: id, study, method, what it was tried on, and the figures."""
    figures = f"{_figure(row, row.ssl)} against {_figure(row, row.baseline)}"
    if not row.has_pair:
        figures = row.stated or "figures not read"
    effect = f"{row.effect:+.1f}" if row.effect is not None else ""
    kind = f"{'|'.join(row.modality)} {'|'.join(row.task)}"
    name = short_name(row, width=_NARROW)
    return (
        f"{'*' if is_used else ' '} {row.row} {name:<18.18} {row.method:<20.20} "
        f"{kind:<28.28} {row.labels:<14.14} {effect:>6}  {figures[:46]}"
    )


def short_name(row: Row, *, width: int = _NAME) -> str:
    """Return first author or group and year; where neither is named, how the title begins.

    Initials and other asides are left out. What is longer than the width ends at a word.
    """
    first = _ASIDE.sub("", row.authors).split(",")[0].replace("University", "Univ.")
    first = first.replace(" authors", "").replace(" et al.", "").removesuffix(" group").strip()
    is_named = first and not first.startswith(("not named", "authors not"))
    return f"{_cut(first if is_named else row.title, width)} {row.year or ''}".strip()


def _cut(name: str, width: int) -> str:
    """Return the words of a name that fit, one blank apart; of a long first word its beginning."""
    words = " ".join(name.split())
    whole = words if len(words) <= width else words[: width + 1].rpartition(" ")[0]
    return _DANGLING.sub("", whole or words[:width])


def citation(row: Row) -> str:
    """Return authors, year, title and identifier of a row's study."""
    year = f" ({row.year})" if row.year else ""
    return f"{row.authors or 'authors not stated'}{year}. {row.title}. {row.citation}"


def number(value: float | None) -> str:
    """Return an effect with its sign."""
    if value is None:
        return "unknown"
    return f"{value:+.1f}"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval, or say that there is none."""
    return "no interval" if low is None or high is None else f"[{low:+.1f}, {high:+.1f}]"


def unit_of(scale: str) -> str:
    """Return the unit of effects on a scale, in words."""
    return "points" if scale == "points" else "log points (100 ln of the error's reduction)"


def _headline(answer: Answer) -> str:
    asked = ", ".join(f"{name} {words}" for name, words in answer.question.items())
    studies = len({row.study for row in answer.listed})
    return f"{len(answer.listed)} results of {studies} studies" + (f" for {asked}" if asked else "")


def _forest(answer: Answer, base: Base) -> list[str]:
    """One line per study, on one scale, with the pooled mean and its intervals below."""
    names = {row.study: short_name(row) for row in base.rows}
    pooled = answer.pooled
    assert pooled is not None
    ends = [end for study in answer.studies for end in _ends(study)]
    if pooled.predicted_low is not None and pooled.predicted_high is not None:
        ends += [pooled.predicted_low, pooled.predicted_high]
    scale = low, high = min(0.0, *ends), max(0.0, *ends)
    lines = [f"{'study':<{_LABEL}} {'rows':>4} {'effect':>7}  {'(' + unit_of(answer.scale) + ')'}"]
    for study in sorted(answer.studies, key=lambda found: found.mean):
        bar = _bar(_ends(study), study.mean, scale)
        lines.append(
            f"{names.get(study.study, study.study):<{_LABEL}.{_LABEL}} {len(study.rows):>4} "
            f"{study.mean:>+7.1f}  {bar}"
        )
    if pooled.low is not None and pooled.high is not None:
        bar = _bar((pooled.low, pooled.high), pooled.mean, scale, mark="#")
        lines.append(f"{'all studies, mean':<{_LABEL}} {pooled.k:>4} {pooled.mean:>+7.1f}  {bar}")
    if pooled.predicted_low is not None and pooled.predicted_high is not None:
        bar = _bar((pooled.predicted_low, pooled.predicted_high), pooled.mean, scale, mark="#")
        lines.append(f"{'a new study':<{_LABEL}} {'':>4} {'':>7}  {bar}")
    lines.append(f"{'':<{_LABEL}} {'':>4} {'':>7}  {low:<+{_WIDTH - 8}.0f}{high:>+8.0f}")
    return lines


def _ends(study: StudyEffect) -> Ends:
    half = 1.96 * study.variance**0.5
    return study.mean - half, study.mean + half


def _bar(ends: Ends, middle: float, scale: Ends, *, mark: str = "o") -> str:
    low, high = scale

    def place(value: float) -> int:
        column = round((value - low) / (high - low or 1.0) * (_WIDTH - 1))
        return min(max(column, 0), _WIDTH - 1)

    cells = [" "] * _WIDTH
    cells[place(0.0)] = "|"
    for column in range(place(ends[0]), place(ends[1]) + 1):
        cells[column] = "-" if cells[column] == " " else "+"
    cells[place(middle)] = mark
    return "".join(cells).rstrip()


def _pooled_lines(answer: Answer) -> list[str]:
    pooled = answer.pooled
    assert pooled is not None
    lines = [
        f"Mean of {pooled.k} {'study' if pooled.k == 1 else 'studies'}: {number(pooled.mean)} "
        f"{unit_of(answer.scale)}, 95% interval {interval(pooled.low, pooled.high)}"
    ]
    if pooled.predicted_low is not None:
        lines.append(
            "In a new study: 95% prediction interval "
            f"{interval(pooled.predicted_low, pooled.predicted_high)}"
        )
    if pooled.i2 is not None and pooled.q is not None:
        lines.append(
            f"Between studies: standard deviation {pooled.tau2**0.5:.1f}, "
            f"I^2 {100 * pooled.i2:.0f}%, Q {pooled.q:.1f} on {pooled.q_df}"
        )
    return lines


def _expected_lines(answer: Answer) -> list[str]:
    found = answer.expected
    if found is None:
        return []
    return [
        f"After partial pooling over the whole base: {number(found.mean)} "
        f"{interval(found.low, found.high)}, new study "
        f"{interval(found.predicted_low, found.predicted_high)} "
        f"({100 * found.weight:.0f}% from these studies, the rest from the surroundings)"
    ]


def _warning_lines(answer: Answer) -> list[str]:
    lines = []
    if answer.negative is not None:
        share = answer.negative
        lines.append(
            f"Below the control: {100 * share.share:.0f}% of results "
            f"[{100 * share.low:.0f}, {100 * share.high:.0f}]; unpublished failures would raise it"
        )
    if answer.own_gap is not None:
        gap = answer.own_gap
        lines.append(
            f"Methods in their own study against elsewhere: {number(gap.difference)} "
            f"{interval(gap.low, gap.high)} ({gap.k_own} against {gap.k_other} studies)"
        )
    if answer.egger is not None:
        lines.append(
            f"Small-study effects (Egger): intercept {answer.egger.intercept:+.2f}, "
            f"p {answer.egger.p:.2f}, {answer.egger.k} studies"
        )
    elif answer.pooled is not None and answer.pooled.k > 1:
        lines.append("Small-study effects: not testable, too few sources print standard errors")
    if answer.left_out:
        parts = "; ".join(f"{count} {reason}" for reason, count in sorted(answer.left_out.items()))
        lines.append(f"Left out of the number: {parts}")
    return lines


def _baseline(row: Row) -> str:
    return BASELINES.get(row.baseline_type, "kind not stated")


def _row_text(row: Row, base: Base) -> str:
    where = {
        "fine-tuned": row.protocol == "finetune",
        "linear probe": row.protocol == "linear",
        "probe": row.protocol == "probe",
    }
    adapted = next((name for name, holds in where.items() if holds), "")
    kind = f"{'|'.join(row.modality)}, {'|'.join(row.dims)}"
    lines = [
        f"{row.row} ({row.study}): {citation(row)}",
        f"  method      {row.method} ({'; '.join(filter(None, (row.paradigm, row.pretext)))})",
        f"  pretrained  on {row.pretrained_on} images; {row.encoder or 'encoder not stated'}",
        f"  tried on    {row.dataset or 'data not named'} ({kind}), {'|'.join(row.task)}, "
        f"labels: {row.labels or 'not stated'}",
        f"  metric      {METRICS[row.metric].label} ({row.direction} is better) {adapted}".rstrip(),
        f"  SSL         {_figure(row, row.ssl)}",
        f"  baseline    {_figure(row, row.baseline)} "
        f"({': '.join(filter(None, (row.baseline_note, _baseline(row))))})",
    ]
    if row.effect is not None:
        lines.append(f"  effect      {row.effect:+.2f} {unit_of(row.measure.scale or 'points')}")
    if row.stated:
        lines.append(f"  stated      {row.stated}")
    lines += [f"  source      {row.source}", f"  checked     {row.status}: {STATUSES[row.status]}"]
    rules = ", ".join(rule.id for rule in base.resting_on(row.row))
    return "\n".join([*lines, f"  rules       {rules or 'none rests on it'}"])


def _rule_text(rule: Rule, base: Base) -> str:
    lines = [
        f"{rule.id} ({rule.group}, {rule.kind}, {rule.status})",
        f"  if       {rule.condition}",
        f"  then     {rule.advice}",
        f"  because  {rule.because or 'a step of the protocol'}",
    ]
    rows = [base.find(name) for name in rule.evidence]
    lines += [row_line(row) for row in rows if isinstance(row, Row)]
    return "\n".join(lines if rows else [*lines, "  no row of the base carries it"])


def _figure(row: Row, value: float | None) -> str:
    if value is None:
        return "not read"
    return f"{value:.4g}" + (f" {row.unit}" if row.unit else "")
