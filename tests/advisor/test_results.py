"""What of the base enters the model, and as what."""

import pytest

from anlage.advisor import results
from anlage.advisor.results import (
    LAB,
    abundance,
    contrast_points,
    head_to_head,
    is_variant,
    level_points,
    opponent,
    usable,
)


@pytest.mark.parametrize(
    ("share", "count", "plenty"),
    [
        (1.0, None, 1.0),
        (0.001, None, 0.0),
        (0.0001, None, 0.0),
        (0.1, 5, 2 / 3),
        (None, 100, 1 / 3),
        (None, 50_000, 1.0),
        (None, 0, 0.0),
        (None, None, None),
    ],
)
def test_labels_are_plenty_on_a_logarithmic_scale(share, count, plenty):
    assert abundance(share, count) == (None if plenty is None else pytest.approx(plenty))


def test_only_read_points_against_controls_count(make):
    kept = make(row="E001")
    others = [
        make(row="E002", status="secondary"),
        make(row="E003", baseline_type="ssl"),
        make(row="E004", metric="mae", unit="mm", ssl=2.0, baseline=3.0),
        make(row="E005", ssl="", status="partial"),
    ]
    assert usable([kept, *others]) == (kept,)


def test_extreme_gains_are_held_at_25_points(make):
    (point,) = level_points([make(ssl=0.9, baseline=0.1)], [0.0])
    assert point.effect == 25.0


def test_what_sets_a_method_apart_is_taken_off(make):
    (point,) = level_points([make()], [3.0])
    assert point.effect == pytest.approx(10.0 - 3.0)


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"label_fraction": 0.1}, "labels", 2 / 3),
        ({"baseline_type": "imagenet"}, "imagenet", 1.0),
        ({"baseline_type": "transfer"}, "supervised", 1.0),
        ({"encoder": "ViT-B"}, "transformer", 1.0),
        ({"encoder": "ViT-B", "baseline_type": "imagenet"}, "transformer", 0.0),
        ({"origin": "own"}, "own", 1.0),
        ({"pretrained_on": "natural"}, "natural", 1.0),
    ],
)
def test_every_circumstance_is_seen(make, changes, name, value):
    (plain,), (changed,) = level_points([make()], [0.0]), level_points([make(**changes)], [0.0])
    assert changed.numbers[name] == pytest.approx(value)
    assert changed.numbers[name] != plain.numbers[name] or value == 0.0


def test_own_results_are_noisy_only_by_their_standard_error(make):
    own = make(row="L001", study="local-abc", delta_se=0.02)
    published = make(delta_se=0.02)
    (first,), (second,) = level_points([own], [0.0]), level_points([published], [0.0])
    assert (first.noise, first.variance, first.groups["lab"]) == (0.0, pytest.approx(4.0), LAB)
    assert (second.noise, second.variance) == (0.5, pytest.approx(4.0))


def test_own_results_have_a_place_among_label_budgets_and_name_their_method(make):
    own = make(row="L001", study="local-abc", label_count=1000)
    (first,), (second,) = level_points([own], [0.0]), level_points([make()], [0.0])
    assert first.place == pytest.approx(3.0)
    assert first.groups["budget"] == "local-abc"
    assert first.groups["study_method"] == "local-abc mae"
    assert first.numbers["rules"] == 1.0
    (untold,) = level_points([own.model_copy(update={"label_count": None})], [0.0])
    assert untold.place is None
    assert "budget" not in second.groups
    assert "method" not in second.groups
    assert second.numbers["rules"] == 0.0


@pytest.mark.parametrize(
    ("plain", "kept"),
    [
        ({}, ["L001"]),
        ({"study": "local-other"}, ["L001", "L002"]),
        ({"method": "simclr", "paradigm": "contrastive", "pretext": "simclr"}, ["L001", "L002"]),
        ({"label_count": 500}, ["L001"]),
        ({"status": "secondary"}, ["L002"]),
        ({"pretext": "mae-other"}, ["L001", "L002"]),
    ],
)
def test_a_variant_counts_only_where_its_method_was_not_tried(make, plain, kept):
    own = {"study": "local-abc", "pretext": "mae", "label_count": 50}
    rows = [
        make(row="E001", pretext="masked images"),
        make(row="L001", **{**own, **plain}),
        make(row="L002", **{**own, "pretext": "mae-hides-all"}),
    ]
    assert [row.row for row in usable(rows)] == ["E001", *kept]
    assert [row.row for row in usable(rows[::-1])] == [*kept[::-1], "E001"]


@pytest.mark.parametrize(
    ("changes", "is_so"),
    [
        ({"pretext": "masked images"}, False),
        ({"study": "local-abc", "pretext": "mae"}, False),
        ({"study": "local-abc"}, False),
        ({"study": "local-abc", "pretext": "mae with other crop scale"}, True),
    ],
)
def test_only_own_results_are_variants(make, changes, is_so):
    assert is_variant(make(**changes)) is is_so


def test_only_equal_terms_are_compared_head_to_head(make):
    mae = make(row="E001")
    rivals = {"paradigm": "contrastive", "method": "simclr"}
    fair = make(row="E002", **rivals)
    assert list(head_to_head([mae, fair]).values()) == [[mae, fair]]
    for unfair in (
        {"study": "S002"},
        {"dataset": "others"},
        {"labels": "1%"},
        {"metric": "iou"},
        {"baseline_type": "imagenet"},
        {"pretrained_on": "natural"},
        {"encoder": "Swin"},
    ):
        assert not head_to_head([mae, make(row="E002", **rivals, **unfair)])


def test_a_method_against_another_is_a_pair(make):
    row = make(baseline_type="ssl", baseline_note="MoCo v2 (SSL)")
    other = opponent(row)
    assert other is not None
    assert (other.paradigm, other.effect) == ("contrastive", 0.0)
    (cell,) = head_to_head([row]).values()
    assert [point.effect for point in contrast_points({"x": cell})] == pytest.approx([10.0, 0.0])


def test_an_unclear_opponent_makes_no_pair(make):
    assert opponent(make(baseline_type="ssl", baseline_note="something else")) is None


def test_silenced_rules_do_not_count(make):
    loud, quiet = (
        contrast_points({"x": [make()]}, silent=frozenset(names))[0].numbers["rules"]
        for names in ((), ("R02",))
    )
    assert (loud, quiet) == (1.0, 0.0)


def test_the_base_has_enough_of_both(published):
    assert len({row.study for row in usable(published.rows)}) > 25
    assert len(head_to_head(published.rows)) > 10
    assert results.MOST == 25.0
