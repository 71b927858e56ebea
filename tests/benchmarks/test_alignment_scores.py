"""Scores are made of what an audit measured, as they were declared."""

import pytest

from _alignment_scores import PARTS, VARIANTS, parts_of

GLOBAL = {"paradigm": "contrastive", "signal": "global"}
MASKED = {"paradigm": "generative", "signal": "dense"}
PARTS_OF_ONE = {
    "least": 0.6,
    "kept": 0.9,
    "pairs": 0.6,
    "intact": 0.8,
    "not hidden": 0.7,
    "seen": 0.5,
    "rehearsed": -3.5,
    "different": 0.4,
    "no site": 0.3,
    "lights": -1.02,
}


def share(value):
    return {"value": value, "low": None, "high": None}


def audit_of(**changes):
    """An audit as its JSON file has it."""
    step = {"light": "green", "at": {"1": {"kept": share(0.95)}, "2": {"kept": share(0.1)}}}
    crop = {"light": "red", "at": {"1": {"kept": share(0.7)}}}
    probe = {"value": 0.9, "low": 0.8, "high": 1.0, "kind": "AUROC", "chance": 0.5}
    found = {
        "least": share(0.6),
        "clean": probe,
        "parts": [step, crop],
        "whole": {
            "kept": share(0.8),
            "erased": share(0.2),
            "hidden": None,
            "hidden_mostly": share(0.3),
        },
        "pairs_keep": share(0.6),
        "site": {"site": {**probe, "value": 0.7}, "scanner": None},
        "site_light": "amber",
        "negatives": {"same_label": 0.25},
    }
    return {**found, **changes}


def test_parts_are_those_of_the_audit_and_more_is_better():
    assert parts_of(audit_of(), {"seen": 0.4}) == pytest.approx(
        {
            "least": 0.6,
            "kept": 0.8,
            "absolute": 0.8 * 0.8,
            "worst step": 0.7,  # at the recipe's own strength, not at twice of it
            "intact": 0.8,
            "pairs": 0.6,
            "mostly visible": 0.7,
            "no site": 0.6,
            "other labels": 0.75,
            "lights": -1.01,
            "seen": 0.4,
        }
    )


def test_what_was_not_measured_is_absent():
    nothing = {"kept": None, "erased": None, "hidden": None, "hidden_mostly": None}
    found = parts_of(
        audit_of(
            least=share(None),
            clean=None,
            parts=[],
            whole=nothing,
            pairs_keep=None,
            site={},
            negatives=None,
        ),
        {},
    )
    assert found == {"lights": -0.01}


def test_every_part_is_explained():
    assert set(parts_of(audit_of(), {})) <= set(PARTS)


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("least part kept", GLOBAL, 0.6),
        ("mean part", GLOBAL, (0.9 + 0.6 + 0.7) / 3),
        ("product of parts", GLOBAL, 0.9 * 0.6 * 0.7),
        ("signal kept only", GLOBAL, 0.9),
        ("fewest red lights", GLOBAL, -1.02),
        ("what the paradigm needs", GLOBAL, 0.6),
        ("what the paradigm needs", MASKED, 0.7),
        ("what the paradigm needs", {**MASKED, "signal": "global"}, 0.9),
        ("rehearsed gain", GLOBAL, -3.5),
        ("signal seen", GLOBAL, 0.5),
        ("least part, seen for kept", GLOBAL, 0.5),
        ("signal seen less sameness", GLOBAL, 0.5 - 0.6),
        ("signal seen less site", GLOBAL, 0.5 - 0.7),
    ],
)
def test_scores_join_parts_as_declared(name, facts, expected):
    assert VARIANTS[name](PARTS_OF_ONE, facts) == pytest.approx(expected)


def test_the_least_part_is_the_audit_s_own():
    parts = {name: PARTS_OF_ONE[name] for name in ("kept", "pairs", "not hidden")}
    assert VARIANTS["least part kept"]({**parts, "least": min(parts.values())}, GLOBAL) == 0.6
    assert VARIANTS["least part, seen for kept"](parts, GLOBAL) == min(parts.values())


def test_views_that_keep_the_lesion_count_where_there_are_no_pairs():
    alone = {"kept": 0.9, "intact": 0.8}
    assert VARIANTS["product of parts"](alone, MASKED) == pytest.approx(0.72)


@pytest.mark.parametrize("name", VARIANTS)
def test_nothing_measured_is_no_score(name):
    assert VARIANTS[name]({}, GLOBAL) is None
