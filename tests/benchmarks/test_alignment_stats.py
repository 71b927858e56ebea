"""Orders are compared as their textbooks say, and data sets, not cells, are the repeats."""

import numpy as np
import pytest
from scipy import stats

from _alignment_stats import (
    Estimate,
    Sample,
    agreement,
    chosen_elsewhere,
    drawn,
    estimate,
    kendall,
    mean_gain_elsewhere,
    mean_gain_of,
    mean_of,
    pairs_by_data,
    pairs_right,
    spearman,
    spearman_between,
    spearman_within,
    word,
)


def sample_of(gains, groups, *, data=None, paradigms=None):
    return Sample(
        gains=np.array(gains, dtype=float),
        groups=list(groups),
        data=list(data or groups),
        paradigms=list(paradigms or "p" * len(gains)),
    )


def noisy(sets=4, *, slope=1.0, seed=0):
    """Five strategies on each of some data sets, whose gain is a slope times the score + noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(sets, 5))
    gains = slope * values + 0.3 * rng.normal(size=values.shape) + 9 * np.arange(sets)[:, None]
    names = [f"d{n}" for n in range(sets) for _ in range(5)]
    return values.ravel(), sample_of(gains.ravel(), names, paradigms="aabbc" * sets)


def test_rank_correlations_are_scipys():
    values, sample = noisy()
    values[3] = values[4]
    assert spearman(values, sample) == pytest.approx(
        stats.spearmanr(values, sample.gains).statistic
    )
    assert kendall(values, sample) == pytest.approx(
        stats.kendalltau(values, sample.gains).statistic
    )


def test_values_that_are_all_alike_say_nothing():
    _, sample = noisy()
    same = np.full(len(sample.gains), 0.3)
    assert spearman(same, sample) == kendall(same, sample) == spearman_within(same, sample) == 0
    assert agreement(same, sample) == 0.5


def test_what_was_not_measured_is_neither_high_nor_low():
    sample = sample_of([1, 2, 3], "ggg")
    assert spearman(np.array([1, np.nan, 3]), sample) == pytest.approx(1)
    assert agreement(np.array([1, np.nan, 3]), sample) == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert spearman(np.full(3, np.nan), sample) == 0


def test_within_data_sets_their_levels_do_not_count():
    # inside each group the order is right, between groups it is wrong
    sample = sample_of([1, 2, 3, 11, 12, 13], "aaabbb")
    values = np.array([7, 8, 9, 1, 2, 3.0])
    assert spearman_within(values, sample) == pytest.approx(1)
    assert spearman(values, sample) < 0
    centred = np.array([-1, 0, 1, -1, 0, 1.0])
    assert spearman_within(values, sample) == stats.spearmanr(centred, centred).statistic


def test_between_data_sets_only_their_levels_count():
    sample = sample_of([1, 2, 11, 12, 21, 22], "aabbcc")
    assert spearman_between(np.array([2, 1, 4, 3, 6, 5.0]), sample) == pytest.approx(1)
    assert np.isnan(spearman_between(np.array([2, 1.0]), sample_of([1, 2], "ab")))


def test_pairs_are_right_wrong_or_tied():
    right = pairs_right(np.array([1, 2, 2.0]), np.array([5, 6, 4.0]))
    assert right[0, 1] == 1  # both rise
    assert right[0, 2] == 0  # one rises, the other falls
    assert right[1, 2] == 0.5  # the values say nothing


def test_every_group_counts_once_and_only_its_own_pairs():
    sample = sample_of([1, 2, 3, 1, 2, 9], ["a", "a", "a", "b", "b", "c"])
    values = np.array([1, 2, 3, 2, 1, 0.0])
    assert agreement(values, sample) == pytest.approx((1 + 0) / 2)
    assert np.isnan(agreement(np.array([1, 2.0]), sample_of([1, 2], "ab")))


def test_a_paradigm_is_expected_to_bring_what_it_brought_elsewhere():
    sample = sample_of([1, 5, 3, 7, 20], "aabbb", paradigms="xyxyz")
    # z was tried nowhere else: the mean of what was
    assert mean_gain_elsewhere(sample).tolist() == [3, 7, 1, 5, 3]
    assert mean_gain_of(sample).tolist() == [2, 6, 2, 6, 20]


def test_one_data_set_alone_expects_nothing():
    assert mean_gain_elsewhere(sample_of([1, 5], "aa")).tolist() == [0, 0]


def test_a_data_set_that_is_drawn_twice_counts_twice_and_makes_no_pairs_with_itself():
    sample = sample_of([1, 2, 3, 4], "aabb")
    places, some = sample.drawn(["a", "a", "b"])
    assert places == [0, 1, 0, 1, 2, 3]
    assert len(set(some.groups)) == 3
    assert some.gains.tolist() == [1, 2, 1, 2, 3, 4]


def test_the_first_number_is_of_all_cells_and_draws_are_shared():
    values, sample = noisy()
    found = drawn(sample, {"ours": values, "again": values, "none": values * 0}, spearman_within)
    assert found["ours"][0] == spearman_within(values, sample)
    assert (found["ours"] - found["again"]).any() == np.False_
    assert (found["none"] == 0).all()


def test_an_interval_holds_the_spread_between_data_sets():
    # a known law: the mean of four normal values, with the t interval that fits it
    held = 0
    rng = np.random.default_rng(1)
    for _ in range(200):
        by_data = {str(n): [value] for n, value in enumerate(rng.normal(size=4))}
        found = mean_of(by_data)
        held += found.low <= 0 <= found.high
    assert held / 200 > 0.84  # plain percentiles hold it in about 0.79


def test_one_data_set_has_no_interval():
    found = estimate(np.zeros(2001), sets=1)
    assert found.value == 0
    assert np.isnan(found.low)
    assert np.isnan(mean_of({}).value)


def test_pairs_are_gathered_by_data_set():
    sample = sample_of([1, 2, 3, 2, 1], "aaabb", data="dddee")
    found = pairs_by_data(
        np.array([1, 2, 1.5, 2, 1]), sample, lambda one, two: (one, two) != (0, 2)
    )
    assert found == {"d": [1.0, 0.0], "e": [1.0]}


def test_a_choice_is_judged_where_it_was_not_made():
    # "first" is right in three data sets, "second" in the fourth alone
    gains = [1, 2] * 4
    names = [name for name in "abcd" for _ in "12"]
    sample = sample_of(gains, names)
    first = np.array([1, 2, 1, 2, 1, 2, 2, 1.0])
    right, chosen = chosen_elsewhere(
        sample, lambda places: {"first": first[places], "second": -first[places]}
    )
    assert right == {"a": [1.0], "b": [1.0], "c": [1.0], "d": [0.0]}
    assert chosen == {"first": 4}


def test_what_is_left_out_is_not_known_to_the_choice():
    sample = sample_of([1, 2] * 3, [name for name in "abc" for _ in "12"])
    asked = []

    def candidates(places):
        asked.append([sample.data[place] for place in places])
        return {"any": sample.gains[list(places)]}

    chosen_elsewhere(sample, candidates)
    assert [sorted(set(own)) for own in asked[1:]] == [["b", "c"], ["a", "c"], ["a", "b"]]


def test_the_best_of_chance_scores_is_no_better_than_chance_elsewhere():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        _, sample = noisy(seed=int(rng.integers(1 << 30)))
        scores = {str(n): rng.normal(size=20) for n in range(8)}
        right, _ = chosen_elsewhere(
            sample, lambda places, own=scores: {name: one[places] for name, one in own.items()}
        )
        found.append(mean_of(right).value)
    assert abs(np.mean(found) - 0.5) < 0.06


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.3, "better"),
        (-0.3, -0.1, "worse"),
        (-0.1, 0.3, "not shown to be better"),
        (0.0, 0.3, "not shown to be better"),
        (np.nan, np.nan, "not comparable"),
    ],
)
def test_words_follow_from_the_interval(low, high, expected):
    assert word(Estimate(value=0.2, low=low, high=high)) == expected
