"""The simulated lesions of brain MRI: where each kind lies, and how it looks on T1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._blobs import draw_blob
from anlage.data.phantoms._mni152 import TISSUES
from anlage.data.phantoms._mri_head import Grid, Head

__all__ = ["KINDS", "Lesion", "draw_lesion"]

Array = npt.NDArray[np.float32]

_MIDLINE_MM = 4.0  # no lesion's middle lies nearer to it
_VENTRICLE = 0.8  # no lesion grows where the nearness to a ventricle is above this
_CORTEX_MM = 8.0  # how deep under the surface cavities lie
_TEXTURE = 0.06  # T1 intensity
_WINDOW = 0.8  # how far from its middle a lesion can reach, in diameters


@dataclass(frozen=True)
class _Look:
    """T1 intensity of rim and core, and the core's diameter as a share of the lesion's."""

    rim: float
    core: float
    core_share: float = 0.0


_LOOKS = {
    "bright": _Look(rim=1.18, core=1.18),
    "ring": _Look(rim=1.18, core=0.3, core_share=0.65),
    "dark": _Look(rim=0.2, core=0.2),
}
KINDS = tuple(_LOOKS)


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """One lesion on a grid.

    Attributes:
        whole: Share of each pixel that is lesion, (X, Y, Z).
        core: Share of each pixel that is its core, (X, Y, Z).
        kind: Its kind.
        side: ``left`` or ``right`` hemisphere of the patient.
    """

    whole: Array
    core: Array
    kind: str
    side: str

    @property
    def mask(self) -> npt.NDArray[np.uint8]:
        """Label map: pixels that are lesion for at least one half, (X, Y, Z)."""
        value = KINDS.index(self.kind) + 1
        return np.where(self.whole >= 0.5, value, 0).astype(np.uint8)

    def blend(self, head: Head, contrast: float) -> Array:
        """Return the head's T1 intensity with the lesion in it; contrast 0 changes nothing."""
        look = _LOOKS[self.kind]
        noise = np.float32(_TEXTURE) * head.texture
        rim_change = (self.whole - self.core) * (np.float32(look.rim) + noise - head.t1)
        core_change = self.core * (np.float32(look.core) + noise - head.t1)
        change: Array = rim_change + core_change
        return head.t1 + change * np.float32(contrast)


def draw_lesion(
    rng: np.random.Generator,
    head: Head,
    grid: Grid,
    *,
    kind: str,
    diameter_mm: float,
    height_mm: float,
) -> Lesion:
    """Draw one lesion into a head.

    Args:
        rng: Draws side, place and shape.
        head: The head on the grid.
        grid: Where it is drawn.
        kind: One of ``KINDS``.
        diameter_mm: Diameter of the ball of its volume.
        height_mm: Height of its middle above the image's middle.
    """
    is_right = bool(rng.random() < 0.5)
    in_half = head.right_mm > 0 if is_right else head.right_mm < 0
    plane = int(np.argmin(np.abs(grid.axes_mm[2] - height_mm)))
    weights = _weights(head, plane, kind, diameter_mm)
    weights = np.where(in_half[:, :, plane], weights, 0)
    middle_mm = (*_spot(rng, weights, grid), height_mm)
    blob = draw_blob(rng, diameter_mm)
    allowed = in_half & (head.tissues[0] < 0.5) & (head.ventricles < _VENTRICLE)
    away_mm = [axis - np.float32(at) for axis, at in zip(grid.axes_mm, middle_mm, strict=True)]
    near = [np.flatnonzero(np.abs(axis) <= _WINDOW * diameter_mm) for axis in away_mm]
    whole, core = np.zeros_like(head.t1), np.zeros_like(head.t1)
    for heights in [near[2]] if grid.dims == 3 else near[2][:, None]:
        window = np.ix_(near[0], near[1], heights)
        whole[window], core[window] = blob.fill(
            allowed[window],
            (away_mm[0][near[0]], away_mm[1][near[1]], away_mm[2][heights]),
            pixel_mm=grid.pixel_mm,
            dims=grid.dims,
            core_share=_LOOKS[kind].core_share,
        )
    side = "right" if is_right else "left"
    return Lesion(whole=whole, core=core, kind=kind, side=side)


def _weights(head: Head, plane: int, kind: str, diameter_mm: float) -> Array:
    """Return how likely the lesion's middle lies at each pixel of one plane, (X, Y)."""
    tissue = dict(zip(TISSUES, head.tissues[..., plane], strict=True))
    depth_mm = head.depth_mm[..., plane]
    likely = {
        "bright": tissue["white"],
        "ring": tissue["grey"] * tissue["white"],
        "dark": tissue["grey"] * np.exp(-depth_mm / _CORTEX_MM),
    }[kind]
    room = np.clip(2 * depth_mm / diameter_mm, 0.01, 1) ** 2
    clear = (np.abs(head.right_mm[..., plane]) > _MIDLINE_MM) & (tissue["background"] < 0.5)
    weights: Array = likely * room * clear * (1 - head.ventricles[..., plane])
    return weights


def _spot(rng: np.random.Generator, weights: Array, grid: Grid) -> tuple[float, float]:
    """Draw a point of a plane, in mm from the image's middle."""
    cumulative = np.cumsum(weights.reshape(-1), dtype=np.float64)
    flat = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
    at_x, at_y = np.unravel_index(flat, weights.shape)
    jitter_mm = rng.uniform(-0.5, 0.5, 2) * grid.pixel_mm
    x, y, _ = grid.axes_mm
    return float(x[at_x] + jitter_mm[0]), float(y[at_y] + jitter_mm[1])
