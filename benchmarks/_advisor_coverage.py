"""What the advisor's intervals hold: of the model of the literature, and of `advise` itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from _advisor_regret import Case, measured_gains, told
from anlage.advisor import Advice, Profile, advise
from anlage.advisor.answer import Gain, Recommendation
from anlage.advisor.gain import gain_model
from anlage.advisor.mixed import student_quantile
from anlage.advisor.results import MOST, is_transformer, usable
from anlage.evidence import Base, Row

LEVELS = (0.5, 0.8, 0.9, 0.95)
PARADIGM = {"contrastive": "simclr", "predictive": "vicreg", "generative": "mae"}


@dataclass(frozen=True, kw_only=True)
class Held:
    """One result and the interval that was advised without its study."""

    study: str
    row: Row
    effect: float
    gain: Gain
    is_known: bool

    @property
    def is_in(self) -> float:
        """1 if the interval holds the result, else 0."""
        return float(self.gain.low <= self.effect <= self.gain.high)

    @property
    def is_asked_like_this(self) -> bool:
        """Whether the result is about what the advisor answers: a CNN, not by the authors."""
        row = self.row
        return (row.origin, row.pretrained_on) == ("other", "medical") and not is_transformer(row)


def coverage_section(base: Base, found: Sequence[Case]) -> str:
    """Predict every result without its study and count what the intervals hold."""
    return "\n".join(
        [
            "## 2. Coverage of the prediction intervals",
            "",
            *of_model(base),
            "",
            *of_advice(base, found),
        ]
    )


def by_study(base: Base) -> Iterator[tuple[str, list[Row], Base]]:
    """Yield every study with its results and the base without it."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in usable(base.rows):
        rows[row.study].append(row)
    for study, own in rows.items():
        rest = tuple(row for row in base.rows if row.study != study)
        yield study, own, Base(rest, base.rules)


def of_model(base: Base) -> Iterator[str]:
    """Yield the coverage of the literature's model, told all that a result states."""
    held: dict[float, list[float]] = {level: [] for level in LEVELS}
    errors, widths = [], []
    for _, rows, rest in by_study(base):
        model = gain_model(rest)
        scaled = []
        for row in rows:
            mean, variance = model.foretell(row)
            effect = min(max(row.effect or 0.0, -MOST), MOST)
            scaled.append((effect - mean) / variance**0.5)
            widths.append(variance**0.5)
            errors.append(abs(effect - mean))
        for level in LEVELS:
            reach = student_quantile(0.5 + level / 2, model.studies - 2)
            held[level].append(float(np.mean([abs(one) <= reach for one in scaled])))
    yield (
        f"**The model of the literature**, told all that a result states: {len(held[0.9])} "
        f"studies, {len(errors)} results; mean absolute error {np.mean(errors):.1f} points, mean "
        f"predicted standard deviation {np.mean(widths):.1f}."
    )
    yield from ("", "| nominal | measured, every study counting once |", "|---|---|")
    yield from (f"| {100 * level:.0f} % | {told(held[level], '%')} |" for level in LEVELS)


def of_advice(base: Base, found: Sequence[Case]) -> Iterator[str]:
    """Yield the coverage of the intervals that users see: through the whole of `advise`."""
    every = list(advised(base))
    like = [one for one in every if one.is_asked_like_this]
    kinds = {
        "published, all": every,
        "published, as the advisor is asked: a CNN, medical images, not by the authors": like,
        "of these, labels and images known": [one for one in like if one.is_known],
        "of these, something unknown": [one for one in like if not one.is_known],
        "published, a transformer, photographs or by the authors": [
            one for one in every if not one.is_asked_like_this
        ],
    }
    yield (
        "**Through `advise` itself**: a profile is made of what a result states of its case (the "
        "rest is not known), and `advise` answers without its study: with the cut for few images, "
        "every value of what is unknown, and the method itself where this Anlage has it, else one "
        "of its paradigm. Nominal is 90 %. Intervals that hold unknown facts ought to hold more."
    )
    yield from (
        "",
        "| of | studies | results | inside, every study counting once | below | above | half width "
        "|",
    )
    yield "|---|---|---|---|---|---|---|"
    yield from (
        _line(name, [(o.study, o.effect, o.gain) for o in ones]) for name, ones in kinds.items()
    )
    own = [(data, gain, one.over_scratch) for data, gain, one in measured_gains(found)]
    yield _line("measured studies of section 3 (data sets)", own)


def _line(name: str, ones: Sequence[tuple[str, float, Gain]]) -> str:
    held: dict[str, list[float]] = defaultdict(list)
    for study, effect, gain in ones:
        held[study].append(float(gain.low <= effect <= gain.high))
    shares = [float(np.mean(values)) for values in held.values()]
    inside = told(shares, "%")
    if shares and min(shares) == 1:  # the bootstrap has no width; Clopper and Pearson have
        inside = f"100 % [{100 * 0.025 ** (1 / len(shares)):.0f}, 100]"
    below = sum(effect < gain.low for _, effect, gain in ones)
    above = sum(effect > gain.high for _, effect, gain in ones)
    width = np.mean([(gain.high - gain.low) / 2 for *_, gain in ones]) if ones else float("nan")
    return f"| {name} | {len(held)} | {len(ones)} | {inside} | {below} | {above} | {width:.0f} |"


def advised(base: Base) -> Iterator[Held]:
    """Yield every published result with the interval that `advise` gives without its study."""
    for study, rows, rest in by_study(base):
        answers: dict[str, Advice] = {}
        for row in rows:
            if row.baseline_type not in {"scratch", "imagenet"}:
                continue
            profile = stated(row)
            key = profile.model_dump_json()
            if key not in answers:
                answers[key] = advise(profile, base=rest)
            gain = _gain(answers[key], row)
            if gain is not None:
                effect = min(max(row.effect or 0.0, -MOST), MOST)
                is_known = None not in (profile.labelled, profile.unlabelled, profile.dims)
                yield Held(study=study, row=row, effect=effect, gain=gain, is_known=is_known)


def stated(row: Row) -> Profile:
    """Return what a result states of its case, as a user would say it."""
    patients = None
    if row.label_count and row.label_fraction:
        patients = round(row.label_count / row.label_fraction)
    return Profile(
        modality=row.modality[0],
        task=row.task[0],
        dims={"2d": 2, "3d": 3}.get(row.dims[0]),
        labelled=row.label_count,
        unlabelled=patients,
    )


def _gain(advice: Advice, row: Row) -> Gain | None:
    """Return the interval for a row's method, else for the usual one of its paradigm."""
    every: list[Recommendation] = [*advice.ranked, *advice.not_ready]
    by_method = {one.strategy.method: one for one in every if one.strategy.method}
    alike = [one for one in every if one.strategy.paradigm == row.paradigm]
    found = by_method.get(row.method) or by_method.get(PARADIGM.get(row.paradigm, ""))
    found = found or next(iter(alike), None)
    if found is None:
        return None
    return found.over_scratch if row.baseline_type == "scratch" else found.over_imagenet
