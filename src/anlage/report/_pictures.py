"""Pictures that a study drew, as data inside the page: views of methods, worst cases of arms."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from anlage.report._lookup import Lookup
from anlage.report._read import Job, Study
from anlage.report.judgement import LADDER
from anlage.report.words import arm_name, rung_name

__all__ = ["Picture", "views", "worst_cases"]

_MOST_PIXELS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture.

    Attributes:
        source: Its bytes as a data URI.
        alt: What it shows, for those who cannot see it.
    """

    title: str
    alt: str
    source: str
    width: int
    height: int


def views(study: Study, lookup: Lookup) -> tuple[Picture, ...]:
    """Return what each strategy sees, from its first pretraining that drew it."""
    found = []
    for strategy in lookup.strategies:
        alt = f"Training images as stored, and beside each what {strategy} is shown of it"
        paths = [run.views for run in study.pretrainings if run.strategy == strategy and run.views]
        found += [p for path in paths[:1] if (p := _picture(path, title=strategy, alt=alt))]
    return tuple(found)


def worst_cases(
    study: Study, lookup: Lookup, task: str
) -> tuple[tuple[str, tuple[Picture, ...]], ...]:
    """Return, for the smallest and the largest budget, the worst cases of every arm drawn."""
    own = [job for job in study.jobs if job.task == task and job.worst]
    rung = next((rung for rung in LADDER if any(job.rung == rung for job in own)), None)
    drawn = {job.budget for job in own if job.rung == rung}
    budgets = [budget for budget in lookup.budgets(task) if budget in drawn]
    ends = dict.fromkeys([*budgets[:1], *budgets[-1:]])
    return tuple(
        (budget, pictures)
        for budget in ends
        if (pictures := tuple(_worst(own, lookup, str(rung), budget)))
    )


def _worst(own: list[Job], lookup: Lookup, rung: str, budget: str) -> Iterator[Picture]:
    here = [job for job in own if (job.rung, job.budget) == (rung, budget)]
    for arm in ("scratch", "random_frozen", *lookup.strategies):
        job = min(
            (job for job in here if job.arm == arm),
            key=lambda job: (job.draw, job.seed),
            default=None,
        )
        if job is None or job.worst is None:
            continue
        name = arm_name(arm)
        alt = f"Test images that {name}, {rung_name(rung).lower()}, {budget}, gets most wrong"
        picture = _picture(job.worst, title=name, alt=alt)
        if picture:
            yield picture


def _picture(path: Path, *, title: str, alt: str) -> Picture | None:
    """Read a picture and pack it without loss; None if it is torn or missing."""
    try:
        data = path.read_bytes()
        with Pillow.open(io.BytesIO(data), formats=("PNG",)) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                return None
            packed = io.BytesIO()
            image.save(packed, "WEBP", lossless=True)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError):
        return None
    kind, shortest = min(
        (("webp", packed.getvalue()), ("png", data)), key=lambda pair: len(pair[1])
    )
    source = f"data:image/{kind};base64,{base64.b64encode(shortest).decode()}"
    return Picture(title=title, alt=alt, source=source, width=width, height=height)
