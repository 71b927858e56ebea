"""The level from all results, differences between methods from rules and own results."""

from dataclasses import replace

import pytest

from anlage.advisor.gain import Question, gain_model
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
        label_fraction=0.03162,  # half way between 0.1% and 100%
        delta_se=0.01,
        **changed,
    )


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
    means = learnt.predict([SEG, other])[0]
    assert means[0] != pytest.approx(means[1])


def test_own_results_on_the_same_images_outweigh_the_literature(published, make):
    base = Base((*published.rows, own(make)), published.rules)
    model = gain_model(base)
    mine = replace(SEG, study="local-abc", rules=1.0)
    (before, after), (wide, narrow) = (
        (
            gain_model(published).predict([mine])[0][0],
            model.predict([mine])[0][0],
        ),
        (gain_model(published).predict([mine])[1][0], model.predict([mine])[1][0]),
    )
    assert before < 5
    assert after == pytest.approx(20.0, abs=2.0)
    assert narrow < wide / 20


def test_own_results_move_other_data_sets_less(published, make):
    model = gain_model(Base((*published.rows, own(make)), published.rules))
    here, elsewhere = model.predict([replace(SEG, study="local-abc"), SEG])[0]
    before = gain_model(published).predict([SEG])[0][0]
    assert before < elsewhere < here


def test_a_less_precise_own_result_moves_less(published, make):
    sharp = own(make)
    vague = sharp.model_copy(update={"delta_se": 0.2})
    mine = replace(SEG, study="local-abc")
    means = [
        gain_model(Base((*published.rows, row), published.rules)).predict([mine])[0][0]
        for row in (sharp, vague)
    ]
    before = gain_model(published).predict([mine])[0][0]
    assert before < means[1] < means[0]


def test_own_comparisons_say_which_method_is_better(published, make):
    rows = (own(make), own(make, "simclr", "contrastive", gain=0.0, row="L002"))
    model = gain_model(Base((*published.rows, *rows), published.rules))
    mine = [
        replace(SEG, study="local-abc", rules=1.0),
        replace(SEG, study="local-abc", paradigm="contrastive", method="simclr", rules=-1.0),
    ]
    mean, _ = model.predict(mine)
    assert mean[0] == pytest.approx(20.0, abs=3.0)
    assert mean[1] == pytest.approx(0.0, abs=3.0)


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
