"""`anlage.evidence`: the verb as a function."""

import pytest

import anlage
from anlage.errors import ConfigError
from anlage.evidence.answer import pooled_effect


def test_the_verb_asks_the_base(base, own_home):
    found = anlage.evidence(modality="ct", task="segmentation", labels="100%", dims="3d")
    expected = pooled_effect(base, modality="ct", task="segmentation", labels="100%", dims="3d")
    assert found.pooled == expected.pooled


@pytest.mark.parametrize(
    "question",
    [
        {"modality": "ct"},
        {"task": "segmentation"},
        {"paradigm": "contrastive"},
        {"method": "moco"},
        {"labels": "<=10%"},
        {"dims": "2d"},
        {"baseline": "imagenet"},
        {"verified_only": False},
    ],
)
def test_every_argument_reaches_the_base(base, own_home, question):
    assert anlage.evidence(**question).pooled == pooled_effect(base, **question).pooled
    assert anlage.evidence(**question).pooled != pooled_effect(base).pooled


def test_the_answer_is_written_where_asked(tmp_path, own_home):
    anlage.evidence(method="mae", paradigm="generative", out=tmp_path / "forest.json")
    assert (tmp_path / "forest.json").is_file()


def test_second_hand_results_enter_only_if_asked(own_home):
    strict = anlage.evidence(task="detection")
    wide = anlage.evidence(task="detection", verified_only=False)
    assert strict.pooled is None
    assert wide.pooled.k == 1


def test_what_the_base_does_not_know_is_refused(own_home):
    with pytest.raises(ConfigError, match="Did you mean 'contrastive'"):
        anlage.evidence(paradigm="contrastiv")


def test_the_rooms_functions_are_reached_through_the_verb():
    assert callable(anlage.evidence.add)
    assert callable(anlage.evidence.pooled_effect)
