"""Partial pooling: between the surroundings and the cell's own studies."""

import numpy as np
import pytest

from anlage.evidence.effects import VarianceModel
from anlage.evidence.shrinkage import PartialPooling, combine

TASKS = ("classification", "segmentation", "detection", "anomaly")


@pytest.fixture
def world(make):
    """Studies of four tasks whose true means are 0, 4, 8 and 12 points."""

    def build(*, noise, studies=12, seed=0):
        rng = np.random.default_rng(seed)
        return [
            make(
                row=f"E{100 * place + n:03d}",
                study=f"S{100 * place + n:03d}",
                task=task,
                ssl=float(np.clip(0.5 + (4 * place + rng.normal(0, noise)) / 100, 0, 1)),
                baseline=0.5,
            )
            for place, task in enumerate(TASKS)
            for n in range(1, studies + 1)
        ]

    return build


@pytest.mark.parametrize(("prior_variance", "data_variance"), [(1.0, 1.0), (4.0, 1.0), (0.5, 9.0)])
def test_two_normals_are_joined_as_bayes_says(prior_variance, data_variance):
    mean, variance, share = combine(2.0, prior_variance, 7.0, data_variance)
    grid = np.linspace(-60, 60, 200_001)
    density = np.exp(-((grid - 2) ** 2) / 2 / prior_variance - (grid - 7) ** 2 / 2 / data_variance)
    density /= density.sum()
    assert mean == pytest.approx((grid * density).sum(), abs=1e-6)
    assert variance == pytest.approx(((grid - mean) ** 2 * density).sum(), rel=1e-5)
    assert mean == pytest.approx(2 + share * 5)


def test_a_certain_prior_is_not_moved():
    assert combine(2.0, 0.0, 7.0, 1.0) == (2.0, 0.0, 0.0)


def test_tasks_that_differ_are_told_apart(world):
    pooling = PartialPooling(world(noise=1.0), VarianceModel(variance=1.0))
    means = [pooling.prior({"task": task})[0] for task in TASKS]
    assert means == pytest.approx([0, 4, 8, 12], abs=1.5)


def test_tasks_that_do_not_differ_share_one_mean(make):
    rng = np.random.default_rng(3)
    rows = [
        make(study=f"S{n:03d}", task=TASKS[n % 4], ssl=float(0.6 + rng.normal(0, 0.05)))
        for n in range(1, 41)
    ]
    pooling = PartialPooling(rows, VarianceModel(variance=25.0))
    means = [pooling.prior({"task": task})[0] for task in TASKS]
    assert max(means) - min(means) < 1.0


def test_a_cell_without_studies_gets_what_surrounds_it(world):
    pooling = PartialPooling(world(noise=1.0), VarianceModel(variance=1.0))
    found = pooling.expect({"task": "detection"}, [])
    assert (found.weight, found.k) == (0.0, 0)
    assert found.mean == found.prior == pytest.approx(8, abs=1.5)


def test_an_unseen_level_is_uncertain_not_impossible(world):
    pooling = PartialPooling(world(noise=1.0), VarianceModel(variance=1.0))
    seen = pooling.prior({"task": "detection"})
    unseen = pooling.prior({"task": "retrieval"})
    assert unseen[0] == pytest.approx(pooling.mean)
    assert unseen[1] > seen[1]


def test_own_studies_pull_the_more_the_more_there_are(world, make):
    pooling = PartialPooling(world(noise=3.0), VarianceModel(variance=9.0))
    question = {"task": "classification", "modality": "oct"}
    own = [make(study=f"S9{n:02d}", ssl=0.8, baseline=0.5) for n in range(6)]
    found = [pooling.expect(question, own[:k]) for k in (0, 1, 3, 6)]
    assert [f.mean for f in found] == sorted(f.mean for f in found)
    assert [f.weight for f in found] == sorted(f.weight for f in found)
    assert all(f.prior <= f.mean <= 30 for f in found)


def test_cells_that_differ_beyond_their_factors_make_every_cell_less_certain(make):
    def rows(crossed):
        return [
            make(
                study=f"S{n:03d}",
                task=TASKS[n % 2],
                modality=("ct", "mri")[n // 2 % 2],
                ssl=0.6 + crossed * (0.1 if n % 2 == n // 2 % 2 else -0.1),
                baseline=0.5,
            )
            for n in range(1, 41)
        ]

    model = VarianceModel(variance=1.0)
    plain, crossed = PartialPooling(rows(0), model), PartialPooling(rows(1), model)
    assert plain.cell_tau2 == 0
    assert crossed.cell_tau2 > 50
    assert crossed.prior({"task": TASKS[0]})[1] > crossed.cell_tau2


def test_a_study_that_tries_many_cells_has_one_vote(make):
    lone = [make(study=f"S{n:03d}", modality="mri", ssl=0.55, baseline=0.5) for n in range(1, 9)]
    spread = [
        make(study="S100", modality="mri", label_fraction=share, ssl=0.95, baseline=0.5)
        for share in (0.0, 0.01, 0.1, 0.5, 1.0)
    ]
    pooling = PartialPooling([*lone, *spread], VarianceModel(variance=4.0))
    weights = {unit.effect: unit.weight for unit in pooling._units}
    assert len(pooling._units) == 13
    assert sum(u.weight for u in pooling._units if u.effect > 40) == pytest.approx(
        weights[min(weights)]
    )


def test_rows_of_one_study_do_not_count_as_studies(world, make):
    pooling = PartialPooling(world(noise=3.0), VarianceModel(variance=9.0))
    rows = [make(study="S900", ssl=0.8, baseline=0.5)] * 20
    alone = pooling.expect({}, rows[:1])
    assert pooling.expect({}, rows).weight < 1.2 * alone.weight
    assert pooling.expect({}, rows).k == 1


def test_a_new_study_is_less_certain_than_the_mean(world):
    found = PartialPooling(world(noise=3.0), VarianceModel(variance=1.0)).expect({}, [])
    assert found.predicted_low < found.low < found.mean < found.high < found.predicted_high


@pytest.mark.parametrize("factor", ["task", "paradigm", "band", "modality"])
def test_every_factor_matters(make, factor):
    levels = {
        "task": ("classification", "segmentation"),
        "paradigm": ("contrastive", "generative"),
        "band": (0.01, 1.0),
        "modality": ("ct", "mri"),
    }[factor]
    name = "label_fraction" if factor == "band" else factor
    rows = [
        make(study=f"S{n:03d}", ssl=0.9 if n % 2 else 0.6, baseline=0.5, **{name: levels[n % 2]})
        for n in range(1, 31)
    ]
    pooling = PartialPooling(rows, VarianceModel(variance=1.0))
    low, high = ("few", "all") if factor == "band" else levels
    assert pooling.prior({factor: low})[0] < pooling.prior({factor: high})[0] - 10


def test_results_without_any_variance_do_not_divide_by_zero(make):
    rows = [make(study=f"S{n:03d}") for n in range(1, 5)]
    found = PartialPooling(rows, VarianceModel(variance=0.0)).expect({"task": "segmentation"}, rows)
    assert found.mean == pytest.approx(10.0)
