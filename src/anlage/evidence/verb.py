"""`anlage.evidence`: the pooled effect for a question, in words and as a file."""

from __future__ import annotations

from pathlib import Path

from anlage.evidence.answer import Answer, pooled_effect
from anlage.evidence.base import Words, load
from anlage.evidence.picture import save

__all__ = ["evidence"]


def evidence(
    *,
    modality: Words = None,
    task: Words = None,
    paradigm: Words = None,
    method: Words = None,
    labels: str | None = None,
    dims: Words = None,
    baseline: Words = None,
    verified_only: bool = True,
    out: str | Path | None = None,
) -> Answer:
    """Ask the evidence base what self-supervised pretraining has brought in published studies.

    Args:
        modality: Such as ``ct``; several are joined by commas, here and below.
        task: Such as ``segmentation``.
        paradigm: ``contrastive``, ``predictive``, ``generative`` or ``hybrid``.
        method: Such as ``mae``.
        dims: Such as ``3d``.
        labels: ``<=1%``, ``100%``, ``<=50`` (labelled cases) or a band such as ``few``.
        baseline: What SSL is compared with; None means the controls without self-supervision.
        verified_only: Whether results read second-hand stay out of the number.
        out: Also write the answer: forest.html, .svg, .png, .csv or .json.

    Returns:
        Rows, pooled effect with interval and prediction interval, and the warnings.

    Raises:
        ConfigError: If a filter names what the base does not know.
    """
    base = load()
    answer = pooled_effect(
        base,
        modality=modality,
        task=task,
        paradigm=paradigm,
        method=method,
        labels=labels,
        dims=dims,
        baseline=baseline,
        verified_only=verified_only,
    )
    if out is not None:
        save(answer, base, Path(out))
    return answer
