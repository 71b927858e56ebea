"""Cases whose answer is known beforehand, with the reason that must be given.

Expectations are about order and reasons, not about figures: results are added to the base.
"""

from __future__ import annotations

import pytest

from anlage.advisor import Advice
from anlage.advisor.profile import Audited
from anlage.advisor.words import as_markdown


def order(advice: Advice) -> list[str]:
    """Return methods (or kinds) from best to worst."""
    return [found.strategy.method or found.strategy.kind for found in advice.ranked]


def before(advice: Advice, first: str, second: str) -> bool:
    names = order(advice)
    return names.index(first) < names.index(second)


def reasons(advice: Advice, name: str) -> tuple[set[str], set[str]]:
    """Return the ids for and against a method or kind."""
    found = next(
        one
        for one in (*advice.ranked, *advice.not_ready)
        if name in {one.strategy.method, one.strategy.kind}
    )
    return {r.id for r in found.supporting}, {r.id for r in found.opposing}


@pytest.fixture(scope="module")
def ct(ask):
    return ask(modality="ct", task="segmentation", dims=3, labelled=40, unlabelled=300)


def test_lesions_in_ct_volumes_want_reconstruction_not_contrast(ct):
    assert before(ct, "mae", "simclr")
    assert before(ct, "aligned_mae", "simclr")
    assert "R02" in reasons(ct, "mae")[0]
    assert {"R02", "R60"} <= reasons(ct, "simclr")[1]


def test_forty_labels_of_three_hundred_volumes_promise_little(ct):
    assert all(one.over_scratch.mean < 2 for one in ct.ranked)
    assert all(one.chance < 0.6 for one in ct.ranked)
    assert "R22" in reasons(ct, "mae")[1]


def test_there_are_no_imagenet_weights_for_volumes(ct):
    assert "imagenet" not in {found.strategy.kind for found in (*ct.ranked, *ct.not_ready)}
    assert ct.ranked[0].over_imagenet is None


CXR = {
    "modality": "cxr",
    "task": "classification",
    "dims": 2,
    "signal": "global",
    "unlabelled": 50_000,
    "weights": ("imagenet",),
}


def test_chest_xrays_with_few_labels_want_contrast(ask):
    few = ask(**CXR, labelled=500)
    assert few.first.strategy.paradigm in {"contrastive", "predictive"}
    assert before(few, "simclr", "mae")
    assert before(few, "simclr", "imagenet")
    assert {"R01", "R20"} <= reasons(few, "simclr")[0]


def test_chest_xrays_with_all_labels_want_imagenet(ask):
    every = ask(**CXR, labelled=50_000)
    assert order(every)[0] == "imagenet"
    assert "R21" in reasons(every, "simclr")[1]
    few = ask(**CXR, labelled=500)
    gains = [
        next(one.over_scratch.mean for one in found.ranked if one.strategy.method == "simclr")
        for found in (every, few)
    ]
    assert gains[0] < gains[1]


def test_a_better_evidenced_family_that_is_missing_is_named(ask):
    from anlage import plugins

    few = ask(**CXR, labelled=500)
    families = {"moco", "dino", "image_text", "medaug"} - set(plugins.available("methods"))
    assert {one.name for one in few.missing} & families


def test_three_hundred_skin_images_want_public_weights(ask):
    facts = {"modality": "dermoscopy", "task": "classification", "dims": 2, "labelled": 100}
    with_weights = ask(**facts, unlabelled=300, weights=("imagenet",))
    assert order(with_weights)[0] == "imagenet"
    assert with_weights.first.over_scratch.mean > 2 * with_weights.ranked[1].over_scratch.mean
    assert "R22" in reasons(with_weights, "imagenet")[0]
    without = ask(**facts, unlabelled=300, weights=())
    assert all(one.over_scratch.mean < 2 for one in without.ranked)


def test_ultrasound_wants_contrast_and_a_look_at_sites(ask):
    found = ask(
        modality="ultrasound",
        task="classification",
        dims=2,
        labelled=100,
        unlabelled=2000,
        sites=4,
        signal="global",
    )
    assert order(found)[0] == "simclr"
    assert "R08" in reasons(found, "simclr")[0]
    assert "R08" in reasons(found, "vicreg")[1]
    assert "R26" in reasons(found, "simclr")[1]
    assert any("site" in risk for risk in found.first.risks)
    assert any("site" in step for step in found.first.strategy.evaluation.also)


def test_histology_tiles_want_joint_embedding_without_foreign_hues(ask):
    found = ask(
        modality="histology", task="classification", dims=2, labelled=100, unlabelled=20_000
    )
    assert found.first.strategy.paradigm in {"contrastive", "predictive"}
    assert "R07" in reasons(found, "vicreg")[0]
    assert "grayscale" not in found.first.strategy.views.used


def test_fundus_grading_wants_joint_embedding_and_weak_views(ask):
    found = ask(
        modality="fundus",
        task="classification",
        dims=2,
        labelled=100,
        unlabelled=20_000,
        signal="global",
    )
    assert found.first.strategy.paradigm in {"contrastive", "predictive"}
    assert "R01" in reasons(found, "simclr")[0]
    assert not {"gaussian_blur", "bias_field"} & set(found.first.strategy.views.used)


