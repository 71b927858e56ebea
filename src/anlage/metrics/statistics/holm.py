"""Holm's adjustment: p-values that stay honest when a table makes many comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from anlage.errors import ConfigError

__all__ = ["holm"]


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjust all p-values of a table at once, so that any false "better" has chance alpha.

    Args:
        p_values: Of every comparison that the table makes; None where it is undefined. An
            undefined one stays None, and still counts as a comparison.

    Returns:
        Adjusted p-values in the same order.

    Raises:
        ConfigError: If a p-value is not in [0, 1].

    Source:
        Holm, Scandinavian Journal of Statistics 6:65 (1979), through statsmodels.
    """
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return ()
    full = [1.0 if p is None else float(p) for p in p_values]
    if not all(0 <= p <= 1 for p in full):
        raise ConfigError(
            "p-values must lie in [0, 1], got another value. Use None for an undefined one."
        )
    adjusted = multipletests(full, method="holm")[1]
    return tuple(
        None if p is None else float(new) for p, new in zip(p_values, adjusted, strict=True)
    )
