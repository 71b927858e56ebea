"""What the advisor answers with: ranked strategies, each with gain, reasons, cost and risks."""

from __future__ import annotations

from typing import Any, Literal

from anlage.advisor.profile import Audited, Profile
from anlage.config import BaseConfig

__all__ = [
    "Advice",
    "Cost",
    "Evaluation",
    "Gain",
    "Kind",
    "Masking",
    "Missing",
    "Reason",
    "Recommendation",
    "Strategy",
    "ViewChoice",
]


Kind = Literal["pretrain", "none", "imagenet", "medical", "continue"]


class ViewChoice(BaseConfig):
    """Which views a strategy makes.

    Attributes:
        policy: Modality whose policy is obeyed.
        used: Names of its views.
        left_out: Views of the policy that this task forbids, with the reason.
        needs: What the labels hang on, in the words of the modalities.
        crop_scale: Least and largest share of an image that a view keeps.
    """

    policy: str
    used: tuple[str, ...]
    left_out: dict[str, str] = {}
    needs: tuple[str, ...] = ()
    crop_scale: tuple[float, float]


class Masking(BaseConfig):
    """What a masked method hides: a share of the view, in blocks of some mm (None: policy)."""

    ratio: float
    unit_mm: float | None = None


class Evaluation(BaseConfig):
    """How the strategy is to be proven: the settings of a study, and what else to look at."""

    budgets: tuple[str, ...]
    controls: tuple[str, ...]
    pretrain_seeds: int = 3
    draws: int = 3
    also: tuple[str, ...] = ()


class Strategy(BaseConfig):
    """One complete strategy.

    Attributes:
        kind: ``pretrain``; ``none`` for training from scratch; ``imagenet`` or ``medical`` for
            public weights; ``continue`` for pretraining that starts from public weights.
        method: Of pretraining.
        paradigm: Its paradigm.
        encoder: The network.
        image_size: Edges that it is shown.
        views: Of pretraining; for other kinds those of fine-tuning.
        masking: For masked methods.
        batch_size: Images per update.
        steps: Weight updates of pretraining.
        decoder: How a dense task's decoder starts.
        finetune: Settings of fine-tuning.
        learning_rates: To choose from on validation labels.
        evaluation: How to prove it.
    """

    kind: Kind
    method: str | None = None
    paradigm: str | None = None
    encoder: str
    image_size: tuple[int, ...]
    views: ViewChoice
    masking: Masking | None = None
    batch_size: int
    steps: int = 0
    decoder: Literal["fresh", "pretrained"] | None = None
    finetune: dict[str, Any] = {}
    learning_rates: tuple[float, ...]
    evaluation: Evaluation


class Gain(BaseConfig):
    """An expected gain in points with its 90 % prediction interval."""

    mean: float
    low: float
    high: float


class Reason(BaseConfig):
    """A rule or result, by the id that `anlage evidence ID` shows, and what it says."""

    id: str
    text: str


class Cost(BaseConfig):
    """What a strategy costs; None where it was not measured.

    Attributes:
        hours: Of one pretraining.
        memory_gb: Peak of the process.
        basis: Where the figures come from, and what is not known.
    """

    hours: float | None
    memory_gb: float | None
    basis: str


class Recommendation(BaseConfig):
    """One strategy with all that speaks for and against it.

    Attributes:
        title: In few words.
        strategy: In full.
        is_ready: Whether this Anlage can run it here and now.
        why_not: What is missing if it cannot.
        over_scratch: Gain over a CNN from scratch at this label budget.
        over_imagenet: Gain over ImageNet weights; None where there are none.
        price: Points that it must gain to be worth its cost.
        counted: What is ranked by: the expected gain, less the price.
        harm: Probability of a loss against scratch.
        chance: Probability of a gain over scratch.
        terms: What the expected gain is made of.
        supporting: Rules and results for it.
        opposing: Rules and results against it.
        cost: Hours and memory.
        confidence: ``high``, ``moderate``, ``low`` or ``very low``.
        because: Why no higher.
        would_raise: What would raise it.
        risks: How it could do harm.
        alignment: What an audit measured of its method, where there is one; it ranks nothing.
    """

    title: str
    strategy: Strategy
    is_ready: bool
    why_not: str = ""
    over_scratch: Gain
    over_imagenet: Gain | None
    price: float
    counted: float
    harm: float
    chance: float
    terms: dict[str, float] = {}
    supporting: tuple[Reason, ...] = ()
    opposing: tuple[Reason, ...] = ()
    cost: Cost
    confidence: Literal["high", "moderate", "low", "very low"]
    because: str
    would_raise: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    alignment: Audited | None = None


class Missing(BaseConfig):
    """A family that this Anlage lacks although rules or results speak for it."""

    name: str
    paradigm: str
    reasons: tuple[Reason, ...]


class Advice(BaseConfig):
    """The whole answer, best first.

    Attributes:
        profile: The question.
        unit: What a point is a hundredth of.
        ranked: Strategies that can be run, best first.
        not_ready: Strategies that cannot, with the reason.
        missing: Families that are not in this Anlage.
        left_out: Strategies that are impossible here, with the reason.
        why: The ranking, step by step.
        notes: What should be known beside it.
        own_results: How many of the user's own results entered.
    """

    profile: Profile
    unit: str
    ranked: tuple[Recommendation, ...]
    not_ready: tuple[Recommendation, ...]
    missing: tuple[Missing, ...]
    left_out: dict[str, str]
    why: tuple[str, ...]
    notes: tuple[str, ...]
    own_results: int

    @property
    def first(self) -> Recommendation:
        """The best strategy that can be run."""
        return self.ranked[0]
