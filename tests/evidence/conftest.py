"""Rows made by hand, so that a test says what it needs and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from anlage.evidence.base import Base, load
from anlage.evidence.records import Row

PLAIN: dict[str, Any] = {
    "row": "E001",
    "study": "S001",
    "authors": "Doe, Roe",
    "year": 2024,
    "title": "A study",
    "citation": "arXiv:2400.00000",
    "paradigm": "generative",
    "method": "mae",
    "origin": "own",
    "pretext": "masked images",
    "pretrained_on": "medical",
    "modality": "ct",
    "dims": "3d",
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

COMPARISON: dict[str, Any] = {
    "task": "t",
    "arm": "simclr",
    "twin": "scratch",
    "rung": "finetune",
    "budget": "5-shot",
    "delta": 0.05,
    "low": 0.01,
    "high": 0.09,
    "failed": 0,
    "missing": 0,
    "runs": 3,
    "is_claimable": True,
    "twin_one_answer": 0,
}
RESULTS: dict[str, Any] = {
    "data": {
        "modality": "cxr",
        "dims": 2,
        "fingerprint": "fc5d2d80fb212d6e",
        "patients": {"train": 200},
    },
    "tasks": {"t": {"task": "classification"}},
    "headlines": {"t": "balanced_accuracy"},
    "cells": [
        {
            "task": "t",
            "arm": "simclr",
            "rung": "finetune",
            "budget": "5-shot",
            "metrics": {"balanced_accuracy": {"value": 0.75}},
            "train_patients": 10.0,
        }
    ],
    "comparisons": [COMPARISON],
    "config": {"strategies": [{"name": None, "method": "simclr"}], "pretrain": {"encoder": "x"}},
    "run": {"written": "2026-01-01"},
}


@pytest.fixture(scope="session")
def make() -> Callable[..., Row]:
    """Return a row like `PLAIN`, with other values where given."""

    def build(**changed: Any) -> Row:
        return Row.parse({**PLAIN, **changed}, where="test")

    return build


@pytest.fixture
def plain() -> dict[str, Any]:
    """Return the values of a valid row."""
    return dict(PLAIN)


@pytest.fixture(scope="session")
def base() -> Base:
    """Return the base that ships with Anlage."""
    return load(local=False)


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """Give a test its own configuration folder."""
    monkeypatch.setenv("ANLAGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def results() -> dict[str, Any]:
    """Return what a study's results.json holds, as far as it is learnt from."""
    return copy.deepcopy(RESULTS)
