"""The line that compares the rehearsal with the ranking."""

import pytest

FACTS = {
    "modality": "cxr",
    "task": "classification",
    "dims": 2,
    "labelled": 50,
    "unlabelled": 5000,
    "signal": "global",
}


def lines(advice):
    return [step for step in advice.why if "rehearsal" in step]


@pytest.fixture(scope="module")
def ranked(ask):
    """Return the methods, best first."""
    return [one.strategy.method for one in ask(**FACTS).ranked if one.strategy.method]


def test_an_order_like_the_ranking_is_said_to_agree(ask, ranked):
    first, second = ranked[:2]
    (line,) = lines(ask(**FACTS, alignment={second: {"gain": 2.0}, first: {"gain": 5.0}}))
    assert line == (
        f"The rehearsal on your own images puts {first} (+5.0) before {second} (+2.0), as the "
        "ranking does."
    )


def test_another_order_is_said_to_disagree(ask, ranked):
    first, second = ranked[:2]
    (line,) = lines(ask(**FACTS, alignment={first: {"gain": -1.0}, second: {"gain": 2.0}}))
    assert line == (
        f"The rehearsal on your own images puts {second} (+2.0) before {first} (-1.0); the ranking "
        f"rests on published and measured results and puts {first} before {second}. Try both if "
        "you can."
    )


def test_three_methods_are_told_in_order(ask, ranked):
    gains = dict(zip(ranked[:3], (1.0, 3.0, 2.0), strict=True))
    first, second, third = ranked[:3]
    found = {name: {"gain": gain} for name, gain in gains.items()}
    (line,) = lines(ask(**FACTS, alignment=found))
    assert f"puts {second} (+3.0) before {third} (+2.0) before {first} (+1.0);" in line
    assert line.endswith("Try them all if you can.")


def test_equal_gains_never_disagree(ask, ranked):
    found = {name: {"gain": 2.0} for name in reversed(ranked[:2])}
    assert lines(ask(**FACTS, alignment=found))[0].endswith("as the ranking does.")


@pytest.mark.parametrize(
    "second", [{"kept": 0.9}, {}, None], ids=["no gain", "nothing", "not audited"]
)
def test_one_rehearsal_is_not_compared(ask, ranked, second):
    found = {ranked[0]: {"kept": 0.9, "gain": 5.0}, "not_installed": {"gain": 3.0}}
    extra = {} if second is None else {ranked[1]: second}
    assert lines(ask(**FACTS, alignment={**found, **extra})) == []
