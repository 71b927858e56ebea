"""Which positions of a view are hidden at some point of a run, and what the mask may look at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from anlage.errors import ShapeError
from anlage.tensors import Images, LabelMaps, Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Mask, num_hidden, random_order, smallest

__all__ = ["ErrorMap", "MaskPlan", "Sight"]

ErrorMap = Callable[[Images, Masks], Float[Tensor, "B ..."]]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a mask may look at in one view.

    Attributes:
        unit: The view in the unit interval before its intensities are changed, (B, C, *S).
        shown: The view as the encoder will see it, (B, C, *S).
        labels: Gives its label map, (B, *S); None where the batch has none.
        errors: Gives a method's error at every position of given masks, (B, *grid), of which
            only the hidden ones mean something; None where there is no such method.
    """

    unit: Images
    shown: Images
    labels: Callable[[], LabelMaps] | None = None
    errors: ErrorMap | None = None


@dataclass(frozen=True, kw_only=True)
class MaskPlan:
    """Which positions are hidden: a generator, their share, and the unit.

    The share is a pure function of the progress of a run, so it is the same for all images of a
    batch, in all processes, and after a resume.

    Attributes:
        mask: The generator.
        ratio: Share of positions to hide.
        unit: Edge of a position in pixels: one for all axes, or one per axis.
        start_ratio: Share at the start of a run; None: ``ratio``.
        ramp: Share of a run's steps after which ``ratio`` is reached, in a straight line.
    """

    mask: Mask
    ratio: float
    unit: int | tuple[int, ...]
    start_ratio: float | None = None
    ramp: float = 0.5

    def grid(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of positions per axis of a view."""
        units = (self.unit,) * len(size) if isinstance(self.unit, int) else self.unit
        return tuple(edge // unit for edge, unit in zip(size, units, strict=True))

    def ratio_at(self, progress: float) -> float:
        """Return the share to hide.

        Args:
            progress: Share of the run's steps that were made, 0 to 1.
        """
        if self.start_ratio is None:
            return self.ratio
        done = min(progress / self.ramp, 1.0)
        return self.start_ratio + done * (self.ratio - self.start_ratio)

    def draw(
        self,
        draws: Draws,
        size: tuple[int, ...],
        *,
        progress: float = 1.0,
        sight: Sight | None = None,
    ) -> Masks:
        """Draw masks for views of some size, one position per mask unit.

        Args:
            draws: Random numbers.
            size: Edges of the views in pixels.
            progress: Share of the run's steps that were made, 0 to 1.
            sight: What the generator may look at.

        Raises:
            ShapeError: If it needs to look at something that is not there.
        """
        grid, ratio = self.grid(size), self.ratio_at(progress)
        guide = self._guide(draws, grid, ratio, sight)
        return self.mask.draw(draws, grid=grid, ratio=ratio, guide=guide)

    def _guide(
        self, draws: Draws, grid: tuple[int, ...], ratio: float, sight: Sight | None
    ) -> Tensor | None:
        wanted = self.mask.guide
        if wanted is None:
            return None
        if sight is not None and wanted == "image":
            return sight.unit
        if sight is not None and wanted == "labels" and sight.labels is not None:
            return sight.labels()
        if sight is not None and wanted == "errors" and sight.errors is not None:
            return _measured(sight.errors, sight.shown, draws, grid, ratio)
        raise ShapeError(
            f"{type(self.mask).__name__} must be shown the {wanted} of a view, got none. Pass "
            "label maps with the batch, or the error map of a method, or choose another mask."
        )


def _measured(
    errors: ErrorMap, shown: Images, draws: Draws, grid: tuple[int, ...], ratio: float
) -> Tensor:
    """Hide at random, and return the error there; what was to be seen counts as average."""
    order = random_order(draws.within("probe"), math.prod(grid))
    hidden = smallest(order, num_hidden(grid, ratio))  # (B, N)
    found = errors(shown, hidden.reshape(-1, *grid)).flatten(1).double()
    mean = torch.where(hidden, found, 0.0).sum(1, True) / hidden.sum(1, True)
    return torch.where(hidden, found, mean).reshape(-1, *grid)
