"""Hide with an eye on a lesion or organ: leave enough of it to be seen, or hide more of it.

``protect`` keeps pathology in every view: a lesion that is hidden whole teaches an encoder to
paint healthy tissue over it. ``focus`` makes it the task: most of a lesion is hidden, and some of
it stays, since nothing else tells that there is one. The label maps come from the store's mask
column; a view without any of the wanted classes is hidden at random.

Source: design rules R41 (at least half of a lesion stays) and R53 (guided masks, one visible
lesion token or more); "Adaptive masking lesion patches", 2023 (AMLP), for ``focus``.
Departures: lesions are those of the user's label maps, where AMLP clusters patches; shares are
of the lesion's area or volume in the view.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from anlage.config import BaseConfig
from anlage.tensors import LabelMaps, Masks
from anlage.transforms.draws import Draws
from anlage.transforms.masks import Guide, Mask, num_hidden
from anlage.transforms.masks._choice import per_position, random_order, smallest

__all__ = ["LesionMask"]

_SHARE = {"protect": 0.5, "focus": 0.75}


class LesionMask(Mask):
    """Random masks that hide at most, or at least, a share of a lesion."""

    guide: ClassVar[Guide | None] = "labels"

    class Config(BaseConfig):
        """``intent`` is to ``protect`` the lesion or to ``focus`` on it.

        ``classes`` are the label values that count, None: all above 0. ``share`` of the lesion
        is the most that ``protect`` hides, unless so much of the view is to be hidden that it
        must hide more, and the least that ``focus`` hides of a lesion on several positions, of
        which one always stays unless the view has to hide it. None: 0.5 and 0.75.
        """

        intent: Literal["protect", "focus"] = "protect"
        classes: tuple[int, ...] | None = Field(default=None, min_length=1)
        share: float | None = Field(default=None, ge=0, le=1)

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or self.Config()

    def draw(
        self, draws: Draws, *, grid: tuple[int, ...], ratio: float, guide: Tensor | None = None
    ) -> Masks:
        """Draw masks, (B, *grid), True = hidden; ``guide`` is the label map, (B, *S)."""
        count = num_hidden(grid, ratio)
        keys = order = random_order(draws, math.prod(grid))
        if guide is not None:
            keys = self._keys(order, self._lesion(guide, grid), count)
        return smallest(keys, count).reshape(-1, *grid)

    def _lesion(self, labels: LabelMaps, grid: tuple[int, ...]) -> Float[Tensor, "B N"]:
        """Return the lesion's pixels at every position: whole numbers."""
        classes = self.config.classes
        is_lesion = labels > 0
        if classes is not None:
            is_lesion = torch.isin(labels, torch.tensor(classes, device=labels.device))
        pixels = math.prod(labels.shape[1:]) // math.prod(grid)
        return (per_position(is_lesion.float(), grid) * pixels).round().double()

    def _keys(self, order: Tensor, lesion: Tensor, count: int) -> Tensor:
        share = self.config.share
        limit = (_SHARE[self.config.intent] if share is None else share) * lesion.sum(1, True)
        turn = torch.where(lesion > 0, order, 2.0).argsort(dim=1, stable=True)
        back = turn.argsort(dim=1)
        so_far = lesion.gather(1, turn).cumsum(dim=1).gather(1, back)  # with the position's own
        if self.config.intent == "protect":
            return _protecting(order, lesion, so_far <= limit, count)
        is_last = back == (lesion > 0).sum(1, True) - 1
        return _focusing(order, lesion, so_far - lesion < limit, is_last)


def _protecting(order: Tensor, lesion: Tensor, is_within: Tensor, count: int) -> Tensor:
    """Hide in random order what is no lesion or within its limit; else as little as possible."""
    may_go = (lesion == 0) | is_within
    keys = torch.where(may_go, order, 2.0 + order)
    least = torch.where(lesion == 0, order, 1.0 + lesion)
    return torch.where(may_go.sum(1, True) < count, least, keys)


def _focusing(order: Tensor, lesion: Tensor, is_wanted: Tensor, is_last: Tensor) -> Tensor:
    """Hide the wanted part of the lesion first and its last position last."""
    has_several = (lesion > 0).sum(1, True) > 1
    first = (lesion > 0) & is_wanted & ~is_last & has_several
    keys = torch.where(first, order, 1.0 + order)
    return torch.where((lesion > 0) & is_last & has_several, 3.0, keys)
