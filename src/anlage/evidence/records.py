"""One row is one result: a method against a baseline, with its source; and one design rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from anlage.config import BaseConfig
from anlage.evidence import labels
from anlage.evidence.vocabulary import (
    BASELINES,
    CONTROLS,
    DIMS,
    METRICS,
    MODALITIES,
    PARADIGMS,
    PROTOCOLS,
    STATUSES,
    TASKS,
    Metric,
    known_word,
)

__all__ = ["Row", "Rule", "columns"]

_WITH_FIGURES = ("read", "derived", "secondary")


def _split(value: Any) -> Any:
    return tuple(part for part in value.split("|") if part) if isinstance(value, str) else value


def _none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
MaybeFloat = Annotated[Annotated[float, Field(allow_inf_nan=False)] | None, BeforeValidator(_none)]
MaybeInt = Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_none)]


class Row(BaseConfig):
    """One result of one study.

    Attributes:
        row: Id, such as E112; ids of the local base start with L.
        study: Id of the study; a study is counted once in every number.
        citation: DOI, arXiv id or address.
        method: Pretext method in our spelling; an open list.
        origin: ``own`` if the study proposes or carries the method, ``other`` if it runs a
            method of others beside it.
        pretrained_on: ``medical`` or ``natural`` images.
        modality: Modalities; exactly one where both figures were read. Likewise task, dims.
        label_fraction: Share of the labels, 0-1. label_count: labelled cases.
        ssl, baseline: The two figures; bounded metrics as 0-1, others in ``unit``.
        stated: A gain that the source states where it prints no pair of figures.
        delta_se: Standard error of the difference, in the unit of the figures, where the
            source prints intervals.
        source: The text that the figures were read in, with table.
        status: How far the row was checked, see `vocabulary.STATUSES`.
    """

    row: str = Field(pattern=r"^[EL][0-9]{3,}$")
    study: str = Field(pattern=r"^(S[0-9]{3,}|local-[a-z0-9-]+)$")
    authors: Text = ""
    year: Annotated[Annotated[int, Field(ge=2012, le=2100)] | None, BeforeValidator(_none)] = None
    title: str = Field(min_length=3)
    citation: str = Field(min_length=3)
    paradigm: str
    method: str = Field(pattern=r"^[a-z0-9_]+$")
    origin: str = Field(pattern="^(own|other)$")
    pretext: Text = ""
    pretrained_on: str = Field(pattern="^(medical|natural)$")
    modality: Words
    imaging: Text = ""
    dims: Words
    encoder: Text = ""
    task: Words
    dataset: Text = ""
    labels: Text = ""
    label_fraction: Annotated[
        Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(_none)
    ] = None
    label_count: MaybeInt = None
    metric: str
    metric_note: Text = ""
    unit: Text = ""
    protocol: Text = ""
    ssl: MaybeFloat = None
    baseline: MaybeFloat = None
    baseline_type: Text = ""
    baseline_note: Text = ""
    stated: Text = ""
    delta_se: Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(_none)] = None
    source: str = Field(min_length=3)
    status: str

    @model_validator(mode="after")
    def _words_are_known(self) -> Self:
        for kind, words, known in (
            ("paradigm", (self.paradigm,), PARADIGMS),
            ("modality", self.modality, MODALITIES),
            ("dims", self.dims, DIMS),
            ("task", self.task, TASKS),
            ("metric", (self.metric,), METRICS),
            ("protocol", (self.protocol,) if self.protocol else (), PROTOCOLS),
            ("baseline_type", (self.baseline_type,) if self.baseline_type else (), BASELINES),
            ("status", (self.status,), STATUSES),
        ):
            for word in words:
                if known_word(kind, word, known) != word:
                    raise ValueError(f"{kind} must be spelt as in the vocabulary, got {word!r}")
        return self

    @model_validator(mode="after")
    def _status_fits_figures(self) -> Self:
        if not (self.modality and self.dims and self.task):
            raise ValueError(f"{self.row} must name a modality, dims and a task")
        if self.status in _WITH_FIGURES:
            self._check_pair()
        elif self.has_pair:
            raise ValueError(f"{self.row} has both figures, so its status cannot be {self.status}")
        elif self.status == "unread" and (self.ssl is not None or self.baseline is not None):
            raise ValueError(f"{self.row} is unread, so it must hold no figure")
        return self

    def _check_pair(self) -> None:
        if not self.has_pair:
            raise ValueError(f"{self.row} is {self.status}, so it must hold both figures")
        if len(self.modality) != 1 or len(self.dims) != 1 or len(self.task) != 1:
            raise ValueError(f"{self.row} has figures, so it must name one modality, dims and task")
        if self.metric == "unstated" or not self.baseline_type:
            raise ValueError(
                f"{self.row} has figures, so it must name its metric and baseline_type"
            )
        low, high = self.measure.bounds
        for name, value in (("ssl", self.ssl), ("baseline", self.baseline)):
            if value is None or not low <= value <= high:
                raise ValueError(
                    f"{self.row}: {name} must lie in {low:g} to {high:g} for {self.metric} "
                    f"(shares, not percent), got {value}"
                )
            if self.measure.scale == "ratio" and value <= 0:
                raise ValueError(f"{self.row}: {name} must be above 0 for {self.metric}")
        if self.metric in {"mae", "rmse"} and not self.unit:
            raise ValueError(f"{self.row}: {self.metric} must have a unit")

    @property
    def measure(self) -> Metric:
        """What is known of the row's metric."""
        return METRICS[self.metric]

    @property
    def direction(self) -> str:
        """Whether a higher or a lower value of the row's metric is better."""
        return self.measure.direction

    @property
    def has_pair(self) -> bool:
        """Whether both figures are there."""
        return self.ssl is not None and self.baseline is not None

    @property
    def is_verified(self) -> bool:
        """Whether both figures were read at the source, or one of them follows from it."""
        return self.status in {"read", "derived"}

    @property
    def is_control(self) -> bool:
        """Whether the baseline is one without self-supervision."""
        return self.baseline_type in CONTROLS

    @property
    def delta(self) -> float | None:
        """SSL minus baseline, in the unit of the figures; None without both."""
        if self.ssl is None or self.baseline is None:
            return None
        return self.ssl - self.baseline

    @property
    def effect(self) -> float | None:
        """The gain on the metric's common scale, above zero is better; None without one.

        Points (100 times the difference) for a bounded metric; for an error, 100 times the
        natural logarithm of baseline over SSL, so +10 is an error smaller by 9.5%.
        """
        if self.ssl is None or self.baseline is None or self.measure.scale is None:
            return None
        if self.measure.scale == "ratio":
            return 100 * math.log(self.baseline / self.ssl)
        sign = 1 if self.measure.direction == "higher" else -1
        return 100 * sign * (self.ssl - self.baseline)

    @property
    def band(self) -> str:
        """The label band, see `vocabulary.BANDS`."""
        return labels.band(self.label_fraction, self.label_count)

    def plain(self) -> dict[str, Any]:
        """Return the row as a table has it: one text or number per column."""
        values = self.model_dump()
        for name in ("modality", "dims", "task"):
            values[name] = "|".join(values[name])
        return {name: "" if value is None else value for name, value in values.items()}


class Rule(BaseConfig):
    """One design rule distilled from the rows.

    Attributes:
        evidence: Ids of the rows that it rests on; may be empty for steps of the protocol.
        because: What it rests on, in short words.
    """

    id: str = Field(pattern=r"^R[0-9]{2}$")
    group: str = Field(pattern="^(objective|whether|views|corruption|compute|protocol)$")
    condition: str = Field(min_length=2)
    advice: str = Field(min_length=3)
    because: str = ""
    kind: str = Field(pattern="^(prefer|require|forbid|views)$")
    status: str = Field(pattern="^(verified|mixed|unverified|protocol)$")
    evidence: tuple[str, ...] = ()


def columns() -> tuple[str, ...]:
    """Return the columns of studies.csv, in order."""
    return tuple(Row.model_fields)


def read_row(values: Mapping[str, Any], *, where: str) -> Row:
    """Check one row of a table; raises ConfigError with every fault at once."""
    return Row.parse(values, where=where)
