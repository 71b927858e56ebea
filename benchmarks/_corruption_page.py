"""The page on corruption and lesion size: every word follows from the numbers."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from _corruption_cases import Place
from _corruption_stats import ALL, TREND, Column, Finding, compare, level, metric_of, word
from anlage.metrics.statistics.holm import holm
from anlage.report.words import rung_name

__all__ = ["PARADIGMS", "Claim", "judged", "page"]

PARADIGMS = {"contrastive": "simclr", "predictive": "vicreg", "generative": "mae"}
PAIRS = {
    "mask of the foreground": ("mae-foreground", "mae"),
    "mask of salient parts": ("mae-saliency", "mae"),
    "mask that protects lesions (reads label maps)": ("mae-lesion", "mae"),
    "audited views": ("simclr", "simclr-photo-crops"),
}
SMALL = 0  # the bin of the smallest lesions

INTRO = """Masked modelling hides parts of an image at random; contrast crops it. Both may lose a
small lesion. Compared are masks that know the foreground, what is salient or the lesion with the
random mask, and audited views with crops as for photographs; each pair has the same method, steps,
batches, seeds and labels. **mae-lesion reads the label maps of all training images while it
pretrains: it is an upper bound, no fair rival.** The masks of the foreground and of salient parts
read nothing but the image. Audited views are the modality's own with what `anlage audit` corrects
in them; what it said is in the recipes. Their rival crops as small as the modality's policy allows,
as one does with photographs."""

HOW = """Size is the diameter of the disc as large as the largest connected lesion in the label map
of a test image: in mm where files state it, else as a share of the picture's edge in terciles. For
segmentation the metric is Dice: over all cases a false alarm on a healthy one costs too; bins hold
lesions alone. For classification it is the AUROC of the bin's lesions against all images without
one; where every image shows a lesion, the balanced accuracy of its kind within the bin. Differences
are in points (hundredths), on the same draws of labels, seeds and cases, with 95 % intervals over
patients and runs; runs that share a pretraining count as one. *Large less small* is the difference
between the largest and the smallest bin. Words are given to the claims that are listed here, on
every rung, and only where Holm's adjustment over all of them and at least 50 patients in every bin
allow: better masks and views, on all cases and on the smallest lesions; gains over the twin without
pretraining that rise with size; and contrast that loses more of its gain on small lesions than
masked modelling does. Other numbers carry their interval and no word: the study's own report judges
them.

