"""A base, a table of costs and a short way to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anlage import plugins
from anlage.advisor import Advice, Profile, advise
from anlage.advisor.cost import Costs
from anlage.evidence.base import Base, load
from anlage.evidence.records import Row

PLAIN: dict[str, Any] = {
    "row": "E001",
    "study": "S001",
    "title": "A study",
    "citation": "arXiv:2400.00000",
    "paradigm": "generative",
    "method": "mae",
    "origin": "other",
    "pretrained_on": "medical",
    "modality": "ct",
    "dims": "3d",
    "encoder": "U-Net",
    "task": "segmentation",
    "dataset": "organs",
    "labels": "100%",
    "label_fraction": 1.0,
    "metric": "dice",
    "ssl": 0.8,
    "baseline": 0.7,
    "baseline_type": "scratch",
    "source": "Table 1",
    "status": "read",
}
WEIGHT = {"resnet10": 1.0, "resnet18": 2.0, "resenc": 2.0, "vit_tiny": 2.5, "vit_small": 4.0}
DEAR = {"finetune": 0.5, "finetune_dense": 0.7, "simclr": 1.0, "vicreg": 1.0, "mae": 1.2}


@pytest.fixture(scope="session")
def make() -> Callable[..., Row]:
    """Return a row like `PLAIN`, with other values where given."""

    def build(**changed: Any) -> Row:
        return Row.parse({**PLAIN, **changed}, where="test")

    return build


@pytest.fixture(scope="session")
def published() -> Base:
    """Return the base that ships with Anlage."""
    return load(local=False)


@pytest.fixture(scope="session")
def table() -> Costs:
    """Return a made-up table: cost grows with encoder, method, batch and pixels."""
    points: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    names = (*plugins.available("methods"), "finetune", "finetune_dense")
    for encoder, weight in WEIGHT.items():
        for method in names:
            dear = weight * DEAR.get(method, 2.0)
            for dims, sizes, batches in ((2, (64, 128), (16, 32)), (3, (32, 48), (2, 4))):
                points[method, encoder, dims] = [
                    {
                        "size": size,
                        "batch": batch,
                        "images_per_s": 4e6 / dear / size**dims,
                        "mb": 500 + 2e-3 * dear * batch * size**dims,
                    }
                    for size in sizes
                    for batch in batches
                ]
    facts = {
        name: {
            "2d": {
                "parameters": 1_000_000,
                "patch": 8 if name.startswith("vit") else None,
                "imagenet": name if name.startswith("res") and name != "resenc" else None,
            },
            "3d": {"parameters": 1_000_000, "patch": None, "imagenet": None},
        }
        for name in WEIGHT
    }
    return Costs("a made-up core", "cpu", "", facts, points)


@pytest.fixture(scope="session")
def ask(published, table) -> Callable[..., Advice]:
    """Return advice for some facts, from published results alone."""

    def answer(**facts: Any) -> Advice:
        return advise(Profile(**facts), base=published, table=table)

    return answer
