"""What must hold in every case."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlage import plugins
from anlage.advisor import Profile, advise
from anlage.evidence.vocabulary import MODALITIES, TASKS

FEW = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
maybe = st.one_of
PROFILES = st.fixed_dictionaries(
    {
        "modality": maybe(st.none(), st.sampled_from(MODALITIES)),
        "task": maybe(st.none(), st.sampled_from(TASKS)),
        "dims": st.sampled_from([None, 2, 3]),
        "signal": st.sampled_from([None, "global", "local"]),
        "unlabelled": maybe(st.none(), st.integers(1, 10**6)),
        "labelled": maybe(st.none(), st.integers(0, 10**6)),
        "has_side": st.sampled_from([None, True, False]),
        "sites": maybe(st.none(), st.integers(1, 20)),
        "weights": st.sampled_from([None, (), ("imagenet",), ("imagenet", "medical")]),
        "device": st.sampled_from([None, "cpu", "cuda"]),
    }
)


@pytest.fixture(scope="module")
def answer(published, table):
    return lambda facts: advise(Profile(**facts), base=published, table=table)


def gains(advice):
    return {found.title: found.over_scratch for found in (*advice.ranked, *advice.not_ready)}


@FEW
@given(facts=PROFILES, first=st.integers(0, 10**5), second=st.integers(0, 10**5))
def test_more_labels_never_raise_the_expected_gain(answer, facts, first, second):
    few, many = sorted((first, second))
    scarce, plenty = (gains(answer({**facts, "labelled": n})) for n in (few, many))
    for name, gain in plenty.items():
        assert gain.mean <= scarce[name].mean + 1e-9


@FEW
@given(facts=PROFILES)
def test_a_forbidden_view_is_never_recommended(answer, facts):
    advice = answer(facts)
    for found in (*advice.ranked, *advice.not_ready):
        views = found.strategy.views
        policy = plugins.load("modalities", views.policy)
        assert not set(views.used) & set(policy.forbidden)
        assert set(views.used) <= set(policy.views)
        assert not (facts["has_side"] and "flip_lr" in views.used)
        assert views.crop_scale[0] >= policy.crop.least_scale


@FEW
@given(facts=PROFILES, first=st.floats(0.5, 40), second=st.floats(0.5, 40))
def test_less_memory_never_recommends_a_larger_strategy(answer, facts, first, second):
    less, more = sorted((first, second))
    small, large = (answer({**facts, "memory_gb": limit}) for limit in (less, more))
    if small.ranked:
        assert small.first.cost.memory_gb <= large.first.cost.memory_gb + 1e-9
        assert small.first.cost.memory_gb <= less


@FEW
@given(
    facts=PROFILES,
    name=st.sampled_from(["modality", "task", "dims", "signal", "unlabelled", "labelled"]),
)
def test_unknown_values_widen_intervals(answer, facts, name):
    known, unknown = gains(answer(facts)), gains(answer({**facts, name: None}))
    for title in known.keys() & unknown.keys():
        assert unknown[title].low <= known[title].low + 1e-6
        assert unknown[title].high >= known[title].high - 1e-6


@FEW
@given(facts=PROFILES)
def test_not_to_pretrain_is_always_a_candidate(answer, facts):
    advice = answer(facts)
    kinds = [found.strategy.kind for found in advice.ranked]
    assert "none" in kinds
    nothing = next(found for found in advice.ranked if found.strategy.kind == "none")
    assert (nothing.counted, nothing.over_scratch.mean, nothing.harm) == (0.0, 0.0, 0.0)
    assert all(found.counted >= 0 for found in advice.ranked[: kinds.index("none")])
