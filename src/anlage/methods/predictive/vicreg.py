"""VICReg: two views of an image agree, and no embedding dimension dies or repeats.

Source: Bardes, Ponce and LeCun, ICLR 2022, arXiv:2105.04906, and the authors' code at
facebookresearch/vicreg@4e12602, main_vicreg.py.
Departure: the projector is narrower by default, because a batch smaller than P leaves the
covariance without full rank; views come from the modality's policy.
Axes: B batch, E encoder width, P projection width.
"""

from __future__ import annotations

from pydantic import Field
from torch.nn import functional as F

from anlage.config import BaseConfig
from anlage.encoders import Encoder
from anlage.errors import ShapeError
from anlage.methods import Method
from anlage.methods._gather import gather
from anlage.methods._layers import mlp
from anlage.methods._precision import full_precision
from anlage.tensors import Embeddings, MethodOutput, Scalar, Views
from anlage.types import ViewSpec

__all__ = ["VICReg"]


class VICReg(Method):
    """Siamese encoder and projector trained with :func:`vicreg_terms`."""

    class Config(BaseConfig):
        """Weights of the three terms, and the projector's width P."""

        invariance: float = Field(default=25.0, ge=0)
        variance: float = Field(default=25.0, ge=0)
        covariance: float = Field(default=1.0, ge=0)
        projection_width: int = Field(default=512, ge=2)

    def __init__(self, encoder: Encoder, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or self.Config()
        self.encoder = encoder
        self.decoder = None
        self.teachers = ()
        self.spec = ViewSpec(num_views=2, min_overlap=0.25)
        width = self.config.projection_width
        self.projector = mlp(encoder.width, width, width, width)

    def forward(self, views: Views) -> MethodOutput:
        """Return the weighted sum of the three terms for one batch of view pairs."""
        first, second = (self.encoder(images).embedding for images in views.images)  # (B, E)
        invariance, variance, covariance = vicreg_terms(
            self.projector(first), self.projector(second)
        )
        return MethodOutput.from_parts(
            invariance=self.config.invariance * invariance,
            variance=self.config.variance * variance,
            covariance=self.config.covariance * covariance,
            embedding=first,
        )


@full_precision
def vicreg_terms(first: Embeddings, second: Embeddings) -> tuple[Scalar, Scalar, Scalar]:
    """Return the unweighted invariance, variance and covariance of paired projections.

    Invariance is the mean over this process's pairs; variance and covariance are taken over the
    batches of all processes, in fp32 also under autocast.

    Raises:
        ShapeError: If the views differ in shape or hold fewer than two images.
    """
    if first.shape != second.shape or len(first) < 2:
        raise ShapeError(
            f"vicreg_terms needs two views of the same B >= 2 images, got shapes "
            f"{tuple(first.shape)} and {tuple(second.shape)}. Raise the batch size."
        )
    invariance = F.mse_loss(first, second)
    first, second = gather(first), gather(second)
    variance = (_dead_dimensions(first) + _dead_dimensions(second)) / 2
    covariance = _repeated_dimensions(first) + _repeated_dimensions(second)
    return invariance, variance, covariance


def _dead_dimensions(projections: Embeddings) -> Scalar:
    std = (projections.var(dim=0) + 1e-4).sqrt()  # (B, P) -> (P,)
    return F.relu(1 - std).mean()


def _repeated_dimensions(projections: Embeddings) -> Scalar:
    covariance = projections.T.cov()  # (B, P) -> (P, P)
    off_diagonal = covariance.square().sum() - covariance.diagonal().square().sum()
    return off_diagonal / projections.shape[1]