def test_brain_age_wants_masking(ask):
    found = ask(modality="mri", task="regression", dims=3, labelled=1000, unlabelled=20_000)
    assert before(found, "mae", "simclr")
    assert before(found, "mae", "vicreg")
    assert "R10" in reasons(found, "mae")[0]


def test_anomalies_are_never_sought_by_image_level_contrast(ask):
    found = ask(
        modality="mri", task="anomaly", dims=2, labelled=0, unlabelled=2000, normals_only=True
    )
    assert "simclr" not in order(found)
    assert "R11" in found.left_out["simclr"]
    assert "R11" in reasons(found, "mae")[0]
    assert before(found, "mae", "vicreg")


def test_a_batch_of_sixteen_speaks_against_contrast_within_it(ask, table):
    facts = {"modality": "cxr", "task": "classification", "dims": 2, "signal": "global"}
    need = table.memory_gb("simclr", "resnet18", 2, 128, 16)
    assert need is not None
    small = ask(**facts, labelled=50, unlabelled=5000, device="cuda", memory_gb=need * 1.01)
    setups = {one.strategy.method: one.strategy.batch_size for one in small.ranked}
    assert setups["simclr"] < 64
    assert "R60" in reasons(small, "simclr")[1]
    assert before(small, "vicreg", "simclr")
    assert any("GPU" in note for note in small.notes)
    assert small.first.cost.hours is None


def test_a_label_with_a_side_never_meets_a_mirror(ask):
    found = ask(modality="cxr", task="classification", dims=2, has_side=True)
    every = (*found.ranked, *found.not_ready)
    assert every
    assert not any("flip_lr" in one.strategy.views.used for one in every)
    assert all("R31" in one.strategy.views.left_out["flip_lr"] for one in every)


def test_nothing_known_still_gives_an_answer_that_asks(ask):
    found = ask()
    assert found.first.confidence == "very low"
    assert "the modality" in found.first.would_raise[0]


@pytest.mark.parametrize("gain", [-9.0, 9.0])
@pytest.mark.parametrize("kept", [0.0, 0.1, 1.0])
def test_an_audit_changes_neither_ranking_nor_expected_gain(ask, kept, gain):
    facts = {**CXR, "labelled": 500}
    plain = ask(**facts)
    found = {"kept": kept, "gain": gain, "low": gain - 1, "high": gain + 1}
    audited = ask(**facts, alignment={order(plain)[0]: found})
    for one, other in zip(plain.ranked, audited.ranked, strict=True):
        assert other.title == one.title
        assert (other.over_scratch, other.counted, other.harm, other.confidence) == (
            one.over_scratch,
            one.counted,
            one.harm,
            one.confidence,
        )
    assert audited.first.alignment == Audited(**found)
    assert any("audit" in note for note in audited.notes)
    assert not any("audit" in note for note in plain.notes)


def test_the_number_that_ranks_is_shown(ask):
    advice = ask(**CXR, labelled=500)
    counted = [one.counted for one in advice.ranked]
    assert counted == sorted(counted, reverse=True)
    for one in advice.ranked:
        assert one.counted == pytest.approx(one.over_scratch.mean - one.price)
        assert one.price == (1.0 if one.strategy.kind == "pretrain" else 0.0)
    found = next(one for one in advice.ranked if one.strategy.method == "simclr")
    told = f"{found.counted:+.1f}"
    assert any(f"ranked by {told}." in step for step in advice.why)
    assert f"ranked by: {told} (the expected gain, less 1 for its cost)" in (
        as_markdown(advice, every=True)
    )


def test_a_pretraining_comes_first_only_if_it_is_expected_to_be_worth_its_hours(ask):
    """By the expected gain less a point: neither by its lower end, nor whatever it costs."""
    seen = set()
    for unlabelled in (50, 150, 400, 1000, 3000):
        facts = {"modality": "cxr", "task": "classification", "dims": 2, "signal": "global"}
        advice = ask(**facts, labelled=50, unlabelled=unlabelled, weights=())
        gain = max(
            one.over_scratch.mean for one in advice.ranked if one.strategy.kind == "pretrain"
        )
        assert (order(advice)[0] != "none") == (gain > 1.0)
        assert advice.first.over_scratch.low < 0 or order(advice)[0] == "none"
        seen.add(gain > 1.0)
    assert seen == {True, False}


def test_the_chance_of_a_gain_is_told(ask):
    advice = ask(**CXR, labelled=500)
    assert advice.first.chance == pytest.approx(1 - advice.first.harm)
    assert f"chance of a gain: {100 * advice.first.chance:.0f} %" in as_markdown(advice)


def test_every_reason_can_be_looked_up(ask, published):
    found = ask(**CXR, labelled=500)
    ids = {
        reason.id
        for one in (*found.ranked, *found.not_ready)
        for reason in (*one.supporting, *one.opposing)
    }
    assert len(ids) > 10
    assert all(published.find(name) for name in ids)
