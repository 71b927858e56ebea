"""The cells themselves, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from _alignment_cells import RUNGS, Cell

__all__ = ["cells_table", "draw"]


def cells_table(cells: Sequence[Cell]) -> str:
    """List all cells."""
    lines = [
        "| data set | task | strategy | paradigm | labels | alignment score | kept | "
        "signal seen | " + " | ".join(f"gain, {kind}" for kind in RUNGS) + " |",
        "|---|---|---|---|---|---|---|---|" + "---|" * len(RUNGS),
    ]
    for cell in cells:
        gains = [
            f"{gain.value:+.1f} [{gain.low:.1f}, {gain.high:.1f}]" if gain else "-"
            for gain in map(cell.gains.get, RUNGS)
        ]
        shown = [
            f"{cell.parts[name]:{form}}" if name in cell.parts else "not measured"
            for name, form in {"rehearsed": "+.1f", "least": ".2f", "seen": ".2f"}.items()
        ]
        lines.append(
            f"| {cell.store} | {cell.task} | {cell.strategy} | {cell.paradigm} | {cell.budget} | "
            f"{' | '.join(shown)} | {' | '.join(gains)} |"
        )
    return "\n".join(lines)


def draw(cells: Sequence[Cell], path: Path, *, kinds: Sequence[str]) -> None:
    """Draw gain against score, one panel per kind of gain; the same cells give the same file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    colours = {"contrastive": "C0", "predictive": "C1", "generative": "C2", "hybrid": "C3"}
    with mpl.rc_context({"svg.hashsalt": "alignment", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(4 * len(kinds), 3.2), layout="constrained")
        for number, kind in enumerate(kinds, 1):
            axes = figure.add_subplot(1, len(kinds), number)
            axes.axhline(0, color="0.8", linewidth=0.8)
            for paradigm, colour in colours.items():
                own = [
                    (cell.parts["rehearsed"], cell.gains[kind])
                    for cell in cells
                    if cell.paradigm == paradigm
                    and kind in cell.gains
                    and "rehearsed" in cell.parts
                ]
                if own:
                    scores, gains = zip(*own, strict=True)
                    middle = [gain.value for gain in gains]
                    reach = [
                        [gain.value - gain.low for gain in gains],
                        [gain.high - gain.value for gain in gains],
                    ]
                    axes.errorbar(
                        scores, middle, reach, fmt="o", ms=4, lw=0.8, color=colour, label=paradigm
                    )
            axes.set(
                title=kind, xlabel="alignment score, points", ylabel="gain over the twin, points"
            )
            axes.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})
