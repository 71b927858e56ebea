"""Virtual histology: H&E-stained tissue, by stain vectors and the law of Beer and Lambert.

Haematoxylin stains nuclei blue, eosin stroma and cytoplasm pink; each absorbs red, green and
blue by its own vector, and hospitals differ in vectors and amounts.

- ``dense``: a field crowded with small, round, dark nuclei, as in inflammation
- ``atypical``: a field of large, uneven, dark nuclei of changing size, as in a tumour

A lesion is a field: its diameter is that of the field, in mm (0.06 is about eight nuclei).

Source: stain vectors of the reference slide of Macenko et al., ISBI 2009, after Ruifrok and
Johnston, Analytical and Quantitative Cytology and Histology 23(4), 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from anlage.data.phantoms._camera import expose
from anlage.data.phantoms._canvas import Canvas, steps
from anlage.data.phantoms._scene import FlatPhantom, Lesions, Painted, Scene

__all__ = ["Histology"]

Array = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]

_HAEMATOXYLIN = np.array([0.5626, 0.7201, 0.4062])
_EOSIN = np.array([0.2159, 0.8012, 0.5581])
_STEP_MM = 0.0068  # between places where a nucleus may lie
_CORNERS = np.linspace(0, 2 * np.pi, 10, endpoint=False)


@dataclass(frozen=True)
class _Nuclei:
    """How a tissue's nuclei look."""

    share: float  # of places with a nucleus
    radius_mm: float
    spread: float  # of the log radius
    long: float  # mean log of the ratio of axes
    dark: float
    uneven: float  # of the border


_HEALTHY = _Nuclei(share=0.2, radius_mm=0.0031, spread=0.12, long=0.4, dark=0.62, uneven=0.05)
_KINDS = {
    "dense": _Nuclei(share=0.92, radius_mm=0.0030, spread=0.10, long=0.05, dark=0.92, uneven=0.03),
    "atypical": _Nuclei(share=0.5, radius_mm=0.0052, spread=0.3, long=0.25, dark=0.82, uneven=0.13),
}


class Histology(FlatPhantom):
    """Fields of stained tissue under a microscope."""

    fov_mm = 0.160
    largest_mm = 0.120
    usual_mm = (0.05, 0.10)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Lesion kinds, in the order of the mask's values."""
        return tuple(_KINDS)

    def paint(self, scene: Scene) -> Painted:
        """Paint one picture; see :class:`FlatPhantom`."""
        canvas = scene.canvas
        far = np.maximum(np.abs(canvas.x), np.abs(canvas.y))
        room_mm = canvas.fov_mm / 2 - 0.58 * scene.plan.diameter_mm
        likely = (far < max(room_mm, 2 * canvas.pixel_mm)).astype(np.float32)
        lesions = scene.place(likely, wavy=0.1, stretch=1.25)
        nuclei = _draw_nuclei(scene, lesions)
        texture = scene.draws("texture")
        grain = np.clip(1 + 0.22 * canvas.noise(texture, 0.0022), 0.4, 1.6)
        blue = nuclei * grain
        pink, blank = _stroma(scene, canvas)
        inside = np.float32(scene.contrast) * lesions.cover(canvas, edge_mm=0.012)
        pink = pink * (1 - 0.35 * inside) * (1 - 0.5 * nuclei)
        density = _stained(scene, blue + 0.05 * pink + 0.05 * inside, pink)
        lumen = blank * (1 - np.minimum(nuclei * 3, 1)) * (1 - inside)
        shown = np.exp(-density * (1 - lumen))
        image, clean = expose(
            scene, shown.astype(np.float32), blur_mm=0.0007, noise=0.012, tint=0.05, tone=0.15
        )
        return Painted(image=image, clean=clean, lesions=lesions)


def _draw_nuclei(scene: Scene, lesions: Lesions) -> Array:
    """Draw every nucleus; return its amount of haematoxylin at each pixel, (H, W)."""
    canvas = scene.canvas
    rng = scene.draws("nuclei")
    number = int(np.ceil(canvas.fov_mm / _STEP_MM)) + 2
    places = (np.argwhere(np.ones((number, number))) - (number - 1) / 2) * _STEP_MM
    places += rng.uniform(-0.42, 0.42, places.shape) * _STEP_MM
    y, x = (places[:, axis].astype(np.float32) for axis in (0, 1))
    inside = np.max([spot.radius(x, y) < 1 for spot in lesions.spots], axis=0)
    weight = scene.contrast * inside
    ill = _KINDS[scene.plan.kind]

    def mixed(name: str) -> Doubles:
        healthy, other = getattr(_HEALTHY, name), getattr(ill, name)
        values: Doubles = healthy + weight * (other - healthy)
        return values

    is_there = rng.random(len(x)) < mixed("share")
    bell = rng.standard_normal((4, len(x)))
    radius = mixed("radius_mm") * np.exp(mixed("spread") * bell[0])
    ratio = np.exp(np.abs(mixed("long") * (1 + 0.4 * bell[1])) / 2)
    lie = (0.35 + 0.65 * weight) * rng.uniform(-np.pi / 2, np.pi / 2, len(x))
    lie = lie + scene.body().uniform(0, np.pi)
    ink = np.clip(mixed("dark") * (1 + 0.13 * bell[2]), 0.2, 1)
    waves = rng.standard_normal((len(x), 1, 2)) * np.stack(
        [np.cos(2 * _CORNERS), np.sin(3 * _CORNERS)], -1
    )
    border = 1 + mixed("uneven")[:, None] * waves.sum(-1)
    along = border * np.cos(_CORNERS) * (radius * ratio)[:, None]
    beside = border * np.sin(_CORNERS) * (radius / ratio)[:, None]
    cosine, sine = np.cos(lie)[:, None], np.sin(lie)[:, None]
    corners = np.stack(
        [x[:, None] + along * cosine - beside * sine, y[:, None] + along * sine + beside * cosine],
        -1,
    )
    return canvas.polygons((corners[i], float(ink[i])) for i in np.flatnonzero(is_there))


def _stroma(scene: Scene, canvas: Canvas) -> tuple[Array, Array]:
    """Return the amount of eosin, and where there is no tissue, (H, W) each."""
    rng = scene.draws("stroma")
    fibres = 0.09 * canvas.noise(rng, 0.030, 0.004) + 0.07 * canvas.noise(rng, 0.005)
    pink = 0.42 + fibres + 0.08 * canvas.noise(rng, 0.05)
    cracks = np.exp(-((canvas.noise(rng, 0.030, 0.018) / 0.22) ** 2))
    cracks = cracks * steps(canvas.noise(rng, 0.05), 0.2, 1.0)
    return np.clip(pink, 0.08, 1), 0.9 * cracks


def _stained(scene: Scene, blue: Array, pink: Array) -> Array:
    """Return the optical density by the site's stains, (3, H, W)."""
    own = scene.draws("stain").normal(0, 0.06, 2)
    site = scene.site
    haematoxylin = _HAEMATOXYLIN + 0.16 * site[6] * np.array([1, -0.4, -1])
    eosin = _EOSIN + 0.16 * site[7] * np.array([1, -0.6, 1])
    amounts = np.exp(own + 0.3 * np.array([site[0], site[1]]))
    vectors = [
        1.75 * amount * vector / np.linalg.norm(vector)
        for amount, vector in zip(amounts, (haematoxylin, np.clip(eosin, 0.02, None)), strict=True)
    ]
    density: Array = sum(
        vector[:, None, None].astype(np.float32) * stain
        for vector, stain in zip(vectors, (blue, pink), strict=True)
    )
    return density
