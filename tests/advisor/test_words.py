"""Advice in Markdown, JSON and HTML: short, complete, and the same every time."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from anlage.advisor import Profile
from anlage.advisor.answer import Cost, Gain
from anlage.advisor.html import as_html
from anlage.advisor.profile import Audited
from anlage.advisor.words import (
    as_json,
    as_markdown,
    headline,
    money,
    summary,
    told_audit,
    told_gain,
)

FACTS = {
    "modality": "cxr",
    "task": "classification",
    "dims": 2,
    "labelled": 50,
    "unlabelled": 5000,
    "signal": "global",
}


@pytest.fixture(scope="module")
def advice(ask):
    return ask(**FACTS)


def test_the_first_lines_answer(advice):
    _, _, answer, *_ = as_markdown(advice).splitlines()
    assert answer.startswith(f"**Advice: {advice.first.title}**")
    assert "Confidence" in answer


def test_the_case_is_told_and_what_is_not_known_is_named():
    assert headline(Profile(**FACTS)).startswith("cxr, 2D, classification, 50 labelled, 5,000")
    assert "modality not known" in headline(Profile())


def test_every_strategy_is_told_and_the_best_in_full(advice):
    text = as_markdown(advice)
    assert all(found.title in text for found in (*advice.ranked, *advice.not_ready))
    assert text.count("- in full:") == 1
    assert as_markdown(advice, every=True).count("- in full:") == len(advice.ranked)
    assert "R01" in text


def test_why_explains_each_place(advice):
    plain, told = as_markdown(advice), as_markdown(advice, why=True)
    assert "Why in this order" not in plain
    assert "Why in this order" in told
    assert all(f". {found.title}:" in told for found in advice.ranked)


def test_json_holds_everything(advice):
    values = json.loads(as_json(advice))
    assert values == advice.model_dump(mode="json")
    assert values["ranked"][0]["over_scratch"]["low"] < values["ranked"][0]["over_scratch"]["mean"]


@pytest.mark.parametrize(
    ("gain", "text"),
    [
        (Gain(mean=4.14, low=-1.2, high=9.0), "+4.1 points [-1, +9]"),
        (Gain(mean=0.0, low=0.0, high=0.0), "0 by definition"),
    ],
)
def test_a_gain_has_its_interval(gain, text):
    assert told_gain(gain) == text
    assert "ImageNet" in told_gain(None)


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(hours=None, memory_gb=None, basis=""), "hours not known, memory not known"),
        (Cost(hours=0.5, memory_gb=1.26, basis=""), "30 minutes, 1.3 GB"),
        (Cost(hours=2.0, memory_gb=3.0, basis=""), "2.0 hours, 3.0 GB"),
        (Cost(hours=0.0, memory_gb=3.0, basis=""), "no pretraining, 3.0 GB"),
    ],
)
def test_costs_are_told_or_said_to_be_unknown(cost, text):
    assert money(cost) == text


class Reader(HTMLParser):
    """Notes tags, texts and whatever a page would load."""

    def __init__(self):
        super().__init__()
        self.loads, self.tags, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data):
        self.text += data


def test_the_page_answers_loads_nothing_and_is_the_same_twice(advice):
    page = as_html(advice)
    reader = Reader()
    reader.feed(page)
    assert page == as_html(advice)
    assert reader.loads == []
    assert advice.first.title in reader.text
    drawn = [found for found in advice.ranked if found.strategy.kind != "none"]
    assert reader.tags.count("svg") == len(drawn)


def test_the_page_escapes_what_a_user_wrote(ask):
    page = as_html(ask(**FACTS, label=("<script>",)))
    assert "<script>" not in page


SMALL = {"modality": "ct", "task": "classification", "dims": 3, "labelled": 30, "unlabelled": 40}


def test_what_may_be_at_hand_is_named_beside_the_advice(ask):
    """Whoever has the weights is not told that nothing gains."""
    unknown, none = ask(**SMALL), ask(**SMALL, weights=())
    medical = next(one for one in unknown.not_ready if one.strategy.kind == "medical")
    assert unknown.first.strategy.kind == none.first.strategy.kind == "none"
    assert "of what is known to be at hand, nothing else" in summary(unknown)
    assert f"{medical.title}, expected {told_gain(medical.over_scratch)}" in summary(unknown)
    assert "--weights medical" in summary(unknown)
    assert "--weights" not in summary(none)


def test_what_would_not_come_first_is_not_named_beside_the_advice(ask):
    found = ask(**SMALL)
    worse = tuple(one.model_copy(update={"counted": 0.0}) for one in found.not_ready)
    assert "--weights" not in summary(found.model_copy(update={"not_ready": worse}))


@pytest.mark.parametrize(
    ("task", "found", "text"),
    [
        (
            "classification",
            {"kept": 0.59, "gain": 13.5, "low": 11.0, "high": 15.9},
            "keeps 59 % of what the task needs; rehearsed gain +13.5 points of AUROC [11.0, 15.9]",
        ),
        (
            "regression",
            {"gain": -3.25, "low": -4.0, "high": 0.5},
            "rehearsed gain -3.2 points of correlation [-4.0, 0.5]",
        ),
        ("classification", {"gain": 2.0}, "rehearsed gain +2.0 points of AUROC"),
        ("segmentation", {"kept": 1.0}, "keeps 100 % of what the task needs"),
        ("segmentation", {}, "nothing of this method could be measured"),
    ],
)
def test_an_audit_is_told(task, found, text):
    assert told_audit(Audited(**found), Profile(task=task)) == text


def test_what_an_audit_found_stands_with_its_method_everywhere(ask):
    audits = {"simclr": {"kept": 0.23, "gain": 4.0}, "mae": {"gain": 3.0, "low": 1.0, "high": 5.0}}
    advice = ask(**FACTS, alignment=audits)
    told = {name: told_audit(Audited(**found), advice.profile) for name, found in audits.items()}
    for every in (False, True):
        sections = as_markdown(advice, every=every).split("\n## ")[1:]
        for one, section in zip(advice.ranked, sections, strict=False):
            wanted = told.get(one.strategy.method or "")
            assert ("- audit: " in section) is (wanted is not None)
            assert wanted is None or f"- audit: {wanted}\n" in section
    page = as_html(advice)
    assert all(f"<td>audit</td><td>{text}</td>" in page for text in told.values())
    shown = {
        one["strategy"]["method"]: one["alignment"] for one in json.loads(as_json(advice))["ranked"]
    }
    nothing = dict.fromkeys(("low", "high", "store", "label"))
    assert shown["simclr"] == {"kept": 0.23, "gain": 4.0, **nothing}
    assert shown["vicreg"] is None


def test_without_an_audit_what_is_counted_is_told_too(ask):
    text = as_markdown(ask(**FACTS))
    assert re.search(r"; counted [+-]\d", text)
    assert "- audit: " not in text


def test_not_to_pretrain_is_explained_by_its_definition_alone(advice):
    (step,) = [line for line in advice.why if "do not pretrain (train" in line]
    assert step.endswith("do not pretrain (train from scratch): by definition 0.")


@pytest.mark.parametrize(
    ("named", "text"),
    [
        (
            {},
            "Next: add --recipe advised.yaml, then anlage study STORE --recipe advised.yaml "
            "--out OUT",
        ),
        (
            {"store": "my store"},
            "Next: add --recipe advised.yaml, then anlage study 'my store' --recipe advised.yaml "
            "--out OUT",
        ),
        (
            {"store": Path("ct"), "recipes": [Path("r.yaml"), Path("r.pretrain.yaml")]},
            "Next: anlage study ct --recipe r.yaml --out OUT",
        ),
        (
            {"recipes": [Path("r.pretrain.yaml")]},
            "Next: anlage pretrain STORE --recipe r.pretrain.yaml --out OUT",
        ),
    ],
)
def test_what_to_do_next_names_what_was_given(advice, named, text):
    assert as_markdown(advice, **named).splitlines()[-1] == text
