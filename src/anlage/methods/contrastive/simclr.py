"""SimCLR: two views of an image attract each other, all other images repel.

Source: Chen et al., ICML 2020, arXiv:2002.05709.
Departure: images of the same patient are not negatives; views come from the modality's policy
instead of the paper's natural-image augmentation; the default temperature suits small batches.
Axes: B batch, E encoder width, P projection width.
"""

from __future__ import annotations

from pydantic import Field

from anlage.config import BaseConfig
from anlage.encoders import Encoder
from anlage.methods import Method
from anlage.methods._contrast import nt_xent
from anlage.methods._layers import mlp
from anlage.tensors import MethodOutput, Views
from anlage.types import ViewSpec

__all__ = ["SimCLR"]


class SimCLR(Method):
    """Siamese encoder and projector trained with :func:`nt_xent`."""

    class Config(BaseConfig):
        """Temperature of the softmax, and the projector's widths."""

        temperature: float = Field(default=0.2, gt=0)
        hidden_width: int = Field(default=512, ge=8)
        projection_width: int = Field(default=128, ge=2)

    def __init__(self, encoder: Encoder, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or self.Config()
        self.encoder = encoder
        self.decoder = None
        self.teachers = ()
        self.spec = ViewSpec(num_views=2, min_overlap=0.25)
        self.projector = mlp(encoder.width, self.config.hidden_width, self.config.projection_width)

    def forward(self, views: Views) -> MethodOutput:
        """Return the contrast between the two views of one batch."""
        first, second = (self.encoder(images).embedding for images in views.images)  # (B, E)
        contrast = nt_xent(
            self.projector(first),
            self.projector(second),
            patient=views.patient,
            temperature=self.config.temperature,
        )
        return MethodOutput.from_parts(contrast=contrast, embedding=first)
