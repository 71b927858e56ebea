"""Risks of what an audit found, and what would raise confidence."""

import pytest

FACTS = {
    "modality": "cxr",
    "task": "classification",
    "dims": 2,
    "labelled": 50,
    "unlabelled": 5000,
    "signal": "global",
}
LOST = "the audit found that views lose more than half of what the task needs: look at its report"


def of(advice, method):
    return next(one for one in advice.ranked if one.strategy.method == method)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"kept": 0.49}, [LOST]),
        ({"kept": 0.0}, [LOST]),
        ({"kept": 0.5}, []),
        ({}, []),
        # a stand-in is no pretraining: only the order of strategies counts
        ({"gain": -4.25, "low": -6.0, "high": -0.1}, []),
    ],
)
def test_losses_that_an_audit_found_are_risks_of_that_method_alone(ask, found, told):
    plain, audited = ask(**FACTS), ask(**FACTS, alignment={"simclr": found})
    new = [risk for risk in of(audited, "simclr").risks if risk not in of(plain, "simclr").risks]
    assert len(new) == len(told)
    assert all(text in risk for text, risk in zip(told, new, strict=True))
    assert of(audited, "mae").risks == of(plain, "mae").risks


def test_an_audit_is_asked_for_until_there_is_one(ask):
    advice = ask(**FACTS, alignment={"simclr": {}})
    wish = "an audit of the views on your own images"
    assert wish not in of(advice, "simclr").would_raise
    assert wish in of(advice, "mae").would_raise
