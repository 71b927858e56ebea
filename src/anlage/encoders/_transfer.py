"""Put stored weights into a network, and say exactly what fitted and what did not.

The report is made from the names as they came, before anything is left out; two published
code bases filter first and so can never report a loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from anlage.encoders._positions import resize_positions
from anlage.errors import DataError

__all__ = ["TransferReport", "transfer"]

_POSITIONS, _GRID = "body.pos_embed", "pos_grid"  # names inside every vision transformer
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class TransferReport:
    """What a transfer of weights did.

    Attributes:
        loaded: Names of the network's tensors that got stored values.
        missing: Names that the network has and the stored weights have not.
        unexpected: Names that the stored weights have and the network has not.
        mismatched: Names that both have, in different shapes.
        resized: Position embeddings that were resampled to another grid, as "name: 8x8 -> 6x6".
        coverage: Share of the network's numbers that were loaded, in [0, 1].
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]
    resized: tuple[str, ...]
    coverage: float

    def require(self, least: float, *, what: str) -> None:
        """Refuse a transfer that covers too little.

        Args:
            least: Least coverage, in [0, 1].
            what: What to call the weights in an error, such as "weights of brain".

        Raises:
            DataError: If the coverage is lower; the message lists the names.
        """
        if self.coverage < least:
            raise DataError(
                f"{what} must cover at least {least:.0%} of the network, but cover "
                f"{self.coverage:.1%}. Missing: {_listed(self.missing)}. Other shape: "
                f"{_listed(self.mismatched)}. Unknown: {_listed(self.unexpected)}. Build the "
                "network that they were saved from."
            )


def transfer(
    weights: Mapping[str, Tensor], module: nn.Module, *, least: float = 0.0, what: str = "weights"
) -> TransferReport:
    """Load every stored tensor that fits into a network; the rest keeps its values.

    The position embedding of a vision transformer is resampled where its grid differs.

    Args:
        weights: Stored tensors by name.
        module: The network; changed in place, unless the transfer is refused.
        least: Least coverage, in [0, 1]; below it nothing is loaded.
        what: What to call the weights in an error.

    Raises:
        DataError: If less than ``least`` of the network would be loaded.
    """
    own = module.state_dict()
    fitted, resized = _fit_positions(weights, own)
    both = [name for name in own if name in fitted]
    loaded = [name for name in both if fitted[name].shape == own[name].shape]
    total = sum(part.numel() for part in own.values())
    report = TransferReport(
        loaded=tuple(loaded),
        missing=tuple(name for name in own if name not in weights),
        unexpected=tuple(name for name in weights if name not in own),
        mismatched=tuple(name for name in both if name not in set(loaded)),
        resized=resized,
        coverage=sum(own[name].numel() for name in loaded) / total if total else 1.0,
    )
    report.require(least, what=what)
    module.load_state_dict({name: fitted[name] for name in loaded}, strict=False)
    return report


def _fit_positions(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the weights with position embeddings for the network's own grids, and notes."""
    fitted, notes = dict(weights), []
    for name in weights:
        grid_name = name.removesuffix(_POSITIONS) + _GRID
        if not name.endswith(_POSITIONS) or not {name, grid_name} <= own.keys() & weights.keys():
            continue
        old, new = (tuple(source[grid_name].tolist()) for source in (weights, own))
        same_kind = len(old) == len(new) and weights[name].shape[2:] == own[name].shape[2:]
        if old != new and same_kind:
            fitted[name] = resize_positions(weights[name], old, new)
            fitted[grid_name] = own[grid_name]
            notes.append(f"{name}: {_edges(old)} -> {_edges(new)}")
    return fitted, tuple(notes)


def _edges(grid: tuple[int, ...]) -> str:
    return "x".join(str(edge) for edge in grid)


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "") or "none"