A gain can only be as large as the metric leaves room: where no arm finds small lesions, none can
gain there. The twin's own level is therefore given, and the comparison of two paradigms, on the
same lesions, says more than the trend of one."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that the page gives a word to.

    Attributes:
        place: Where.
        name: Which claim.
        finding: The numbers.
        p_adjusted: By Holm over all claims of the page.
    """

    place: Place
    name: str
    finding: Finding
    p_adjusted: float | None

    @property
    def word(self) -> str:
        """What the numbers show of it."""
        return word(self.finding, self.p_adjusted)


def judged(found: Sequence[Place]) -> list[Claim]:
    """Test every claim at every place, and adjust the p-values together."""
    raw = [
        (place, name, compare(place, first, second, column))
        for place in found
        for name, (first, second, column) in _claims(place).items()
    ]
    adjusted = holm([finding.p_value for _, _, finding in raw])
    return [
        Claim(place=place, name=name, finding=finding, p_adjusted=p)
        for (place, name, finding), p in zip(raw, adjusted, strict=True)
    ]


def page(
    found: Sequence[Place], claims: Sequence[Claim], *, made: Sequence[str], picture: str
) -> str:
    """Write the page.

    Args:
        found: All places.
        claims: Of all places.
        made: Lines on commit, commands, seeds and device.
        picture: Name of the picture's file.
    """
    parts = [
        "# Corruption that keeps small lesions",
        "\n".join(made),
        textwrap.fill(INTRO, 100),
        "## What is shown",
        summary(claims),
        f"![Gain over the twin without pretraining, by size of the lesion]({picture})",
        "## How it was measured",
        *(textwrap.fill(paragraph, 100) for paragraph in HOW.split("\n\n")),
    ]
    for place in found:
        own = {claim.name: claim for claim in claims if claim.place is place}
        parts += [_title(place), masks_table(place, own), paradigms_table(place, own)]
    return "\n\n".join(parts) + "\n"


def summary(claims: Sequence[Claim]) -> str:
    """Count, for every claim, where it is shown and where its opposite is."""
    lines = ["| claim | shown | the opposite is shown | not shown | not judged |"]
    lines.append("|---|---|---|---|---|")
    spoken = ("shown", "the opposite is shown", "not shown")
    for name in dict.fromkeys(claim.name for claim in claims):
        words = Counter(claim.word for claim in claims if claim.name == name)
        counts = [words[one] for one in spoken]
        others = [f"{count} ({one})" for one, count in words.items() if one not in spoken]
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {', '.join(others) or 0} |")
    places = len({id(claim.place) for claim in claims})
    sets = len({claim.place.data for claim in claims})
    counted = (
        f"{places} places: tasks and rungs of {sets} data sets. {len(claims)} claims are adjusted "
        "together."
    )
    return "\n\n".join([counted, "\n".join(lines), _contrast(claims)])


def _contrast(claims: Sequence[Claim]) -> str:
    """Answer whether contrast under-represents small lesions."""
    own = [claim for claim in claims if claim.name == _UNDER]
    told = [claim for claim in own if claim.word in {"shown", "the opposite is shown"}]
    words = Counter(claim.word for claim in own)
    where = "; ".join(
        f"{claim.word} for {_name(claim.place)} ({_points(claim.finding)} points)" for claim in told
    )
    asked = "Does contrast under-represent small lesions more than masked modelling does?"
    if not any(word_ in words for word_ in ("shown", "the opposite is shown", "not shown")):
        return f"{asked} **Not judged yet.**"
    if not told:
        return f"{asked} **Not shown** at any of {words['not shown']} places that can be judged."
    if len({claim.word for claim in told}) > 1:
        return f"{asked} **The places contradict each other**: {where}."
    answer = told[0].word
    said = answer[0].upper() + answer[1:]
    return f"{asked} **{said}** at {len(told)} of {len(own)} places: {where}."


def masks_table(place: Place, own: Mapping[str, Claim]) -> str:
    """Compare masks and views with the plain ones."""
    head = ["compared", "all cases", "word", *place.bin_names, "word on the smallest"]
    lines = [_row(head), _row(["---"] * len(head))]
    for what, (first, second) in PAIRS.items():
        everything, small = own[f"{what}: all cases"], own[f"{what}: smallest lesions"]
        rest = [compare(place, first, second, one) for one in range(1, len(place.edges) - 1)]
        shown = [_points(one) for one in (small.finding, *rest)]
        cells = [_points(everything.finding), _said(everything), *shown, _said(small)]
        lines.append(_row([f"{what}: {first} less {second}", *cells]))
    return "\n".join(lines)


def paradigms_table(place: Place, own: Mapping[str, Claim]) -> str:
    """Give every strategy's gain over its twin by size, and the trend."""
    twin = place.twin
    head = [f"less {twin}", "all cases", *place.bin_names, "large less small", "rises with size"]
    lines = [_row(head), _row(["---"] * len(head))]
    columns: list[Column] = [ALL, *range(len(place.edges) - 1), TREND]
    levels = [level(place, twin, column) for column in columns]
    written = ["-" if one is None else f"{100 * one:.1f}" for one in levels]
    lines.append(_row([f"{twin} itself ({metric_of(place)})", *written, ""]))
    arms = dict.fromkeys([*PARADIGMS.values(), *(arm for pair in PAIRS.values() for arm in pair)])
    names = {arm: paradigm for paradigm, arm in PARADIGMS.items()}
    for arm in arms:
        trend = own.get(_rises(names[arm])) if arm in names else None
        plain = [
            trend.finding if trend and column == TREND else compare(place, arm, twin, column)
            for column in columns
        ]
        title = f"**{arm}** ({names[arm]})" if arm in names else arm
        lines.append(_row([title, *map(_points, plain), _said(trend) if trend else ""]))
    under = own[_UNDER]
    blank = [""] * (len(columns) - 1)
    contrast = f"{PARADIGMS['contrastive']} less {PARADIGMS['generative']}"
    lines.append(_row([contrast, *blank, _points(under.finding), _said(under)]))
    return "\n".join(lines)


_UNDER = "contrast loses more on small lesions than masked modelling"


def _rises(paradigm: str) -> str:
    return f"gain of {paradigm} pretraining rises with size"


def _claims(place: Place) -> dict[str, tuple[str, str, Column]]:
    """Return first arm, second arm and column of every claim."""
    found: dict[str, tuple[str, str, Column]] = {}
    for what, (first, second) in PAIRS.items():
        found[f"{what}: all cases"] = (first, second, ALL)
        found[f"{what}: smallest lesions"] = (first, second, SMALL)
    for paradigm, arm in PARADIGMS.items():
        found[_rises(paradigm)] = (arm, place.twin, TREND)
    found[_UNDER] = (PARADIGMS["contrastive"], PARADIGMS["generative"], TREND)
    return found


def _title(place: Place) -> str:
    runs = max((len(own) for own in place.arms.values()), default=0)
    sizes = [int((place.bins == number).sum()) for number in range(len(place.edges) - 1)]
    counts = ", ".join(f"{n} of {name}" for n, name in zip(sizes, place.bin_names, strict=True))
    without = int((place.bins < 0).sum())
    return (
        f"## {_name(place)}\n\n{metric_of(place)}, {place.budget}, {runs} of {place.planned_runs} "
        f"runs per arm. Test lesions: {counts}; {without} images without one."
    )


def _name(place: Place) -> str:
    return f"{place.data}, {place.task}, {rung_name(place.rung).lower()}"


def _said(claim: Claim) -> str:
    p = "" if claim.p_adjusted is None else f" (p {claim.p_adjusted:.2g})"
    is_told = claim.word in {"shown", "the opposite is shown"}
    return f"**{claim.word}**{p}" if is_told else f"{claim.word}{p}"


def _points(found: Finding) -> str:
    if found.value is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{100 * found.value:+.1f}"
    return f"{100 * found.value:+.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
