"""The advisor: a pure function from a profile to ranked strategies."""

from __future__ import annotations

from anlage import plugins
from anlage.advisor.answer import Advice, Cost, Gain, Missing, Reason, Recommendation
from anlage.advisor.candidates import Candidate, candidates, case_of
from anlage.advisor.confidence import confidence, risks, studies_alike, would_raise
from anlage.advisor.cost import Costs, costs
from anlage.advisor.explain import notes, steps
from anlage.advisor.forecast import (
    Forecast,
    Gap,
    against_imagenet,
    imagenet_gain,
    method_gain,
    method_gap,
    weights_gain,
)
from anlage.advisor.gain import GainModel, gain_model
from anlage.advisor.preferences import Case, spoken
from anlage.advisor.profile import Profile
from anlage.advisor.reasons import circumstances, nearest_results, rule_reasons
from anlage.advisor.results import is_own, usable
from anlage.evidence import Base, load

__all__ = ["advise"]

_UNITS = {
    "classification": "balanced accuracy or AUROC",
    "segmentation": "Dice",
    "detection": "mean average precision",
    "regression": "a bounded score such as R2 or Pearson's r; errors in units of their own have "
    "too few results",
    "reconstruction": "SSIM",
    "retrieval": "mean average precision",
    "anomaly": "AUROC or average precision",
}
_NOTHING = Forecast(mean=0.0, low=0.0, high=0.0, harm=0.0, terms={})
_MOST_MISSING = 4
_PRICE = 1.0
"""Points that a pretraining must gain to be worth its hours: about the standard error of one's own
study, so that less could not be shown."""


def advise(profile: Profile, *, base: Base | None = None, table: Costs | None = None) -> Advice:
    """Rank strategies for a case.

    Args:
        profile: The case; what is not known makes the answer wider.
        base: Published and own results; None: the base of this machine.
        table: Measured costs; None: those that ship with Anlage.

    Returns:
        Ranked strategies; what they rest on; what is missing, and what was left out.
    """
    base, table = base or load(), table or costs()
    model = gain_model(base)
    every = candidates(profile, table)
    weighed = [
        _weigh(candidate, profile, base, model)
        for candidate in every
        if candidate.strategy is not None
    ]
    weighed.sort(key=lambda found: _order(found, profile, base))
    ranked = [found for found in weighed if found.is_ready]
    return Advice(
        profile=profile,
        unit=_UNITS.get(profile.task or "", "the task's bounded score"),
        ranked=tuple(ranked),
        not_ready=tuple(found for found in weighed if not found.is_ready),
        missing=tuple(_missing(profile, base)),
        left_out={c.title: c.why_not for c in every if c.strategy is None},
        why=tuple(steps(profile, model, ranked, _gap(ranked, profile, model))),
        notes=tuple(notes(profile, table)),
        own_results=sum(is_own(row) for row in usable(base.rows)),
    )


def _order(found: Recommendation, profile: Profile, base: Base) -> tuple[float, int, int, str]:
    """Best first; of equals, the one whose paradigm more studies have tried in such a case."""
    same, near = studies_alike(base, profile, paradigm=found.strategy.paradigm)
    return (-round(found.counted, 9), -len(same), -len(near), found.title)


def _price(candidate: Candidate) -> float:
    return _PRICE if candidate.kind in {"pretrain", "continue"} else 0.0


def _weigh(candidate: Candidate, profile: Profile, base: Base, model: GainModel) -> Recommendation:
    strategy = candidate.strategy
    assert strategy is not None
    forecast = _forecast(candidate, profile, model)
    has_imagenet = profile.dims != 3
    supporting, opposing = _reasons(candidate, profile, base)
    level, because = confidence(candidate, profile, base, forecast)
    return Recommendation(
        title=candidate.title,
        strategy=strategy,
        is_ready=not candidate.why_not,
        why_not=candidate.why_not,
        over_scratch=_gain(forecast),
        over_imagenet=_over_imagenet(candidate, forecast, model) if has_imagenet else None,
        price=_price(candidate),
        counted=forecast.mean - _price(candidate),
        harm=forecast.harm,
        chance=0.0 if candidate.kind == "none" else 1 - forecast.harm,
        terms=forecast.terms,
        supporting=tuple(supporting),
        opposing=tuple(opposing),
        cost=candidate.cost or Cost(hours=None, memory_gb=None, basis="not measured"),
        confidence=level,
        because=because,
        would_raise=tuple(would_raise(profile, candidate)),
        risks=tuple(risks(profile, candidate, forecast)),
        alignment=profile.alignment.get(candidate.method or ""),
    )


