"""Gain over the twin without pretraining by size of the lesion, one line per paradigm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from _corruption_cases import Place
from _corruption_page import PARADIGMS
from _corruption_stats import compare, metric_of
from anlage.report.words import rung_name

__all__ = ["draw"]

_COLOURS = {"contrastive": "C0", "predictive": "C1", "generative": "C2"}
_ROW = 4  # panels


def draw(found: Sequence[Place], path: Path) -> None:
    """Draw one panel per place; the same numbers give the same file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = min(_ROW, len(found))
    rows = -(-len(found) // columns)
    with mpl.rc_context({"svg.hashsalt": "corruption", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(3.1 * columns, 2.6 * rows), layout="constrained")
        for number, place in enumerate(found, 1):
            axes = figure.add_subplot(rows, columns, number)
            axes.axhline(0, color="0.8", linewidth=0.8)
            names = place.bin_names
            for shift, (paradigm, arm) in enumerate(PARADIGMS.items(), -1):
                gains = [compare(place, arm, place.twin, one) for one in range(len(names))]
                known = [
                    (at + 0.12 * shift, 100 * gain.value, 100 * gain.low, 100 * gain.high)
                    for at, gain in enumerate(gains)
                    if gain.value is not None and gain.low is not None and gain.high is not None
                ]
                if known:
                    x, middle, low, high = np.array(known).T
                    axes.errorbar(
                        x,
                        middle,
                        np.stack([middle - low, high - middle]),
                        fmt="o-",
                        ms=4,
                        lw=0.9,
                        color=_COLOURS[paradigm],
                        label=f"{paradigm} ({arm})",
                    )
            axes.set_xticks(range(len(names)), names)
            axes.set(
                title=f"{place.data}: {place.task}\n{rung_name(place.rung).lower()}",
                ylabel=f"gain over {place.twin},\npoints of {metric_of(place)}",
            )
            if number == 1 and axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})
