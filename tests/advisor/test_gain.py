"""The level from all results, differences between methods from rules and own results."""

import math
from dataclasses import replace

import numpy as np
import pytest

from anlage.advisor.gain import Question, gain_model
from anlage.advisor.mixed import student_quantile
from anlage.advisor.results import abundance, place_of
from anlage.evidence.base import Base

SEG = Question(
    task="segmentation", modality="ct", paradigm="generative", method="mae", labels=0.5, rules=0.0
)


@pytest.fixture(scope="module")
def model(published):
    return gain_model(published)


def own(make, method="mae", paradigm="generative", gain=0.2, row="L001", **changed):
    return make(
        row=row,
        study="local-abc",
        method=method,
        paradigm=paradigm,
        ssl=0.6 + gain,
        baseline=0.6,
        labels="10-shot",
        **{"label_fraction": 0.03162, "label_count": 20, "delta_se": 0.01, **changed},
    )


def with_own(published, *rows):
    return gain_model(Base((*published.rows, *rows), published.rules))


def test_more_labels_lower_the_gain(model):
    mean, _ = model.predict([SEG, replace(SEG, labels=1.0)])
    assert mean[0] > mean[1]


def test_a_rule_counts_what_it_is_worth(model):
    mean, _ = model.predict([SEG, replace(SEG, rules=1.0)])
    assert mean[1] - mean[0] == pytest.approx(model.rule_worth)
    assert model.rule_worth == pytest.approx(2.0)


def test_imagenet_is_a_stronger_baseline_than_scratch(model):
    mean, _ = model.predict([SEG, replace(SEG, baseline="imagenet")])
    assert mean[0] > mean[1]


def test_the_published_order_of_paradigms_is_not_learnt_unless_asked(published):
    plain, learnt = gain_model(published), gain_model(published, learns_order=True)
    other = replace(SEG, paradigm="contrastive", method="simclr")
    means = plain.predict([SEG, other])[0]
    assert means[0] == pytest.approx(means[1])
    mae = published.find("E023")
    contrast = mae.model_copy(update={"paradigm": "contrastive", "method": "simclr"})
    silent = frozenset({"R02"})
    gaps = [
        model.foretell(mae, silent=silent)[0] - model.foretell(contrast, silent=silent)[0]
        for model in (plain, learnt)
    ]
    assert gaps[0] == pytest.approx(0.0, abs=1e-9)
    assert gaps[1] != pytest.approx(0.0, abs=0.1)


HERE = replace(SEG, study="local-abc", place=place_of(20), rules=1.0)  # 0.03162: half way


def test_own_results_on_the_same_images_outweigh_the_literature(published, make):
    model = with_own(published, own(make))
    before, wide = gain_model(published).predict([HERE])
    after, narrow = model.predict([HERE])
    assert before[0] < 5
    assert after[0] == pytest.approx(20.0, abs=1.0)
    assert narrow[0] < wide[0] / 20


def test_own_results_move_other_data_sets_less(published, make):
    model = with_own(published, own(make))
    here, elsewhere = model.predict([HERE, SEG])[0]
    before = gain_model(published).predict([SEG])[0][0]
    assert before < elsewhere < here


def test_a_less_precise_own_result_moves_less(published, make):
    rows = own(make), own(make, delta_se=0.2)
    means = [with_own(published, row).predict([HERE])[0][0] for row in rows]
    before = gain_model(published).predict([HERE])[0][0]
    assert before < means[1] < means[0]


def test_an_own_result_counts_less_the_farther_its_label_budget(published, make):
    """All else equal: the mean goes back towards what it was, and the doubt grows."""
    before = gain_model(published).predict([HERE])[0][0]
    counts = (20, 40, 200, 2000)
    found = [with_own(published, own(make, label_count=count)).predict([HERE]) for count in counts]
    means, variances = ([float(one[n][0]) for one in found] for n in (0, 1))
    assert means == sorted(means, reverse=True)
    assert variances == sorted(variances)
    assert means[0] == pytest.approx(20.0, abs=1.0)
    assert before + 1 < means[-1] < means[0] - 3
    assert variances[2] > 10 * variances[0]


def test_budgets_are_alike_by_the_exponential_of_their_distance(published, make):
    """A factor of ten leaves 1/e of what a result says of its own budget alone."""
    model = with_own(published, own(make, label_count=200))
    far, near, same = model.predict(
        [replace(HERE, place=place) for place in (None, place_of(20), place_of(200))]
    )[0]
    assert (near - far) / (same - far) == pytest.approx(1 / math.e, rel=1e-6)


def test_an_own_result_without_a_number_of_labels_is_far_from_every_budget(published, make):
    counted, untold = (with_own(published, own(make, label_count=count)) for count in (20, None))
    assert untold.predict([HERE])[1][0] > 10 * counted.predict([HERE])[1][0]


RIVAL = replace(HERE, paradigm="contrastive", method="simclr", rules=-1.0)


def rivals(make, gains, **changed):
    first = own(make, gain=gains[0], **changed)
    return first, own(make, "simclr", "contrastive", gain=gains[1], row="L002", **changed)


def test_own_comparisons_say_which_method_is_better(published, make):
    mean, _ = with_own(published, *rivals(make, (0.2, 0.0))).predict([HERE, RIVAL])
    assert mean.tolist() == pytest.approx([20.0, 0.0], abs=1.0)


@pytest.mark.parametrize("apart", [0.0, 20.0])
def test_intervals_of_two_own_methods_and_of_their_difference_hold_the_truth(
    published, make, apart
):
    """Simulated own studies of two methods whose true gains are known; nominal is 90 %."""
    few = Base(tuple(row for row in published.rows if row.study < "S012"), published.rules)
    rng = np.random.default_rng(0)
    truth = np.array([3 + apart / 2, 3 - apart / 2])
    asked = [replace(one, labels=abundance(None, 20)) for one in (HERE, RIVAL)]
    held = []
    for _ in range(30):
        seen = (truth + rng.normal(0, 1, 2)) / 100
        model = with_own(few, *rivals(make, seen.tolist(), label_fraction=None))
        mean, variance = model.predict(asked)
        gap, doubt = model.compare(*asked)
        assert gap == pytest.approx(mean[0] - mean[1], abs=1e-6)
        reach = np.sqrt([*variance, doubt]) * student_quantile(0.95, model.studies - 2)
        held.append(np.abs([*(mean - truth), gap - apart]) <= reach)
    assert (np.mean(held, axis=0) >= 0.8).all()


def test_a_published_result_is_foretold_from_its_own_circumstances(published, model):
    row = published.find("E023")
    weak, _ = model.foretell(row)
    strong, _ = model.foretell(row.model_copy(update={"baseline_type": "imagenet"}))
    assert weak > strong


def test_silenced_rules_do_not_speak(published):
    model = gain_model(published, silent=frozenset({"R02"}))
    row = published.find("E023")
    assert model.foretell(row, silent=frozenset({"R02"}))[0] != pytest.approx(
        model.foretell(row)[0]
    )


def test_own_results_leave_the_slope_of_labels_to_the_published_ones(published, make):
    """A slope of their own could outweigh the cut for few images and make gains rise."""
    rows = own(make, gain=0.0), own(make, gain=0.2, row="L002", label_count=400, label_fraction=1.0)
    before, after = gain_model(published).level, with_own(published, *rows).level
    assert after.slopes["labels"] == (pytest.approx(before.slopes["labels"][0]), 0.0)
