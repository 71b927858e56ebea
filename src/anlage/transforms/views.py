"""From raw crops to views: one resampling, then intensities, on whatever device the crops are.

The method's ViewSpec says what is wanted, the plan (made from the modality's policy) what is
done. Every view keeps the affine map that made it, so dense methods can match locations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from anlage.tensors import Geometry, Images, LabelMaps, Views
from anlage.transforms import Deformation, IntensityTransform, SpatialTransform
from anlage.transforms._resample import (
    displaced,
    lighten,
    sampled,
    sampled_labels,
    sampling_grid,
)
from anlage.transforms.crop import Boxes, draw_boxes
from anlage.transforms.draws import Draws
from anlage.transforms.masking import ErrorMap, MaskPlan, Sight
from anlage.types import ViewSpec

__all__ = ["CropBatch", "Intensities", "MaskPlan", "Step", "ViewPlan", "make_views", "one_view"]


@dataclass(frozen=True, kw_only=True)
class CropBatch:
    """Raw crops of one batch, as the store gives them.

    Attributes:
        images: Stored values, (B, C, *S), in the store's type.
        label_maps: Label maps on the same grid, (B, *S), or None.
        spacing_mm: Pixel or voxel edge per axis, (B, d).
        sample: Index of each image in the store, (B,).
        patient: Number of each image's patient, (B,).
    """

    images: Tensor
    label_maps: LabelMaps | None
    spacing_mm: Float[Tensor, "B d"]
    sample: Int[Tensor, " B"]
    patient: Int[Tensor, " B"]


@dataclass(frozen=True, kw_only=True)
class Intensities:
    """How stored values become what an encoder sees.

    Attributes:
        low: Stored value that becomes 0 in the unit interval; darker values are clipped.
        high: Stored value that becomes 1; brighter values are clipped.
        mean: Mean of training images per channel, in the unit interval.
        std: Their standard deviation per channel.
    """

    low: float
    high: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def to_unit(self, stored: Tensor) -> Images:
        """Map stored values onto [0, 1] and clip."""
        unit = stored.to(torch.float32, copy=True)
        return unit.sub_(self.low).div_(self.high - self.low).clamp_(0, 1)

    def standardise(self, unit: Images) -> Images:
        """Give unit-interval images mean 0 and deviation 1 over the training set."""
        shape = (1, -1, *[1] * (unit.ndim - 2))
        mean = torch.tensor(self.mean, device=unit.device).reshape(shape)
        std = torch.tensor(self.std, device=unit.device).reshape(shape)
        return (unit - mean) / std


@dataclass(frozen=True, kw_only=True)
class Step:
    """One transform of a plan: its name in the policy, its probability, and itself."""

    name: str
    p: float
    transform: SpatialTransform | Deformation | IntensityTransform


@dataclass(frozen=True, kw_only=True)
class ViewPlan:
    """What is done to the images of one run.

    Attributes:
        size: Edge lengths of a view in pixels.
        intensities: Calibration and standardisation.
        crop_scale: Least and largest share of the source crop that a view keeps.
        crop_aspect: Least and largest change of one edge against the others.
        steps: Transforms in the order in which they are made.
        masking: How positions are hidden, or None.
    """

    size: tuple[int, ...]
    intensities: Intensities
    crop_scale: tuple[float, float] = (1.0, 1.0)
    crop_aspect: tuple[float, float] = (1.0, 1.0)
    steps: tuple[Step, ...] = ()
    masking: MaskPlan | None = None


def make_views(
    batch: CropBatch,
    plan: ViewPlan,
    spec: ViewSpec,
    *,
    draws: Draws,
    progress: float = 1.0,
    errors: ErrorMap | None = None,
) -> Views:
    """Make the views of one batch, in full precision also under autocast.

    Args:
        batch: Raw crops.
        plan: What is done to them.
        spec: What the method asked for.
        draws: Random numbers of the first view; other views number theirs from there.
        progress: Share of the run's steps that were made, 0 to 1, for ratios that change.
        errors: The method's own error at every position, for masks that it guides.

    Returns:
        Views on the batch's device.
    """
    images, geometry, masks, label_maps = [], [], [], []
    with torch.autocast(batch.images.device.type, enabled=False):
        source = _source(batch, plan, draws)
        first: Boxes | None = None
        for number in range(spec.num_views):
            own = replace(draws, view=draws.view + number, device=batch.images.device)
            boxes = draw_boxes(
                own.within("crop"),
                source.half,
                scale=plan.crop_scale,
                aspect=plan.crop_aspect,
                near=first,
                min_overlap=spec.min_overlap,
            )
            first = first or boxes
            affine = _affine(boxes, plan.steps, own)
            grid = _grid(affine, source, plan.size)
            unit = sampled(source.unit, grid)
            view = unit
            if spec.intensity:
                view = _recoloured(_own_copy(unit, plan), plan, own, affine)
            images.append(plan.intensities.standardise(view))
            geometry.append(affine)
            if batch.label_maps is not None:
                label_maps.append(sampled_labels(batch.label_maps, grid))
            if plan.masking is not None and spec.is_masked:
                labels = partial(label_maps.__getitem__, -1) if label_maps else None
                sight = Sight(unit=unit, shown=images[-1], labels=labels, errors=errors)
                own = own.within("mask")
                masks.append(plan.masking.draw(own, plan.size, progress=progress, sight=sight))
    return Views(
        images=tuple(images),
        geometry=tuple(geometry),
        masks=tuple(masks),
        label_maps=tuple(label_maps),
        sample=batch.sample,
        patient=batch.patient,
    )


def one_view(
    batch: CropBatch, plan: ViewPlan, *, draws: Draws | None
) -> tuple[Images, LabelMaps | None]:
    """Make one labelled view for fine-tuning or evaluation, in full precision.

    Args:
        batch: Raw crops with or without label maps.
        plan: What is done to them.
        draws: Random numbers; None shows the whole source crop, unchanged but for its size.

    Returns:
        Standardised images, (B, C, *size), and label maps on the same grid, (B, *size).
    """
    with torch.autocast(batch.images.device.type, enabled=False):
        source = _source(batch, plan, draws)
        if draws is None:
            boxes = Boxes(centre=torch.zeros_like(source.half), half=source.half)
            affine = _affine(boxes, (), draws)
        else:
            draws = replace(draws, device=batch.images.device)
            boxes = draw_boxes(
                draws.within("crop"), source.half, scale=plan.crop_scale, aspect=plan.crop_aspect
            )
            affine = _affine(boxes, plan.steps, draws)
        grid = _grid(affine, source, plan.size)
        view = sampled(source.unit, grid)
        if draws is not None:
            view = _recoloured(view, plan, draws, affine)
        labels = None if batch.label_maps is None else sampled_labels(batch.label_maps, grid)
        return plan.intensities.standardise(view), labels


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Source crops as all views of them see them.

    Attributes:
        unit: Values in the unit interval, (B, C, *S).
        half: Half edges in mm, (B, d).
        bends: Displacements in half edges, (B, d, *R), one after the other.
    """

    unit: Images
    half: Float[Tensor, "B d"]
    bends: tuple[Tensor, ...]


