"""The PRISMA 2020 flow diagram of a review, as text and as SVG."""

from __future__ import annotations

from html import escape

from anlage.evidence.screening import Flow

__all__ = ["flow_svg", "flow_text"]

_BOX, _GAP, _LINE, _SIDE = 300, 30, 16, 340


def flow_text(flow: Flow) -> str:
    """Return the flow as lines of text."""
    lines = []
    for main, side in _boxes(flow):
        lines.append(f"{main[0]:<48}{'-> ' + side[0] if side else ''}".rstrip())
        lines += [f"  {line}" for line in main[1:]]
        lines += [f"{'':<51}{line}" for line in side[1:]]
    if flow.not_imported:
        lines.append(f"Found by searches, not imported yet: {flow.not_imported}")
    if flow.waiting:
        lines.append(f"Still without a decision: {flow.waiting}")
    return "\n".join(lines)


def flow_svg(flow: Flow) -> str:
    """Return the flow diagram as SVG: what goes on to the left, what leaves to the right."""
    parts: list[str] = []
    y = 10
    boxes = _boxes(flow)
    for place, (main, side) in enumerate(boxes):
        height = 14 + _LINE * max(len(main), len(side))
        parts += _box(10, y, height, main)
        if side:
            middle = y + height / 2
            parts += [
                *_box(10 + _SIDE, y, height, side),
                _arrow(10 + _BOX, middle, 10 + _SIDE, middle),
            ]
        if place + 1 < len(boxes):
            parts.append(_arrow(10 + _BOX / 2, y + height, 10 + _BOX / 2, y + height + _GAP))
        y += height + _GAP
    width, total = 20 + _SIDE + _BOX, y - _GAP + 10
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" '
            f'width="{width}" height="{total}" role="img" '
            'style="font-family:system-ui,sans-serif;font-size:13px">',
            "<title>PRISMA 2020 flow diagram</title>",
            '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" '
            'orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _boxes(flow: Flow) -> list[tuple[list[str], list[str]]]:
    """Return the boxes from top to bottom: what goes on, and what leaves."""
    found = sum(flow.identified.values())
    sources = [f"{source}: {count}" for source, count in sorted(flow.identified.items())]
    read_out = sum(flow.excluded_fulltext.values())
    reasons = [f"{reason}: {count}" for reason, count in sorted(flow.excluded_fulltext.items())]
    return [
        ([f"Records identified: {found}", *sources], [f"Duplicates removed: {flow.duplicates}"]),
        ([f"Records screened: {flow.screened}"], [f"Records excluded: {flow.excluded_title}"]),
        (
            [f"Reports sought for retrieval: {flow.sought}"],
            [f"Reports not retrieved: {flow.not_retrieved}"],
        ),
        (
            [f"Reports assessed for eligibility: {flow.assessed}"],
            [f"Reports excluded: {read_out}", *reasons],
        ),
        ([f"Reports included: {flow.included}"], []),
    ]


def _box(x: float, y: float, height: float, lines: list[str]) -> list[str]:
    texts = [
        f'<text x="{x + 10}" y="{y + 18 + _LINE * place}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    ]
    frame = f'<rect x="{x}" y="{y}" width="{_BOX}" height="{height}" fill="none" stroke="#333"/>'
    return [frame, *texts]


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#333" marker-end="url(#tip)"/>'
