"""What is not known is tried in every value."""

import pytest

from anlage.advisor import Profile
from anlage.advisor.forecast import (
    against_imagenet,
    imagenet_gain,
    method_gain,
    method_gap,
    weights_gain,
    yield_of,
)
from anlage.advisor.gain import gain_model

KNOWN = {
    "modality": "cxr",
    "task": "classification",
    "dims": 2,
    "labelled": 50,
    "unlabelled": 5000,
    "signal": "global",
}


@pytest.fixture(scope="module")
def model(published):
    return gain_model(published)


def gain(model, paradigm="contrastive", method="simclr", batch=64, **facts):
    return method_gain(
        model, Profile(**{**KNOWN, **facts}), paradigm=paradigm, method=method, batch=batch
    )


@pytest.mark.parametrize("name", ["modality", "task", "dims", "labelled", "unlabelled", "signal"])
@pytest.mark.parametrize("paradigm", ["contrastive", "generative"])
def test_an_unknown_fact_widens_the_interval(model, name, paradigm):
    method = {"contrastive": "simclr", "generative": "mae"}[paradigm]
    known = gain(model, paradigm, method)
    unknown = gain(model, paradigm, method, **{name: None})
    assert unknown.low <= known.low + 1e-9
    assert unknown.high >= known.high - 1e-9


def test_terms_make_up_the_mean(model):
    found = gain(model)
    *parts, share = found.terms.values()
    assert share * sum(parts) == pytest.approx(found.mean)


def test_half_of_the_gain_is_left_at_so_many_patients():
    assert yield_of(Profile(dims=2, unlabelled=1000)) == (0.5, 0.5)
    assert yield_of(Profile(dims=3, unlabelled=200)) == (0.5, 0.5)
    assert yield_of(Profile(dims=2)) == (0.0, 1.0)
    assert yield_of(Profile(unlabelled=1000)) == (0.5, pytest.approx(1000 / 1200))


def test_few_images_shrink_the_mean_not_the_doubt(model):
    many, few = gain(model, unlabelled=100_000), gain(model, unlabelled=100)
    assert few.mean < many.mean / 5
    assert few.high - few.low == pytest.approx(many.high - many.low, rel=0.15)


def test_a_small_batch_speaks_against_contrast_alone(model):
    assert gain(model, batch=16).mean < gain(model, batch=64).mean
    mae = [gain(model, "generative", "mae", batch=batch).mean for batch in (16, 64)]
    assert mae[0] == pytest.approx(mae[1])


def test_imagenet_is_compared_indirectly(model):
    slope, error = model.level.slopes["imagenet"]
    found = imagenet_gain(model)
    assert found.mean == pytest.approx(-slope)
    assert (found.high - found.low) / 2 > 1.64 * error
    over = against_imagenet(gain(model), model)
    assert over.mean == pytest.approx(gain(model).mean + slope)
    assert over.high - over.low > gain(model).high - gain(model).low


def test_public_weights_gain_like_an_unknown_method_on_plenty_of_images(model):
    few = weights_gain(model, Profile(**{**KNOWN, "unlabelled": 100, "labelled": 1}))
    many = weights_gain(model, Profile(**{**KNOWN, "unlabelled": 1_000_000, "labelled": 10_000}))
    assert few.mean == pytest.approx(many.mean)


def test_harm_falls_with_the_expected_gain(model):
    good, bad = gain(model, unlabelled=100_000), gain(model, unlabelled=100)
    assert good.mean > bad.mean
    assert good.harm < bad.harm


def test_two_methods_on_the_same_images_differ_by_less_than_their_gains_are_unsure(model):
    profile = Profile(**KNOWN)
    first, second = ("contrastive", "simclr", 64), ("generative", "mae", 64)
    gap = method_gap(model, profile, first, second)
    means = [gain(model).mean, gain(model, "generative", "mae").mean]
    assert gap is not None
    assert gap.mean == pytest.approx(means[0] - means[1])
    assert gap.high - gap.low < 0.8 * (gain(model).high - gain(model).low)
    back = method_gap(model, profile, second, first)
    assert back is not None
    assert (back.mean, back.low) == (pytest.approx(-gap.mean), pytest.approx(-gap.high))


def test_methods_are_not_compared_where_the_case_is_not_known(model):
    first, second = ("contrastive", "simclr", 64), ("generative", "mae", 64)
    unknown = Profile(**{**KNOWN, "unlabelled": None})
    assert method_gap(model, unknown, first, second) is None
