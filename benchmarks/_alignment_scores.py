"""What can be said of a strategy before it is tried: parts of an audit, and scores made of them.

The scores were written down, with the reason for each, before any study of several strategies on
one data set was finished. Best of many is best by luck too: whoever picks one after a look at the
gains must let another data set judge it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["PARTS", "VARIANTS", "parts_of"]

Parts = Mapping[str, float]

# In every one of them more is meant to be better.
PARTS = {
    "rehearsed": "what a linear stand-in for the pretraining gains",
    "least": "the least of what is kept",
    "kept": "signal that views keep, as a share of what plain images say",
    "absolute": "signal in views: probe on views above chance",
    "worst step": "signal kept by the most harmful single change",
    "intact": "views that keep half of the lesion",
    "pairs": "pairs in which both views do",
    "not hidden": "lesions that no mask hides whole",
    "mostly visible": "lesions of which a mask hides less than half",
    "no site": "1 - how well site or scanner is read from what both views share",
    "other labels": "negatives that have another label",
    "lights": "fewest red lights, then amber ones",
    "seen": "signal kept in what the encoder is shown: hidden places are blanked",
    "different": "how little two views of an image resemble each other more than others do",
}


def parts_of(found: Mapping[str, Any], more: Parts) -> dict[str, float]:
    """Return the parts of one audit, as ``audit.json`` has it; what was not measured is absent."""
    whole, clean = found["whole"], found["clean"]
    kept = _value(whole["kept"])
    steps = [value for one in found["parts"] if (value := _value(one["at"]["1"]["kept"])) == value]
    sites = [
        (one["value"] - one["chance"]) / (1 - one["chance"])
        for one in found["site"].values()
        if one is not None
    ]
    above = (clean["value"] - clean["chance"]) / (1 - clean["chance"]) if clean else np.nan
    lights = [one["light"] for one in found["parts"]] + [found["site_light"]]
    same = (found["negatives"] or {}).get("same_label")
    parts = {
        "least": _value(found["least"]),
        "kept": kept,
        "absolute": kept * above,
        "worst step": min([*steps, kept]) if steps else kept,
        "intact": 1 - _value(whole["erased"]),
        "pairs": _value(found["pairs_keep"]),
        "not hidden": 1 - _value(whole["hidden"]),
        "mostly visible": 1 - _value(whole["hidden_mostly"]),
        "no site": 1 - max(sites) if sites else np.nan,
        "other labels": np.nan if same is None else 1 - same,
        "lights": -lights.count("red") - lights.count("amber") / 100,
        **more,
    }
    return {name: float(value) for name, value in parts.items() if np.isfinite(value)}


def _value(share: Mapping[str, float] | None) -> float:
    found = None if share is None else share["value"]
    return np.nan if found is None else float(found)


def _joined(
    join: Callable[[list[float]], Any], *, signal: str = "kept"
) -> Callable[[Parts, Mapping[str, str]], float | None]:
    """Return a score that joins the parts kept; ``signal`` stands for the signal kept."""

    def score(parts: Parts, _: Mapping[str, str]) -> float | None:
        lesions = "pairs" if "pairs" in parts else "intact"
        names = [signal if signal in parts else "kept", lesions, "not hidden"]
        known = [min(max(parts[name], 0.0), 1.0) for name in names if name in parts]
        return float(join(known)) if known else None

    return score


def _suited(parts: Parts, facts: Mapping[str, str]) -> float | None:
    """Ask of each paradigm only what its reasoning needs.

    Two views that are to be called equal must both hold the signal, so lost lesions count. A
    masked reconstruction may lose them now and then; it is harmed where a lesion is never seen
    in part, which matters to tasks that must find it.
    """
    needed = ["kept"]
    if facts["paradigm"] in {"contrastive", "predictive"}:
        needed.append("pairs")
    elif facts["signal"] == "dense":
        needed.append("not hidden")
    return min((parts[name] for name in needed if name in parts), default=None)


def _less(first: str, second: str = "") -> Callable[[Parts, Mapping[str, str]], float | None]:
    """Return one part, less what a second one lacks: the label's signal less what else is kept."""

    def score(parts: Parts, _: Mapping[str, str]) -> float | None:
        start = parts.get(first, parts.get("kept"))  # tasks of places: only the latter is known
        if start is None:
            return None
        return start - (1 - parts[second]) if second in parts else start

    return score


def _only(name: str) -> Callable[[Parts, Mapping[str, str]], float | None]:
    return lambda parts, _: parts.get(name)


VARIANTS: dict[str, Callable[[Parts, Mapping[str, str]], float | None]] = {
    # a chain is as strong as its weakest link
    "least part kept": _only("least"),
    # every loss harms, none alone decides
    "mean part": _joined(np.mean),
    # losses are independent and add up
    "product of parts": _joined(np.prod),
    # lesions may be lost as long as the label is still read, from elsewhere
    "signal kept only": _only("kept"),
    # a share of next to nothing is next to nothing
    "signal kept, above chance": _only("absolute"),
    # a single ruinous change is not mended by mild ones
    "worst step": _only("worst step"),
    # what a user sees
    "fewest red lights": _only("lights"),
    "what the paradigm needs": _suited,
    # masks hide signal too: an encoder learns from what it is shown
    "signal seen": _less("seen"),
    "least part, seen for kept": _joined(min, signal="seen"),
    # views should share the label and little else (Tian et al., NeurIPS 2020, "What makes for
    # good views"): no change at all keeps everything and teaches nothing
    "signal seen less sameness": _less("seen", "different"),
    # what both views share and is not the label is learnt as well: a scanner's mark
    "signal seen less site": _less("seen", "no site"),
    # what a linear stand-in gains; written down later, before the studies that judge it were done
    "rehearsed gain": _only("rehearsed"),
}
