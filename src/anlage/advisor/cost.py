"""What pretraining costs: hours and memory from steps that were measured, see costs.json.

speed(size) is a power law of the number of pixels through the two sizes that were measured; memory
is a base plus a part that grows with batch and pixels. Nothing is guessed for a device that was
not measured. The table is made by benchmarks/bench_cost.py.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Costs", "EncoderFacts", "costs"]


@dataclass(frozen=True, kw_only=True)
class EncoderFacts:
    """What is known of an encoder without building it.

    Attributes:
        parameters: Number of weights.
        patch: Edge of a transformer's patch; None for a CNN.
        has_imagenet: Whether public ImageNet weights fit it.
    """

    parameters: int
    patch: int | None
    has_imagenet: bool


@dataclass(frozen=True)
class Costs:
    """The table of measured steps.

    Attributes:
        device: What they were measured on.
        kind: ``cpu`` or ``cuda``.
        note: What else ran there.
        left_out: Methods, encoders and dims that do not go together.
    """

    device: str
    kind: str
    note: str
    encoders: dict[str, dict[str, Any]]
    points: dict[tuple[str, str, int], list[dict[str, Any]]]
    left_out: frozenset[tuple[str, str, int]] = frozenset()

    def facts(self, encoder: str, dims: int) -> EncoderFacts | None:
        """Return what is known of an encoder; None if it was not measured or has no such form."""
        found = self.encoders.get(encoder, {}).get(f"{dims}d")
        if not found:
            return None
        return EncoderFacts(
            parameters=found["parameters"],
            patch=found["patch"],
            has_imagenet=found["imagenet"] is not None,
        )

    def has(self, method: str, encoder: str, dims: int) -> bool:
        """Whether a method was measured with an encoder."""
        return (method, encoder, dims) in self.points

    def fits(self, method: str, encoder: str, dims: int) -> bool:
        """Whether a method goes with an encoder, as far as it was tried."""
        return (method, encoder, dims) not in self.left_out

    def images_per_s(self, method: str, encoder: str, dims: int, size: int) -> float | None:
        """Return the speed at a size; None where the two were not measured."""
        best: dict[int, dict[str, Any]] = {}
        for point in self._of(method, encoder, dims):
            held = best.get(point["size"])
            if held is None or point["batch"] > held["batch"]:
                best[point["size"]] = point
        if not best:
            return None
        sizes = sorted(best)
        small, large = best[sizes[0]], best[sizes[-1]]
        slope = -1.0
        if len(sizes) > 1:
            rise = math.log(large["images_per_s"] / small["images_per_s"])
            slope = min(0.0, rise / (dims * math.log(sizes[-1] / sizes[0])))
        anchor = small if size < small["size"] else large
        pixels = dims * math.log(size / anchor["size"])
        return float(anchor["images_per_s"] * math.exp(slope * pixels))

    def memory_gb(
        self, method: str, encoder: str, dims: int, size: int, batch: int
    ) -> float | None:
        """Return the peak memory; None where the two were not measured."""
        points = self._of(method, encoder, dims)
        if len({(point["size"], point["batch"]) for point in points}) < 2:
            return None
        work = [point["batch"] * point["size"] ** dims for point in points]
        slopes = [
            (one["mb"] - other["mb"]) / (own - theirs)
            for one, own in zip(points, work, strict=True)
            for other, theirs in zip(points, work, strict=True)
            if own > theirs
        ]
        slope = max(*slopes, 0.0)
        base = min(point["mb"] - slope * own for point, own in zip(points, work, strict=True))
        return float(max(base, 0.0) + slope * batch * size**dims) / 1024

    def _of(self, method: str, encoder: str, dims: int) -> list[dict[str, Any]]:
        """Return a method's points; where it was not measured, those of the dearest method."""
        if (method, encoder, dims) in self.points:
            return self.points[method, encoder, dims]
        others = [
            found for (_, own, d), found in self.points.items() if (own, d) == (encoder, dims)
        ]
        return max(others, key=lambda found: max(point["mb"] for point in found), default=[])


@cache
def costs() -> Costs:
    """Read the table that ships with Anlage; empty if there is none."""
    path = Path(__file__).parent / "costs.json"
    values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    points: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for point in values.get("points", []):
        place = (point["method"], point["encoder"], point["dims"])
        points.setdefault(place, []).append(point)
    return Costs(
        values.get("device", "no device"),
        values.get("kind", "none"),
        values.get("note", ""),
        values.get("encoders", {}),
        points,
        frozenset((method, encoder, dims) for method, encoder, dims in values.get("left_out", ())),
    )
