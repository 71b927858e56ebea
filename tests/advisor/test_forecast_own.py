"""What the user's own studies do to the whole answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from anlage.advisor import Profile, advise
from anlage.advisor.answer import Recommendation
from anlage.advisor.results import own_share, share_of
from anlage.evidence.base import Base, own_study

STORE = "0123456789abcdef"
HERE = own_study(STORE, "classification", ["lesion"])
SAME_IMAGES = own_study(STORE, "classification", ["age"])
ELSEWHERE = own_study("fedcba9876543210", "classification", ["lesion"])
FACTS = {
    "modality": "cxr",
    "task": "classification",
    "dims": 2,
    "signal": "global",
    "labelled": 50,
    "unlabelled": 100,
    "device": "cpu",
}
Asked = Callable[..., dict[str | None, Recommendation]]


@pytest.fixture(scope="module")
def learnt(make) -> Callable[..., Any]:
    """Return an own result on 100 images of which 50 were labelled."""

    def build(gain: float = 0.2, **changed: Any) -> Any:
        values = {
            "row": "L001",
            "study": HERE,
            "method": "simclr",
            "paradigm": "contrastive",
            "task": "classification",
            "modality": "cxr",
            "dims": "2d",
            "metric": "balanced_accuracy",
            "ssl": 0.6 + gain,
            "baseline": 0.6,
            "delta_se": 0.005,
            "label_count": 50,
            "label_fraction": 0.5,
        }
        return make(**{**values, **changed})

    return build


@pytest.fixture(scope="module")
def answers(published, table) -> Asked:
    """Return the recommendations by method, with own results in the base."""

    def ask(*rows: Any, **facts: Any) -> dict[str | None, Recommendation]:
        base = Base((*published.rows, *rows), published.rules)
        found = advise(Profile(**{**FACTS, **facts}), base=base, table=table)
        return {one.strategy.method: one for one in (*found.ranked, *found.not_ready)}

    return ask


@pytest.mark.parametrize("gain", [0.2, 0.02, -0.05])
@pytest.mark.parametrize("facts", [{}, {"unlabelled": None}, {"signal": "local"}])
def test_an_own_result_on_these_images_is_what_is_told(answers, learnt, gain, facts):
    found = answers(learnt(gain), study=HERE, **facts)["simclr"].over_scratch
    assert found.mean == pytest.approx(100 * gain, abs=1.0 if "unlabelled" in facts else 0.3)


def test_a_sharp_own_result_earns_trust_and_few_images_do_not_cut_it(answers, learnt):
    found = answers(learnt(), study=HERE)["simclr"]
    assert found.confidence == "high"
    assert found.over_scratch.low == pytest.approx(20 - 1.69 * 0.5, abs=0.3)
    assert found.over_scratch.high == pytest.approx(20 + 1.69 * 0.5, abs=0.3)


def test_a_small_batch_takes_nothing_off_an_own_result(answers, learnt, table):
    need = table.memory_gb("simclr", "resnet18", 2, 128, 16)
    small = answers(learnt(), study=HERE, memory_gb=need * 1.01)["simclr"]
    assert small.strategy.batch_size < 64
    assert small.over_scratch.mean == pytest.approx(20.0, abs=0.3)
    untold = answers(memory_gb=need * 1.01)["simclr"]
    assert untold.terms["design rules"] < answers()["simclr"].terms["design rules"]


@pytest.mark.parametrize("study", [SAME_IMAGES, ELSEWHERE])
def test_another_label_or_store_is_no_proof(answers, learnt, study):
    plain = answers()["simclr"]
    here = answers(learnt(), study=HERE)["simclr"]
    other = answers(learnt(), study=study)["simclr"]
    assert other.confidence != "high"
    width = other.over_scratch.high - other.over_scratch.low
    assert width > 10 * (here.over_scratch.high - here.over_scratch.low)
    assert plain.over_scratch.mean < other.over_scratch.mean < here.over_scratch.mean


def test_another_task_of_the_same_name_is_no_proof(answers, learnt):
    other = answers(learnt(), study=HERE, task="segmentation")["simclr"]
    assert other.confidence != "high"
    assert other.over_scratch.high - other.over_scratch.low > 15


def test_an_own_result_elsewhere_is_not_cut_twice_for_few_images(answers, learnt):
    """+2 from 100 images is more than the literature lets expect of them, so it raises hope."""
    plain, other = (answers(*rows)["simclr"].over_scratch for rows in ((), (learnt(0.02),)))
    assert plain.mean < other.mean < 2.0


def test_terms_with_own_studies_make_up_the_mean(answers, learnt):
    found = answers(learnt(), study=HERE)["simclr"]
    level, labels, rules, share, own = found.terms.values()
    assert share * (level + labels + rules) + own == pytest.approx(found.over_scratch.mean)


def test_own_images_are_counted_from_the_labelled_ones(learnt):
    assert own_share(learnt()) == pytest.approx(share_of(100, "2d")) == pytest.approx(1 / 11)
    assert own_share(learnt(dims="3d")) == pytest.approx(1 / 3)
    assert own_share(learnt(label_count=None)) == 1.0
    assert own_share(learnt(label_fraction=None)) == 1.0


BUDGETS = (5, 20, 50, 100)


def over_scratch(answers, *rows, **facts):
    return answers(*rows, study=HERE, **facts)["simclr"].over_scratch


def test_an_own_result_speaks_loudest_at_its_own_label_budget(answers, learnt):
    """The interval grows with the distance in labels, up to that of an unknown budget."""
    row = learnt(label_count=100, label_fraction=1.0)
    widths = [
        (found.high - found.low)
        for labelled in (100, 50, 10, 1)
        for found in [over_scratch(answers, row, labelled=labelled)]
    ]
    assert widths == sorted(widths)
    assert widths[1] > 5 * widths[0]
    plain = answers(labelled=1)["simclr"].over_scratch
    assert widths[-1] < plain.high - plain.low


def test_a_gain_with_many_labels_holds_with_few_and_a_loss_with_few_with_many(answers, learnt):
    many = learnt(0.15, label_count=100, label_fraction=1.0)
    few = learnt(-0.1, label_count=5, label_fraction=0.05)
    assert over_scratch(answers, many, labelled=5).mean >= 14.5
    assert over_scratch(answers, few, labelled=100).mean <= -9.5
    assert over_scratch(answers, few, labelled=5).mean == pytest.approx(-10.0, abs=0.4)


def test_away_from_its_budget_an_own_result_gives_way_to_the_literature(answers, learnt):
    """Where it does not have to hold: a gain with more labels, a loss with fewer."""
    gain = [
        over_scratch(answers, learnt(0.2, label_count=5, label_fraction=0.05), labelled=labelled)
        for labelled in BUDGETS
    ]
    loss = [
        over_scratch(answers, learnt(-0.2, label_count=100, label_fraction=1.0), labelled=labelled)
        for labelled in BUDGETS
    ]
    assert gain[0].mean - gain[-1].mean > 3
    assert loss[0].mean - loss[-1].mean > 3


@pytest.mark.parametrize("gains", [(0.0, 0.1), (0.1, -0.1), (0.2, 0.2)])
def test_more_labels_never_raise_the_gain_whatever_own_studies_say(answers, learnt, gains):
    rows = [
        learnt(
            gain, row=f"L00{n}", label_count=count, label_fraction=count / 100, labels=str(count)
        )
        for n, (gain, count) in enumerate(zip(gains, (10, 60), strict=True), start=1)
    ]
    told = [answers(*rows, study=HERE, labelled=n) for n in (0, 5, 10, 40, 60, 500)]
    for method in ("simclr", "mae", "vicreg"):
        means = [found[method].over_scratch.mean for found in told]
        assert all(more <= fewer + 1e-9 for fewer, more in pairwise(means))
    elsewhere = [answers(*rows, labelled=n)["simclr"].over_scratch.mean for n in (0, 10, 60, 500)]
    assert elsewhere == sorted(elsewhere, reverse=True)


def test_not_knowing_the_number_of_labels_widens_what_an_own_study_says(answers, learnt):
    rows = [learnt(0.2), learnt(-0.1, row="L002", label_count=5, label_fraction=0.05)]
    unknown = over_scratch(answers, *rows, labelled=None)
    for labelled in (0, 5, 20, 50, 1000):
        known = over_scratch(answers, *rows, labelled=labelled)
        assert unknown.low <= known.low + 1e-6
        assert unknown.high >= known.high - 1e-6


def test_an_own_study_is_trusted_by_its_interval_even_where_facts_are_not_known(answers, learnt):
    far = learnt(0.1, delta_se=0.04, label_count=20, label_fraction=0.2)
    found = answers(far, study=HERE, signal=None)["simclr"]
    assert 8 < (found.over_scratch.high - found.over_scratch.low) / 2 <= 16
    assert found.confidence == "moderate"
    assert "your own study on these images" in found.because
    unknown = answers(signal=None)["simclr"]
    assert unknown.confidence == "very low"
    assert "not known: whether the signal is global or local" in unknown.because


def test_what_a_bad_variant_lost_is_not_laid_at_its_methods_door(answers, learnt):
    plain, bad = learnt(), learnt(-0.1, row="L002", pretext="simclr-small-crops")
    alone, both = answers(plain, study=HERE), answers(plain, bad, study=HERE)
    assert both["simclr"] == alone["simclr"]
    assert both["vicreg"].over_scratch == alone["vicreg"].over_scratch


def test_a_variant_speaks_where_nothing_else_does_and_is_named(answers, learnt):
    found = answers(learnt(-0.1, pretext="simclr-small-crops"), study=HERE)["simclr"]
    assert found.over_scratch.mean == pytest.approx(-10.0, abs=0.3)
    (reason,) = [one for one in found.opposing if one.id == "L001"]
    assert "simclr (as simclr-small-crops) on " in reason.text
