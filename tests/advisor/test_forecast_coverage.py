"""Intervals of `advise` itself hold what a study showed that it does not know."""

import pytest

from anlage.advisor import Profile, advise
from anlage.advisor.results import is_transformer, usable
from anlage.evidence.base import Base


@pytest.fixture(scope="module")
def foretold(published, table):
    """Return effect and interval of results of every third study, without that study."""
    studies = sorted({row.study for row in usable(published.rows)})[::3]
    found = []
    for study in studies:
        rest = tuple(row for row in published.rows if row.study != study)
        rows = [row for row in usable(published.rows) if row.study == study]
        for row in [row for row in rows if row.baseline_type == "scratch"][:2]:
            profile = Profile(
                modality=row.modality[0],
                task=row.task[0],
                dims={"2d": 2, "3d": 3}.get(row.dims[0]),
                labelled=row.label_count,
            )
            advice = advise(profile, base=Base(rest, published.rules), table=table)
            every = (*advice.ranked, *advice.not_ready)
            gain = next(
                (one.over_scratch for one in every if one.strategy.paradigm == row.paradigm), None
            )
            if gain is not None:
                found.append((row, gain))
    return found


def test_most_published_results_lie_inside_without_their_study(foretold):
    inside = [gain.low <= row.effect <= gain.high for row, gain in foretold]
    assert len(inside) > 8
    assert sum(inside) / len(inside) >= 0.7


def test_what_lies_outside_is_a_home_game_or_a_transformer(foretold):
    """The advisor answers for a CNN that is run by somebody else than the authors."""
    missed = [row for row, gain in foretold if not gain.low <= row.effect <= gain.high]
    assert all(row.origin == "own" or is_transformer(row) for row in missed)
