"""How long a study takes, by hand."""

import re

import pytest

from anlage.advisor.cost import Costs
from anlage.data.store import Store
from anlage.study.config import StudyConfig
from anlage.study.hours import _told, told_hours
from anlage.study.plan import make_plan
from anlage.study.run import study


def measured(**speeds):
    """Return a table of images per second at 16 pixels, by step."""
    points = {
        (step, "resnet10", 2): [{"size": 16, "batch": 4, "images_per_s": speed, "mb": 100}]
        for step, speed in speeds.items()
    }
    return Costs("a core", "cpu", "", {}, points)


@pytest.fixture
def told(slices_store, quick):
    def ask(table, **changes):
        store = Store.open(slices_store)
        return told_hours(
            store, make_plan(store, StudyConfig.parse(quick(**changes), where="t")), table
        )

    return ask


def test_pretraining_and_adaptation_are_added_up(told):
    """2 updates of 4 images; 4 fine-tunings (2 arms, 2 draws) of 2 updates of 4 images."""
    said = told(measured(simclr=8 / 7200, finetune=32 / 3600))
    assert "roughly 3.0 h on a core; 2.0 h to pretrain, 1.0 h to adapt." in said


@pytest.mark.parametrize(
    ("changes", "hours"),
    [
        ({"pretrain_seeds": 3}, "6.0 h"),
        ({"pretrain": {"steps": 4}}, "4.0 h"),
        ({"pretrain": {"batch_size": 8}}, "4.0 h"),
        ({"pretrain": {"image_size": [32]}}, "8.0 h"),
        ({"strategies": [{"method": "simclr"}, {"method": "simclr", "name": "b"}]}, "4.0 h"),
    ],
)
def test_all_that_makes_pretraining_dearer_counts(told, changes, hours):
    assert f"{hours} to pretrain" in told(measured(simclr=8 / 7200, finetune=1.0), **changes)


@pytest.mark.parametrize(
    ("changes", "hours"),
    [
        ({"draws": 4}, "2.0 h"),
        ({"adapt": {"min_steps": 6, "max_steps": 6}}, "3.0 h"),
        ({"learning_rates": [1e-3, 1e-2]}, "2.0 h"),
        ({"rungs": ["knn"]}, "under a minute"),
    ],
)
def test_all_that_makes_adaptation_dearer_counts(told, changes, hours):
    assert f"{hours} to adapt" in told(measured(simclr=1.0, finetune=32 / 3600), **changes)


def test_a_narrower_encoder_costs_as_much_less_as_it_multiplies_less(told):
    """A convolution's work grows with the square of its width; only the first one's does not."""
    table = measured(simclr=8 / 7200, finetune=32 / 3600)

    def hours(**options):
        said = told(table, pretrain={"encoder_options": options})
        return [float(word) for word in re.findall(r"(\d+\.\d) h", said)]

    whole = hours()
    assert hours(base_width=64) == whole == [3.0, 2.0, 1.0]
    assert hours(base_width=128) == pytest.approx([4 * one for one in whole], rel=0.05)
    wide, narrow = hours(base_width=256)[1], hours(base_width=128)[1]
    assert wide / narrow == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.0, "under a minute"), (0.016, "under a minute"), (0.5, "~30 min"), (48, "~2.0 days")],
)
def test_times_are_told_in_their_own_unit(hours, said):
    assert _told(hours, "~") == said


def test_what_was_not_measured_is_said(told):
    assert "simclr not measured, taken as the dearest method" in told(measured(finetune=1.0))
    assert told(Costs("a core", "cpu", "", {}, {})) == (
        "Time: not known, resnet10 was not measured in 2D."
    )


def test_a_dry_run_says_how_long_the_study_takes(slices_store, quick, tmp_path, capsys):
    study(slices_store, out=tmp_path / "s", dry_run=True, **quick())
    assert "Time: under a minute on " in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
