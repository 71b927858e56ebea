"""Which design rules speak for or against a method in a given case.

Only rules whose condition the advisor can check are here. What one net rule is worth in points is
learnt from the base, see `gain`; where a condition hangs on something unknown, both answers count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anlage.advisor.traits import (
    contrasts_within_batch,
    is_image_level_contrast,
    is_joint_embedding,
)

__all__ = ["DENSE", "PREFERENCES", "Case", "Preference", "balance", "every", "spoken"]

DENSE = frozenset({"segmentation", "detection"})
SMALL_BATCH = 64
_REGRESSORS = frozenset({"y_aware", "simmim", "masked_image"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """What rules look at; None where it is not known.

    Attributes:
        modality: Word of the vocabulary, as are task and dims.
        task: What is to be learnt.
        dims: ``2d``, ``3d``, ...
        paradigm: Of the method.
        method: Its name.
        is_local: Whether the signal is a small part of the image.
        batch: Images per update.
    """

    modality: str | None
    task: str | None
    dims: str | None
    paradigm: str
    method: str
    is_local: bool | None = None
    batch: int | None = None

    def is_one(self, name: str, words: str | frozenset[str]) -> bool | None:
        """Whether a fact is one of some words; None where it is not known."""
        value = getattr(self, name)
        known = {words} if isinstance(words, str) else words
        return None if value is None else value in known


@dataclass(frozen=True)
class Preference:
    """One rule: the side it takes on a method (+1, 0, -1), and whether it holds in a case."""

    side: Callable[[Case], int]
    holds: Callable[[Case], bool | None]


def every(*facts: bool | None) -> bool | None:
    """Return False if any fact is false, else None if any is unknown, else True."""
    if any(fact is False for fact in facts):
        return False
    return None if None in facts else True


def _joint(case: Case) -> int:
    return int(is_joint_embedding(case.method, case.paradigm))


def _dense(case: Case) -> int:
    if is_image_level_contrast(case.method, case.paradigm):
        return -1
    return int(case.paradigm in {"generative", "hybrid"})


def _contrast_over_prediction(case: Case) -> int:
    if "jepa" in case.method or case.paradigm == "contrastive":
        return 1
    return -_joint(case)


def _against_contrast(case: Case) -> int:
    if is_image_level_contrast(case.method, case.paradigm):
        return -1
    return int(case.paradigm == "generative")


def _is_global(case: Case) -> bool | None:
    return None if case.is_local is None else not case.is_local


PREFERENCES: dict[str, Preference] = {
    "R01": Preference(
        _joint, lambda case: every(case.is_one("task", "classification"), _is_global(case))
    ),
    "R02": Preference(_dense, lambda case: case.is_one("task", DENSE)),
    "R03": Preference(
        lambda case: {"generative": 1, "contrastive": -1}.get(case.paradigm, 0),
        lambda case: every(case.is_one("task", "detection"), case.is_one("dims", "3d")),
    ),
    "R05": Preference(
        lambda case: int(case.paradigm == "hybrid"),
        lambda case: every(case.is_one("task", "classification"), case.is_local),
    ),
    "R07": Preference(_joint, lambda case: case.is_one("modality", "histology")),
    "R08": Preference(
        _contrast_over_prediction,
        lambda case: every(
            case.is_one("modality", "ultrasound"),
            case.is_one("task", "classification"),
            _is_global(case),
        ),
    ),
    "R10": Preference(
        lambda case: int("mae" in case.method or case.method in _REGRESSORS),
        lambda case: case.is_one("task", "regression"),
    ),
    "R11": Preference(_against_contrast, lambda case: case.is_one("task", "anomaly")),
    # Only against, never for: so a smaller batch never makes a strategy look better.
    "R60": Preference(
        lambda case: -int(contrasts_within_batch(case.method)),
        lambda case: None if case.batch is None else case.batch < SMALL_BATCH,
    ),
}


def spoken(case: Case) -> dict[str, tuple[int, bool]]:
    """Return the side of every rule that holds or may hold, and whether it is sure to."""
    found = {}
    for name, rule in PREFERENCES.items():
        side, holds = rule.side(case), rule.holds(case)
        if side and holds is not False:
            found[name] = (side, holds is True)
    return found


def balance(case: Case, *, without: frozenset[str] = frozenset()) -> int:
    """Return the number of rules for a method less those against it, of those sure to hold.

    Args:
        case: The case.
        without: Rules that may not speak.
    """
    found = spoken(case).items()
    return sum(side for name, (side, is_sure) in found if is_sure and name not in without)
