"""Rules speak when their condition holds, keep silent when not, and say so when it is unknown."""

import pytest

from anlage.advisor.preferences import PREFERENCES, Case, balance, every, spoken
from anlage.evidence import Rule


def case(**changed):
    facts = {
        "modality": "ct",
        "task": "segmentation",
        "dims": "3d",
        "paradigm": "generative",
        "method": "mae",
        "is_local": False,
        "batch": 64,
    }
    return Case(**{**facts, **changed})


CONTRAST = {"paradigm": "contrastive", "method": "simclr"}
JOINT = {"paradigm": "predictive", "method": "vicreg"}


@pytest.mark.parametrize(
    ("rule", "facts", "side"),
    [
        ("R01", {"task": "classification", **CONTRAST}, 1),
        ("R01", {"task": "classification", **JOINT}, 1),
        ("R01", {"task": "classification", "is_local": True, **CONTRAST}, None),
        ("R02", {}, 1),
        ("R02", CONTRAST, -1),
        ("R02", {"paradigm": "contrastive", "method": "voco"}, None),
        ("R03", {"task": "detection"}, 1),
        ("R03", {"task": "detection", "dims": "2d"}, None),
        ("R05", {"task": "classification", "is_local": True, "paradigm": "hybrid"}, 1),
        ("R07", {"modality": "histology", **JOINT}, 1),
        ("R08", {"modality": "ultrasound", "task": "classification", **CONTRAST}, 1),
        ("R08", {"modality": "ultrasound", "task": "classification", **JOINT}, -1),
        ("R10", {"task": "regression"}, 1),
        ("R11", {"task": "anomaly"}, 1),
        ("R11", {"task": "anomaly", **CONTRAST}, -1),
        ("R60", {"batch": 16, **CONTRAST}, -1),
        ("R60", {"batch": 16}, None),
    ],
)
def test_a_rule_takes_its_side(rule, facts, side):
    found = spoken(case(**facts)).get(rule)
    assert found == (None if side is None else (side, True))


def test_what_is_not_known_makes_a_rule_unsure_not_silent():
    found = spoken(case(task="classification", is_local=None, **CONTRAST))
    assert found["R01"] == (1, False)


def test_only_sure_rules_count():
    assert balance(case(task="classification", **CONTRAST)) == 1
    assert balance(case(task="classification", is_local=None, **CONTRAST)) == 0


def test_a_silenced_rule_does_not_count():
    assert balance(case()) == 1
    assert balance(case(), without=frozenset({"R02"})) == 0


@pytest.mark.parametrize(
    ("facts", "answer"),
    [((True, True), True), ((True, None), None), ((False, None), False), ((), True)],
)
def test_every_knows_three_answers(facts, answer):
    assert every(*facts) is answer


def test_no_rule_praises_a_small_batch():
    """Else less memory could raise a larger strategy to the top."""
    for paradigm in ("contrastive", "predictive", "generative", "hybrid"):
        for method in ("simclr", "vicreg", "mae", "moco"):
            small, large = (
                case(paradigm=paradigm, method=method, batch=batch) for batch in (8, 64)
            )
            assert balance(small) <= balance(large)


def test_every_rule_is_in_the_base(published):
    assert all(isinstance(published.find(name), Rule) for name in PREFERENCES)
