"""Aligned MAE: paint back what is hidden, and agree with another view about the same place.

A student sees two overlapping views with parts hidden and reconstructs them. A teacher, its
moving average, sees them whole. Wherever the two views show the same anatomy, the student's
local embedding in one must pick out the teacher's at that very place in the other; the places
are matched through the geometry of the crops, flips and rotations, in millimetres.

Source: Vaish et al., "Consistent View Alignment improves foundation models for 3D medical image
segmentation", arXiv:2509.13846 (first and second place, SSL3D challenge 2025), and
Tenbatsu24/LatentCampus@267c976, aligned_mae_loss.py.
Departures: places are a regular grid (for transformers the visible tokens) matched through any
affine map, where the source pools the overlap box; agreement is contrastive, with other
patients' places and distant places of the same image as negatives, where the source offers
Gram matrices or cosine; squared instead of Huber error; projections of every map of the pyramid
are added, where the source concatenates maps first; no predictor; the teacher's batch norms use
running statistics, an average of the student's.
Axes: B batch, L places, P projection width.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn

from anlage.config import BaseConfig
from anlage.encoders import Encoder
from anlage.methods import Method
from anlage.methods._contrast import info_nce, nt_xent
from anlage.methods._gather import first_row, gather
from anlage.methods._layers import mlp
from anlage.methods._masked import hidden_tokens, token_order
from anlage.methods._places import (
    grid_places,
    match_places,
    sample_maps,
    source_places,
    token_places,
)
from anlage.methods._reconstruction import Painter, build_painter, map_errors
from anlage.tensors import Features, Geometry, Images, Masks, MethodOutput, Views
from anlage.types import ViewSpec

__all__ = ["AlignedMAE"]

_ModuleT = TypeVar("_ModuleT", bound=nn.Module)


class AlignedMAE(Method):
    """Masked student, whole-view teacher, agreement at matched places."""

    class Config(BaseConfig):
        """Weights of the three terms, the contrast, and the places it is taken at.

        ``near_share``: places of one image closer than this share of a view's longest edge
        are not negatives of each other.
        """

        reconstruction: float = Field(default=1.0, ge=0)
        local: float = Field(default=0.5, ge=0)
        global_: float = Field(default=0.1, ge=0)
        temperature: float = Field(default=0.2, gt=0)
        projection_width: int = Field(default=128, ge=2)
        hidden_width: int = Field(default=256, ge=8)
        places_per_axis: int = Field(default=5, ge=2, le=16)
        near_share: float = Field(default=0.25, ge=0, le=1)
        mask_ratio: float | None = Field(default=None, gt=0, lt=1)
        mask_unit: int | None = Field(default=None, ge=1)
        variance_floor: float = Field(default=0.01, ge=0)
        decoder_width: int = Field(default=96, ge=12)
        decoder_depth: int = Field(default=2, ge=1)

    def __init__(self, encoder: Encoder, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or self.Config()
        self.encoder = encoder
        self.spec = ViewSpec(
            num_views=2,
            min_overlap=0.4,
            is_masked=True,
            mask_ratio=self.config.mask_ratio,
            mask_unit=self.config.mask_unit,
        )
        self.painter = build_painter(
            encoder,
            standardise=None,
            floor=self.config.variance_floor,
            width=self.config.decoder_width,
            depth=self.config.decoder_depth,
        )
        self.decoder = self.painter.decoder if isinstance(self.painter, Painter) else None
        student = _Projectors(encoder, self.config.hidden_width, self.config.projection_width)
        self.projectors = student
        self.teacher_encoder = _frozen_copy(encoder)
        self.teacher_projectors = _frozen_copy(student)
        self.teachers = (
            (self.encoder, self.teacher_encoder),
            (self.projectors, self.teacher_projectors),
        )

    def forward(self, views: Views) -> MethodOutput:
        """Return reconstruction, local and global agreement of one batch."""
        students, errors = zip(
            *(
                self.painter(self.encoder, images, masks)
                for images, masks in zip(views.images, views.masks, strict=True)
            ),
            strict=True,
        )
        for _, teacher in self.teachers:
            teacher.eval()  # its answer to an image depends on no other image of the batch
        with torch.no_grad():
            teachers = [self.teacher_encoder(images) for images in views.images]
        local = (
            self._local(views, students, teachers, here=0, there=1)
            + self._local(views, students, teachers, here=1, there=0)
        ) / 2
        return MethodOutput.from_parts(
            reconstruction=self.config.reconstruction * (errors[0] + errors[1]) / 2,
            local=self.config.local * local,
            global_=self.config.global_ * self._global(views, students, teachers),
            embedding=students[0].embedding,
        )

    def error_map(self, images: Images, masks: Masks) -> Float[Tensor, "B ..."]:
        """Return the reconstruction error at every position, (B, *G), and learn nothing."""
        return map_errors(self.painter, self.encoder, images, masks)

    def _local(
        self,
        views: Views,
        students: tuple[Features, ...],
        teachers: list[Features],
        *,
        here: int,
        there: int,
    ) -> Tensor:
        size = tuple(views.images[here].shape[2:])
        if self.encoder.patch is None:
            places = grid_places(
                len(views.sample), self.config.places_per_axis, like=views.geometry[here]
            )
            found = sample_maps(students[here].maps, places)
        else:
            hidden = hidden_tokens(views.masks[here], size, self.encoder.patch)
            visible, _ = token_order(hidden)
            grid = tuple(edge // self.encoder.patch for edge in size)
            places = token_places(visible, grid, like=views.geometry[here])
            tokens = students[here].tokens
            assert tokens is not None, "a transformer returns tokens"
            found = (tokens,)
        matched, is_shared = match_places(places, views.geometry[here], views.geometry[there])
        query = self.projectors.local(found)  # (B, L, P)
        with torch.no_grad():
            key = self.teacher_projectors.local(self._teacher_maps(teachers[there], matched))
        spots = source_places(places, views.geometry[here])  # mm, (B, L, d)
        near_mm = self.config.near_share * _longest_edge_mm(views.geometry[here])
        return info_nce(
            query.flatten(0, 1),
            key.flatten(0, 1),
            is_valid=is_shared.flatten(),
            excluded=_not_negative(spots, near_mm, views.patient),
            temperature=self.config.temperature,
        )

    def _teacher_maps(self, teacher: Features, places: Tensor) -> tuple[Tensor, ...]:
        maps = teacher.maps if self.encoder.patch is None else teacher.maps[-1:]
        return sample_maps(maps, places)

    def _global(
        self, views: Views, students: tuple[Features, ...], teachers: list[Features]
    ) -> Tensor:
        terms = []
        for here, there in ((0, 1), (1, 0)):
            with torch.no_grad():
                key = self.teacher_projectors.image(teachers[there].embedding)
            query = self.projectors.image(students[here].embedding)
            terms.append(
                nt_xent(query, key, patient=views.patient, temperature=self.config.temperature)
            )
        return (terms[0] + terms[1]) / 2


class _Projectors(nn.Module):
    """One projector for whole images, and one per feature map for places."""

    def __init__(self, encoder: Encoder, hidden: int, width: int) -> None:
        super().__init__()
        self.image = mlp(encoder.width, hidden, width)
        local = encoder.widths if encoder.patch is None else encoder.widths[-1:]
        self.maps = nn.ModuleList(_point_mlp(inside, hidden, width) for inside in local)

    def local(self, found: tuple[Float[Tensor, "B L _"], ...]) -> Float[Tensor, "B L P"]:
        """Add up the projections of every map's vectors at the same places."""
        return torch.stack(
            [project(vectors) for project, vectors in zip(self.maps, found, strict=True)]
        ).sum(dim=0)


def _point_mlp(inside: int, hidden: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inside, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, outside)
    )


def _frozen_copy(module: _ModuleT) -> _ModuleT:
    twin = copy.deepcopy(module)
    twin.requires_grad_(False)
    return twin


def _longest_edge_mm(geometry: Geometry) -> Tensor:
    """Return each view's longest edge in mm, (B,)."""
    edges: Tensor = torch.linalg.vector_norm(geometry[:, :, :-1], dim=1)
    return 2 * edges.amax(dim=1)


def _not_negative(spots: Tensor, near_mm: Tensor, patient: Tensor) -> Bool[Tensor, "BL WL"]:
    """Mark keys that may show what a query shows: near ones, or others of the same patient.

    Distances mean something within one source crop only; another crop of the same image counts
    as another image of the patient.
    """
    batch, places, _ = spots.shape
    same_patient = patient[:, None] == gather(patient)[None, :]  # (B, W)
    marked = same_patient[:, None, :, None].repeat(1, places, 1, places)  # (B, L, W, L)
    rows = torch.arange(batch, device=spots.device)
    marked[rows, :, rows + first_row(batch)] = torch.cdist(spots, spots) < near_mm[:, None, None]
    return marked.reshape(batch * places, -1)