def _forecast(candidate: Candidate, profile: Profile, model: GainModel) -> Forecast:
    if candidate.kind == "none":
        return _NOTHING
    if candidate.kind == "imagenet":
        return imagenet_gain(model)
    if candidate.method is None or candidate.paradigm is None:
        return weights_gain(model, profile)
    return method_gain(
        model,
        profile,
        paradigm=candidate.paradigm,
        method=candidate.method,
        batch=candidate.strategy.batch_size if candidate.strategy else None,
    )


def _gap(ranked: list[Recommendation], profile: Profile, model: GainModel) -> Gap | None:
    """Return what the first pretraining gains over the second."""
    plans = [found.strategy for found in ranked if found.strategy.method is not None][:2]
    both = [(plan.paradigm or "", plan.method or "", plan.batch_size) for plan in plans]
    return method_gap(model, profile, both[0], both[1]) if len(both) > 1 else None


def _gain(forecast: Forecast) -> Gain:
    return Gain(mean=forecast.mean, low=forecast.low, high=forecast.high)


def _over_imagenet(candidate: Candidate, forecast: Forecast, model: GainModel) -> Gain:
    if candidate.kind == "imagenet":
        return _gain(_NOTHING)
    if candidate.kind == "none":
        found = imagenet_gain(model)
        return Gain(mean=-found.mean, low=-found.high, high=-found.low)
    return _gain(against_imagenet(forecast, model))


def _reasons(
    candidate: Candidate, profile: Profile, base: Base
) -> tuple[list[Reason], list[Reason]]:
    supporting, opposing = circumstances(base, profile, candidate.kind)
    if candidate.method is not None and candidate.paradigm is not None:
        batch = candidate.strategy.batch_size if candidate.strategy else None
        case = case_of(profile, paradigm=candidate.paradigm, method=candidate.method, batch=batch)
        for_it, against_it = rule_reasons(base, case)
        supporting, opposing = for_it + supporting, against_it + opposing
    if candidate.kind in {"pretrain", "medical"}:
        gains, losses = nearest_results(base, profile, paradigm=candidate.paradigm)
        return supporting + gains, opposing + losses
    if candidate.kind == "imagenet":
        gains, losses = nearest_results(base, profile, paradigm=None, baseline="imagenet")
        return supporting + losses, opposing + gains
    if candidate.kind == "none":
        _, losses = nearest_results(base, profile, paradigm=None)
        return supporting + losses, opposing
    return supporting, opposing


def _missing(profile: Profile, base: Base) -> list[Missing]:
    """Name families for which rules speak, with results of this task, that are not installed."""
    installed = set(plugins.available("methods"))
    found: dict[str, Missing] = {}
    for row in usable(base.rows):
        if row.method in installed or profile.task not in {None, row.task[0]}:
            continue
        if profile.modality not in {None, row.modality[0]} and row.modality[0] != "generic":
            continue
        case = case_of(profile, paradigm=row.paradigm, method=row.method, batch=None)
        rules = _speaking_for(case)
        if (row.effect or 0.0) <= 0 or not rules or row.method in {"contrastive", "reconstruction"}:
            continue
        gains = Reason(id=row.row, text=f"{row.effect:+.1f} over {row.baseline_type}")
        held = found.get(row.method)
        reasons = (*held.reasons, gains) if held else (*rules, gains)
        found[row.method] = Missing(name=row.method, paradigm=row.paradigm, reasons=reasons[:6])
    order = sorted(found.values(), key=lambda one: (-len(one.reasons), one.name))
    return order[:_MOST_MISSING]


def _speaking_for(case: Case) -> tuple[Reason, ...]:
    return tuple(
        Reason(id=name, text="speaks for it")
        for name, (side, is_sure) in spoken(case).items()
        if side > 0 and is_sure
    )
