import numpy as np
import pytest

from anlage.metrics._resampling import Plan, resample
from anlage.metrics.classification.auroc import auroc_score


def test_class_that_only_one_patient_has_keeps_its_part_when_that_one_is_left_out(rng):
    target = np.r_[np.arange(20) % 2, 2]
    run = auroc_score.prepare(target, rng.random((21, 3)))
    plan = Plan.of(21, None, None, 10, 0.95)
    (found,) = resample([[run]], plan, None, rng)
    without_last = run.parts((np.arange(21) < 20)[None].astype(float))[0]
    assert np.isnan(without_last).tolist() == [False, False, True]
    expected = np.append(without_last[:2], run.value().parts[2]).mean()
    assert np.isclose(found.left_out, expected).any()
    assert not np.isnan(found.left_out).any()


@pytest.mark.parametrize("strata", [None, [0] * 10 + [1] * 30])
def test_draws_keep_the_number_of_patients_of_each_stratum(rng, strata):
    groups = np.repeat(np.arange(20), 2)
    plan = Plan.of(40, groups, strata, 250, 0.95)
    counts = np.concatenate(list(plan.patients.draws(250, rng)))
    assert counts.shape == (250, 20)
    assert set(counts.sum(axis=1)) == {20}
    assert counts.mean(axis=0) == pytest.approx(1, abs=0.3)
    assert counts.var() == pytest.approx(0.95 if strata is None else 0.9, abs=0.05)
    assert (set(counts[:, :5].sum(axis=1)) == {5}) == (strata is not None)


def test_every_patient_is_left_out_once_also_in_blocks(rng):
    for patients, blocks in ((30, 30), (2500, 1000)):
        plan = Plan.of(patients, None, None, 1, 0.95)
        kept = np.concatenate(list(plan.patients.left_out(rng)))
        assert kept.shape == (blocks, patients)
        assert ((1 - kept).sum(axis=0) == 1).all()
        assert set((1 - kept).sum(axis=1)) <= {patients // blocks, -(-patients // blocks)}
