"""Which encoder, image size, batch and number of steps: the best that fits memory and time.

Wishes are tried in a fixed order, largest first, and the first that fits is taken. So less memory
never leads to a larger one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from anlage.advisor.answer import Cost
from anlage.advisor.cost import Costs
from anlage.advisor.profile import Profile
from anlage.plugins import available

__all__ = ["LEAST_STEPS", "Setup", "choose"]

LEAST_STEPS = 1000
"""Updates below which pretraining is not worth trying: with 400 to 800, masked methods gained
nothing in our own studies (LOG.md)."""

_EPOCHS = 100
_MOST_STEPS = 20_000
_SMALL_SET, _SMALL_SET_STEPS = 1000, 2000
_PART_FOR_PRETRAINING = 0.5
_GRIDS = {2: (224, 128, 96, 64, 32), 3: (96, 64, 48, 32)}
_CAPS = {("cpu", 2): 128, ("cpu", 3): 48, ("cuda", 2): 224, ("cuda", 3): 96}
_BATCHES = {2: (64, 32, 16, 8), 3: (8, 4, 2)}
_DENSE: dict[int, tuple[str, ...]] = {2: ("resnet18", "resnet10"), 3: ("resenc", "resnet10")}
_GLOBAL: dict[int, tuple[str, ...]] = {2: ("resnet18", "resnet10"), 3: ("resnet18", "resnet10")}
_TRANSFORMERS = ("vit_small", "vit_tiny")
_FOR_TRANSFORMERS = frozenset({"dino", "dinov2", "ibot", "jepa", "i_jepa"})


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What was chosen, and what it costs."""

    encoder: str
    patch: int | None
    has_imagenet: bool
    image_size: tuple[int, ...]
    batch_size: int
    steps: int
    cost: Cost


def choose(
    profile: Profile, table: Costs, method: str, *, needs_imagenet: bool = False
) -> Setup | str:
    """Return the setup of a method, or why there is none.

    Args:
        profile: The case.
        table: Measured costs.
        method: Name of the method, or ``finetune`` or ``finetune_dense``.
        needs_imagenet: Whether the encoder must have public ImageNet weights.
    """
    dims = profile.dims or 2
    reason = "no encoder of this Anlage fits it"
    for size, encoder, batch in _wishes(profile, method, dims):
        facts = table.facts(encoder, dims)
        if encoder not in available("encoders") or not table.fits(method, encoder, dims):
            continue
        if needs_imagenet and not (facts and facts.has_imagenet):
            reason = "no encoder has ImageNet weights for such images"
            continue
        memory = table.memory_gb(method, encoder, dims, size, batch)
        if profile.memory_gb is not None and (memory is None or memory > profile.memory_gb):
            reason = f"nothing is known to fit into {profile.memory_gb:g} GB"
            continue
        steps, hours = _steps(profile, table, (method, encoder, dims, size), batch)
        if steps < LEAST_STEPS and not method.startswith("finetune"):
            reason = f"{LEAST_STEPS:,} updates do not fit into {profile.hours:g} hours"
            continue
        return Setup(
            encoder=encoder,
            patch=facts.patch if facts else None,
            has_imagenet=bool(facts and facts.has_imagenet),
            image_size=(size,) * dims,
            batch_size=batch,
            steps=steps,
            cost=Cost(
                hours=hours,
                memory_gb=memory,
                basis=_basis(profile, table, (method, encoder, dims), memory),
            ),
        )
    return reason


def _wishes(profile: Profile, method: str, dims: int) -> Iterator[tuple[int, str, int]]:
    cap = _CAPS[profile.device or "cpu", dims]
    if profile.image_size is not None:
        cap = min(cap, max(min(profile.image_size), _GRIDS[dims][-1]))
    sizes = [size for size in _GRIDS[dims] if size <= cap]
    encoders = (_DENSE if profile.is_dense else _GLOBAL)[dims]
    if method in _FOR_TRANSFORMERS:
        encoders = (*_TRANSFORMERS, *encoders)
    yield from product(sizes, encoders, _BATCHES[dims])


def _steps(
    profile: Profile, table: Costs, place: tuple[str, str, int, int], batch: int
) -> tuple[int, float | None]:
    """Return the updates of pretraining, cut to the time there is, and the hours of one run."""
    if place[0].startswith("finetune"):
        return 0, 0.0
    images = profile.unlabelled or 10 * _SMALL_SET
    wanted = math.ceil(_EPOCHS * images / batch)
    wanted = min(_MOST_STEPS, max(wanted, _SMALL_SET_STEPS))
    speed = None if profile.device == "cuda" else table.images_per_s(*place)
    if speed is None:
        return wanted, None
    if profile.hours is not None:
        seconds = 3600 * _PART_FOR_PRETRAINING * profile.hours
        wanted = min(wanted, int(seconds * speed / batch))
    return wanted, wanted * batch / speed / 3600


def _basis(
    profile: Profile, table: Costs, place: tuple[str, str, int], memory: float | None
) -> str:
    if memory is None:
        return "not measured: run benchmarks/bench_cost.py"
    where = f"measured on {table.device}"
    if not table.has(*place):
        where = f"not measured, taken to be as dear as the dearest method that was {where}"
    if profile.device == "cuda":
        return f"memory {where}; no GPU was measured, so hours are not known"
    return where
