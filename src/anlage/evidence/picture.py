"""A forest plot and its numbers as a file: .html, .svg, .png, .csv or .json."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from anlage.errors import ConfigError
from anlage.evidence.answer import Answer
from anlage.evidence.base import Base
from anlage.evidence.words import answer_text, citation, interval, number, short_name, unit_of

__all__ = ["KINDS", "save", "svg"]

KINDS = (".html", ".svg", ".png", ".csv", ".json")

_LEFT, _PLOT, _ROW, _TOP = 250, 360, 22, 46
_WIDTH = _LEFT + _PLOT + 190
_STYLE = "font-family:system-ui,sans-serif;font-size:13px"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evidence</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;font-size:13px}}td,th{{padding:2px 8px;text-align:left;
border-bottom:1px solid #ddd}}pre{{overflow:auto;background:#f6f6f6;padding:1rem}}</style></head>
<body><h1>Does self-supervised pretraining help here?</h1>
{figure}
<pre>{words}</pre>
<h2>Results and sources</h2>
<table><tr><th>id</th><th>effect</th><th>result</th><th>study</th><th>read in</th></tr>
{rows}</table></body></html>
"""


def save(answer: Answer, base: Base, path: Path) -> Path:
    """Write an answer; the suffix says how.

    Raises:
        ConfigError: If the suffix is none of `KINDS`, or a picture has no study to show.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ConfigError(f"--out must end in one of {', '.join(KINDS)}, got {path.name!r}.")
    if answer.pooled is None and kind in {".svg", ".png"}:
        raise ConfigError("a forest plot needs a study with read figures, there is none. Widen it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".png":
        _draw(answer, base, path)
        return path
    text = {".html": _html, ".svg": svg, ".csv": _csv, ".json": _json}[kind](answer, base)
    path.write_text(text, encoding="utf-8")
    return path


def svg(answer: Answer, base: Base) -> str:
    """Return the forest plot as SVG: studies by effect, the mean and the range of a new study."""
    lines = _lines(answer, base)
    low = min(0.0, *(line["low"] for line in lines))
    high = max(0.0, *(line["high"] for line in lines))

    def place(value: float) -> float:
        return float(round(_LEFT + (value - low) / (high - low or 1.0) * _PLOT, 1))

    height = _TOP + _ROW * len(lines) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" style="{_STYLE}" role="img">',
        f"<title>Forest plot of {len(answer.studies)} studies</title>",
        f'<text x="{_LEFT}" y="18">against pretraining</text>',
        f'<text x="{_LEFT + _PLOT}" y="18" text-anchor="end">for pretraining</text>',
        f'<line x1="{place(0)}" x2="{place(0)}" y1="26" y2="{height - 24}" stroke="#888"/>',
    ]
    for number_, line in enumerate(lines):
        y = _TOP + _ROW * number_
        colour = "#b5500f" if line["is_total"] else "#1f5f8b"
        parts += [
            f'<text x="0" y="{y + 4}">{escape(line["name"])}</text>',
            f'<line x1="{place(line["low"])}" x2="{place(line["high"])}" y1="{y}" y2="{y}" '
            f'stroke="{colour}" stroke-width="2"/>',
            f'<circle cx="{place(line["mean"])}" cy="{y}" r="4" fill="{colour}"/>',
            f'<text x="{_LEFT + _PLOT + 14}" y="{y + 4}">{escape(line["words"])}</text>',
        ]
    unit = escape(unit_of(answer.scale))
    parts.append(
        f'<text x="{_LEFT}" y="{height - 6}">{low:+.0f} to {high:+.0f} {unit}</text></svg>'
    )
    return "\n".join(parts)


def _lines(answer: Answer, base: Base) -> list[dict[str, Any]]:
    names = {row.study: short_name(row) for row in base.rows}
    lines = []
    for study in sorted(answer.studies, key=lambda found: found.mean):
        half = 1.96 * study.variance**0.5
        name = f"{names.get(study.study, study.study)} ({len(study.rows)})"
        lines.append(_line(name, study.mean, study.mean - half, study.mean + half))
    pooled = answer.pooled
    if pooled is not None and pooled.low is not None and pooled.high is not None:
        lines.append(_line("all studies, mean", pooled.mean, pooled.low, pooled.high, True))
    if (
        pooled is not None
        and pooled.predicted_low is not None
        and pooled.predicted_high is not None
    ):
        ends = (pooled.predicted_low, pooled.predicted_high)
        lines.append(_line("a new study", pooled.mean, *ends, True))
    return lines


def _line(
    name: str, mean: float, low: float, high: float, is_total: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "mean": mean,
        "low": low,
        "high": high,
        "is_total": is_total,
        "words": f"{number(mean)} {interval(low, high)}",
    }


def _html(answer: Answer, base: Base) -> str:
    rows = "\n".join(
        f"<tr><td>{row.row}</td><td>{number(row.effect) if row.effect is not None else ''}</td>"
        f"<td>{escape(row.method)} on {escape(row.dataset)}, {escape(row.labels)}</td>"
        f"<td>{escape(citation(row))}</td><td>{escape(row.source)} ({row.status})</td></tr>"
        for row in answer.listed
    )
    figure = svg(answer, base) if answer.pooled is not None else "<p>No study has figures.</p>"
    words = escape(answer_text(answer, base, with_rows=False))
    return _PAGE.format(figure=figure, words=words, rows=rows)


def _csv(answer: Answer, base: Base) -> str:
    used = {row.row for row in answer.rows}
    names = {row.study: short_name(row) for row in base.rows}
    text = io.StringIO()
    extra = ("study_name", "direction", "delta", "effect", "scale", "band", "is_used")
    fields = (*answer.listed[0].plain(), *extra) if answer.listed else extra
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    for row in answer.listed:
        more = {
            "study_name": names[row.study],
            "direction": row.direction,
            "delta": "" if row.delta is None else f"{row.delta:.6g}",
            "effect": "" if row.effect is None else f"{row.effect:.6g}",
            "scale": row.measure.scale or "",
            "band": row.band,
            "is_used": row.row in used,
        }
        writer.writerow({**row.plain(), **more})
    return text.getvalue()


def _json(answer: Answer, base: Base) -> str:
    names = {row.study: short_name(row) for row in base.rows}
    values = {
        "question": answer.question,
        "scale": answer.scale,
        "pooled": asdict(answer.pooled) if answer.pooled else None,
        "expected": asdict(answer.expected) if answer.expected else None,
        "negative_share": asdict(answer.negative) if answer.negative else None,
        "own_gap": asdict(answer.own_gap) if answer.own_gap else None,
        "egger": asdict(answer.egger) if answer.egger else None,
        "variance_model": asdict(answer.variance),
        "studies": [{"name": names[s.study], **asdict(s)} for s in answer.studies],
        "supporting": answer.supporting,
        "opposing": answer.opposing,
        "left_out": dict(answer.left_out),
        "listed": [row.row for row in answer.listed],
    }
    return json.dumps(values, indent=1) + "\n"


def _draw(answer: Answer, base: Base, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = _lines(answer, base)
    figure = Figure(figsize=(9, 1.2 + 0.28 * len(lines)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, line in enumerate(lines):
        colour = "#b5500f" if line["is_total"] else "#1f5f8b"
        axes.plot([line["low"], line["high"]], [-place, -place], color=colour)
        axes.plot(line["mean"], -place, "o", color=colour)
    axes.axvline(0, color="#888888", linewidth=1)
    axes.set_yticks([-place for place in range(len(lines))], [line["name"] for line in lines])
    axes.set_xlabel(f"effect in {unit_of(answer.scale)}; above zero speaks for pretraining")
    figure.savefig(path)
