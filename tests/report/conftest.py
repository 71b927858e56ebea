"""A study folder that no study wrote, every number and name a test's to choose, and its page."""

import json
from html.parser import HTMLParser

import pytest

from anlage.config import write_yaml
from anlage.report.study_page import write_report

ARMS = ("simclr", "mae", "scratch", "imagenet")


def measure(value, **changes):
    return {
        "value": value,
        "low": value - 0.0413,
        "high": value + 0.0397,
        "run_std": 0.01,
        "cases": 80,
        "patients": 70,
        "failed_cases": 0,
        "is_claimable": True,
        "warnings": [],
        **changes,
    }


def comparison(arm, budget, delta, **changes):
    return {
        "task": "cls",
        "arm": arm,
        "twin": "scratch",
        "rung": "finetune",
        "budget": budget,
        "delta": delta,
        "low": delta - 0.0311,
        "high": delta + 0.0323,
        "p_value": 0.004,
        "p_adjusted": 0.0123,
        "probability_better": 0.97,
        "is_claimable": True,
        "failed": 0,
        **changes,
    }


def results():
    cells = [
        {
            "task": "cls",
            "arm": arm,
            "rung": "finetune",
            "budget": budget,
            "metrics": {
                "balanced_accuracy": measure(0.5137 + 0.0613 * a + 0.1019 * b),
                "auroc": measure(0.6171 + 0.0411 * a + 0.0873 * b),
            },
            "runs": 3,
            "failed": 0,
            "train_images": 10.0 * (b + 1),
            "train_patients": 10.0 * (b + 1),
            "seconds": 3.25,
        }
        for a, arm in enumerate(ARMS)
        for b, budget in enumerate(("5-shot", "100%"))
    ]
    return {
        "verdict": ["cls: pretraining with simclr helps at 5-shot (+6.2 points [3.1, 9.4])."],
        "notes": ["a note on the data"],
        "tasks": {
            "cls": {
                "task": "classification",
                "classes": ["benign", "malignant"],
                "signal": "global",
                "rungs": ["finetune"],
                "test_images": 80,
                "test_patients": 70,
            }
        },
        "data": {
            "modality": "mri",
            "dims": 2,
            "images": 400,
            "fingerprint": "0123456789abcdef",
            "parts": {"train": 240, "val": 80, "test": 80},
            "patients": {"train": 200, "val": 70, "test": 70},
            "torn_groups": 0,
        },
        "budgets": ["5-shot", "100%"],
        "strategies": ["simclr", "mae"],
        "pretrainings": [{"strategy": "simclr", "seed": 0, "key": "simclr-seed0-aa"}],
        "jobs": [],
        "headlines": {"cls": "balanced_accuracy"},
        "cells": cells,
        "comparisons": [
            comparison("simclr", "5-shot", 0.0617),
            comparison("mae", "5-shot", -0.0719),
            comparison("imagenet", "100%", 0.0107, p_adjusted=0.4),
        ],
        "failures": [],
        "config": {"pretrain_seeds": 3, "draws": 3, "replicates": 2000, "controls": ["scratch"]},
        "run": {"anlage": "0.1.0", "python": "3.12", "packages": {"torch": "2.13"}, "threads": 1},
    }


@pytest.fixture
def folder(tmp_path):
    """Make a study folder from results, changed by a function if need be."""

    def make(change=None):
        values = results()
        if change:
            change(values)
        root = tmp_path / "study"
        root.mkdir(exist_ok=True)
        (root / "results.json").write_text(json.dumps(values))
        write_yaml(root / "study.yaml", {"budgets": values["budgets"], "seed": 0})
        return root

    return make


class Page(HTMLParser):
    """What a browser would load or run, and the text it would show."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads, self.handlers, self.words = [], [], [], []
        self.open = []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "data", "poster"}:
                self.loads.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag):
        if tag in self.open:
            self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open[-1:]:
            self.words.append(data)


@pytest.fixture(scope="session")
def page():
    """Write the page of a study folder and read it as a browser would."""

    def read(root):
        return Page(write_report(root).read_text(encoding="utf-8"))

    return read
