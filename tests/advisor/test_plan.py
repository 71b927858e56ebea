"""The first wish that fits memory and time is taken."""

from dataclasses import replace

import pytest

from anlage.advisor import Profile
from anlage.advisor.cost import Costs
from anlage.advisor.plan import LEAST_STEPS, choose


def setup(table, method="simclr", **facts):
    found = choose(Profile(**{"dims": 2, "task": "classification", **facts}), table, method)
    assert not isinstance(found, str), found
    return found


def test_without_limits_the_first_wish_is_taken(table):
    found = setup(table, unlabelled=5000)
    assert (found.encoder, found.image_size, found.batch_size) == ("resnet18", (128, 128), 64)


def test_dense_tasks_in_3d_get_the_segmentation_encoder(table):
    assert setup(table, dims=3, task="segmentation").encoder == "resenc"


@pytest.mark.parametrize("method", ["simclr", "mae", "finetune"])
@pytest.mark.parametrize("dims", [2, 3])
def test_less_memory_never_gives_a_larger_setup(table, method, dims):
    limits = (64, 8, 4, 3, 2, 1.5, 1.0, 0.8, 0.7, 0.6)
    found = [choose(Profile(dims=dims, memory_gb=limit), table, method) for limit in limits]
    fitting = [one.cost.memory_gb for one in found if not isinstance(one, str)]
    assert fitting == sorted(fitting, reverse=True)
    assert len(set(fitting)) > 1
    assert all(
        one.cost.memory_gb <= limit
        for one, limit in zip(found, limits, strict=True)
        if not isinstance(one, str)
    )


def test_what_is_not_known_to_fit_does_not_fit():
    nothing = Costs("", "none", "", {}, {})
    assert "fit into 8 GB" in str(choose(Profile(dims=2, memory_gb=8), nothing, "simclr"))
    assert not isinstance(choose(Profile(dims=2), nothing, "simclr"), str)


def test_time_cuts_the_steps_and_then_the_strategy(table):
    whole = setup(table, unlabelled=5000)
    assert whole.cost.hours is not None
    some = setup(table, unlabelled=5000, hours=whole.cost.hours)
    assert LEAST_STEPS <= some.steps < whole.steps
    assert some.cost.hours <= whole.cost.hours / 2 + 1e-9
    assert "do not fit into" in str(choose(Profile(dims=2, hours=1e-4), table, "simclr"))


def test_small_sets_are_shown_more_often(table):
    assert setup(table, unlabelled=100).steps == 2000
    assert setup(table, unlabelled=10**7).steps == 20_000


def test_images_are_not_blown_up(table):
    assert setup(table, image_size=(70, 90)).image_size == (64, 64)


def test_no_hours_are_invented_for_a_gpu(table):
    found = setup(table, device="cuda", unlabelled=5000)
    assert found.cost.hours is None
    assert "no GPU was measured" in found.cost.basis


def test_imagenet_weights_need_an_encoder_that_has_them(table):
    profile = Profile(dims=2, task="segmentation")
    found = choose(profile, table, "finetune_dense", needs_imagenet=True)
    assert not isinstance(found, str)
    assert found.has_imagenet


def test_a_cost_names_the_machine_and_no_note_of_the_table(table):
    noted = replace(table, note="a note for those who measure")
    assert setup(noted, unlabelled=100).cost.basis == "measured on a made-up core"
