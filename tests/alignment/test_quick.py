"""The quick look: what is lost in one sentence, red only where it is shown, and cheap."""

import json
from dataclasses import replace

import numpy as np
import pytest

from anlage.alignment import quick
from anlage.alignment.auditor import Auditor
from anlage.alignment.intervals import ProbeScore, Share
from anlage.alignment.planted import control_of
from anlage.alignment.preservation import Reading
from anlage.alignment.quick import Loss, QuickLook, look_quickly


def look(fault, *, labelled=True, seed=0, images=60):
    control = control_of(fault, seed=seed, images=images)
    targets = (control.target,) if labelled else ()
    return look_quickly(control.material, control.strategy, targets=targets)


def loss_of(value, limit=0.1, low=None, **more):
    share = Share(value=value, low=value - 0.05 if low is None else low, high=value + 0.05)
    return Loss(what="{} of it", share=share, limit=limit, **more)


@pytest.mark.parametrize(
    ("fault", "images", "words"),
    [
        ("erasing_crop", 60, "of pairs of views lose more than half of a lesion"),
        ("coarse_mask", 60, "of masks hide a lesion whole"),
        ("colour_jitter", 120, "of what tells kind"),
    ],
)
def test_a_planted_fault_is_named_with_its_number_interval_and_limit(fault, images, words):
    found = look(fault, images=images)
    assert found.light == "red"
    said = found.worst_loss().says()
    assert words in said
    share, limit = found.worst_loss().share, found.worst_loss().limit
    assert f"{share.value:.0%} ({100 * share.low:.0f} to {100 * share.high:.0f}%" in said
    assert f"limit {limit:.0%})" in said
    assert share.low > limit


def test_a_clean_strategy_gives_no_red_light():
    assert all(look("none", seed=seed).worst_loss() is None for seed in range(3))


def test_a_loss_of_a_label_on_few_images_is_too_uncertain_to_tell():
    found = look("colour_jitter")
    assert found.worst_loss() is None
    assert found.unjudged == ("kind",)


def test_without_labels_a_loss_of_colour_is_not_looked_for():
    found = look("colour_jitter", labelled=False)
    assert found.light in {"green", "amber"}
    assert all(loss.label is None for loss in found.losses)
    assert [loss.label for loss in look("colour_jitter").losses].count("kind") == 1


def test_changes_of_intensity_that_the_method_does_not_want_are_not_charged():
    control = control_of("colour_jitter", seed=0, images=60)
    unwanted = replace(control.strategy, spec=replace(control.strategy.spec, intensity=False))
    found = look_quickly(control.material, unwanted, targets=(control.target,))
    assert [loss.light for loss in found.losses if loss.label == "kind"] == ["green"]


def test_no_part_of_the_plan_is_measured_alone(monkeypatch):
    def never(*_given, **_options):
        raise AssertionError("only the whole plan")

    for name in ("crop", "step", "mask"):
        monkeypatch.setattr(Auditor, name, never)
    assert look("erasing_crop").light == "red"


def test_losses_are_what_the_whole_audit_of_the_same_views_measures():
    control = control_of("coarse_mask", seed=0, images=60)
    whole = control.audit(seed=0)
    pairs, erased, hidden, kept = look("coarse_mask").losses
    assert pairs.share.value == pytest.approx(1 - whole.pairs_keep.value)
    assert pairs.share.low == pytest.approx(1 - whole.pairs_keep.high)
    assert erased.share == whole.whole.erased
    assert hidden.share == whole.whole.hidden
    assert kept.share.value == pytest.approx(max(1 - whole.whole.kept.value, 0))


def test_lesions_of_too_few_patients_say_nothing():
    control = control_of("erasing_crop", seed=0, images=60)
    maps = control.material.label_maps.clone()
    maps[14:] = 0  # two images per patient: 7 are left
    few = replace(control.material, label_maps=maps)
    found = look_quickly(few, control.strategy)
    assert (found.light, found.losses, found.lesion_images) == ("unknown", (), 0)
    maps[14:16] = control.material.label_maps[14:16]
    assert look_quickly(replace(few, label_maps=maps), control.strategy).lesion_images == 16


def test_a_label_that_no_probe_reads_says_nothing():
    control = control_of("none", seed=1, images=40)
    noise = replace(control.target, values=np.random.default_rng(3).permutation(40) % 2.0)
    bare = replace(control.material, label_maps=None)
    assert look_quickly(bare, control.strategy, targets=(noise,)).losses == ()


def test_the_worst_loss_is_the_red_one_that_is_furthest_beyond_its_limit():
    amber, mild = loss_of(0.9, low=0.0), loss_of(0.3)
    grave = loss_of(0.45, limit=0.19)
    found = QuickLook(images=9, patients=9, lesion_images=9, losses=(amber, mild, grave))
    assert found.worst_loss() is grave
    assert found.light == "red"
    assert replace(found, losses=(amber,)).worst_loss() is None
    assert replace(found, losses=()).light == "unknown"


def test_no_more_than_all_is_lost():
    worse = quick._rest(Share(value=0.12, low=-0.72, high=0.71))
    assert worse.as_json() == pytest.approx({"value": 0.88, "low": 0.29, "high": 1.0})


@pytest.mark.parametrize(
    ("ends", "label", "light"),
    [
        ((0.29, 1.0), "kind", "unknown"),  # 88% (29 to 172%) of one seed, nothing of the next
        ((0.55, 1.0), "kind", "red"),
        ((0.05, 0.3), "kind", "amber"),
        ((None, None), "kind", "unknown"),
        ((0.29, 1.0), None, "red"),  # lesions are counted, not read
    ],
)
def test_a_label_is_judged_only_where_its_interval_is_narrow(ends, label, light):
    share = Share(value=0.88 if light != "amber" else 0.2, low=ends[0], high=ends[1])
    loss = Loss(what="{} of it", share=share, limit=0.1, label=label)
    found = QuickLook(images=60, patients=60, lesion_images=9, losses=(loss,))
    assert loss.light == found.light == light
    assert (found.worst_loss() is None) == (light != "red")
    judged = ((), ("kind",)) if light == "unknown" else ((label or "lesions",), ())
    assert (found.judged, found.unjudged) == judged
    assert found.as_json()["judged"] == list(judged[0])


@pytest.mark.parametrize(("low", "is_read"), [(0.59, False), (0.61, True)])
def test_a_label_is_looked_at_only_where_the_probe_reads_it_clearly(low, is_read, monkeypatch):
    score = ProbeScore(value=0.8, low=low, high=0.9, kind="AUROC", chance=0.5)
    monkeypatch.setattr(Reading, "share", lambda _self: score)
    found = look("colour_jitter")
    assert [loss.label for loss in found.losses].count("kind") == is_read
    assert found.unread == (() if is_read else ("kind",))


def test_views_that_gain_lose_nothing():
    gain = quick._rest(Share(value=1.1, low=0.95, high=1.3))
    assert gain.as_json() == {"value": 0.0, "low": 0.0, "high": 0.05}


def test_a_label_with_braces_in_its_name_is_no_fault():
    control = control_of("colour_jitter", seed=0, images=120)
    named = replace(control.target, name="{kind}")
    found = look_quickly(control.material, control.strategy, targets=(named,))
    assert "what tells {kind}" in found.worst_loss().says()
    assert "{kind}" in json.dumps(found.as_json(), allow_nan=False)


def test_the_same_images_give_the_same_answer():
    assert look("erasing_crop").as_json() == look("erasing_crop").as_json()
