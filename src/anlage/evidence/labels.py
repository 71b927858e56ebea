"""How many labels a result used: reading ``<=1%``, ``100%`` and ``<=50``, and the bands."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from anlage.errors import ConfigError
from anlage.evidence.vocabulary import BANDS
from anlage.plugins import nearest

__all__ = ["FEW_CASES", "LabelRule", "band", "read_label_rule"]

FEW_CASES = 100
_FEW_SHARE, _SOME_SHARE = 0.01, 0.1
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "": operator.eq,
}
_RULE = re.compile(r"(<=|>=|<|>|=|)\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)")


@dataclass(frozen=True)
class LabelRule:
    """One condition on labels: on their share, their number, or their band."""

    text: str
    sign: str = ""
    limit: float = 0.0
    is_share: bool = False

    def holds(self, fraction: float | None, count: int | None) -> bool:
        """Whether a result with this share and number of labels is meant; unknown never is."""
        if self.text in BANDS:
            return band(fraction, count) == self.text
        value = fraction if self.is_share else count
        return value is not None and _COMPARE[self.sign](value, self.limit)


def read_label_rule(text: str) -> LabelRule:
    """Read ``<=1%`` (share), ``<=50`` (labelled cases) or a band such as ``few``.

    Raises:
        ConfigError: If it is none of them.

    Example:
        >>> read_label_rule("<=10%").holds(0.05, None)
        True
    """
    word = text.strip().lower()
    if word in BANDS:
        return LabelRule(word)
    match = _RULE.fullmatch(word)
    if match is None:
        raise ConfigError(
            "labels must be a share such as '<=10%', a number of cases such as '<=50' or one of "
            f"{', '.join(BANDS)}, got {text!r}.{nearest(word, list(BANDS))}"
        )
    sign, number, percent = match.groups()
    limit = float(number) / 100 if percent else float(number)
    if percent and limit > 1:
        raise ConfigError(f"a share of labels must be at most 100%, got {text!r}.")
    return LabelRule(word, sign, limit, bool(percent))


def band(fraction: float | None, count: int | None) -> str:
    """Return the label band of a result; the share decides, else the number of cases.

    Example:
        >>> band(0.01, None), band(None, 10), band(1.0, 329)
        ('few', 'few', 'all')
    """
    if fraction == 0 or count == 0:
        return "none"
    if fraction is not None:
        limits = ((_FEW_SHARE, "few"), (_SOME_SHARE, "some"))
        found = next((name for limit, name in limits if fraction <= limit), None)
        return found or ("all" if fraction >= 1 else "most")
    if count is not None:
        return "few" if count <= FEW_CASES else "some"
    return "unknown"
