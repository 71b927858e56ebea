"""Random-effects meta-analysis: between-study variance, Hartung-Knapp and prediction intervals.

Source: DerSimonian and Laird 1986 (dl); Paule and Mandel 1982 (pm); Viechtbauer 2005 (reml);
Hartung and Knapp 2001 with the floor of one of Roever et al. 2015; prediction interval of
Higgins, Thompson and Spiegelhalter 2009, with k - 2 degrees of freedom; I^2 as the share of
tau^2 in a typical study's variance, as metafor defines it.
Tested against statsmodels' combine_effects, whose import alone takes longer than the advisor may.
Axis letters: k studies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anlage.errors import ConfigError

__all__ = ["Estimator", "RandomEffects", "between_variance", "random_effects", "student_limit"]

Estimator = Literal["pm", "dl", "reml"]

_FLOOR = 1e-9
_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class RandomEffects:
    """What k studies say together.

    Attributes:
        mean: Random-effects mean.
        se: Its standard error after Hartung and Knapp.
        low, high: 95% interval of the mean; None for one study.
        predicted_low, predicted_high: 95% interval for the true effect in a new study;
            None for fewer than three.
        tau2: Variance between studies.
        i2: Share of the variance that lies between studies; None for one study.
        q, q_df, q_p: Cochran's test of equal effects; None for one study.
        k: Number of studies.
    """

    mean: float
    se: float
    low: float | None
    high: float | None
    predicted_low: float | None
    predicted_high: float | None
    tau2: float
    i2: float | None
    q: float | None
    q_df: int
    q_p: float | None
    k: int


def random_effects(
    effects: Sequence[float],
    variances: Sequence[float],
    *,
    estimator: Estimator = "pm",
    is_modified: bool = True,
) -> RandomEffects:
    """Pool one effect per study.

    Args:
        effects: k effects on one scale.
        variances: Their k sampling variances, zero or above.
        estimator: How the variance between studies is found: Paule-Mandel (pm),
            DerSimonian-Laird (dl) or restricted maximum likelihood (reml).
        is_modified: Whether the Hartung-Knapp factor may not fall below one, so that studies
            that agree by chance do not make the interval narrower than the model allows.

    Raises:
        ConfigError: If there are no effects, or effects and variances do not pair up.
    """
    import numpy as np

    y, v = _checked(effects, variances)
    k = len(y)
    tau2 = between_variance(y, v, estimator=estimator)
    weights = 1 / (v + tau2) if (v + tau2).min() > 0 else np.ones(k)
    mean = float(weights @ y / weights.sum())
    model_se = float(weights.sum() ** -0.5) if (v + tau2).min() > 0 else 0.0
    if k == 1:
        return RandomEffects(
            mean=mean,
            se=float(v[0] ** 0.5),
            low=None,
            high=None,
            predicted_low=None,
            predicted_high=None,
            tau2=0.0,
            i2=None,
            q=None,
            q_df=0,
            q_p=None,
            k=1,
        )
    spread = float(weights @ (y - mean) ** 2 / (k - 1)) if model_se else 0.0
    se = model_se * max(spread, 1.0 if is_modified else 0.0) ** 0.5
    half = student_limit(k - 1) * se
    reach = student_limit(k - 2) * (tau2 + se**2) ** 0.5 if k > 2 else None
    q, i2 = _heterogeneity(y, v, tau2)
    return RandomEffects(
        mean=mean,
        se=se,
        low=mean - half,
        high=mean + half,
        predicted_low=None if reach is None else mean - reach,
        predicted_high=None if reach is None else mean + reach,
        tau2=tau2,
        i2=i2,
        q=q,
        q_df=k - 1,
        q_p=None if q is None else _chi2_tail(q, k - 1),
        k=k,
    )


def between_variance(
    effects: Sequence[float], variances: Sequence[float], *, estimator: Estimator = "pm"
) -> float:
    """Return tau^2, the variance between studies beyond their sampling variances; never below 0."""
    y, v = _checked(effects, variances)
    if len(y) == 1:
        return 0.0
    if v.max() == 0:
        return float(y.var(ddof=1))
    v = v.clip(min=_FLOOR * v.max())
    return _ESTIMATORS[estimator](y, v)


def student_limit(df: int, *, level: float = 0.95) -> float:
    """Return the two-sided limit of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2))


def _dersimonian_laird(y: Any, v: Any) -> float:
    w = 1 / v
    q = w @ (y - w @ y / w.sum()) ** 2
    return max(0.0, float((q - (len(y) - 1)) / (w.sum() - w @ w / w.sum())))


def _paule_mandel(y: Any, v: Any) -> float:
    """Find the tau^2 at which the weighted squares equal their expectation, by bisection."""

    def excess(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w @ (y - w @ y / w.sum()) ** 2) - (len(y) - 1)

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, max(float(y.var(ddof=1)), _FLOOR)
    while excess(high) > 0:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _reml(y: Any, v: Any) -> float:
    """Maximise the restricted likelihood by Fisher scoring, started at DerSimonian-Laird."""
    tau2 = _dersimonian_laird(y, v)
    for _ in range(_STEPS):
        w = 1 / (v + tau2)
        mean = w @ y / w.sum()
        w2 = w**2
        step = (w2 @ ((y - mean) ** 2 - v) / w2.sum()) + 1 / w.sum()
        if abs(step - tau2) < 1e-12 * max(1.0, tau2):
            return max(0.0, float(step))
        tau2 = max(0.0, float(step))
    return tau2


_ESTIMATORS: dict[str, Callable[[Any, Any], float]] = {
    "dl": _dersimonian_laird,
    "pm": _paule_mandel,
    "reml": _reml,
}


def _heterogeneity(y: Any, v: Any, tau2: float) -> tuple[float | None, float | None]:
    if v.max() == 0:
        return None, None
    w = 1 / v.clip(min=_FLOOR * v.max())
    q = float(w @ (y - w @ y / w.sum()) ** 2)
    typical = float((len(y) - 1) * w.sum() / (w.sum() ** 2 - w @ w))
    return q, tau2 / (tau2 + typical)


def _chi2_tail(value: float, df: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(df, value))


def _checked(effects: Sequence[float], variances: Sequence[float]) -> tuple[Any, Any]:
    import numpy as np

    y, v = np.asarray(effects, dtype=float), np.asarray(variances, dtype=float)
    if y.ndim != 1 or y.shape != v.shape or not len(y):
        raise ConfigError(
            f"pooling needs one variance per effect and at least one effect, got {len(y)} effects "
            f"and {len(v)} variances. Widen the selection."
        )
    if not (np.isfinite(y).all() and np.isfinite(v).all()) or (v < 0).any():
        raise ConfigError("effects must be finite and variances must be zero or above.")
    return y, v