def _source(batch: CropBatch, plan: ViewPlan, draws: Draws | None) -> _Source:
    unit = plan.intensities.to_unit(batch.images)
    edges = torch.tensor(unit.shape[2:], device=unit.device)
    kept = plan.crop_scale[0] ** (1 / len(edges))
    half = batch.spacing_mm.to(unit.device) * edges / 2
    return _Source(
        unit=lighten(unit, plan.size, kept), half=half, bends=_bends(half, plan.steps, draws)
    )


def _bends(
    half: Float[Tensor, "B d"], steps: tuple[Step, ...], draws: Draws | None
) -> tuple[Tensor, ...]:
    """Draw how crops are bent, in half edges; images that a step leaves out stay straight."""
    found = []
    for step in steps:
        if draws is not None and isinstance(step.transform, Deformation):
            own = replace(draws.within(step.name), device=half.device)
            rows = _chosen(step, own)
            if not len(rows):
                continue
            chosen = rows.to(half.device)
            part = half[chosen]
            params = step.transform.draw(own.rows(rows.numpy()), dims=half.shape[1])
            moves = step.transform.displacement(params, half_mm=part)
            moves = moves / part.reshape(*part.shape, *[1] * half.shape[1])
            found.append(moves.new_zeros(len(half), *moves.shape[1:]).index_copy_(0, chosen, moves))
    return tuple(found)


