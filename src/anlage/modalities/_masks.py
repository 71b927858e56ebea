"""How a masked method hides parts of the images at hand: which plug-in, how much, in which unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from anlage import plugins
from anlage.config import BaseConfig
from anlage.errors import ConfigError
from anlage.modalities._rules import Corruption
from anlage.types import ViewSpec

if TYPE_CHECKING:  # torch is imported only when a plan is made
    from anlage.transforms.masking import MaskPlan

__all__ = ["MaskChoice", "mask_plan", "view_pixel_mm"]

_LARGEST = 0.5  # of an edge: at least two blocks stand side by side


class MaskChoice(BaseConfig):
    """How a recipe hides parts of images; None leaves a setting to the policy or the method.

    Attributes:
        kind: Name of a mask plug-in.
        ratio: Share of positions to hide.
        start_ratio: Share at the start of a run, if it shall change; None: ``ratio`` all along.
        ramp: Share of a run's steps after which ``ratio`` is reached.
        unit: Edge of a hidden block in pixels of the view.
        unit_mm: The same in mm, for images whose spacing is known; half the diameter of the
            smallest lesion that matters is a good choice.
        options: Settings of the mask plug-in.
    """

    kind: str = "random"
    ratio: float | None = Field(default=None, gt=0, lt=1)
    start_ratio: float | None = Field(default=None, gt=0, lt=1)
    ramp: float = Field(default=0.5, gt=0, le=1)
    unit: int | None = Field(default=None, ge=1)
    unit_mm: float | None = Field(default=None, gt=0)
    options: dict[str, Any] = {}


def view_pixel_mm(
    spacing_mm: npt.ArrayLike,
    *,
    region: Sequence[int],
    size: Sequence[int],
    crop_scale: tuple[float, float] = (1.0, 1.0),
) -> tuple[float, ...] | None:
    """Return the edges of a view's pixel in mm, for a crop of mean size.

    Args:
        spacing_mm: Pixel edges of every image, (n, d); their median counts.
        region: Edges of what is read from the store, in its pixels.
        size: Edges of a view.
        crop_scale: Share of the region that views keep.

    Returns:
        Millimetres per axis; None where they are unknown: pictures whose pixels all measure 1.

    Example:
        >>> view_pixel_mm([[0.5, 0.5, 2.0]], region=(256, 256, 32), size=(64, 64, 32))
        (2.0, 2.0, 2.0)
    """
    spacings = np.asarray(spacing_mm, dtype=np.float64)
    dims = spacings.shape[1]
    if dims == 2 and (spacings == 1).all():
        return None
    kept = math.sqrt(crop_scale[0] * crop_scale[1]) ** (1 / dims)
    edges = np.median(spacings, axis=0) * np.asarray(region) / np.asarray(size) * kept
    return tuple(float(edge) for edge in edges)


def mask_plan(
    corruption: Corruption,
    spec: ViewSpec,
    choice: MaskChoice,
    *,
    size: tuple[int, ...],
    patch: int | None,
    pixel_mm: Sequence[float] | None,
) -> MaskPlan:
    """Make the masking of one run: the recipe's, else the method's, else the modality's.

    Raises:
        ConfigError: If the unit does not fit the view or the patch, is given twice, or is given
            in mm for images of unknown spacing.
    """
    from anlage.transforms.masking import MaskPlan

    units = _units(corruption, spec, choice, size=size, patch=patch or 1, pixel_mm=pixel_mm)
    counts = [edge // unit for edge, unit in zip(size, units, strict=True)]
    fits = all(
        unit % (patch or 1) == 0 and edge % unit == 0
        for edge, unit in zip(size, units, strict=True)
    )
    if not fits or math.prod(counts) < 2:
        raise ConfigError(
            f"mask unit must be a multiple of the patch ({patch or 1}) that divides every edge of "
            f"the view {list(size)} and leaves at least two blocks, got {units[0]}. Choose another "
            "unit or image size."
        )
    plugin = plugins.load("transforms/masks", choice.kind)
    options = choice.options
    if "background" in plugin.Config.model_fields:
        options = {"background": corruption.background, **options}
    config = plugin.Config.parse(options, where=f"mask {choice.kind}")
    return MaskPlan(
        mask=plugin(config),
        ratio=choice.ratio or spec.mask_ratio or corruption.ratio,
        unit=units[0] if len(set(units)) == 1 else units,
        start_ratio=choice.start_ratio,
        ramp=choice.ramp,
    )


def _units(
    corruption: Corruption,
    spec: ViewSpec,
    choice: MaskChoice,
    *,
    size: tuple[int, ...],
    patch: int,
    pixel_mm: Sequence[float] | None,
) -> tuple[int, ...]:
    """Return the edges of a hidden block in pixels of the view, one per axis.

    A block is a share of the view, and no larger than the modality's mm where these are known.
    A recipe's own mm are kept, up to half a view. In mm a block is as long on every axis, so
    voxels that are thick in one direction are fewer there.
    """
    if choice.unit is not None and choice.unit_mm is not None:
        raise ConfigError(
            f"the mask unit must be given once, got unit {choice.unit} pixels and unit_mm "
            f"{choice.unit_mm:g}. Leave one out."
        )
    if choice.unit_mm is not None:
        if pixel_mm is None:
            raise ConfigError(
                f"mask unit_mm needs images whose pixel size is known, got {choice.unit_mm:g} mm "
                "for pictures without one. Give unit in pixels instead."
            )
        wanted = [choice.unit_mm / edge_mm for edge_mm in pixel_mm]
        limited = [min(one, _LARGEST * edge) for one, edge in zip(wanted, size, strict=True)]
        units = _each_nearest(limited, size=size, patch=patch)
        if any(unit > max(1, 2 * one) for unit, one in zip(units, wanted, strict=True)):
            raise ConfigError(
                f"mask unit_mm must be half a patch or more, got {choice.unit_mm:g} mm, which is "
                f"{min(wanted):.1f} pixels of a view, and a patch of {patch}. Give a larger one, "
                "larger views, or a smaller patch."
            )
        return units
    if (unit := choice.unit or spec.mask_unit) is not None:
        return (unit,) * len(size)
    share = corruption.unit * min(size)
    if corruption.unit_mm is not None and pixel_mm is not None:
        wanted = [min(share, corruption.unit_mm / edge_mm) for edge_mm in pixel_mm]
        if min(wanted) < share:
            return _each_nearest(wanted, size=size, patch=patch)
    return (_nearest(share, common=math.gcd(*size), size=size, patch=patch),) * len(size)


def _each_nearest(wanted: Sequence[float], *, size: tuple[int, ...], patch: int) -> tuple[int, ...]:
    return tuple(
        _nearest(one, common=edge, size=size, patch=patch)
        for one, edge in zip(wanted, size, strict=True)
    )


def _nearest(wanted: float, *, common: int, size: tuple[int, ...], patch: int) -> int:
    """Return the multiple of the patch that divides ``common`` and is nearest to ``wanted``.

    Raises:
        ConfigError: If it is less than half of ``wanted``: such small blocks are guessed from
            their neighbours, and nothing is learnt.
    """
    fitting = [unit for unit in range(patch, common + 1, patch) if common % unit == 0]
    unit = min(fitting, key=lambda unit: abs(unit - wanted), default=patch)
    if 2 * unit < wanted:
        raise ConfigError(
            f"image size must let blocks of about {wanted:.0f} pixels be hidden, but the edges of "
            f"{list(size)} have only {common} as common divisor. Choose edges that share a larger "
            "one, or give the mask unit."
        )
    return unit
