"""The alignment score in words."""

from __future__ import annotations

from anlage.alignment.rehearsal import Rehearsal

__all__ = ["corrected_score", "gained", "score_words"]


def gained(found: Rehearsal) -> str:
    """Return a rehearsed gain with its interval."""
    ends = "" if found.low is None else f" [{found.low:.1f}, {found.high:.1f}]"
    return f"{found.gain:+.1f} points of {found.kind}{ends}"


def corrected_score(before: Rehearsal | None, after: Rehearsal) -> str:
    """Return the alignment score of a corrected recipe, and whether it is lower."""
    said = f"Alignment score of the corrected recipe: {gained(after)}."
    if before is None or after.gain >= before.gain:
        return said
    return f"{said} That is lower: more is kept, and less may be learnt from it. Try both."


def score_words(found: Rehearsal | None) -> str:
    """Return the alignment score and what it rests on, or what it would take."""
    if found is None:
        return (
            "not measured. It needs a task with one label per image, two classes or more, twenty "
            "labelled patients or more, a method that compares views or fills in what masks hide "
            "(not by its own error), and no --quick."
        )
    few = f"{found.labels} labelled patients" + (" per class" if found.kind == "AUROC" else "")
    return (
        f"{gained(found)}. That is what views and masks add to what a linear stand-in for this "
        f"pretraining learns from {found.images} images, as a probe of {few} reads it "
        f"({found.plain:.2f} where nothing is changed or hidden). Compare strategies on "
        "the same images by it; the lights are there to find mistakes."
    )