def _chosen(step: Step, own: Draws) -> Int[Tensor, " chosen"]:
    """Draw which images get a step, on the host: choosing must not wait for a GPU."""
    on_host = replace(own, device=torch.device("cpu"))
    return on_host.happens("happens", step.p).nonzero()[:, 0]


def _affine(boxes: Boxes, steps: tuple[Step, ...], draws: Draws | None) -> Geometry:
    """Merge a box and all spatial steps into one map from view coordinates to mm.

    A box turns along with quarter turns, as if a view were cut first and turned then: so it
    stays inside the source. Small rotations may look beyond its corners.
    """
    half = boxes.half
    dims = half.shape[1]
    linear = torch.eye(dims, device=half.device).repeat(len(half), 1, 1)
    for step in steps:
        if draws is not None and isinstance(step.transform, SpatialTransform):
            matrix = _turn(step, step.transform, draws, dims)
            linear = linear @ matrix
            only_swaps = ((matrix == 0) | (matrix.abs() == 1)).all(dim=2).all(dim=1)
            swapped = (matrix.abs() * half[:, :, None]).sum(dim=1)
            half = torch.where(only_swaps[:, None], swapped, half)
    return torch.cat((linear * half[:, None, :], boxes.centre[:, :, None]), dim=2)


def _grid(affine: Geometry, source: _Source, size: tuple[int, ...]) -> Tensor:
    grid = sampling_grid(affine / source.half[:, :, None], size)
    for bend in source.bends:
        grid = displaced(grid, bend)
    return grid


def _turn(step: Step, transform: SpatialTransform, draws: Draws, dims: int) -> Tensor:
    own = draws.within(step.name)
    matrix = transform.matrix(transform.draw(own, dims=dims), dims=dims)
    identity = torch.eye(dims, device=matrix.device)
    return torch.where(own.happens("happens", step.p)[:, None, None], matrix, identity)


def _own_copy(unit: Images, plan: ViewPlan) -> Images:
    """Return what may be recoloured in place: a copy where a mask still looks at the view."""
    looks = plan.masking is not None and plan.masking.mask.guide == "image"
    return unit.clone() if looks else unit


def _recoloured(view: Images, plan: ViewPlan, draws: Draws, affine: Geometry) -> Images:
    edges_mm = 2 * torch.linalg.vector_norm(affine[:, :, :-1], dim=1)  # (B, d)
    spacing_mm = edges_mm / torch.tensor(plan.size, device=edges_mm.device)
    for step in plan.steps:
        if isinstance(step.transform, IntensityTransform):
            view = _recolour(view, step, step.transform, draws.within(step.name), spacing_mm)
    return view


def _recolour(
    view: Images, step: Step, transform: IntensityTransform, own: Draws, spacing_mm: Tensor
) -> Images:
    rows = _chosen(step, own)
    if not len(rows):
        return view
    subset = own.rows(rows.numpy())
    chosen = rows.to(view.device)
    part = view if len(rows) == len(view) else view[chosen]
    params = transform.draw(subset, shape=part.shape)
    if "spacing_mm" in params:
        params["spacing_mm"] = spacing_mm[chosen]
    changed = transform.apply(part, params).clamp(0, 1)
    return changed if len(rows) == len(view) else view.index_copy_(0, chosen, changed)
