"""What a label hangs on takes away the views that would destroy it."""

import pytest

from anlage import plugins
from anlage.errors import ConfigError
from anlage.modalities import NEEDS, Augmentation
from anlage.modalities._needs import _CHANGING, label_changing


def test_a_side_is_lost_by_mirrors_from_left_to_right_alone():
    assert list(label_changing(["laterality"])) == ["flip_lr"]


def test_several_needs_add_up_and_none_changes_nothing():
    both = label_changing(["laterality", "colour"])
    assert {"flip_lr", "hue_saturation", "grayscale"} <= set(both)
    assert label_changing([]) == {}


@pytest.mark.parametrize("need", NEEDS)
def test_a_need_names_views_that_exist_and_gives_a_reason(need):
    known = {*plugins.available("transforms"), "flip_lr"}
    assert set(_CHANGING[need]) <= known
    assert all(len(reason) > 10 for reason in _CHANGING[need].values())
    assert len(NEEDS[need]) > 10


def test_an_unknown_need_lists_the_known():
    with pytest.raises(ConfigError, match="'laterality', 'orientation', 'colour' or 'intensity'"):
        Augmentation.parse({"task_needs": ["side"]}, where="recipe")


@pytest.mark.parametrize(
    ("need", "lost"),
    [
        ("laterality", {"flip_lr", "quarter_turn"}),
        ("orientation", {"flip_lr", "quarter_turn"}),
        ("colour", {"hue_saturation", "stain_jitter"}),
        ("intensity", {"brightness_contrast", "stain_jitter"}),
    ],
)
def test_a_policy_says_which_views_hang_on_the_task(need, lost):
    assert set(plugins.load("modalities", "histology").asks()[need]) == lost


def test_a_policy_without_such_views_does_not_ask():
    assert "colour" not in plugins.load("modalities", "ct").asks()
