"""Traffic lights, and the least part of what is kept: all thresholds in one place.

Red means shown: the interval lies beyond the limit. Amber means the number does, but the interval
does not exclude that it is harmless: audit more images, or look at the pictures. Green is the
rest, and "not measured" is never green.

What a strategy keeps is the least of what was measured of it as a whole, each from 0 to 1: the
share of the label's signal that views keep, the share of views (of pairs, for methods that compare
two) in which at least half of every lesion remains, and the share of lesions that a mask does not
hide whole. The least, not the product, because the parts overlap: a crop that cuts the lesion off
also lowers the signal that is kept, and a product would charge it twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from anlage.alignment.intensity import ValueChange
from anlage.alignment.intervals import ProbeScore, Share, interval

__all__ = [
    "LIMITS",
    "WIDE",
    "Light",
    "Limits",
    "is_clear",
    "least_part",
    "light_above",
    "light_below",
    "light_of_site",
    "light_of_values",
    "worst",
]

Floats = npt.NDArray[np.float64]
Light = Literal["red", "amber", "green", "unknown"]

WIDE = 0.5  # an interval of a share that is wider than this is no finding
_CLEAR = 0.1  # a probe reads a label clearly if its whole interval is this far above chance
_ORDER: tuple[Light, ...] = ("unknown", "green", "amber", "red")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where a number turns from harmless to harmful.

    Attributes:
        kept: Least share of the signal that views must keep.
        erased: Largest share of views that may lose half of a lesion, or half of its contrast
            (rule R41).
        pairs: Least share of pairs in which both views keep the lesion: each may lose it in the
            share ``erased``.
        hidden: Largest share of masked views that may hide a whole lesion: R53 wants one visible
            token of every lesion, R41's share of views may miss that.
        clipped: Share of pixels that a change may clip: amber, red.
        shift: Largest move of the image's mean, as a share of the shown range, where values
            are calibrated (HU, SUV): amber, red.
        off_stain: Share of tissue pixels that may leave the stains' plane: amber, red.
        site: How well a site may be told (area under the ROC curve): amber, red.
    """

    kept: float = 0.9
    erased: float = 0.1
    pairs: float = 0.81
    hidden: float = 0.1
    clipped: tuple[float, float] = (0.05, 0.2)
    shift: tuple[float, float] = (0.05, 0.15)
    off_stain: tuple[float, float] = (0.05, 0.2)
    site: tuple[float, float] = (0.6, 0.8)


LIMITS = Limits()


def is_clear(score: ProbeScore) -> bool:
    """Whether a probe reads something clearly: the lower end of its score, against chance."""
    return score.low is not None and score.low - score.chance >= _CLEAR


def light_below(share: Share | None, least: float) -> Light:
    """Return the light of a share that should not lie below a limit."""
    if share is None or share.value is None:
        return "unknown"
    if share.high is not None and share.high < least:
        return "red"
    return "amber" if share.value < least else "green"


def light_above(share: Share | None, most: float) -> Light:
    """Return the light of a share that should not lie above a limit."""
    if share is None or share.value is None:
        return "unknown"
    if share.low is not None and share.low > most:
        return "red"
    return "amber" if share.value > most else "green"


def light_of_values(change: ValueChange | None, *, is_calibrated: bool) -> Light:
    """Return the light of what a change does to values."""
    if change is None:
        return "unknown"
    found = [_between(change.clipped, LIMITS.clipped)]
    if is_calibrated:
        found.append(_between(change.shift_share, LIMITS.shift))
    if change.off_stain is not None:
        found.append(_between(change.off_stain, LIMITS.off_stain))
    return worst(*found)


def light_of_site(share: Share | None) -> Light:
    """Return the light of how well a site can be told: by the lower end of its interval."""
    if share is None or share.low is None:
        return "unknown"
    return _between(share.low, LIMITS.site)


def worst(*lights: Light) -> Light:
    """Return the worst of some lights."""
    return max(lights, key=_ORDER.index, default="unknown")


def least_part(parts: Mapping[str, tuple[float, Floats]]) -> tuple[Share, str | None]:
    """Return the least part with its interval, and which one it is.

    Args:
        parts: By name: a share on all images, and under every draw of patients.
    """
    if not parts:
        return Share(value=None), None
    name = min(parts, key=lambda part: parts[part][0])
    stacked = np.stack([np.clip(replicates, 0, 1) for _, replicates in parts.values()])
    ends = interval(stacked.min(axis=0))
    low, high = ends or (None, None)
    return Share(value=float(np.clip(parts[name][0], 0, 1)), low=low, high=high), name


def _between(value: float, ends: tuple[float, float]) -> Light:
    if value > ends[1]:
        return "red"
    return "amber" if value > ends[0] else "green"
