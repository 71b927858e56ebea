"""Every strategy that could be advised, each put together in full."""

from __future__ import annotations

from dataclasses import dataclass

from anlage import plugins
from anlage.advisor.answer import Cost, Evaluation, Kind, Strategy
from anlage.advisor.cost import Costs
from anlage.advisor.plan import Setup, choose
from anlage.advisor.preferences import Case
from anlage.advisor.profile import Profile
from anlage.advisor.traits import is_image_level_contrast
from anlage.advisor.views import masking, view_choice

__all__ = ["Candidate", "candidates", "case_of"]

_RATES = (1e-3, 3e-3, 3e-4)
_TRANSFORMER_RATES = (3e-4, 1e-3, 1e-4)
_MANY_LABELS = 100


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A strategy before it is weighed.

    Attributes:
        title: In few words.
        strategy: In full; None if it is impossible.
        cost: Of its pretraining.
        why_not: Why it cannot be run here, or why it is impossible.
    """

    title: str
    kind: Kind
    method: str | None
    paradigm: str | None
    strategy: Strategy | None
    cost: Cost | None
    why_not: str = ""


def candidates(profile: Profile, table: Costs) -> list[Candidate]:
    """List the strategies for a case: every method, public weights, and not to pretrain."""
    return [
        *(_pretraining(profile, table, name) for name in plugins.available("methods")),
        *_without(profile, table),
    ]


def case_of(profile: Profile, *, paradigm: str, method: str, batch: int | None) -> Case:
    """Return what rules see of a profile and a method."""
    return Case(
        modality=profile.modality,
        task=profile.task,
        dims=None if profile.dims is None else f"{profile.dims}d",
        paradigm=paradigm,
        method=method,
        is_local=profile.is_local,
        batch=batch,
    )


def _pretraining(profile: Profile, table: Costs, method: str) -> Candidate:
    paradigm = plugins.family("methods", method)
    setup: Setup | str = _forbidden(profile, method, paradigm)
    if not setup:
        setup = choose(profile, table, method)
    if isinstance(setup, str):
        return Candidate(
            title=method,
            kind="pretrain",
            method=method,
            paradigm=paradigm,
            strategy=None,
            cost=None,
            why_not=setup,
        )
    is_masked = paradigm in {"generative", "hybrid"}
    strategy = _strategy(profile, "pretrain", setup).model_copy(
        update={
            "method": method,
            "paradigm": paradigm,
            "masking": masking(profile) if is_masked else None,
        }
    )
    return Candidate(
        title=f"pretrain with {method}",
        kind="pretrain",
        method=method,
        paradigm=paradigm,
        strategy=strategy,
        cost=setup.cost,
    )


def _forbidden(profile: Profile, method: str, paradigm: str) -> str:
    """Return why a method must never be used for a case; nothing if it may."""
    if profile.task == "anomaly" and is_image_level_contrast(method, paradigm):
        return "R11: contrast of whole images has no place where only normal images are known"
    return ""


def _without(profile: Profile, table: Costs) -> list[Candidate]:
    """List what needs no pretraining, or starts from somebody else's."""
    step = "finetune_dense" if profile.is_dense else "finetune"
    plain = choose(profile, table, step)
    found = [_other(profile, "none", "do not pretrain (train from scratch)", plain, "")]
    if profile.dims != 3:
        setup = choose(profile, table, step, needs_imagenet=True)
        why_not = _weights(profile, "imagenet", "ImageNet weights")
        found.append(_other(profile, "imagenet", "ImageNet weights", setup, why_not))
    why_not = _weights(profile, "medical", "weights of a public model of this modality")
    found.append(_other(profile, "medical", "public medical weights", plain, why_not))
    why_not = "pretrain starts from fresh weights in this Anlage"
    return [*found, _other(profile, "continue", "continue from public weights", plain, why_not)]


def _weights(profile: Profile, name: str, what: str) -> str:
    if profile.weights is None:
        return f"not known whether {what} are at hand: say so with --weights {name}"
    return "" if name in profile.weights else f"{what} are not at hand"


def _other(profile: Profile, kind: Kind, title: str, setup: Setup | str, why_not: str) -> Candidate:
    if isinstance(setup, str):
        return Candidate(
            title=title,
            kind=kind,
            method=None,
            paradigm=None,
            strategy=None,
            cost=None,
            why_not=setup,
        )
    return Candidate(
        title=title,
        kind=kind,
        method=None,
        paradigm=None,
        strategy=_strategy(profile, kind, setup),
        cost=setup.cost,
        why_not=why_not,
    )


def _strategy(profile: Profile, kind: Kind, setup: Setup) -> Strategy:
    is_transformer = setup.patch is not None
    return Strategy(
        kind=kind,
        encoder=setup.encoder,
        image_size=setup.image_size,
        views=view_choice(profile),
        batch_size=setup.batch_size,
        steps=setup.steps,
        decoder="fresh" if profile.is_dense else None,
        finetune={
            "epochs": 40.0,
            "min_steps": 200,
            "max_steps": 600,
            "batch_size": _batch(profile),
        },
        learning_rates=_TRANSFORMER_RATES if is_transformer else _RATES,
        evaluation=_evaluation(profile, setup),
    )


def _batch(profile: Profile) -> int:
    return 4 if profile.dims == 3 else 16


def _evaluation(profile: Profile, setup: Setup) -> Evaluation:
    """Return the plan of the proof: the protocol of the rules R70 to R78."""
    few = "5-shot" if profile.task in {None, "classification"} else "10%"
    many = profile.labelled is None or profile.labelled >= _MANY_LABELS
    budgets = tuple(dict.fromkeys((few, "10%", "100%") if many else (few, "100%")))
    controls = ["scratch", "random_frozen", "pixels", "prior"]
    if setup.has_imagenet:
        controls.insert(2, "imagenet")
    also = ["linear probe and fine-tuning (R71)", "test patients kept out of pretraining (R74)"]
    if profile.sites is None or profile.sites > 1:
        also.append("results by site, and whether features tell the site (R72, R73)")
    if profile.rarest_share is not None and profile.rarest_share < 0.1:
        also.append("recall of the rarest class (R23, R24)")
    if profile.task == "regression":
        also.append("a baseline of hand-made biomarkers where they exist (R25)")
    return Evaluation(budgets=budgets, controls=tuple(controls), also=tuple(also))
