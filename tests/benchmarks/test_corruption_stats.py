"""Planted effects of lesion size are found, and none is where none was planted."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

import bench_corruption
from _corruption_cases import Place
from _corruption_page import PAIRS, PARADIGMS, judged, page
from _corruption_picture import draw
from _corruption_stats import ALL, TREND, Finding, compare, level, metric_of, word
from anlage.errors import DataError

ARMS = sorted({*PARADIGMS.values(), *(arm for pair in PAIRS.values() for arm in pair)})
RUNS = [(draw, draw % 3) for draw in range(6)]
UNDER = "contrast loses more on small lesions than masked modelling"
SIZES = np.repeat([0.0, 3.0, 6.0, 12.0], 60)


def dense(gains, *, sizes=SIZES, noise=0.05, seed=0):
    """Return Dice per arm: 0.4 plus a gain by bin, plus noise of each run and case."""
    rng = np.random.default_rng(seed)
    bins = np.digitize(sizes, (4, 8))
    hard = rng.normal(0, 0.1, len(sizes))
    return {
        arm: {
            run: pl.DataFrame(
                {
                    "row": np.arange(len(sizes)),
                    "failed": 0.0,
                    "dice:1": 0.4 + hard + np.take(by_bin, bins) + rng.normal(0, noise, len(sizes)),
                }
            )
            for run in RUNS
        }
        for arm, by_bin in gains.items()
    }


def place_of(arms, *, sizes=SIZES, is_dense=True, data="made"):
    return Place(
        data=data,
        task="segmentation" if is_dense else "classification-lesion",
        is_dense=is_dense,
        rung="finetune",
        budget="20-shot",
        twin="scratch",
        groups=np.arange(len(sizes)),
        sizes=sizes,
        edges=(2.0, 4.0, 8.0, 16.0),
        unit="mm",
        arms=arms,
        planned_runs=len(RUNS),
        seed=0,
        replicates=100,
    )


def flat(**changes):
    return {**dict.fromkeys([*ARMS, "scratch"], (0.0, 0.0, 0.0)), **changes}


@pytest.fixture(scope="module")
def planted():
    """Contrast gains on large lesions alone; protecting lesions helps with small ones."""
    return place_of(dense(flat(simclr=(0.0, 0.1, 0.2), **{"mae-lesion": (0.2, 0.0, 0.0)})))


@pytest.fixture(scope="module")
def words(planted):
    return {claim.name: claim.word for claim in judged([planted])}


def test_a_planted_effect_of_size_is_found(words):
    assert words["gain of contrastive pretraining rises with size"] == "shown"
    assert words[UNDER] == "shown"
    assert words["mask that protects lesions (reads label maps): smallest lesions"] == "shown"


def test_what_was_not_planted_is_not_found(words):
    assert words["gain of generative pretraining rises with size"] == "not shown"
    assert words["gain of predictive pretraining rises with size"] == "not shown"
    assert words["mask of the foreground: smallest lesions"] == "not shown"


@pytest.mark.parametrize("seed", range(2))
def test_equal_arms_are_told_nothing_of(seed):
    found = {claim.word for claim in judged([place_of(dense(flat(), seed=seed))])}
    assert found == {"not shown"}


def test_the_opposite_is_called_so():
    place = place_of(dense(flat(simclr=(0.2, 0.1, 0.0))))
    found = {claim.name: claim.word for claim in judged([place])}
    assert found[UNDER] == "the opposite is shown"


def test_a_trend_is_the_gain_on_large_less_that_on_small_lesions(planted):
    large, small = (compare(planted, "simclr", "scratch", one) for one in (2, 0))
    trend = compare(planted, "simclr", "scratch", TREND)
    assert trend.value == pytest.approx(large.value - small.value)
    assert trend.low < 0.2 < trend.high
    assert trend.patients == 60


def test_the_comparison_of_two_trends_is_their_difference(planted):
    ours, theirs = (compare(planted, arm, "scratch", TREND).value for arm in ("simclr", "mae"))
    assert compare(planted, "simclr", "mae", TREND).value == pytest.approx(ours - theirs)


def test_bins_hold_lesions_alone_and_all_holds_healthy_cases_too(planted):
    runs = [cases["dice:1"].to_numpy() for cases in planted.arms["mae"].values()]
    in_bin = np.mean([one[SIZES == 3].mean() for one in runs])
    assert level(planted, "mae", 0) == pytest.approx(in_bin)
    assert level(planted, "mae", ALL) == pytest.approx(np.mean(runs))


@pytest.fixture(scope="module")
def detection():
    """Two arms that answer alike, but for large lesions, which the first knows better."""
    rng = np.random.default_rng(1)
    runs = {}
    for arm, gain in (("simclr", 2.0), ("scratch", 0.0)):
        runs[arm] = {}
        for run in RUNS:
            logit = rng.normal(0, 1, len(SIZES)) + (SIZES > 0) + gain * (SIZES == 12)
            p = 1 / (1 + np.exp(-logit))
            facts = {"row": np.arange(len(SIZES)), "t0": (SIZES > 0) * 1.0, "p0": 1 - p, "p1": p}
            runs[arm][run] = pl.DataFrame(facts)
    return place_of(runs, is_dense=False)


def test_lesions_of_a_bin_are_told_from_all_healthy_cases(detection):
    wanted = []
    for cases in detection.arms["simclr"].values():
        kept = np.isin(SIZES, (0, 12))
        wanted.append(roc_auc_score(SIZES[kept] > 0, cases["p1"].to_numpy()[kept]))
    assert metric_of(detection) == "AUROC"
    assert level(detection, "simclr", 2) == pytest.approx(np.mean(wanted))


def test_the_trend_of_detection_is_found(detection):
    assert word(compare(detection, "simclr", "scratch", TREND), 0.01) == "shown"
    assert compare(detection, "simclr", "scratch", 0).low < 0


def test_without_healthy_cases_kinds_are_told_apart(detection):
    sizes = np.where(SIZES == 0, 12.0, SIZES)
    kinds = np.tile([0.0, 1.0], len(SIZES) // 2)
    arms = {
        arm: {run: cases.with_columns(t0=pl.Series(kinds)) for run, cases in runs.items()}
        for arm, runs in detection.arms.items()
    }
    place = dataclasses.replace(detection, sizes=sizes, arms=arms)
    wanted = [
        balanced_accuracy_score(kinds[sizes == 3], cases["p1"].to_numpy()[sizes == 3] > 0.5)
        for cases in arms["simclr"].values()
    ]
    assert metric_of(place) == "balanced accuracy"
    assert level(place, "simclr", 0) == pytest.approx(np.mean(wanted))


def test_the_healthy_class_may_be_any(detection):
    arms = {
        arm: {
            run: cases.select("row", t0=2 - cases["t0"], p0="p1", p1=cases["p0"] * 0, p2="p0")
            for run, cases in runs.items()
        }
        for arm, runs in detection.arms.items()
    }
    turned = dataclasses.replace(detection, arms=arms)
    assert level(turned, "simclr", 2) == pytest.approx(level(detection, "simclr", 2))


def test_healthy_images_of_two_classes_are_refused(detection):
    cases = detection.arms["simclr"][0, 0]
    mixed = cases.with_columns(t0=pl.Series(np.arange(len(cases)) % 2 * 1.0))
    place = dataclasses.replace(detection, arms={"simclr": {(0, 0): mixed}})
    with pytest.raises(DataError, match="one class"):
        level(place, "simclr", 2)


def test_runs_that_share_a_pretraining_are_no_independent_repeats(planted):
    def gain(seed_of):
        runs = planted.arms["mae"].values()
        better = {
            (draw, seed_of(draw)): cases.with_columns(pl.col("dice:1") + 0.03 * (draw % 3))
            for draw, cases in enumerate(runs)
        }
        plain = {(draw, seed_of(draw)): cases for draw, cases in enumerate(runs)}
        place = dataclasses.replace(planted, arms={"mae": better, "scratch": plain})
        found = compare(place, "mae", "scratch", ALL)
        return found.high - found.low

    assert gain(lambda draw: draw % 3) > 1.3 * gain(lambda draw: draw)


@pytest.mark.parametrize("factor", [0, 1], ids=["draws differ", "seeds differ"])
def test_of_two_ways_in_which_runs_hang_together_the_wider_counts(planted, factor):
    crossed = [(number // 3, number % 3) for number in range(len(RUNS))]

    def width(keys):
        runs = list(zip(keys, crossed, planted.arms["mae"].values(), strict=True))
        arms = {
            "mae": {k: c.with_columns(pl.col("dice:1") + 0.03 * at[factor]) for k, at, c in runs},
            "scratch": {key: cases for key, _, cases in runs},
        }
        found = compare(dataclasses.replace(planted, arms=arms), "mae", "scratch", ALL)
        return found.high - found.low

    alone = [(at[0], n) if factor == 0 else (n, at[1]) for n, at in enumerate(crossed)]
    assert width(crossed) == pytest.approx(width(alone))


def test_images_of_one_patient_count_once(planted):
    twice = dataclasses.replace(planted, groups=np.arange(len(SIZES)) // 2)
    found = compare(twice, "simclr", "scratch", TREND)
    assert (found.patients, word(found, 0.001)) == (30, "too few patients")


def test_the_same_images_twice_tell_no_more(planted):
    arms = {
        arm: {run: pl.concat([planted.arms[arm][run]] * 2) for run in RUNS}
        for arm in ("simclr", "scratch")
    }
    twice = dataclasses.replace(
        planted, arms=arms, sizes=np.tile(SIZES, 2), groups=np.tile(planted.groups, 2)
    )
    once, again = (compare(place, "simclr", "scratch", ALL) for place in (planted, twice))
    assert again.high - again.low == pytest.approx(once.high - once.low, rel=0.15)


def test_few_patients_allow_no_claim():
    few = np.repeat([0.0, 3.0, 6.0, 12.0], (60, 40, 60, 60))
    place = place_of(dense(flat(simclr=(0.0, 0.1, 0.3)), sizes=few), sizes=few)
    assert word(compare(place, "simclr", "scratch", TREND), 0.001) == "too few patients"
    assert word(compare(place, "simclr", "scratch", 2), 0.001) == "shown"


def test_missing_runs_allow_no_claim(planted):
    short = {run: planted.arms["simclr"][run] for run in RUNS[:4]}
    place = dataclasses.replace(planted, arms={**planted.arms, "simclr": short})
    found = compare(place, "simclr", "scratch", TREND)
    assert (word(found, 0.001), found.runs) == ("not finished", 4)


def test_an_absent_arm_is_unfinished_and_counts_in_the_adjustment(planted):
    arms = {arm: runs for arm, runs in planted.arms.items() if arm != "vicreg"}
    claims = judged([dataclasses.replace(planted, arms=arms)])
    absent = next(c for c in claims if c.name == "gain of predictive pretraining rises with size")
    assert (absent.word, absent.p_adjusted) == ("not tried", None)
    first = min(c.finding.p_value for c in claims if c.finding.p_value is not None)
    assert min(c.p_adjusted for c in claims if c.p_adjusted is not None) >= len(claims) * first


def test_a_p_value_that_does_not_survive_shows_nothing():
    found = Finding(value=0.1, low=0.01, high=0.19, p_value=0.03, patients=60, runs=6)
    assert (word(found, 0.03), word(found, 0.2)) == ("shown", "not shown")


def test_the_page_answers_from_the_numbers(planted):
    text = page([planted], judged([planted]), made=["commit"], picture="a.svg")
    assert "masked modelling does? **Shown** at 1 of 1 places" in text
    null = place_of(dense(flat()))
    text = page([null], judged([null]), made=["commit"], picture="a.svg")
    assert "masked modelling does? **Not shown** at any of 1 places" in text
    assert "**shown**" not in text


def test_places_that_disagree_are_said_to(planted):
    other = place_of(dense(flat(simclr=(0.2, 0.1, 0.0))), data="other")
    text = page([planted, other], judged([planted, other]), made=[], picture="a.svg")
    assert "**The places contradict each other**" in text


def test_the_picture_is_the_same_every_time(planted, tmp_path):
    draw([planted], tmp_path / "a.svg")
    draw([planted], tmp_path / "b.svg")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert all(paradigm in text for paradigm in PARADIGMS)


def test_edges_of_bins_come_with_the_study():
    source = bench_corruption.source("stores/a=studies/b:2,4,8")
    assert (source.store.name, source.study.name, source.edges_mm) == ("a", "b", (2, 4, 8))
    assert bench_corruption.source("a=b").edges_mm is None


@pytest.mark.parametrize("text", ["a", "a=", "a=b:4,2,8", "a=b:2", "a=b:x"])
def test_what_is_no_source_is_refused(text):
    with pytest.raises(bench_corruption.argparse.ArgumentTypeError, match=r"STORE|edges"):
        bench_corruption.source(text)
