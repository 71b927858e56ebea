"""The sentences a policy is made of: each is data with a reason and a source."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from anlage.config import BaseConfig

__all__ = [
    "Artefact",
    "Corruption",
    "Crop",
    "Forbidden",
    "Hint",
    "Level",
    "Pairs",
    "Shortcut",
    "ViewRule",
]

Level = Literal["do", "mild", "avoid"]
Pair = Literal["image", "study", "patient"]


class ViewRule(BaseConfig):
    """One change that this modality allows, at the strength at which it is safe.

    Attributes:
        transform: Name of a transform plug-in.
        p: Share of views that get it.
        params: Its default settings.
        limits: Largest absolute value that each numeric setting may take; beyond it the
            modality calls the change harmful.
        least: Smallest value of a setting that does more harm the smaller it is.
        dims: Dimensions in which it makes sense.
        level: ``do`` if its use is advised, ``mild`` if it is only tolerated, ``avoid`` if it
            is made only where a recipe asks for it, and warned of.
        because: One sentence, for the user.
        source: Rule ids, or names in ``SOURCES``, with semicolons between them.
    """

    transform: str
    p: float = Field(ge=0, le=1)
    params: dict[str, Any] = {}
    limits: dict[str, float] = {}
    least: dict[str, float] = {}
    dims: tuple[int, ...] = (2, 3)
    level: Level = "do"
    because: str
    source: str


class Forbidden(BaseConfig):
    """A change that this modality never allows, with the reason.

    Attributes:
        transform: Name of a transform plug-in.
        params: Settings that make it forbidden; empty if every use is.
        because: One sentence, printed when a recipe asks for it.
        source: As in ViewRule.
    """

    transform: str
    params: dict[str, Any] = {}
    because: str
    source: str

    def matches(self, rule: ViewRule) -> bool:
        """Whether a view rule, its transform's defaults filled in, asks for what is forbidden."""
        return rule.transform == self.transform and all(
            rule.params.get(key) == value for key, value in self.params.items()
        )


class Crop(BaseConfig):
    """How much of an image a cropped view may leave out.

    Attributes:
        scale: Least and largest share of the area (2D) or volume (3D) that a view keeps.
        aspect: Least and largest factor by which the ratio of two edges may change.
        least_scale: Smallest share that any recipe may ask for; below it lesions get lost.
        because: One sentence, for the user.
        source: As in ViewRule.
    """

    scale: tuple[float, float]
    aspect: tuple[float, float] = (0.8, 1.25)
    least_scale: float
    because: str
    source: str


class Corruption(BaseConfig):
    """How a masked method hides parts of an image without hiding the disease.

    Attributes:
        ratio: Share of positions to hide.
        unit: Edge of one hidden block, as a share of the view's edge.
        unit_mm: Largest edge of a block in mm, wherever the spacing of the images is known: what
            is much larger than this hides whole lesions. None where a mm means nothing.
        background: Which end of the unit interval is empty, for masks that look for foreground.
        because: One sentence, for the user.
        source: As in ViewRule.
    """

    ratio: float = Field(gt=0, lt=1)
    unit: float = Field(gt=0, le=0.5)
    unit_mm: float | None = Field(default=None, gt=0)
    background: Literal["dark", "bright"] = "dark"
    because: str
    source: str


class Pairs(BaseConfig):
    """Which two images may count as showing the same, and which as showing something else.

    Attributes:
        positive: How far a positive pair may reach: views of one ``image``, images of one
            ``study`` (one visit), or all images of one ``patient``.
        negative_within_patient: Whether two images of one patient may be negatives.
        never: Pairs that look alike and must not be positives, in words.
        because: One sentence, for the user.
        source: As in ViewRule.
    """

    positive: Pair = "image"
    negative_within_patient: bool = False
    never: tuple[str, ...] = ()
    because: str = "what two images of a patient share differs by task; one image is the same image"
    source: str = "R17"


class Artefact(BaseConfig):
    """What goes wrong when such images are made: simulated to test a finished model.

    Attributes:
        transform: Name of a transform plug-in.
        strengths: Its settings from hardly visible to severe.
        because: Where it comes from, for the user.
        source: As in ViewRule.
    """

    transform: str
    strengths: tuple[dict[str, Any], ...] = Field(min_length=1)
    because: str
    source: str


class Shortcut(BaseConfig):
    """Something that is not the disease, but may tell a network the label.

    Attributes:
        what: What it is.
        remedy: What to do about it.
        source: As in ViewRule.
    """

    what: str
    remedy: str
    source: str


class Hint(BaseConfig):
    """What differs for one kind of image within the modality, such as one MR sequence.

    Attributes:
        says: What to know, in one or two sentences.
        source: As in ViewRule.
    """

    says: str
    source: str
