"""What the advisor is told: images, question, labels, machine. All of it may be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from anlage.config import BaseConfig
from anlage.evidence.vocabulary import MODALITIES, TASKS, known_word
from anlage.types import Signal

__all__ = ["Audited", "Profile", "Weights"]

Weights = Literal["imagenet", "medical"]

_LOCAL_SHARE = 0.1


class Audited(BaseConfig):
    """What an audit measured of one method on the user's own images; None where it could not.

    Attributes:
        kept: Share of what the task needs that its views and masks keep.
        gain: Points that a linear stand-in for its pretraining gains with few labels.
        low: Lower end of the gain's 95 % interval over test patients.
        high: Its upper end.
        store: Fingerprint of the store that was audited.
        label: Label column that was read.
    """

    kept: Annotated[float, Field(ge=0, le=1)] | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    store: str | None = None
    label: str | None = None

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(
                "an interval must go from low to high, got "
                f"low {self.low}, high {self.high}. Run anlage audit ... --out again"
            )
        return self


class Profile(BaseConfig):
    """One case; None where a fact is not known, which makes every answer wider.

    Attributes:
        modality: Such as ``ct``.
        task: Such as ``segmentation``.
        label: Label columns, for the recipe.
        dims: 2 or 3.
        image_size: Edges of a typical image in pixels.
        spacing_mm: Pixel or voxel edges.
        lesion_mm: Typical diameter of what must be found.
        signal: Whether the answer lies in the whole image (``global``) or in a small part of it
            (``local``); None: concluded from the task and the size of lesions.
        unlabelled: Training patients whose images may be used for pretraining, those with labels
            included.
        labelled: Training patients with labels.
        rarest_share: Share of the rarest class.
        sites: Number of hospitals or scanners.
        has_side: Whether a label names a side of the body.
        normals_only: Whether only normal images are at hand for training.
        weights: Pretrained weights at hand: ``imagenet``, or ``medical`` for a public
            self-supervised model of this modality; empty for none.
        device: ``cpu`` or ``cuda``.
        memory_gb: Its memory.
        hours: Time for everything.
        alignment: What audits measured, by method; shown, but it ranks nothing.
        study: Under which name own results on these very images, task and labels are kept, if
            there are any, see `anlage.evidence.base.own_study`.
    """

    modality: str | None = None
    task: str | None = None
    label: tuple[str, ...] = ()
    dims: Literal[2, 3] | None = None
    image_size: tuple[PositiveInt, ...] | None = None
    spacing_mm: tuple[PositiveFloat, ...] | None = None
    lesion_mm: PositiveFloat | None = None
    signal: Literal["global", "local"] | None = None
    unlabelled: PositiveInt | None = None
    labelled: Annotated[int, Field(ge=0)] | None = None
    rarest_share: Annotated[float, Field(gt=0, le=1)] | None = None
    sites: PositiveInt | None = None
    has_side: bool | None = None
    normals_only: bool | None = None
    weights: tuple[Weights, ...] | None = None
    device: Literal["cpu", "cuda"] | None = None
    memory_gb: PositiveFloat | None = None
    hours: PositiveFloat | None = None
    alignment: dict[str, Audited] = {}
    study: str | None = None

    @field_validator("modality")
    @classmethod
    def _known_modality(cls, word: str | None) -> str | None:
        return None if word is None else known_word("modality", word, MODALITIES)

    @field_validator("task")
    @classmethod
    def _known_task(cls, word: str | None) -> str | None:
        return None if word is None else known_word("task", word, TASKS)

    @field_validator("alignment", mode="before")
    @classmethod
    def _no_bare_shares(cls, found: Any) -> Any:
        pairs = found.items() if isinstance(found, Mapping) else ()
        bare = [method for method, value in pairs if isinstance(value, int | float)]
        if bare:
            raise ValueError(
                f"an audit must say kept, gain, low and high of each method, got only a number for "
                f"{', '.join(bare)}, as earlier versions wrote it. Run it again: anlage audit "
                f"STORE --method {bare[0]} ... --out DIR"
            )
        return found

    @property
    def is_dense(self) -> bool | None:
        """Whether the task answers for every position."""
        return None if self.task is None else self.task in {"segmentation", "detection"}

    @property
    def task_signal(self) -> Signal:
        """The signal in the words of tasks."""
        return "dense" if self.is_dense else "global"

    @property
    def is_local(self) -> bool | None:
        """Whether the signal is a small part of the image; None where nothing says so."""
        if self.signal is not None:
            return self.signal == "local"
        extent = self.extent_mm
        if self.lesion_mm is None or extent is None:
            return None
        return self.lesion_mm < _LOCAL_SHARE * extent

    @property
    def extent_mm(self) -> float | None:
        """Shortest edge of an image in mm."""
        if self.image_size is None or self.spacing_mm is None:
            return None
        edges = zip(self.image_size, self.spacing_mm, strict=False)
        return min(pixels * spacing for pixels, spacing in edges)

    @property
    def share(self) -> float | None:
        """Share of the patients that are labelled; None unless both numbers are known."""
        if self.labelled is None or self.unlabelled is None:
            return None
        return self.labelled / max(self.labelled, self.unlabelled)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the facts that would make the answer narrower."""
        names = ("modality", "task", "dims", "labelled", "unlabelled", "is_local")
        return tuple(name for name in names if getattr(self, name) is None and self._matters(name))

    def _matters(self, name: str) -> bool:
        return name != "is_local" or self.task in {None, "classification"}
